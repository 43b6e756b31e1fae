"""Records among nodes: what is new goes round at once, what was missed is found, and floods cost little."""

from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing

from node.board.sharing import COMPARE_S, RECORDS_BURST, STATES_MAX
from protocol.base import COMMONS, AccountId
from protocol.bodies import Offer
from protocol.messages import (
    RECORDS_MAX,
    AskBoard,
    BoardState,
    Bundle,
    Deliver,
    Hello,
    Message,
    Records,
    decode_message,
    encode_message,
)
from protocol.record import SLOTS_MAX, Kind, SignedRecord
from tests.builders import Town, found, key
from tests.papers import NOW_S, card, record
from tests.towns.memory_town import MemoryTown, memory_town
from tests.towns.memory_transport import MemoryTransport


@pytest.fixture(autouse=True)
def _today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("node.wallclock.now_s", lambda: NOW_S)


@pytest.fixture
def town() -> Town:
    return found("ana", "ben", "cat")


def offer(town: Town, name: str, slot: bytes = b"bread", counter: int = 1, title: str = "bread") -> SignedRecord:
    body = Offer(title, "food", "", 5, NOW_S).body() if title else b""
    return record(town, town[name], Kind.OFFER, slot, body, counter)


def slots(built: MemoryTown, name: str) -> dict[Any, SignedRecord]:
    board = built.node(name).board
    return {signed.slot: signed for author in board.authors() for signed in board.all_of(author)}


def are_level(built: MemoryTown) -> bool:
    boards = [dweller.node.board for dweller in built.dwellers.values() if dweller.node is not None]
    return len({board.whole_fingerprint() for board in boards}) == 1


async def until_linked(built: MemoryTown) -> None:
    others = len(built.dwellers) - 1
    await built.until(lambda: all(len(built.node(name).connected()) == others for name in built.dwellers))


async def test_a_new_record_is_everywhere_within_a_moment(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: Any
) -> None:
    async with memory_town(town, tmp_path, "w0 ana ben", monkeypatch) as built:
        await built.up()
        await until_linked(built)
        bread = offer(town, "ana")
        assert await built.node("ana").publish(bread) is None
        await trio.sleep(0.2)
        assert slots(built, "w0") == slots(built, "ben") == {bread.slot: bread}


async def test_the_same_record_may_be_published_again_and_an_older_one_not(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: Any
) -> None:
    async with memory_town(town, tmp_path, "w0", monkeypatch) as built:
        await built.up()
        node, new = built.node("w0"), offer(town, "ana", counter=2)
        assert await node.publish(new) is None and await node.publish(new) is None
        assert await node.publish(offer(town, "ana")) == "this record or a newer one is here already"


async def test_a_refused_record_is_said_why_and_is_nowhere(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: Any
) -> None:
    async with memory_town(town, tmp_path, "w0 ana", monkeypatch) as built:
        await built.up()
        bread = offer(town, "ana")
        fault = await built.node("ana").publish(SignedRecord(bread.record, offer(town, "ben").signatures))
        assert fault == "it is not signed by its author"
        assert slots(built, "ana") == {}


async def test_both_sides_of_a_parted_town_write_and_hold_the_same_once_they_meet(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: Any
) -> None:
    async with memory_town(town, tmp_path, "w0 ana ben", monkeypatch) as built:
        await built.up()
        await until_linked(built)
        shared, lost = offer(town, "ana", b"shared"), offer(town, "ana", b"gone")
        for signed in (shared, lost):
            await built.node("ana").publish(signed)
        built.network.cut("ben", {"w0", "ana"})
        here = [offer(town, "ana", b"shared", 2, "cake"), offer(town, "ana", b"gone", 2, ""), offer(town, "cat")]
        there = [offer(town, "ana", b"shared", 3, "rolls"), offer(town, "ben"), card(town, COMMONS)]
        for name, records in (("ana", here), ("ben", there)):
            for signed in records:
                assert await built.node(name).publish(signed) is None
        await trio.sleep(1)
        assert slots(built, "ana") != slots(built, "ben")
        built.network.cut("ben", set())
        await built.until(lambda: are_level(built), timeout_s=10)
        held = slots(built, "w0")
        assert held == slots(built, "ana") == slots(built, "ben")
        assert held[shared.slot].record.counter == 3 and held[lost.slot].record.body == b"" and len(held) == 5


async def test_news_that_were_lost_on_the_way_are_found_within_a_minute_or_so(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: Any
) -> None:
    async with memory_town(town, tmp_path, "w0 ana", monkeypatch) as built:
        await built.up()
        await until_linked(built)
        send = built.node("ana").exchange.send
        monkeypatch.setattr(built.node("ana").exchange, "send", lambda peer, message: False)
        await built.node("ana").publish(offer(town, "ana"))
        await trio.sleep(1)
        monkeypatch.setattr(built.node("ana").exchange, "send", send)
        assert slots(built, "w0") == {}
        await built.until(lambda: are_level(built), timeout_s=COMPARE_S + 5)


async def test_a_restarted_node_has_its_board_and_gets_what_came_meanwhile(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: Any
) -> None:
    async with memory_town(town, tmp_path, "w0 ana", monkeypatch) as built:
        await built.up()
        await until_linked(built)
        await built.node("ana").publish(offer(town, "ana"))
        await trio.sleep(1)
        await built.crash("w0")
        await built.node("ana").publish(offer(town, "ben"))
        before = [signed.slot for signed in built.node("ana").board.all_of(town["ana"])]
        built.network.cut("w0", {"ana"})
        await built.up("w0")
        assert list(slots(built, "w0")) == before
        built.network.cut("w0", set())
        await built.until(lambda: are_level(built), timeout_s=10)


async def test_a_lost_board_comes_back_from_peers(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: Any
) -> None:
    async with memory_town(town, tmp_path, "w0 ana", monkeypatch) as built:
        await built.up()
        await until_linked(built)
        for number in range(SLOTS_MAX[Kind.OFFER]):
            for name in town.members:
                await built.node("ana").publish(offer(town, name, bytes([number])))
        await built.until(lambda: are_level(built))
        await built.crash("w0")
        for left in (tmp_path / "w0").glob("board.db*"):
            left.unlink()
        await built.up("w0")
        await built.until(lambda: are_level(built), timeout_s=10)
        assert len(slots(built, "w0")) == 3 * SLOTS_MAX[Kind.OFFER]


async def test_a_node_that_is_behind_gets_records_of_new_members_once_it_knows_them(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: Any
) -> None:
    async with memory_town(town, tmp_path, "w0 ana", monkeypatch) as built:
        await built.up()
        await until_linked(built)
        signed, certificate = town.decide(town.admit("carl"))
        monkeypatch.setattr(built.node("w0").exchange, "_handlers", {
            kind: handler for kind, handler in built.node("w0").exchange._handlers.items() if kind is not Deliver
        })  # fmt: skip
        door = built.node("ana").bookkeeper
        await door.submit(Bundle((signed,), (certificate,)))
        assert await built.node("ana").publish(offer(town, "carl")) is None
        await trio.sleep(1)
        assert slots(built, "w0") == {}
        built.network.cut("w0", {"ana"})
        await built.node("w0").bookkeeper.submit(Bundle((signed,), (certificate,)))
        built.network.cut("w0", set())
        await built.until(lambda: are_level(built), timeout_s=COMPARE_S + 5)
        assert len(slots(built, "w0")) == 1


async def test_boards_that_differ_for_good_are_not_asked_again_and_again(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: Any
) -> None:
    """An author who signed more than he may have: each node keeps what came first."""
    async with memory_town(town, tmp_path, "w0 ana", monkeypatch) as built:
        await built.up()
        built.network.cut("w0", {"ana"})
        for name, first in (("w0", 0), ("ana", 100)):
            for number in range(SLOTS_MAX[Kind.OFFER]):
                await built.node(name).publish(offer(town, "ana", bytes([first + number])))
        asked: list[Message] = []
        for name in ("w0", "ana"):
            exchange = built.node(name).exchange
            handler = exchange._handlers[AskBoard]
            exchange.answer_in_turn(AskBoard, lambda peer, ask, to=handler: (asked.append(ask), to(peer, ask)))
        built.network.cut("w0", set())
        await trio.sleep(10 * COMPARE_S)
        assert len(asked) == 2, "each side asked once, in vain"
        await built.node("w0").publish(offer(town, "ana", bytes([0]), 2))
        await trio.sleep(2 * COMPARE_S)
        assert 3 <= len(asked) <= 4, "and again when something changed"


# Floods


async def puppet_of(built: MemoryTown, name: str = "puppet") -> MemoryTransport:
    """The end of a link with w0 that has said Hello."""
    end = built.network.join(name)
    end.send_nowait("w0", encode_message(Hello(built.town.community, bytes(16), 0, b"", b"")))
    await trio.testing.wait_all_tasks_blocked()
    await heard(end)
    return end


async def heard(end: MemoryTransport) -> list[Message]:
    """What comes at this end within a moment, in its order."""
    await trio.sleep(0.5)
    messages: list[Message] = []
    while True:
        try:
            _, frames = end.inbox.receive_nowait()
        except trio.WouldBlock:
            return messages
        messages += map(decode_message, frames)


async def test_of_a_flood_of_records_few_are_looked_at_closely(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: Any
) -> None:
    looked_at = 0

    def judging(*_: Any) -> str:
        nonlocal looked_at
        looked_at += 1
        return "forged"

    async with memory_town(town, tmp_path, "w0", monkeypatch) as built:
        await built.up()
        monkeypatch.setattr(built.node("w0").board, "_judge", judging)
        end = await puppet_of(built)
        flood = tuple(offer(town, "ana", bytes([number])) for number in range(RECORDS_MAX))
        for _ in range(20 * RECORDS_BURST // RECORDS_MAX):
            end.send_nowait("w0", encode_message(Records(flood)))
        await trio.sleep(0.5)
        assert RECORDS_BURST <= looked_at <= RECORDS_BURST + 100
        assert slots(built, "w0") == {}


async def test_records_of_nobody_and_old_ones_cost_no_look_at_signatures(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: Any
) -> None:
    async with memory_town(town, tmp_path, "w0", monkeypatch) as built:
        await built.up()
        board = built.node("w0").board
        await built.node("w0").publish(offer(town, "ana"))
        looked_at: list[Any] = []
        monkeypatch.setattr(board, "_judge", lambda *asked: looked_at.append(asked) or "forged")
        end = await puppet_of(built)
        nobody = record(town, AccountId(99), Kind.OFFER, b"", b"", by=key("ana"))
        for signed in (nobody, offer(town, "ana"), offer(town, "ana", counter=0)):
            end.send_nowait("w0", encode_message(Records((signed,))))
        await trio.sleep(0.5)
        assert looked_at == []


async def test_fingerprints_that_come_often_are_answered_now_and_then(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: Any
) -> None:
    async with memory_town(town, tmp_path, "w0", monkeypatch) as built:
        await built.up()
        await built.node("w0").publish(offer(town, "ana"))
        end = await puppet_of(built)
        for _ in range(3 * STATES_MAX):
            end.send_nowait("w0", encode_message(BoardState(bytes(32), (), False)))
            await trio.sleep(0.01)
        pages = [message for message in await heard(end) if isinstance(message, BoardState) and message.authors]
        assert len(pages) == STATES_MAX


async def test_a_question_about_everybody_is_answered_for_a_few_authors(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: Any
) -> None:
    async with memory_town(town, tmp_path, "w0", monkeypatch) as built:
        await built.up()
        bread = offer(town, "ana")
        await built.node("w0").publish(bread)
        end = await puppet_of(built)
        end.send_nowait("w0", encode_message(AskBoard(tuple(AccountId(number) for number in range(500)))))
        end.send_nowait("w0", encode_message(AskBoard((town["ana"],) * 500)))
        assert await heard(end) == [Records((bread,)), Records((bread,))]
