"""The only place of the devnet that prints. Follows the rules of `node.console.terminal`, plus three of its own:

1. With --json every event is one line on standard output, as it happens; numbers of money are decimal strings.
2. On a terminal a running devnet is one live table; anywhere else the same events are plain lines.
3. Progress goes to standard error, so that what is piped on is only the answer.
"""

import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from node.console.terminal import clean

from .board import MEMBER_HEADER, PAYMENT_HEADER, Board, Event, in_columns, line_of

if TYPE_CHECKING:
    from rich.console import RenderableType

TABLE_ONLY = frozenset({"balances", "member"})
"""Events that move the table and are no news of their own."""
FRAMES_PER_S = 4
AROUND_ROWS = 11
"""Lines of the live table that are neither a member nor a payment: two headers, the empty lines, the counters."""


class Speaker(Protocol):
    """Tells a user what happens in a devnet."""

    def banner(self, lines: Iterable[str]) -> None: ...

    def event(self, event: Event) -> None: ...


class JsonSpeaker:
    """One line of JSON an event."""

    def banner(self, lines: Iterable[str]) -> None:
        """Say nothing: the `ready` event holds the same."""

    def event(self, event: Event) -> None:
        if event["event"] not in TABLE_ONLY:
            print_json({key: value for key, value in event.items() if key != "words"})


class PlainSpeaker:
    """One plain line an event."""

    def __init__(self, board: Board) -> None:
        self._board = board

    def banner(self, lines: Iterable[str]) -> None:
        say_lines(lines)

    def event(self, event: Event) -> None:
        line = line_of(event, self._board.unit)
        if line is not None:
            say(line)


class LiveSpeaker:
    """One table that changes in place, by rich."""

    def __init__(self, board: Board) -> None:
        from rich.console import Console
        from rich.live import Live

        self._board = board
        self._console = Console()
        self._live = Live(
            console=self._console, get_renderable=self._draw, refresh_per_second=FRAMES_PER_S, transient=False
        )

    def banner(self, lines: Iterable[str]) -> None:
        for line in lines:
            self._console.print(clean(line), markup=False, highlight=False, soft_wrap=True)
        self._live.start()

    def event(self, event: Event) -> None:
        """Say nothing: the table is drawn from the board, which has noted it."""

    def close(self) -> None:
        self._live.stop()

    def _draw(self) -> "RenderableType":
        from rich.console import Group
        from rich.text import Text

        members = _table(MEMBER_HEADER, self._board.member_rows(), right={1, 2})
        room = self._console.height - len(self._board.members) - AROUND_ROWS
        payments = _table(PAYMENT_HEADER, list(self._board.newest)[: max(1, room)], right={2})
        return Group(members, payments, Text(clean(self._board.counters())))


def _table(header: Iterable[str], rows: Iterable[Iterable[str]], right: set[int]) -> "RenderableType":
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for number, title in enumerate(header):
        table.add_column(title, justify="right" if number in right else "left", no_wrap=True)
    for row in rows:
        # Text, not markup: a memo in square brackets is a memo.
        table.add_row(*(Text(clean(word)) for word in row))
    return table


@contextmanager
def speaker(board: Board, as_json: bool) -> Iterator[Speaker]:
    """Speak as the user asked and the place allows; a live table is always ended in order."""
    if as_json:
        yield JsonSpeaker()
    elif sys.stdout.isatty() and os.environ.get("TERM") != "dumb":
        live = LiveSpeaker(board)
        try:
            yield live
        finally:
            live.close()
    else:
        yield PlainSpeaker(board)


def say(line: str) -> None:
    """Answer one line."""
    sys.stdout.write(clean(line) + "\n")
    sys.stdout.flush()


def say_lines(lines: Iterable[str]) -> None:
    """Answer several lines."""
    for line in lines:
        say(line)


def say_table(rows: Iterable[Iterable[str]]) -> None:
    """Answer rows of words in columns."""
    say_lines(in_columns([tuple(clean(word) for word in row) for row in rows]))


def print_json(content: Mapping[str, Any]) -> None:
    """Answer one JSON object; ASCII only, so that nothing in it can move a cursor."""
    sys.stdout.write(json.dumps(content) + "\n")
    sys.stdout.flush()


def hint(line: str) -> None:
    """Say something beside the answer."""
    sys.stderr.write(clean(line) + "\n")
    sys.stderr.flush()


def failed(as_json: bool, error: Mapping[str, Any]) -> None:
    """Tell of a failure: `error` is {code, message, facts, next}."""
    if as_json:
        print_json({"error": error})
        return
    hint(f"tally-devnet: {error['message']}")
    if error["next"]:
        hint(f"  {error['next']}")


class Progress(Protocol):
    """Shows how far something long has come."""

    def at(self, done: int, words: str) -> None: ...


@contextmanager
def progress(total: int, title: str, quiet: bool) -> Iterator[Progress]:
    """Show progress on standard error: a bar on a terminal, else a line now and then; nothing when `quiet`."""
    if quiet:
        yield _NoProgress()
    elif sys.stderr.isatty():
        with _bar(total, title) as bar:
            yield bar
    else:
        yield _LineProgress(total, title)


class _NoProgress:
    def at(self, done: int, words: str) -> None:
        """Say nothing."""


class _LineProgress:
    """A line for each twentieth of the way."""

    def __init__(self, total: int, title: str) -> None:
        self._total, self._title, self._said = max(total, 1), title, -1

    def at(self, done: int, words: str) -> None:
        part = 20 * done // self._total
        if part > self._said:
            self._said = part
            hint(f"{self._title}: {done} of {self._total}{', ' if words else ''}{words}")


@contextmanager
def _bar(total: int, title: str) -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bars(*columns, TextColumn("{task.fields[words]}"), console=Console(stderr=True)) as bars:
        task = bars.add_task(title, total=total, words="")

        class _Bar:
            def at(self, done: int, words: str) -> None:
                bars.update(task, completed=done, words=words)

        yield _Bar()
