"""Payments as CSV (RFC 4180) with a title row: for spreadsheets, and for whatever else reads tables.

A spreadsheet runs a cell that begins like a formula. Memos and refs are other people's words, so such a cell gets an
apostrophe in front (OWASP, CSV injection); JSON lines have the words as they are.
"""

import csv
import io
from collections.abc import Sequence

from .rows import ExportRow, Place

COLUMNS = ("id", "entry", "kind", "time", "payer", "payee", "amount", "unit", "state", "memo", "sealed", "ref")
RUN_BY_SPREADSHEETS = ("=", "+", "-", "@", "\t", "\r", "\n")


def head(_: Place) -> str:
    """The titles."""
    return _written(COLUMNS)


def line(row: ExportRow) -> str:
    """One row; times are ISO 8601 in UTC."""
    words = (row.memo or "", "yes" if row.sealed else "", row.ref or "")
    return _written(
        (row.id, row.entry, row.kind, row.moment.strftime("%Y-%m-%dT%H:%M:%SZ"), row.payer, row.payee, row.amount,
         defused(row.unit), row.state, *map(defused, words))
    )  # fmt: skip


def defused(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula, also where it trims what stands before."""
    return f"'{cell}" if cell.lstrip(" ").startswith(RUN_BY_SPREADSHEETS) else cell


def _written(cells: Sequence[str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow(cells)
    return text.getvalue()
