"""Open acts between nodes: shown, collected, decided, also when the node that began to ask is gone."""

from pathlib import Path
from typing import Any

import pytest

from node.proposing import HEAD_START_S
from protocol.base import AccountId
from protocol.entry import SignedEntry
from protocol.messages import encode_message
from protocol.notices import Propose
from tests.builders import Town, charge, found
from tests.towns.memory_town import MemoryTown, memory_town

BOARD = ("s0", "s1")
ALL = "w0 w1 w2 w3 s0 s1"


@pytest.fixture
def town() -> Town:
    return found("ana", "ben", stewards=BOARD, threshold=2, witnesses=4, quorum=3)


def dues(town: Town, amount: int = 5, *, round: int = 0, by: tuple[int, ...] = (0,)) -> SignedEntry:
    return town.propose(charge(town["ana"], AccountId(0), amount), round=round, by=by)


def height(built: MemoryTown, name: str) -> int:
    return built.node(name).ledger.commons.height


async def test_ballots_of_two_nodes_decide_an_act_everywhere(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: Any
) -> None:
    async with memory_town(town, tmp_path, ALL, monkeypatch) as built:
        await built.up()
        await built.until_voting()
        assert built.node("s0").proposer.offer(dues(town, by=(0,)))
        await built.until(lambda: len(built.node("s1").proposer.open_acts()) == 1)
        assert height(built, "s1") == 0
        assert built.node("s1").proposer.offer(dues(town, by=(1,)))
        await built.until(lambda: all(height(built, name) == 1 for name in built.dwellers))
        assert built.node("s0").proposer.open_acts() == []
        assert built.node("w3").ledger.commons.adjust(town["ana"]) == -5


async def test_a_complete_act_is_decided_though_the_node_that_completed_it_is_gone(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: Any
) -> None:
    async with memory_town(town, tmp_path, ALL, monkeypatch) as built:
        await built.up("w0", "w1", "w2", "w3", "s0")
        await built.until_voting()
        built.network.cut("s0", {"w0", "w1", "w2"})
        assert built.node("s0").proposer.offer(dues(town, by=(0, 1)))
        await built.until(lambda: len(built.node("w3").proposer.open_acts()) == 1, HEAD_START_S / 2)
        await built.crash("s0")
        await built.until(lambda: height(built, "w2") == 1)


async def test_whoever_links_later_is_shown_what_is_open_and_one_that_was_behind_is_shown_it_again(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: Any
) -> None:
    async with memory_town(town, tmp_path, ALL, monkeypatch) as built:
        await built.up("w0", "w1", "w2", "w3", "s0")
        await built.until_voting()
        built.node("s0").proposer.offer(dues(town, by=(0, 1)))
        await built.until(lambda: height(built, "s0") == 1)
        town.keep(dues(town, by=(0, 1)))
        built.node("s0").proposer.offer(dues(town, 7, by=(0,)))
        await built.up("s1")  # which has height 0 when it is shown the act of height 2
        await built.until(lambda: len(built.node("s1").proposer.open_acts()) == 1)


async def test_two_acts_in_one_round_end_in_a_decision_when_a_steward_signs_the_other_one(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: Any
) -> None:
    """A double signer: both acts are complete, and two witnesses vote for each."""
    one, other = dues(town, by=(0, 1)), dues(town, 6, by=(0, 1))
    async with memory_town(town, tmp_path, ALL, monkeypatch) as built:
        await built.up("w0", "w1", "w2", "w3", "s0", "s1")
        await built.until_voting()
        built.network.cut("s0", {"w2", "w3", "s1"})
        built.network.cut("s1", {"w0", "w1", "s0"})
        built.network.cut("w0", {"w2", "w3", "s1"})
        built.network.cut("w1", {"w2", "w3", "s1"})
        built.node("s0").proposer.offer(one)
        built.node("s1").proposer.offer(other)
        split = {"w0": one.id, "w1": one.id, "w2": other.id, "w3": other.id}

        def voted(name: str) -> Any:
            witnessing = built.node(name).witnessing
            assert witnessing is not None
            votes = witnessing._memory.standing(1).votes
            return votes[0].id if votes else None

        await built.until(lambda: {name: voted(name) for name in split} == split)
        for name in ("s0", "s1", "w0", "w1"):
            built.network.cut(name, set())
        await built.until(lambda: built.node("s0").proposer.place.floor >= 0)
        assert height(built, "s0") == 0
        again = dues(town, 6, round=1, by=(0, 1))
        built.node("s1").proposer.offer(again)
        await built.until(lambda: all(height(built, name) == 1 for name in built.dwellers))
        assert built.node("w0").ledger.commons.adjust(town["ana"]) == -6


async def test_what_no_steward_signed_and_what_comes_too_fast_is_not_passed_on(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: Any
) -> None:
    async with memory_town(town, tmp_path, "w0 w1 w2 w3 ana ben", monkeypatch) as built:
        await built.up()
        good = dues(town, by=(0,))
        forged = SignedEntry(good.body, good.entry, good.id, ((1, good.signatures[0][1]),))
        for _ in range(1000):
            built.network.carry("ana", "ben", encode_message(Propose(forged)))
        built.network.carry("ana", "ben", encode_message(Propose(good)))
        built.network.carry("w0", "ben", encode_message(Propose(forged)))
        await built.until(lambda: not built.network.ends["ben"].inbox.statistics().current_buffer_used)
        assert built.node("ben").proposer.open_acts() == [] == built.node("w1").proposer.open_acts()
