"""Whoever is linked is greeted, whatever became of events and Hellos; and a Hello that comes often costs little."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import trio

from node.exchange import HELLO_PAUSE_S, HELLOS_MAX, SETTLE_S
from protocol.base import CommunityId
from protocol.messages import Hello, Hosts, Message, decode_message, encode_message
from tests.builders import Town, found
from tests.towns.memory_town import MemoryTown, memory_town
from tests.towns.memory_transport import MemoryTransport

GENERATION = bytes(range(16))


@pytest.fixture
def town() -> Town:
    return found("ana", "ben", witnesses=2)


def has_greeted(built: MemoryTown, name: str, other: str) -> bool:
    return other in built.node(name).connected()


@pytest.mark.parametrize("deaf", ["w0", "w1"])
async def test_an_end_that_changed_without_a_word_is_greeted_anew(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: Any, deaf: str
) -> None:
    """As when power fails and the other end keeps its link until the new one is there, or a copied home dials in."""
    async with memory_town(town, tmp_path, "w0 w1 ana", monkeypatch) as built:
        await built.up()
        await built.until(lambda: has_greeted(built, "w0", "w1") and has_greeted(built, "w1", "w0"))
        back = {"w0": "w1", "w1": "w0"}[deaf]
        built.network.deaf = {deaf}
        await built.crash(back)
        await built.up(back)
        assert not has_greeted(built, back, deaf)
        await built.until(lambda: has_greeted(built, back, deaf), timeout_s=2 * SETTLE_S)
        await built.until_voting("w0", "w1")
        assert has_greeted(built, deaf, back)


async def test_nodes_that_are_told_of_no_link_greet_all_the_same(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: Any
) -> None:
    async with memory_town(town, tmp_path, "w0 w1 ana", monkeypatch) as built:
        built.network.deaf = {"w0", "w1", "ana"}
        await built.up()
        await built.until(lambda: all(len(built.node(name).connected()) == 2 for name in built.dwellers), timeout_s=5)
        paid = town.open("ana")
        await built.pay_in("ana", paid)
        assert await built.is_final("ana", paid)


async def test_a_peer_that_went_without_an_event_is_no_neighbour_any_more(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: Any
) -> None:
    async with memory_town(town, tmp_path, "w0 w1 ana", monkeypatch) as built:
        await built.up()
        await built.until(lambda: has_greeted(built, "w0", "w1"))
        gone: list[str] = []
        built.node("w0").exchange.on_link(lambda peer: None, gone.append)
        built.network.deaf = {"w0"}
        await built.crash("w1")
        await built.until(lambda: not has_greeted(built, "w0", "w1"), timeout_s=2 * SETTLE_S)
        await trio.sleep(3 * SETTLE_S)
        assert gone == ["w1"]


async def test_slow_nodes_do_not_answer_one_another_for_ever(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: Any
) -> None:
    async with memory_town(town, tmp_path, "w0 w1 ana", monkeypatch, delay_s=2 * SETTLE_S) as built:
        hellos: list[tuple[str, str]] = []
        carry = built.network.carry

        def carrying(sender: str, receiver: str, frame: bytes) -> bool:
            if isinstance(decode_message(frame), Hello):
                hellos.append((sender, receiver))
            return carry(sender, receiver, frame)

        built.network.carry = carrying  # type: ignore[method-assign]
        await built.up()
        await trio.sleep(30)
        built.network.delay_s = 0.0
        await trio.sleep(30)
        said = len(hellos)
        await trio.sleep(60)
        assert all(len(built.node(name).connected()) == 2 for name in built.dwellers)
        assert len(hellos) == said


# A peer that says Hello as it likes


@dataclass
class Puppet:
    """The end of a link that only says what a test has it say."""

    end: MemoryTransport
    hello: Hello

    def say(self, *messages: Message) -> None:
        for message in messages:
            assert self.end.send_nowait("w0", encode_message(message))

    async def hears(self, for_s: float = 0.5) -> Counter[type]:
        """What has come, and comes within that time, by kind."""
        heard: Counter[type] = Counter()
        with trio.move_on_after(for_s):
            async for _, frames in self.end.inbox:
                heard.update(type(decode_message(frame)) for frame in frames)
        return heard


@asynccontextmanager
async def puppet_of_w0(
    town: Town, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[MemoryTown, Puppet]]:
    """w0 alone, linked with a puppet whose first Hello it has not heard yet."""
    async with memory_town(town, folder, "w0", monkeypatch) as built:
        await built.up()
        built.node("w0").host([town["ana"]])
        puppet = Puppet(built.network.join("puppet"), Hello(town.community, GENERATION, 0, b"", b""))
        assert (await puppet.hears())[Hello] == 1
        yield built, puppet


async def test_a_hello_that_comes_again_is_answered_once_a_second_and_begins_nothing_anew(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: Any
) -> None:
    async with puppet_of_w0(town, tmp_path, monkeypatch) as (built, puppet):
        ups: list[str] = []
        built.node("w0").exchange.on_link(ups.append)
        await trio.sleep(HELLO_PAUSE_S)
        puppet.say(puppet.hello)
        assert (await puppet.hears())[Hello] == 0, "the first one is no question"
        for _ in range(3):
            await trio.sleep(HELLO_PAUSE_S)
            puppet.say(*[puppet.hello] * 100)
            heard = await puppet.hears()
            assert heard[Hello] == 1 and heard[Hosts] == 1
        assert ups == ["puppet"]


async def test_another_process_with_the_same_name_is_a_new_neighbour(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: Any
) -> None:
    async with puppet_of_w0(town, tmp_path, monkeypatch) as (built, puppet):
        ups: list[str] = []
        downs: list[str] = []
        built.node("w0").exchange.on_link(ups.append, downs.append)
        neighbours = built.node("w0").exchange.neighbours
        puppet.say(puppet.hello, Hosts((town["ben"],)))
        await trio.sleep(HELLO_PAUSE_S)
        assert neighbours.hosting(town["ben"]) == ["puppet"]
        other = Hello(town.community, GENERATION, 7, b"", b"")
        puppet.say(other)
        await puppet.hears()
        assert ups == ["puppet", "puppet"] and downs == ["puppet"]
        known = neighbours.get("puppet")
        assert known is not None and known.hello == other and neighbours.hosting(town["ben"]) == []


async def test_a_new_link_is_a_new_beginning_also_when_nobody_told_the_end_of_the_last_one(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: Any
) -> None:
    async with puppet_of_w0(town, tmp_path, monkeypatch) as (built, puppet):
        ups: list[str] = []
        built.node("w0").exchange.on_link(ups.append)
        puppet.say(puppet.hello)
        await puppet.hears()
        built.network.deaf = {"w0"}
        built.network.leave("puppet")
        built.network.deaf = set()
        again = Puppet(built.network.join("puppet"), puppet.hello)
        again.say(again.hello)
        assert (await again.hears())[Hello] == 1
        assert ups == ["puppet", "puppet"]


async def test_a_flood_of_different_hellos_is_heard_a_few_times_only(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: Any
) -> None:
    async with puppet_of_w0(town, tmp_path, monkeypatch) as (built, puppet):
        ups: list[str] = []
        built.node("w0").exchange.on_link(ups.append)
        puppet.say(*[Hello(town.community, GENERATION, row, b"", b"") for row in range(100)])
        assert (await puppet.hears())[Hello] <= 1
        assert len(ups) == HELLOS_MAX
        await trio.sleep(2 * SETTLE_S)
        assert built.node("w0").connected() == ["puppet"]


async def test_who_belongs_to_another_community_is_named_once_and_not_heard(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async with puppet_of_w0(town, tmp_path, monkeypatch) as (built, puppet):
        foreign = Hello(CommunityId(bytes(32)), GENERATION, 0, b"", b"")
        puppet.say(*[foreign] * 100)
        await trio.sleep(3 * SETTLE_S)
        assert built.node("w0").connected() == []
        assert [record.getMessage() for record in caplog.records if "another community" in record.getMessage()] == [
            "peer puppet belongs to another community; what it says is not heard"
        ]


async def test_a_node_says_when_too_few_witnesses_are_linked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: Any
) -> None:
    town = found("ana", witnesses=4, quorum=3)
    async with memory_town(town, tmp_path, "w0 w1 w2 w3 ana", monkeypatch) as built:
        await built.up("ana", "w0", "w1")
        assert built.node("ana").problems() == [], "it has only just begun"
        await trio.sleep(20)
        (problem,) = built.node("ana").problems()
        assert problem.startswith("2 of 4 witnesses are linked, and 3 are needed")
        assert built.node("w0").problems() == [problem], "a witness counts itself"
        await built.up("w2")
        await built.until_voting("w0", "w1", "w2")
        assert built.node("ana").problems() == []
