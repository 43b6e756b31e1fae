"""After a failed commit a node reads its record anew: beside its work, and also when the disk cannot be read either.

The disk fails under real stores; the door, its writer and the node's API are the real ones.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from threading import Event

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from node.filesystem import StoreRefused
from node.journal import Journal
from node.rebuilding import rebuild
from node.settling import once_settled, settled
from node.tickets import DoorClosed
from node.web.application import Guarded
from protocol.messages import Bundle
from protocol.ops import Send
from tests.builders import Town, found
from tests.node.asgi import call
from tests.node.served import QuietNode, served

from .vfs import Failure, FaultyDisk, faulty_disk


@pytest.fixture
def town() -> Town:
    return found("ana", "ben", limit=2000)


@asynccontextmanager
async def on_a_full_disk(town: Town, folder: Path, disk: FaultyDisk) -> AsyncIterator[tuple[QuietNode, Guarded]]:
    """A node with one durable payment of 1.00, whose next commit fails."""
    async with served(town, folder, disk.name) as (node, app):
        await node.bookkeeper.submit(Bundle((town.open("ana", Send(town["ben"], 100)),)))
        disk.fail_at, disk.failure = disk.operations + 1, Failure.FULL
        yield node, app
        disk.before_read = lambda: None


async def fail_to_pay(town: Town, node: QuietNode) -> None:
    with pytest.raises(DoorClosed, match="the disk is full"):
        await node.bookkeeper.submit(Bundle((town.write("ana", Send(town["ben"], 250)),)))


async def test_while_the_record_is_read_anew_the_node_goes_on_and_shows_nothing_from_memory(
    town: Town, tmp_path: Path
) -> None:
    may_read = Event()
    with faulty_disk() as disk:
        async with on_a_full_disk(town, tmp_path, disk) as (node, app):
            disk.before_read = lambda: None if may_read.wait(10) else pytest.fail("the event loop stood still")
            async with trio.open_nursery() as nursery:
                nursery.start_soon(fail_to_pay, town, node)
                while node.bookkeeper.failed is None:
                    await trio.lowlevel.checkpoint()
                shown = await call(app, path="/v1/accounts/@ana")
                assert (shown.status, shown.json["code"]) == (503, "record_failed")
                may_read.set()
            assert (await call(app, path="/v1/accounts/@ana")).json["balance"] == "-1.00"
            await settled(node.bookkeeper)


async def test_a_record_that_can_neither_be_written_nor_read_ends_no_node_and_shows_nothing_undone(
    town: Town, tmp_path: Path
) -> None:
    with faulty_disk() as disk:
        async with on_a_full_disk(town, tmp_path, disk) as (node, app):
            disk.before_read = fault(disk)
            await fail_to_pay(town, node)
            await wait_all_tasks_blocked()
            health = await call(app, path="/v1/health")
            assert health.status == 503
            assert "the disk is full" in health.json["failed"] and "the disk reported an error" in health.json["failed"]
            for path in ("status", "members", "accounts/@ana"):
                shown = await call(app, path=f"/v1/{path}")
                assert (shown.status, shown.json["code"]) == (503, "record_failed")
                assert "the disk reported an error" in shown.json["detail"]
            chain = await call(app, path="/v1/accounts/@ana/chain")
            assert (chain.status, chain.json["code"]) == (503, "record_unreadable")
            with pytest.raises(StoreRefused, match="the disk reported an error"):
                node.journal.counts()
            left: list[str] = []
            once_settled(node.bookkeeper, lambda: left.append("told to a peer"))
            with pytest.raises(DoorClosed):
                await settled(node.bookkeeper)
            assert left == [] and (await call(app, path="/v1/metrics")).status == 200
        disk.fail_at = None
        journal = Journal.open(tmp_path / "journal", create=False, vfs=disk.name)
        assert rebuild(journal).balance(town["ana"]) == -100, "nothing acknowledged is lost"
        journal.close()


def fault(disk: FaultyDisk) -> Callable[[], None]:
    """What a disk does that cannot be read."""

    def fail() -> None:
        disk.failure = Failure.ERROR
        raise disk.error()

    return fail
