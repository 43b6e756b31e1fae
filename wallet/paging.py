"""A history in pages, newest first, such that paging through it shows nothing twice and misses nothing.

What stands in the account's own chain stays where it is, so its number says where a page ends. What is in flight moves:
once taken in, it stands higher up. So a cursor also says how long the chain was on the first page and which payment
was shown last; whatever was in flight then is shown from its place by payer, in flight still or taken in since.
Pure: works on lines that were read.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from .errors import BadRequest
from .history import Line, Lines

Key = tuple[int, int, int, int]
_CURSOR = re.compile(r"(\d{1,15})(?:-(\d{1,15})\.(\d{1,15})\.(\d{1,15})\.(\d{1,15}))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page ended: lines of the chain below number `upto` come next, after what was in flight below `below`."""

    upto: int
    below: Key | None = None

    def __str__(self) -> str:
        return f"{self.upto}" if self.below is None else f"{self.upto}-{'.'.join(map(str, self.below))}"


def read_cursor(text: str) -> Cursor:
    """Read what an earlier page gave as `next`. Raises BadRequest."""
    found = _CURSOR.fullmatch(text)
    if found is None:
        raise BadRequest("That is no place in a history.", {"given": text[:40]}, "Send what the page before gave.")
    upto, *key = found.groups()
    if key[0] is None:
        return Cursor(int(upto))
    payer, incarnation, seq, op = map(int, key)
    return Cursor(int(upto), (payer, incarnation, seq, op))


def page(lines: Lines, after: Cursor | None, limit: int) -> tuple[list[Line], Cursor | None]:
    """The next `limit` lines behind `after`, newest first, and where to go on; None at the end."""
    found: list[tuple[Line, Cursor]] = []
    for line, cursor in _behind(lines, after):
        if len(found) == limit:
            return [line for line, _ in found], found[-1][1]
        found.append((line, cursor))
    return [line for line, _ in found], None


def _behind(lines: Lines, after: Cursor | None) -> Iterator[tuple[Line, Cursor]]:
    """Each line behind `after` with the cursor that stands on it."""
    settled = lines.settled
    upto = len(settled) if after is None else min(after.upto, len(settled))
    if after is None or after.below is not None:
        below = None if after is None else after.below
        moving = {
            _key(line): line for line in (*settled[upto:], *lines.in_flight) if line.place.account != lines.account
        }
        for key in sorted(moving, reverse=True):
            if below is None or key < below:
                yield moving[key], Cursor(upto, key)
    for number in range(upto - 1, -1, -1):
        yield settled[number], Cursor(number)


def _key(line: Line) -> Key:
    place = line.place
    return place.account, place.incarnation, place.seq, line.op
