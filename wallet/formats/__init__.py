"""Payments as files: what accounting programs, spreadsheets and scripts read.

    rows        one line of an export, the same for all formats
    csvfile, jsonlines, hledger   each writes rows as text, line by line; none keeps more than a line
    batchfile   reads the CSV of a batch of payments

Only text in and text out: what is exported and who may see it is decided in `wallet.formats.exporting`.
"""

from collections.abc import Mapping

from . import csvfile, hledger, jsonlines
from .rows import Writer

WRITERS: Mapping[str, Writer] = {
    "csv": Writer("text/csv; charset=utf-8", csvfile.head, csvfile.line),
    "jsonl": Writer("application/jsonl; charset=utf-8", jsonlines.head, jsonlines.line),
    "hledger": Writer("text/plain; charset=utf-8", hledger.head, hledger.line),
}
"""The formats by the names that people type."""
