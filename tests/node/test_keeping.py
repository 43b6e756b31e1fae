"""The board's writer: nothing is let go before it is on the disk, and a disk that takes nothing is tried again."""

from typing import cast

import pytest
import trio
import trio.testing

from node.board.keeping import STAGED_MAX, TRY_AGAIN_S, Keeper
from node.journal import BoardStore, DropRequest
from tests.node.boards import Disk

CHANGE = DropRequest(b"id")


def keeper_of(disk: Disk) -> Keeper:
    return Keeper(cast(BoardStore, disk))


async def test_what_rests_on_a_change_is_let_go_after_its_commit(autojump_clock: trio.testing.MockClock) -> None:
    disk = Disk()
    keeper = keeper_of(disk)
    told: list[int] = []
    async with trio.open_nursery() as nursery:
        nursery.start_soon(keeper.run)
        keeper.stage([CHANGE], lambda: told.append(len(disk.writes)))
        keeper.stage([CHANGE], lambda: told.append(len(disk.writes)))
        assert await keeper.durable() is None
        assert (told, disk.writes) == ([1, 1], [[CHANGE, CHANGE]])
        assert await keeper.durable() is None, "nothing is left to wait for"
        nursery.cancel_scope.cancel()


async def test_a_disk_that_takes_nothing_is_tried_again_and_told_of_once(
    autojump_clock: trio.testing.MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    disk = Disk()
    disk.is_full = True
    keeper = keeper_of(disk)
    told: list[str] = []
    async with trio.open_nursery() as nursery:
        nursery.start_soon(keeper.run)
        keeper.stage([CHANGE], lambda: told.append("kept"))
        assert await keeper.durable() == "the disk is full"
        await trio.sleep(3 * TRY_AGAIN_S)
        assert (told, disk.writes) == ([], [])
        disk.is_full = False
        await trio.sleep(2 * TRY_AGAIN_S)
        assert (told, disk.writes) == (["kept"], [[CHANGE]])
        nursery.cancel_scope.cancel()
    assert caplog.text.count("cannot be kept") == 1


async def test_what_waits_for_a_disk_that_takes_nothing_is_bounded() -> None:
    keeper = keeper_of(Disk())
    keeper.stage([CHANGE] * (STAGED_MAX - 1))
    assert not keeper.is_full
    keeper.stage([CHANGE])
    assert keeper.is_full


def test_what_is_left_at_the_end_is_written() -> None:
    disk = Disk()
    keeper = keeper_of(disk)
    keeper.stage([CHANGE])
    keeper.close()
    assert disk.writes == [[CHANGE]]
