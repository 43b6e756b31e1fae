"""A witness at work among others: its fence, its one branch, and its end when it meets its own unknown signature."""

import gc
import shutil
from pathlib import Path
from typing import Any

import pytest
import trio

from node.journal import Journal
from node.records import DeadRecord, VoteRecord
from protocol.base import TAIL_MAX, Signature
from protocol.lease import LEASE_S
from protocol.messages import (
    Answer,
    AskHead,
    Ballot,
    Bundle,
    Deliver,
    Head,
    Marked,
    MarkKept,
    Message,
    Submit,
    encode_message,
)
from protocol.ops import Send
from protocol.signing import Tag, sign
from protocol.statements import Mark, Nack, gather
from protocol.verdict import Code
from tests.builders import Town, found, key
from tests.towns.memory_town import MemoryTown, memory_town

FOUR = "w0 w1 w2 w3"
BLOCK = 8


@pytest.fixture(autouse=True)
def short_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of 8 numbers instead of 64, so that their ends come soon."""
    monkeypatch.setattr("protocol.fence.MARK_BLOCK", BLOCK)
    monkeypatch.setattr("protocol.fence.LEAD", 2)


@pytest.fixture
def town() -> Town:
    return found("ana", "ben", "cat", witnesses=4, quorum=3)


def votes_in(folder: Path) -> list[VoteRecord]:
    journal = Journal.open(folder, create=False)
    try:
        return [record for _, record in journal.replay() if isinstance(record, VoteRecord)]
    finally:
        journal.close()


async def paying(built: MemoryTown, town: Town, count: int, home: str = "ana") -> None:
    """Have ana open her account and pay, one entry after the other, all of them final."""
    if town["ana"] not in town.heads:
        await final(built, home, town.open("ana"))
    for _ in range(count):
        await final(built, home, town.write("ana", Send(town["ben"], 1)))


async def final(built: MemoryTown, home: str, signed: Any) -> None:
    await built.pay_in(home, signed)
    assert await built.is_final(home, signed)


async def test_no_witness_votes_before_enough_others_have_answered_not_even_at_its_first_start(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: Any
) -> None:
    async with memory_town(town, tmp_path, f"{FOUR} ana", monkeypatch) as built:
        await built.up("w0", "w1", "ana")
        await built.pay_in("ana", town.open("ana"))
        await trio.sleep(60)
        assert not built.is_voting("w0") and not built.is_voting("w1")
        await built.up("w2")
        await built.until_voting("w0", "w1", "w2")
        await built.until_level()


async def test_a_crash_and_a_renamed_folder_never_trip_the_fence_and_no_number_is_used_twice(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: Any
) -> None:
    async with memory_town(town, tmp_path, f"{FOUR} ana", monkeypatch) as built:
        await built.up()
        await built.until_voting()
        for life in range(3):
            await paying(built, town, 3)
            await built.crash("w0")
            renamed = tmp_path / f"w0 in life {life}"
            built.dwellers["w0"].folder.rename(renamed)
            built.dwellers["w0"].folder = renamed
            await built.up("w0")
            await built.until_voting("w0")
        await paying(built, town, 1)
        await built.crash("w0")
    numbers = [record.vote.number for record in votes_in(renamed)]
    assert len(numbers) == len(set(numbers)) >= 8


async def test_votes_go_on_over_the_ends_of_many_blocks(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: Any
) -> None:
    async with memory_town(town, tmp_path, f"{FOUR} ana", monkeypatch) as built:
        await built.up()
        await built.until_voting()
        started = trio.current_time()
        await paying(built, town, 3 * BLOCK)
        assert trio.current_time() - started < 5, "no vote had to wait for its block"


@pytest.mark.parametrize("age", [1, BLOCK + 3])
async def test_an_old_copy_of_a_witness_never_votes_again(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: Any, age: int
) -> None:
    async with memory_town(town, tmp_path, f"{FOUR} ana", monkeypatch) as built:
        await built.up()
        await built.until_voting()
        await paying(built, town, 1)
        await built.crash("w0")
        shutil.copytree(tmp_path / "w0", tmp_path / "old")
        await built.up("w0")
        await built.until_voting("w0")
        await paying(built, town, age)
        await built.until_level()
        await built.crash("w0")
        built.dwellers["w0"].folder = tmp_path / "old"
        before = votes_in(tmp_path / "old")
        await built.up("w0")
        await built.until(lambda: built.node("w0").problems() != [])
        assert "old or copied" in built.node("w0").problems()[0]
        await paying(built, town, 2)
        await built.crash("w0")
        assert votes_in(tmp_path / "old") == before
        await built.up("w0")
        await trio.sleep(30)
        assert not built.is_voting("w0") and built.node("w0").problems() != [], "dead for good, and after a restart"


async def test_a_lone_witness_stops_for_good_when_a_member_shows_its_own_unknown_vote(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: Any
) -> None:
    town = found("ana", "ben")
    async with memory_town(town, tmp_path, "w0 ana", monkeypatch) as built:
        await built.up()
        await built.until_voting("w0")
        await paying(built, town, 1)
        await built.crash("w0")
        shutil.copytree(tmp_path / "w0", tmp_path / "old")
        await built.up("w0")
        await built.until_voting("w0")
        await paying(built, town, 1)
        await built.until_level()
        await built.crash("w0")
        built.dwellers["w0"].folder = tmp_path / "old"
        await built.up("w0")
        await built.until(lambda: built.node("w0").problems() != [])
        await built.crash("w0")
        dead = [record for _, record in journal_rows(tmp_path / "old") if isinstance(record, DeadRecord)]
        assert len(dead) == 1
        await built.up("w0")
        assert not built.is_voting("w0") and built.node("w0").problems() != []


def journal_rows(folder: Path) -> list[Any]:
    journal = Journal.open(folder, create=False)
    try:
        return list(journal.replay())
    finally:
        journal.close()


async def test_an_unknown_own_vote_for_a_rival_of_what_is_final_here_is_met_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: Any
) -> None:
    town = found("ana", "ben")
    async with memory_town(town, tmp_path, "w0 ana", monkeypatch) as built:
        await built.up()
        await built.until_voting("w0")
        await paying(built, town, 0)
        rival = town.draft("ana", Send(town["ben"], 7))
        town.numbers[0] = 40
        stray = town.certificate(rival)
        await paying(built, town, 1)
        built.node("ana").exchange.send("w0", Deliver(0, Bundle((rival,), (stray,))))
        await built.until(lambda: built.node("w0").problems() != [])
        last = town.write("ana", Send(town["ben"], 1))
        await built.pay_in("ana", last)
        assert not await built.is_final("ana", last, 30)


async def test_a_key_whose_store_is_another_never_votes(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: Any
) -> None:
    async with memory_town(town, tmp_path, f"{FOUR} ana", monkeypatch) as built:
        shutil.rmtree(tmp_path / "w0")
        shutil.copytree(tmp_path / "w1", tmp_path / "w0")
        await built.up()
        await built.until_voting("w1", "w2", "w3")
        await paying(built, town, 2)
        assert not built.is_voting("w0")
        assert "not here" in built.node("w0").problems()[0]


async def test_forged_marks_and_heads_neither_open_a_block_nor_end_a_key(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: Any
) -> None:
    async with memory_town(town, tmp_path, f"{FOUR} ana", monkeypatch) as built:
        await built.up("w0", "ana")
        own = town.witnesses[0].public
        content = Mark.content(own, 640)
        forged = Mark(own, 640, sign(key("somebody"), Tag.MARK, town.community, content))
        lies = (Marked(own, forged, None), Marked(own, None, None), MarkKept(own, 10_000), Head(1, True, None, 0))
        for message in lies:
            built.node("ana").transport.send_nowait("w0", encode_message(message))
        await trio.sleep(30)
        assert not built.is_voting("w0")
        assert not any("never votes again" in problem for problem in built.node("w0").problems())
        await built.up()
        await built.until_voting()


@pytest.mark.parametrize("shown_in", ["a ballot", "an answer", "the evidence of an answer"])
async def test_its_own_unknown_signature_ends_a_key_wherever_it_is_shown(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: Any, shown_in: str
) -> None:
    proposal = town.propose()
    stray = town.vote(town.place(proposal), 0)
    votes = gather([stray, *(town.vote(town.place(proposal), witness) for witness in (1, 2))])
    content = Nack.content(town.place(proposal), Code.LOCKED, 0)
    nack = Nack(town.place(proposal), 1, Code.LOCKED, 0, sign(town.witnesses[1], Tag.NACK, town.community, content))
    shown: dict[str, Message] = {
        "a ballot": Ballot(1, town.propose(round=1), votes),
        "an answer": Answer(1, stray),
        "the evidence of an answer": Answer(1, nack, Bundle((proposal,), (votes,))),
    }
    async with memory_town(town, tmp_path, f"{FOUR} ana", monkeypatch) as built:
        await built.up()
        await built.until_voting()
        built.node("w1").exchange.send("w0", shown[shown_in])
        await built.until(lambda: built.node("w0").problems() != [])
        assert not built.is_voting("w0") and built.node("w1").problems() == []


async def test_no_witness_can_take_or_prolong_a_lease_with_what_it_was_asked(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: Any
) -> None:
    def asked(instance: bytes) -> list[Signature]:
        contents = [AskHead.content(witness.public, town["ana"], instance, b"") for witness in town.witnesses]
        return [sign(key("ana"), Tag.INSTANCE, town.community, content) for content in contents]

    async with memory_town(town, tmp_path, f"{FOUR} ana", monkeypatch) as built:
        await built.up()
        await built.until_voting()
        node, mine, other = built.node("ana"), bytes(16), bytes([1] * 16)
        heads = await node.ask_heads(town["ana"], mine, b"", asked(mine))
        assert len(heads) >= 3 and all(head.granted for head in heads)
        assert not any(head.granted for head in await node.ask_heads(town["ana"], other, b"", asked(other)))
        await trio.sleep(LEASE_S / 2)
        opened = town.open("ana")
        for shown, name in enumerate(("w1", "w2", "w3", "w0")):
            question = AskHead(1, town["ana"], mine, b"", asked(mine)[shown])
            built.node(f"w{shown}").exchange.send(name, question)
            built.node(f"w{shown}").exchange.send(name, Submit(1, mine, Bundle((opened,))))
        await trio.sleep(LEASE_S / 2)
        heads = await node.ask_heads(town["ana"], other, b"", asked(other))
        assert len(heads) >= 3 and all(head.granted for head in heads)


async def test_a_dead_witness_holds_up_nobody(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: Any
) -> None:
    async with memory_town(town, tmp_path, f"{FOUR} ana", monkeypatch) as built:
        await built.up()
        await built.until_voting()
        witnessing = built.node("w1").witnessing
        assert witnessing is not None
        stray = town.vote(town.place(town.draft("ana", Send(town["ben"], 9))), 1)
        witnessing._met(witnessing._witness.meets(stray))
        await built.until(lambda: built.node("w1").problems() != [])
        await paying(built, town, 5)
        await built.until_level()


# What is asked while no number is open


def of_w0(built: MemoryTown) -> Any:
    witnessing = built.node("w0").witnessing
    assert witnessing is not None and not witnessing.is_voting
    return witnessing


async def test_of_what_waits_for_a_number_little_is_kept_and_it_is_answered_once(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: Any
) -> None:
    async with memory_town(town, tmp_path, FOUR, monkeypatch) as built:
        await built.up("w0")
        witnessing, opened = of_w0(built), town.open("ana")
        heard: list[Message] = []
        asks = [Submit(serial, bytes([7] * 16), Bundle((opened,) * 100)) for serial in range(50)]
        for ask in asks:
            witnessing.submit(ask, heard.append, "puppet")
        del ask, asks
        gc.collect()
        kept = [one for one in gc.get_objects() if isinstance(one, Submit) and one.instance == bytes([7] * 16)]
        assert not kept and len(witnessing._on_hold) == 1
        await built.up()
        await built.until_voting()
        await trio.sleep(1)
        assert [type(message) for message in heard] == [Answer]
        assert [message.serial for message in heard if isinstance(message, Answer)] == [49], "the last that was asked"


async def test_who_asks_much_takes_nobody_s_place_and_not_more_is_signed_than_numbers_are_open(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: Any
) -> None:
    async with memory_town(town, tmp_path, FOUR, monkeypatch) as built:
        await built.up("w0")
        witnessing = of_w0(built)
        entries = [
            signed
            for payer, payee in (("ana", "ben"), ("ben", "cat"), ("cat", "ana"))
            for signed in (town.open(payer), *(town.write(payer, Send(town[payee], 1)) for _ in range(TAIL_MAX - 1)))
        ]
        heard: dict[str, list[Message]] = {"one": [], "two": []}
        for serial, signed in enumerate(entries):
            for peer, messages in heard.items():
                witnessing.submit(Submit(serial, b"", Bundle((signed,))), messages.append, peer)
        assert len(witnessing._on_hold) == 2 * len(entries)
        await built.up()
        await built.until_voting()
        await trio.sleep(5)
        serials = [[answer.serial for answer in answers if isinstance(answer, Answer)] for answers in heard.values()]
        assert serials == [list(range(len(entries)))] * 2
    numbers = [record.vote.number for record in votes_in(tmp_path / "w0")]
    assert len(numbers) == len(set(numbers)) == len(entries)


async def test_what_another_branch_overtook_while_it_waited_gets_no_vote(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: Any
) -> None:
    async with memory_town(town, tmp_path, FOUR, monkeypatch) as built:
        await built.up("w0")
        witnessing, door = of_w0(built), built.node("w0").bookkeeper
        opened = town.open("ana")
        await door.submit(Bundle((opened,), (town.certificate(opened, by=(1, 2, 3)),)))
        loser, winner = town.draft("ana", Send(town["ben"], 1)), town.draft("ana", Send(town["ben"], 2))
        heard: list[Message] = []
        witnessing.submit(Submit(1, b"", Bundle((loser,))), heard.append, "puppet")
        await door.submit(Bundle((winner,), (town.certificate(winner, by=(1, 2, 3)),)))
        assert door.ledger.id_at(town["ana"], 0, 1) == winner.id
        await built.up()
        await built.until_voting("w0")
        await trio.sleep(5)
        assert heard == []
    assert votes_in(tmp_path / "w0") == []
