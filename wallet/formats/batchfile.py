"""Reads the CSV of a batch of payments: title row, then a payee, an amount and perhaps memo and ref in each line.

Takes what spreadsheets write (comma, semicolon or tab; quotes; a byte order mark) and guesses nothing: an amount that
can be read in two ways is a fault, and every fault names its line.
"""

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b

BYTES_MAX = 16 << 20
ROWS_MAX = 100_000
CELL_MAX = 2_000
TITLES_MAX = 100_000
DELIMITERS = (",", ";", "\t")
NEEDED, KNOWN = ("payee", "amount"), ("payee", "amount", "memo", "ref")
REF_LETTERS = 24
_POINT = re.compile(r"[0-9]+(\.[0-9]+)?", re.ASCII)
_COMMA = re.compile(r"([0-9]+),([0-9]+)", re.ASCII)
_LINE_END = re.compile(r"[\r\n]")
THOUSANDS = 3
"""Digits behind a comma that may stand for thousands as well."""


@dataclass(frozen=True, slots=True)
class BatchRow:
    """One payment as the file has it. `line` counts from 1, titles included; the amount is digits with a point."""

    line: int
    payee: str
    amount: str
    memo: str | None
    ref: str
    """The file's own, else one that follows from what the row says."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a line; line 0 is the whole file."""

    line: int
    words: str


@dataclass(frozen=True, slots=True)
class BatchFile:
    """What a file says. With faults there may be fewer rows than lines."""

    rows: tuple[BatchRow, ...]
    faults: tuple[Fault, ...]
    left_out: tuple[str, ...] = ()
    """Titles of columns that are not read."""


class Unreadable(Exception):
    """The file is no such table at all; the words say why."""


def read_batch(content: bytes, run: str = "") -> BatchFile:
    """Read the whole file. Raises Unreadable where there is no table; faults of single lines are in the result.

    A row without a ref gets one that follows from `run`, payee, amount and memo, and from which of several equal rows
    it is: the same file gives the same refs, also after rows were added to it or moved.
    """
    text = _text(content)
    titles, delimiter = _titles(text)
    table = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    lines = _Lines(titles, run)
    try:
        for number, cells in _numbered(table):
            lines.take(number, cells)
    except csv.Error as error:
        lines.faults.append(Fault(table.line_num, f"the quotes do not fit: {error}"))
    return BatchFile(tuple(lines.rows), tuple(lines.faults), tuple(title for title in titles if title not in KNOWN))


def _text(content: bytes) -> str:
    if len(content) > BYTES_MAX:
        raise Unreadable(f"The file is larger than {BYTES_MAX >> 20} MiB; make several of it.")
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise Unreadable("The file is UTF-16 text; save it as CSV in UTF-8.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise Unreadable(f"Line {line} is not UTF-8 text; save the file as CSV in UTF-8.") from None
    if "\0" in text:
        raise Unreadable("The file holds zero bytes: it is no CSV.")
    return text


def _titles(text: str) -> tuple[list[str], str]:
    """The titles of the first line, in small letters, and what parts them."""
    first = _LINE_END.split(text, maxsplit=1)[0]
    if len(first) > TITLES_MAX:
        raise Unreadable(f"The first line is longer than {TITLES_MAX} letters; such titles nobody wrote.")
    for delimiter in DELIMITERS:
        titles = [cell.strip().lower() for cell in next(csv.reader([first], delimiter=delimiter), [])]
        if set(NEEDED) <= set(titles):
            twice = [title for title in KNOWN if titles.count(title) > 1]
            if twice:
                raise Unreadable(f"The title {twice[0]} stands over two columns.")
            return titles, delimiter
    raise Unreadable("The first line must be titles, payee and amount among them, such as: payee,amount,memo,ref")


def _numbered(table: Iterator[list[str]]) -> Iterator[tuple[int, list[str]]]:
    """Each record but the titles, with the line that it begins in."""
    begins = 1
    for cells in table:
        if begins > 1 and any(cell.strip() for cell in cells):
            yield begins, cells
        begins = table.line_num + 1  # type: ignore[attr-defined]  # a csv.reader has it


class _Lines:
    """Takes one line after the other."""

    def __init__(self, titles: Sequence[str], run: str) -> None:
        self.rows: list[BatchRow] = []
        self.faults: list[Fault] = []
        self._titles, self._run = titles, run
        self._same: Counter[tuple[str, ...]] = Counter()
        self._refs: dict[str, int] = {}
        self._commas: int | None = None
        """The first line whose amount has a decimal comma."""
        self._points: int | None = None

    def take(self, line: int, cells: Sequence[str]) -> None:
        if len(self.rows) >= ROWS_MAX:
            raise Unreadable(f"The file has more than {ROWS_MAX} payments; make several of it.")
        try:
            self.rows.append(self._row(line, cells))
        except ValueError as error:
            self.faults.append(Fault(line, str(error)))

    def _row(self, line: int, cells: Sequence[str]) -> BatchRow:
        if len(cells) != len(self._titles):
            raise ValueError(f"there are {len(cells)} cells under {len(self._titles)} titles")
        if any(len(cell) > CELL_MAX for cell in cells):
            raise ValueError(f"a cell is longer than {CELL_MAX} letters")
        found = dict(zip(self._titles, (cell.strip() for cell in cells), strict=True))
        if not found["payee"]:
            raise ValueError("nobody is named as payee")
        amount, memo = self._amount(line, found["amount"]), found.get("memo") or None
        ref = found.get("ref") or self._made_ref(found["payee"], amount, memo or "")
        if ref in self._refs:
            raise ValueError(f'the ref "{ref}" is that of line {self._refs[ref]}, too')
        self._refs[ref] = line
        return BatchRow(line, found["payee"], amount, memo, ref)

    def _amount(self, line: int, text: str) -> str:
        """Digits with a point. A comma counts as one where it can be nothing else."""
        if not text:
            raise ValueError("there is no amount")
        comma = _COMMA.fullmatch(text)
        if comma is None and _POINT.fullmatch(text) is None:
            raise ValueError(f'"{text[:40]}" is no amount: write digits with a point, such as 2.50')
        if comma is not None and len(comma.group(2)) == THOUSANDS:
            raise ValueError(
                f'"{text[:40]}" can be read in two ways: write {text.replace(",", "")[:40]} or use a point'
            )
        if comma is not None:
            self._commas = self._commas or line
        elif "." in text:
            self._points = self._points or line
        if self._commas and self._points and ("." in text or comma is not None):
            raise ValueError(
                f"line {self._commas} has a comma before its decimals and line {self._points} a point: use one of them"
            )
        return text.replace(",", ".")

    def _made_ref(self, payee: str, amount: str, memo: str) -> str:
        """The name of a payment that follows from what the row says."""
        number = (amount.rstrip("0").rstrip(".") if "." in amount else amount).lstrip("0")
        said = (self._run, payee.lower().removeprefix("@"), number, memo)
        self._same[said] += 1
        content = "\x1f".join((*said, str(self._same[said])))
        return f"batch {blake2b(content.encode(errors='surrogatepass'), digest_size=REF_LETTERS // 2).hexdigest()}"
