"""What a peer that asks much may cost: its questions wait for their turn, and nobody waits for them."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing

from node.exchange import BREATH_S, QUESTION_PAUSE_S
from node.questions import QUESTIONS_MAX, Questions
from node.replicating import COMPARES_MAX
from node.shelf import Shelf
from protocol.base import ENTRY_VERSION, KEYS_MAX, SIGNATURE_BYTES, AccountId, Signature
from protocol.entry import Entry, sealed
from protocol.messages import (
    FRAME_BYTES_MAX,
    AskMark,
    Bundle,
    Deliver,
    Fetch,
    Hello,
    Marked,
    Message,
    Moved,
    Since,
    Span,
    Want,
    decode_message,
    encode_message,
)
from protocol.replication import SPAN_ENTRIES, SPANS_MAX, serve_want
from tests.builders import Town, found, send
from tests.node.doors import door_of
from tests.towns.memory_town import MemoryTown, memory_town
from tests.towns.memory_transport import MemoryTransport


@pytest.fixture
def town() -> Town:
    return found("ana", "ben", limit=1_000_000, witnesses=2)


async def puppet_of(built: MemoryTown, name: str = "puppet") -> MemoryTransport:
    """The end of a link with w0 that has said Hello."""
    end = built.network.join(name)
    end.send_nowait("w0", encode_message(Hello(built.town.community, bytes(16), 0, b"", b"")))
    await trio.testing.wait_all_tasks_blocked()
    while True:
        try:
            end.inbox.receive_nowait()
        except trio.WouldBlock:
            return end


def deliver_at_once(built: MemoryTown, peer: str, *messages: Message) -> None:
    """Have all of it come to w0 in one delivery, as from one read of a socket."""
    built.network.ends["w0"]._frames.send_nowait((peer, [encode_message(message) for message in messages]))


async def heard(end: MemoryTransport) -> list[Message]:
    """What comes at this end within a moment, in its order."""
    await trio.sleep(0.1)
    messages: list[Message] = []
    while True:
        try:
            _, frames = end.inbox.receive_nowait()
        except trio.WouldBlock:
            return messages
        messages += map(decode_message, frames)


@pytest.mark.parametrize("question", [Want(1, (Span(AccountId(0), 0, 0, 9),)), Fetch(1, (1,)), Since(0, False)])
async def test_of_a_flood_of_questions_few_are_answered(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: Any, question: Message
) -> None:
    async with memory_town(town, tmp_path, "w0", monkeypatch) as built:
        await built.up()
        end = await puppet_of(built)
        deliver_at_once(built, "puppet", *[question] * 1_500)
        assert len(await heard(end)) == QUESTIONS_MAX
        deliver_at_once(built, "puppet", question)
        assert len(await heard(end)) == 1, "who asks one thing at a time is answered every time"


async def test_what_payments_wait_for_comes_before_questions_of_the_same_delivery(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: Any
) -> None:
    async with memory_town(town, tmp_path, "w0", monkeypatch) as built:
        await built.up()
        end = await puppet_of(built)
        ask = AskMark(town.witnesses[1].public)
        deliver_at_once(built, "puppet", *[Want(1, ())] * 5, ask)
        assert [type(message) for message in await heard(end)] == [Marked, *[Deliver] * 5]


async def test_who_asks_little_does_not_wait_for_who_asks_much(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: Any
) -> None:
    async with memory_town(town, tmp_path, "w0", monkeypatch) as built:
        await built.up()
        await puppet_of(built, "greedy"), await puppet_of(built, "modest")
        answered: list[str] = []
        built.node("w0").exchange.answer_in_turn(Want, lambda peer, ask: answered.append(peer))
        deliver_at_once(built, "greedy", *[Want(1, ())] * 100)
        deliver_at_once(built, "modest", Want(1, ()))
        await trio.sleep(1)
        assert answered.index("modest") <= 2 and len(answered) == QUESTIONS_MAX + 1


async def test_questions_that_take_long_leave_half_of_the_time_to_all_else(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: Any
) -> None:
    async with memory_town(town, tmp_path, "w0", monkeypatch) as built:
        await built.up()
        await puppet_of(built)
        answered: list[float] = []

        def slowly(peer: str, ask: Want) -> None:
            answered.append(trio.current_time())
            autojump_clock.jump(0.04)

        built.node("w0").exchange.answer_in_turn(Want, slowly)
        deliver_at_once(built, "puppet", *[Want(1, ())] * 100)
        await trio.sleep(2)
        assert len(answered) == QUESTIONS_MAX
        assert all(after - before > 0.079 for before, after in zip(answered, answered[1:], strict=False))


async def test_a_long_delivery_lets_the_links_write_in_between(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: Any
) -> None:
    async with memory_town(town, tmp_path, "w0", monkeypatch) as built:
        await built.up()
        await puppet_of(built)
        turns: Counter[int] = Counter()
        taken = 0

        def slowly(peer: str, message: Message) -> None:
            nonlocal taken
            taken += 1
            autojump_clock.jump(2 * BREATH_S)

        async def another_task() -> None:
            while True:
                turns[taken] += 1
                await trio.lowlevel.checkpoint()

        built.node("w0").exchange.answer(AskMark, slowly)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(another_task)
            deliver_at_once(built, "puppet", *[AskMark(town.witnesses[1].public)] * 10)
            with trio.fail_after(5):
                while taken < 10:
                    await trio.lowlevel.checkpoint()
            nursery.cancel_scope.cancel()
        assert len(turns.keys() & range(1, 10)) >= 4, "it had a turn between them, before or after each"


async def test_what_moved_is_told_a_peer_now_and_then_only(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: Any
) -> None:
    async with memory_town(town, tmp_path, "w0", monkeypatch) as built:
        await built.up()
        end = await puppet_of(built)
        for _ in range(2 * COMPARES_MAX):
            deliver_at_once(built, "puppet", Since(0, briefly=True))
            await trio.sleep(QUESTION_PAUSE_S)
        assert [type(message) for message in await heard(end)] == [Moved] * COMPARES_MAX


def test_questions_of_a_peer_that_is_gone_are_forgotten() -> None:
    questions = Questions()
    for peer in ("one", "two", "one"):
        questions.keep(peer, Want(1, ()))
    questions.forget("one")
    assert questions.take() == ("two", Want(1, ()))
    assert questions.take() is None and not questions


# What one question may cost


async def test_no_entry_is_read_twice_for_one_question(town: Town, tmp_path: Path) -> None:
    async with door_of(town, tmp_path / "node") as door:
        opened = town.open("ana", send(town["ben"], 1))
        more = [town.write("ana", send(town["ben"], 1)) for _ in range(20)]
        for signed in (opened, *more):
            door.take(Bundle((signed,), (town.certificate(signed),)))
        await door.ticket.durable()
        chain = Span(town["ana"], 0, 0, 20)
        overlapping = (chain, chain, Span(town["ana"], 0, 5, 12), Span(town["ana"], 0, 3, 999))
        (answer,) = serve_want(Shelf(door), Want(1, overlapping))
        assert isinstance(answer, Deliver)
        assert [signed.seq for signed in answer.bundle.entries] == list(range(21))
        parts = (Span(town["ana"], 0, 0, 9), Span(town["ana"], 0, 8, 20), Span(town["ben"], 0, 0, 5))
        assert serve_want(Shelf(door), Want(1, parts)) == [answer]


async def test_the_rest_of_a_long_span_is_no_repetition(town: Town, tmp_path: Path) -> None:
    async with door_of(town, tmp_path / "node") as door:
        opened = town.open("ana", send(town["ben"], 1))
        for signed in (opened, *(town.write("ana", send(town["ben"], 1)) for _ in range(SPAN_ENTRIES + 9))):
            door.take(Bundle((signed,), (town.certificate(signed),)))
        await door.ticket.durable()
        spans = (Span(town["ana"], 0, 0, 999), Span(town["ana"], 0, SPAN_ENTRIES, 999))
        (answer,) = serve_want(Shelf(door), Want(1, spans))
        assert isinstance(answer, Deliver)
        assert [signed.seq for signed in answer.bundle.entries] == list(range(SPAN_ENTRIES + 10))


class JointShelf:
    """Holds any span of accounts whose entries have as many signatures as there can be."""

    def span(self, span: Span, entries_max: int) -> Bundle:
        signatures = tuple((index, Signature(bytes(SIGNATURE_BYTES))) for index in range(KEYS_MAX))
        entries = [
            sealed(Entry(ENTRY_VERSION, span.account, 0, seq, bytes(32), 0, 0, ()), signatures)
            for seq in range(span.first, min(span.last + 1, span.first + entries_max))
        ]
        return Bundle(tuple(entries))


def test_entries_with_many_signatures_are_answered_in_a_frame_that_can_leave() -> None:
    spans = tuple(Span(AccountId(account), 0, 0, 999) for account in range(1, SPANS_MAX + 1))
    (answer,) = serve_want(JointShelf(), Want(1, spans))  # type: ignore[arg-type]  # it needs no more of a shelf
    assert 100_000 < len(encode_message(answer)) <= FRAME_BYTES_MAX
