"""Where an entry stands is told from what is durable, and to whom it matters; who brings it to the witnesses."""

import types
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing

from node import bookkeeper
from node.bookkeeper import Bookkeeper
from node.filesystem import StoreRefused
from node.journal import Journal
from node.shelf import Shelf
from node.standing import Standing
from node.submission import Submitter
from node.tracking import Tracker
from protocol.ledger import Ledger
from protocol.messages import Bundle, Message, Position, Submit
from protocol.ops import Recv, Send
from protocol.verdict import Accepted, Waiting
from tests.builders import Town, found
from tests.node.doors import HeldDisk, door_of


@dataclass
class QuietExchange:
    """Stands for the network: says nothing back and remembers what was asked."""

    hosted: set[int] = field(default_factory=set)
    asked: list[Submit] = field(default_factory=list)
    neighbours: Any = field(default_factory=lambda: types.SimpleNamespace(witnesses=lambda _keys: ["w0"]))

    def answer(self, _kind: type, _handler: object) -> None:
        return

    def on_link(self, _up: object) -> None:
        return

    def send_all(self, _peers: Iterable[str], message: Message) -> None:
        assert isinstance(message, Submit)
        self.asked.append(message)


@dataclass
class Desk:
    """A door with its tracker and submitter."""

    door: Bookkeeper
    tracker: Tracker
    submitter: Submitter
    exchange: QuietExchange


@asynccontextmanager
async def desk_of(town: Town, folder: Path, *hosted: str, is_witness: bool = False) -> AsyncIterator[Desk]:
    async with door_of(town, folder) as door:
        own_witness = bytes(door.ledger.commons.witnesses[0]) if is_witness else b""
        exchange: Any = QuietExchange({town[name] for name in hosted})
        tracker = Tracker(door, Shelf(door), own_witness, exchange.hosted)
        submitter = Submitter(door, exchange, Shelf(door), tracker, b"", lambda _ask: None, lambda _signed, _all: ())
        yield Desk(door, tracker, submitter, exchange)


@pytest.fixture
def town() -> Town:
    return found("ana", "ben", limit=1000, witnesses=4, quorum=3)


async def test_final_is_told_when_the_certificate_is_durable_and_never_of_one_that_failed(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_read = trio.Event()

    async def slowly(_: Journal) -> Ledger:
        await may_read.wait()
        raise StoreRefused("The disk is gone", "Get another")

    async with desk_of(town, tmp_path, "ana") as desk:
        opened = town.open("ana")
        await desk.door.submit(Bundle((opened,)))
        place = opened.account, opened.seq, opened.id
        disk = HeldDisk(desk.door)
        monkeypatch.setattr(bookkeeper, "rebuild_aside", slowly)
        desk.door.take(Bundle((), (town.certificate(opened),)))
        assert desk.tracker.is_final(*place)
        assert desk.tracker.standing(*place) is Standing.RECORDED
        disk.fails = True
        disk.may_end.set()
        desk.door.hasten()
        await trio.testing.wait_all_tasks_blocked()
        assert desk.door.failed
        assert await desk.tracker.wait_for(*place, Standing.FINAL, 1) is Standing.RECORDED
        may_read.set()
        await trio.testing.wait_all_tasks_blocked()
        assert await desk.tracker.wait_for(*place, Standing.FINAL, 1) is Standing.RECORDED


async def test_an_entry_that_is_not_held_here_is_in_no_conflict(town: Town, tmp_path: Path) -> None:
    async with desk_of(town, tmp_path, "ana") as desk:
        opened = town.open("ana")
        assert desk.tracker.standing(opened.account, 0, opened.id) is Standing.RECORDED
        await desk.door.submit(Bundle((opened,)))
        assert desk.tracker.standing(opened.account, 0, bytes(32)) is Standing.CONFLICT  # type: ignore[arg-type]


async def test_what_a_payee_on_this_node_has_is_not_held_elsewhere(tmp_path: Path) -> None:
    town = found("ana", "ben", limit=1000)
    async with desk_of(town, tmp_path, "ana", "ben", is_witness=True) as desk:
        paid = town.open("ana", Send(town["ben"], 5))
        await desk.door.submit(Bundle((paid,), (town.certificate(paid),)))
        position = Position(paid.account, 0, 0, paid.id)
        desk.tracker.acknowledge(position, by_payee=True, elsewhere=False)
        assert desk.tracker.standing(paid.account, 0, paid.id) is Standing.RECORDED
        desk.tracker.acknowledge(position, by_payee=False)
        assert desk.tracker.standing(paid.account, 0, paid.id) is Standing.SEEN


async def test_what_a_payee_elsewhere_has_taken_in_is_seen_after_a_restart_too(tmp_path: Path) -> None:
    town = found("ana", "ben", limit=1000)
    async with desk_of(town, tmp_path, "ana", is_witness=True) as desk:
        paid = town.open("ana", Send(town["ben"], 5))
        await desk.door.submit(Bundle((paid,), (town.certificate(paid),)))
        assert desk.tracker.standing(paid.account, 0, paid.id) is Standing.RECORDED
        taken = town.open("ben", Recv(town["ana"], 0, 0, 5))
        await desk.door.submit(Bundle((taken,), (town.certificate(taken),)))
        assert desk.tracker.standing(paid.account, 0, paid.id) is Standing.SEEN
        with trio.fail_after(5):
            assert await desk.tracker.wait_for(paid.account, 0, paid.id, Standing.SEEN, 60) is Standing.SEEN


async def test_an_entry_that_waited_for_what_it_refers_to_goes_to_the_witnesses_then(
    town: Town, tmp_path: Path
) -> None:
    async with desk_of(town, tmp_path, "ben") as desk:
        paid = town.open("ana", Send(town["ben"], 5))
        certificate = town.certificate(paid)
        taken = town.open("ben", Recv(town["ana"], 0, 0, 5))
        (verdict,) = await desk.door.submit(Bundle((taken,)))
        assert isinstance(verdict, Waiting) and not desk.exchange.asked
        await desk.door.submit(Bundle((paid,), (certificate,)))
        assert [ask.bundle.entries[-1].id for ask in desk.exchange.asked] == [taken.id]


async def test_a_displaced_entry_is_asked_for_no_more_and_its_place_is_free_for_the_next(
    town: Town, tmp_path: Path
) -> None:
    other = found("ana", "ben", limit=1000, witnesses=4, quorum=3)
    async with desk_of(town, tmp_path, "ana") as desk:
        opened = town.open("ana")
        other.open("ana")
        await desk.door.submit(Bundle((opened,), (town.certificate(opened),)))
        displaced = [town.write("ana", Send(town["ben"], amount)) for amount in (1, 2)]
        await desk.door.submit(Bundle(tuple(displaced)))
        stands = other.write("ana", Send(town["ben"], 7))
        await desk.door.submit(Bundle((stands,), (town.certificate(stands),)))
        desk.exchange.asked.clear()
        after = other.write("ana", Send(town["ben"], 8))
        assert await desk.door.submit(Bundle((after,))) == [Accepted()]
        assert [ask.bundle.entries[-1].id for ask in desk.exchange.asked] == [after.id]
        assert desk.tracker.standing(after.account, after.seq, after.id) is Standing.RECORDED
        assert desk.tracker.standing(after.account, after.seq, displaced[1].id) is Standing.CONFLICT
