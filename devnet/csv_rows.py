"""Reads the payments out of the CSV of a real currency, whatever program wrote it.

Reads one file and nothing else. Columns and decimal mark are found from the file, encoding and delimiter by
`csv_text`; a row that cannot be read is kept with its line number and a reason, and never spoils its neighbours.
Whether a payment is allowed is not asked here: the rules judge that on the real path (`replay`).
"""

import dataclasses
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import islice
from pathlib import Path

from protocol.base import NOTE_BYTES_MAX
from protocol.ops import FORBIDDEN_CODE_POINTS

from .csv_amounts import NotAnAmount, decimal_mark, read_amount
from .csv_columns import GUESS_ALL, Columns, Wanted, find_column, find_columns
from .csv_text import SAMPLE_LINES, Record, find_delimiter, find_encoding, is_hint, records

CHUNK_BYTES = 1 << 20
_ORDERED_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}.*|[0-9]{10}(\.[0-9]+)?", re.DOTALL)
"""Dates whose text sorts as the days do: 2020-01-25 and so on, or seconds since 1970."""


class NotACsv(ValueError):
    """The file as a whole cannot be read. Its words say why and what to do."""


@dataclass(frozen=True, slots=True)
class Row:
    """One payment of the file. `amount` is in minor units and may be zero or less: the rules refuse that."""

    line: int
    payer: str
    payee: str
    amount: int
    memo: str
    date: str
    rounded: bool
    memo_cut: bool


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A row that says no payment: where, and why."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class Table:
    """All that was read. Every record of the file that passed the filters is in `rows` or in `unreadable`."""

    rows: tuple[Row, ...]
    unreadable: tuple[Unreadable, ...]
    passed_over: int
    """Records that a filter left out."""
    columns: dict[str, str]
    """Role -> the column's title, as settled."""
    delimiter: str
    encoding: str
    digest: str
    """BLAKE2b of the file's bytes, 16 hex digits: part of every row's ref."""

    @property
    def members(self) -> tuple[str, ...]:
        """Everybody named in a readable row, in order of first appearance."""
        return tuple(dict.fromkeys(name for row in self.rows for name in (row.payer, row.payee)))

    @property
    def rounded(self) -> int:
        return sum(row.rounded for row in self.rows)

    @property
    def runs_backwards(self) -> bool:
        """Tell whether the newest row comes first, as far as the dates of the first and the last can be compared."""
        ends = [row.date for row in (*self.rows[:1], *self.rows[-1:])]
        return all(map(_ORDERED_DATE.fullmatch, ends)) and ends[:1] > ends[1:]

    def ref(self, row: Row) -> str:
        """Name a row for ever: the same file again is the same payments again."""
        return f"{self.digest}-{row.line}"


def clean_memo(text: str) -> tuple[str, bool]:
    """Make words fit for a note: no forbidden code points, at most 256 bytes. Tells whether anything was cut."""
    words = "".join(" " if _forbidden(ord(char)) else char for char in text)
    raw = " ".join(words.split()).encode()
    cut = raw[:NOTE_BYTES_MAX].decode(errors="ignore")
    return cut, len(raw) > NOTE_BYTES_MAX


def _forbidden(point: int) -> bool:
    return any(low <= point <= high for low, high in FORBIDDEN_CODE_POINTS)


@dataclass(frozen=True, slots=True)
class _Raw:
    """What matters of one record, still as text."""

    line: int
    payer: str
    payee: str
    amount: str
    date: str
    memo: str


def _sift(
    listed: Iterable[Record], header: Sequence[str], columns: Columns, where: Sequence[tuple[str, str]]
) -> tuple[list[_Raw], list[Unreadable], int]:
    """Part the records into those to read, those that cannot be read, and a count of those left out by a filter."""
    filters = [(find_column(header, name), value.strip()) for name, value in where]
    kept: list[_Raw] = []
    bad: list[Unreadable] = []
    passed_over = 0
    for record in listed:
        fault = record.fault or _fault(record, header, columns, filters)
        if fault is not None:
            bad.append(Unreadable(record.line, fault))
        elif any(record.fields[place].strip() != value for place, value in filters):
            passed_over += 1
        else:
            kept.append(_raw(record, columns))
    return kept, bad, passed_over


def _fault(record: Record, header: Sequence[str], columns: Columns, filters: Sequence[tuple[int, str]]) -> str | None:
    """Say what is wrong with the shape of a record, or None."""
    needed = max(columns.payer, columns.payee, columns.amount, *(place for place, _ in filters), 0)
    if len(record.fields) <= needed:
        return f"{len(record.fields)} columns, {len(header)} were expected"
    if any(field.strip() for field in record.fields[len(header) :]):
        return f"{len(record.fields)} columns, {len(header)} were expected"
    return None


def _raw(record: Record, columns: Columns) -> _Raw:
    def at(place: int | None) -> str:
        return "" if place is None or place >= len(record.fields) else record.fields[place].strip()

    # A few thousand names fill hundreds of thousands of rows: each is kept once.
    payer, payee = sys.intern(at(columns.payer)), sys.intern(at(columns.payee))
    return _Raw(record.line, payer, payee, at(columns.amount), at(columns.date), at(columns.memo))


def _read_row(raw: _Raw, decimals: int, mark: str) -> Row | Unreadable:
    for role, name in (("payer", raw.payer), ("payee", raw.payee)):
        if not name:
            return Unreadable(raw.line, f"the {role} is missing")
    try:
        amount = read_amount(raw.amount, decimals, mark)
    except NotAnAmount as error:
        return Unreadable(raw.line, str(error))
    memo, cut = clean_memo(raw.memo)
    return Row(raw.line, raw.payer, raw.payee, amount.minor, memo, raw.date, amount.rounded, cut)


def _digest(path: Path) -> str:
    """Hash the file's bytes: BLAKE2b, 16 hex digits."""
    sponge = blake2b(digest_size=8, person=b"tally csv")
    with path.open("rb") as source:
        while chunk := source.read(CHUNK_BYTES):
            sponge.update(chunk)
    return sponge.hexdigest()


def _titles(header: Sequence[str], columns: Columns) -> dict[str, str]:
    places = {role.name: getattr(columns, role.name) for role in dataclasses.fields(Columns)}
    return {role: header[place].strip() for role, place in places.items() if place is not None}


def read_table(
    path: Path, wanted: Wanted = GUESS_ALL, decimals: int = 2, where: Sequence[tuple[str, str]] = ()
) -> Table:
    """Read the payments of the file at `path`; `where` keeps records whose column has exactly that value.

    Raises NotACsv or NoSuchColumn when no row can be read at all, and OSError.
    """
    encoding = find_encoding(path)
    with path.open(encoding=encoding, errors="replace", newline="") as source:
        delimiter = find_delimiter(list(islice(source, SAMPLE_LINES)))
    with path.open(encoding=encoding, errors="replace", newline="") as source:
        listed = (record for record in records(source, delimiter) if not is_hint(record))
        header = next((record.fields for record in listed if record.fault is None), None)
        if header is None:
            raise NotACsv(f"{path.name} is empty: its first line must name the columns")
        columns = find_columns(header, wanted)
        kept, bad, passed_over = _sift(listed, header, columns, where)
    mark = decimal_mark(raw.amount for raw in kept)
    read = [_read_row(raw, decimals, mark) for raw in kept]
    bad += [item for item in read if isinstance(item, Unreadable)]
    return Table(
        rows=tuple(item for item in read if isinstance(item, Row)),
        unreadable=tuple(sorted(bad, key=lambda item: item.line)),
        passed_over=passed_over,
        columns=_titles(header, columns),
        delimiter=delimiter,
        encoding=encoding,
        digest=_digest(path),
    )
