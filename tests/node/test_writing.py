"""The writer: who waits gets a commit at once, what nobody waits for shares one, and a failure is told to all."""

from collections.abc import Sequence
from typing import cast

import pytest
import trio
import trio.testing

from node.journal import Journal, JournalFailed
from node.records import DeadRecord, Record
from node.tickets import DoorClosed
from node.writing import CALM_S, Writer


class Pages:
    """Stands for a journal: remembers what each commit held."""

    def __init__(self) -> None:
        self.last_row = 0
        self.commits: list[int] = []
        self.is_full = False

    def append(self, records: Sequence[Record]) -> int:
        if self.is_full:
            raise JournalFailed("the disk is full")
        self.commits.append(len(records))
        self.last_row += len(records)
        return self.last_row


RECORD = DeadRecord("for a test")


def writer_of(pages: Pages) -> Writer:
    return Writer(cast(Journal, pages))


async def test_what_nobody_waits_for_is_durable_after_a_moment(autojump_clock: trio.testing.MockClock) -> None:
    pages = Pages()
    writer = writer_of(pages)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(writer.run)
        writer.stage((RECORD,))
        began = trio.current_time()
        assert await writer.wait_rows(0) == 1
        assert 0 < trio.current_time() - began <= CALM_S + 1e-6
        nursery.cancel_scope.cancel()
    assert pages.commits == [1]


async def test_what_somebody_waits_for_is_durable_at_once_with_all_that_nobody_waited_for(
    autojump_clock: trio.testing.MockClock,
) -> None:
    pages = Pages()
    writer = writer_of(pages)
    left: list[str] = []
    async with trio.open_nursery() as nursery:
        nursery.start_soon(writer.run)
        writer.stage((RECORD,), (lambda: left.append("first"),))
        await trio.testing.wait_all_tasks_blocked()
        assert not pages.commits
        assert not writer.is_settled
        began = trio.current_time()
        writer.stage((RECORD, RECORD), (lambda: left.append("second"),))
        await writer.ticket.durable()
        assert trio.current_time() == began
        nursery.cancel_scope.cancel()
    assert (pages.commits, left, writer.is_settled) == ([3], ["first", "second"], True)


async def test_after_a_failed_commit_nothing_leaves_and_all_who_wait_are_told(
    autojump_clock: trio.testing.MockClock,
) -> None:
    pages = Pages()
    pages.is_full = True
    writer = writer_of(pages)
    left: list[str] = []
    told: list[str] = []

    async def wait() -> None:
        try:
            await writer.ticket.durable()
        except DoorClosed as error:
            told.append(str(error))

    writer.stage((RECORD,), (lambda: left.append("never"),))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait)
        await trio.testing.wait_all_tasks_blocked()
        assert await writer.run() == "the disk is full"
        nursery.start_soon(wait)  # on the ticket after the failed one
        await trio.testing.wait_all_tasks_blocked()
        writer.fail("the disk is full")
    assert (left, told) == ([], ["the disk is full"] * 2)
    assert writer.is_settled


async def test_who_waits_when_the_writer_is_ended_is_told_and_does_not_wait_for_ever(
    autojump_clock: trio.testing.MockClock,
) -> None:
    pages = Pages()
    writer = writer_of(pages)
    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(writer.run)
            await trio.testing.wait_all_tasks_blocked()
            writer.stage((RECORD,))
            nursery.cancel_scope.cancel()
            with trio.CancelScope(shield=True), pytest.raises(DoorClosed, match="is closing"):
                await writer.ticket.durable()
    assert pages.commits == []
