"""Boards for tests: over a ledger of a `Town`, with a disk that can fail and takes everything at once."""

from collections.abc import Sequence
from typing import cast

from node.board import Board, Keeper
from node.journal import BoardStore, Change, JournalFailed
from protocol.ledger import Ledger


class Disk:
    """Stands for a BoardStore: remembers each write."""

    def __init__(self) -> None:
        self.writes: list[list[Change]] = []
        self.is_full = False

    def write(self, changes: Sequence[Change]) -> None:
        if self.is_full:
            raise JournalFailed("the disk is full")
        self.writes.append(list(changes))

    def close(self) -> None:
        pass


class PromptKeeper(Keeper):
    """Writes at once, without a task."""

    def __init__(self, disk: Disk) -> None:
        super().__init__(cast(BoardStore, disk))

    def stage(self, changes, *releases) -> None:  # type: ignore[no-untyped-def]
        super().stage(changes, *releases)
        self._store.write(self._changes)
        self._changes = []
        for release in releases:
            release()


def board_of(ledger: Ledger, disk: Disk | None = None) -> Board:
    """A board whose changes are durable at once."""
    return Board(PromptKeeper(disk or Disk()), lambda: ledger)
