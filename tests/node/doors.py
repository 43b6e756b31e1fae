"""A real door over a real journal, for tests: the writer task runs, nothing listens; and a disk that can be held."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import trio

from node.bookkeeper import Bookkeeper
from node.journal import Journal, JournalFailed
from node.rebuilding import rebuild
from node.records import EntryRecord, Record
from tests.builders import Town

ResultT = TypeVar("ResultT")


@asynccontextmanager
async def door_of(town: Town, folder: Path, *records: Record, vfs: str | None = None) -> AsyncIterator[Bookkeeper]:
    """The door of a node whose journal holds the founding entry and `records`; its writer runs meanwhile."""
    folder.mkdir(mode=0o700, exist_ok=True)
    journal = Journal.open(folder / "journal", create=True, vfs=vfs)
    try:
        if journal.last_row == 0:
            journal.append([EntryRecord(town.founding), *records])
        door = Bookkeeper(rebuild(journal), journal)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(door.write)
            yield door
            nursery.cancel_scope.cancel()
    finally:
        journal.close()


class HeldDisk:
    """Stands for the door's committer: a commit ends when the test says so, well or badly."""

    def __init__(self, door: Bookkeeper) -> None:
        self.may_end = trio.Event()
        self.fails = False
        door._writer._committer = self  # it runs commits as well

    async def run(self, commit: Callable[[], ResultT]) -> ResultT:
        await self.may_end.wait()
        if self.fails:
            raise JournalFailed("the disk is full")
        return commit()


async def until_reread(door: Bookkeeper) -> None:
    """Wait until what is in memory follows from the journal again, after a commit that failed."""
    with trio.fail_after(5):
        while not door.is_settled:
            await trio.lowlevel.checkpoint()
