"""A read waits for the commit of what it may show, and when that fails it shows nothing of it."""

from pathlib import Path

import pytest
import trio
import trio.testing
from trio.testing import wait_all_tasks_blocked

from node.bookkeeper import Bookkeeper
from node.settling import once_settled, settled
from node.tickets import DoorClosed
from node.writing import CALM_S
from protocol.entry import SignedEntry
from protocol.messages import Bundle
from protocol.ops import Send
from protocol.payment import PaymentId
from tests.builders import Town, found
from tests.node.asgi import Answer, call
from tests.node.doors import HeldDisk, door_of, until_reread
from tests.node.served import QuietNode, served


@pytest.fixture
def town() -> Town:
    return found("ana", "ben", limit=2000)


async def paid(town: Town, node: QuietNode) -> SignedEntry:
    """ana's account, opened and durable, and a payment of 2.50 to ben that is not handed in yet."""
    await node.bookkeeper.submit(Bundle((town.open("ana"),)))
    return town.write("ana", Send(town["ben"], 250))


READS = ("status", "members", "accounts/@ana", "accounts/@ana/chain", "entries/{entry}", "payments/{payment}")


@pytest.mark.parametrize("path", READS)
async def test_a_read_during_a_commit_answers_when_the_commit_is_done(town: Town, tmp_path: Path, path: str) -> None:
    async with served(town, tmp_path) as (node, app):
        signed = await paid(town, node)
        asked = f"/v1/{path}".format(entry=signed.id.hex(), payment=PaymentId(signed.id, 0))
        await node.bookkeeper.submit(Bundle((signed,)))
        disk = HeldDisk(node.bookkeeper)
        node.bookkeeper.take(Bundle((), (town.certificate(signed),)))
        answers: list[Answer] = []

        async def read() -> None:
            answers.append(await call(app, path=asked))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(read)
            await wait_all_tasks_blocked()
            assert answers == []
            disk.may_end.set()
        assert [answer.status for answer in answers] == [200]


async def test_a_balance_is_shown_only_once_it_is_durable(town: Town, tmp_path: Path) -> None:
    async with served(town, tmp_path) as (node, app):
        signed = await paid(town, node)
        disk = HeldDisk(node.bookkeeper)
        node.bookkeeper.take(Bundle((signed,)))
        rows: list[tuple[str, int]] = []

        async def read() -> None:
            got = await call(app, path="/v1/accounts/@ana")
            rows.append((got.json["balance"], node.journal.last_row))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(read)
            await wait_all_tasks_blocked()
            nursery.start_soon(read)  # while the commit is under way and nothing more was taken
            await wait_all_tasks_blocked()
            assert rows == []
            disk.may_end.set()
        assert rows == [("-2.50", 3), ("-2.50", 3)]


async def test_a_read_during_a_commit_that_fails_shows_nothing_of_it(town: Town, tmp_path: Path) -> None:
    async with served(town, tmp_path) as (node, app):
        disk = HeldDisk(node.bookkeeper)
        signed = await paid_held(town, node, disk)
        answers: list[Answer] = []

        async def read() -> None:
            answers.append(await call(app, path="/v1/accounts/@ana"))

        async with trio.open_nursery() as nursery:
            node.bookkeeper.take(Bundle((signed,)))
            nursery.start_soon(read)
            await wait_all_tasks_blocked()
            disk.fails = True
            disk.may_end.set()
        (refused,) = answers
        assert (refused.status, refused.json["code"]) == (503, "record_failed")
        assert b"2.50" not in refused.body
        await until_reread(node.bookkeeper)
        assert (await call(app, path="/v1/accounts/@ana")).json["balance"] == "0.00"
        assert (await call(app, path=f"/v1/payments/{PaymentId(signed.id, 0)}")).status == 404
        assert (await call(app, path="/v1/status")).json["problems"] == ["the disk is full"]


async def paid_held(town: Town, node: QuietNode, disk: HeldDisk) -> SignedEntry:
    """As `paid`; the next commit waits again."""
    disk.may_end.set()
    signed = await paid(town, node)
    disk.may_end = trio.Event()
    return signed


async def test_a_read_costs_no_wait_when_nothing_is_being_written(town: Town, tmp_path: Path) -> None:
    async with door_of(town, tmp_path) as door:
        await door.submit(Bundle((town.open("ana"),)))
        assert door.is_settled
        with trio.CancelScope() as scope:
            scope.cancel()  # a wait would end here
            await settled(door)
        assert not scope.cancelled_caught


async def test_what_is_to_leave_once_settled_leaves_at_once_or_after_the_commit_and_never_after_a_failed_one(
    town: Town, tmp_path: Path
) -> None:
    async with door_of(town, tmp_path) as door:
        left: list[str] = []
        once_settled(door, lambda: left.append("at once"))
        assert left == ["at once"]
        disk = HeldDisk(door)
        door.take(Bundle((town.open("ana"),)))
        once_settled(door, lambda: left.append("after"))
        door.hasten()
        await wait_all_tasks_blocked()
        once_settled(door, lambda: left.append("after this one"))
        assert left == ["at once"]
        disk.may_end.set()
        await door.ticket.durable()
        assert left == ["at once", "after", "after this one"]
        disk.fails = True
        door.take(Bundle((town.write("ana", Send(town["ben"], 5)),)))
        once_settled(door, lambda: left.append("never"))
        await until_closed(door)
        once_settled(door, lambda: left.append("shown again"))
        assert left[3:] == ["shown again"]


async def test_what_is_told_to_peers_hastens_no_commit(
    town: Town, tmp_path: Path, mock_clock: trio.testing.MockClock
) -> None:
    async with door_of(town, tmp_path) as door:
        left: list[str] = []
        await wait_all_tasks_blocked()
        door.take(Bundle((town.open("ana"),)))
        once_settled(door, lambda: left.append("told"))
        await wait_all_tasks_blocked()
        assert left == [] and door.journal.last_row == 1
        mock_clock.jump(CALM_S)
        await wait_all_tasks_blocked()
        assert left == ["told"] and door.journal.last_row == 2


async def until_closed(door: Bookkeeper) -> None:
    with pytest.raises(DoorClosed):
        await door.ticket.durable()
    await until_reread(door)
