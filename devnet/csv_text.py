"""From the bytes of a CSV to its records: encoding, delimiter, quotation marks. Knows nothing of payments.

A record is the fields between two delimiters and the line it starts on. A quotation mark that is never closed costs its
own line and no other.
"""

import codecs
import csv
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

DELIMITERS = (",", ";", "\t", "|")
SAMPLE_LINES = 200
"""Lines that the delimiter is judged by."""
RECORD_LINES_MAX = 64
"""A quoted field may go on over at most this many lines; a quotation mark left open costs its own line only."""
FIELD_CHARS_MAX = 1_000_000
CHUNK_BYTES = 1 << 20
MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))

csv.field_size_limit(FIELD_CHARS_MAX)


@dataclass(frozen=True, slots=True)
class Record:
    """The fields of one record and the line it starts on; `fault` says why there are none."""

    line: int
    fields: tuple[str, ...]
    fault: str | None = None


def find_encoding(path: Path) -> str:
    """Tell a file's encoding by its mark, else UTF-8 if it is that, else Latin-1 as Windows writes it."""
    with path.open("rb") as source:
        start = source.read(4)
    marked = next((name for mark, name in MARKS if start.startswith(mark)), None)
    return marked or next((name for name in ("utf-8", "cp1252") if _decodes(path, name)), "latin-1")


def _decodes(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    with path.open("rb") as source:
        try:
            while chunk := source.read(CHUNK_BYTES):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return True


def find_delimiter(lines: Sequence[str]) -> str:
    """Tell the delimiter: the one that parts most lines into one same number of fields, more than one."""
    if lines and lines[0].startswith("sep=") and lines[0][4:5] in DELIMITERS:
        return lines[0][4]
    return max(DELIMITERS, key=lambda mark: _agreement(lines, mark))


def _agreement(lines: Sequence[str], delimiter: str) -> tuple[int, int]:
    """Rate a delimiter: how many records have the commonest number of fields, then that number."""
    counts = Counter(len(record.fields) for record in records(lines, delimiter) if len(record.fields) > 1)
    return max(((times, width) for width, times in counts.items()), default=(0, 0))


def _parse(lines: Sequence[str], delimiter: str) -> tuple[str, ...] | None:
    """Parse one whole record, or None when a quotation mark is still open at its end.

    Raises csv.Error when it can be none: a field is absurdly long, or what stands on several lines is not well quoted.
    """
    try:
        return next((tuple(fields) for fields in csv.reader(lines, delimiter=delimiter, strict=True)), ())
    except csv.Error as error:
        if "unexpected end of data" in str(error):
            return None
        if len(lines) > 1:
            raise
    # Something after a closing quotation mark: what the lenient reader makes of it is what people expect.
    return next((tuple(fields) for fields in csv.reader(lines, delimiter=delimiter)), ())


def _take(ahead: deque[str], source: Iterator[str], delimiter: str) -> tuple[int, tuple[str, ...] | None]:
    """Find how many of the lines ahead, read on from `source` as needed, are the next record, and its fields if any."""
    try:
        for taken in range(1, RECORD_LINES_MAX + 1):
            if taken > len(ahead):
                ahead.extend(islice(source, 1))
            if taken > len(ahead):
                break
            fields = _parse(tuple(islice(ahead, taken)), delimiter)
            if fields is not None:
                return taken, fields
    except csv.Error:
        return 1, None  # no number of lines makes a record of it
    return 1, None


def records(lines: Iterable[str], delimiter: str) -> Iterator[Record]:
    """Part lines into records. A quotation mark that is never closed costs only the line it stands on."""
    ahead: deque[str] = deque()
    source = iter(lines)
    at, width = 1, 0
    while ahead or (ahead := deque(islice(source, 1))):
        taken, fields = _take(ahead, source, delimiter)
        if fields is None or (taken > 1 and width and len(fields) != width):
            taken = 1
            yield Record(at, (), "a quotation mark is never closed, or a field is too long")
        elif any(field.strip() for field in fields):
            width = width or len(fields)
            yield Record(at, fields)
        at += taken
        for _ in range(taken):
            ahead.popleft()


def is_hint(record: Record) -> bool:
    """Tell whether this is the line by which some programs name the delimiter."""
    return record.line == 1 and bool(record.fields) and record.fields[0].startswith("sep=")
