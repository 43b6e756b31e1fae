"""Requests among nodes: left at one, seen at all, gone everywhere when they end; and floods cost little."""

from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing

from node.strangers.request_sharing import REQUESTS_BURST, RETELL_S, SWEEP_S
from protocol.messages import REQUESTS_MAX, Bundle, Hello, Requests, encode_message
from protocol.request import Request
from tests.builders import Town, found
from tests.papers import NOW_S, request, voucher
from tests.towns.memory_town import MemoryTown, memory_town


@pytest.fixture(autouse=True)
def _today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("node.wallclock.now_s", lambda: NOW_S)


@pytest.fixture
def town() -> Town:
    return found("ana", "ben")


def asking(town: Town, name: str, number: int = 1) -> Request:
    seed = number.to_bytes(32)
    return request(town, voucher(town, seed=seed), name, seed=seed)


def waiting(built: MemoryTown, name: str) -> list[str]:
    return [asked.handle for asked in built.node(name).requests.live(NOW_S)]


async def until_linked(built: MemoryTown) -> None:
    up = [dweller.node for dweller in built.dwellers.values() if dweller.node is not None]
    await built.until(lambda: all(len(node.connected()) == len(up) - 1 for node in up))


async def test_a_request_left_at_one_node_is_at_all_within_a_moment_and_with_a_new_link(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: Any
) -> None:
    async with memory_town(town, tmp_path, "w0 ana ben", monkeypatch) as built:
        await built.up("w0", "ana")
        await until_linked(built)
        assert built.node("ana").requests.take(asking(town, "eve"), NOW_S) is None
        await trio.sleep(0.2)
        assert waiting(built, "w0") == ["eve"]
        await built.up("ben")
        await built.until(lambda: waiting(built, "ben") == ["eve"], timeout_s=5)


async def test_a_request_is_gone_at_every_node_when_its_key_is_admitted(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: Any
) -> None:
    async with memory_town(town, tmp_path, "w0 ana", monkeypatch) as built:
        await built.up()
        await until_linked(built)
        built.node("ana").requests.take(asking(town, "eve"), NOW_S)
        await trio.sleep(0.2)
        changes: list[str] = []
        built.node("w0").requests.on_change(lambda: changes.append("w0"))
        signed, certificate = town.decide(town.admit("eve"))
        await built.node("ana").bookkeeper.submit(Bundle((signed,), (certificate,)))
        await built.until_level()
        await trio.sleep(0.2)
        assert waiting(built, "w0") == waiting(built, "ana") == [] and changes == ["w0"]


async def test_what_a_node_could_not_judge_when_it_was_new_comes_again(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: Any
) -> None:
    async with memory_town(town, tmp_path, "w0 ana", monkeypatch) as built:
        await built.up()
        await until_linked(built)
        monkeypatch.setattr("node.strangers.requests.request_fault", lambda *_: "not_issued")
        box = built.node("ana").requests
        asked = asking(town, "eve")
        box._live[asked.id] = asked
        box._tell(asked)
        await trio.sleep(1)
        assert waiting(built, "w0") == []
        monkeypatch.undo()
        monkeypatch.setattr("node.wallclock.now_s", lambda: NOW_S)
        await built.until(lambda: waiting(built, "w0") == ["eve"], timeout_s=RETELL_S + 2 * SWEEP_S)


async def test_of_a_flood_of_requests_few_are_looked_at_closely(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: Any
) -> None:
    looked_at: list[Any] = []
    monkeypatch.setattr("node.strangers.requests.request_fault", lambda *asked: looked_at.append(asked) or "altered")
    async with memory_town(town, tmp_path, "w0", monkeypatch) as built:
        await built.up()
        end = built.network.join("puppet")
        end.send_nowait("w0", encode_message(Hello(town.community, bytes(16), 0, b"", b"")))
        await trio.testing.wait_all_tasks_blocked()
        flood = Requests(tuple(asking(town, f"eve{number}", number) for number in range(REQUESTS_MAX)))
        for _ in range(10 * REQUESTS_BURST // REQUESTS_MAX):
            end.send_nowait("w0", encode_message(flood))
        await trio.sleep(0.5)
        assert REQUESTS_BURST <= len(looked_at) <= REQUESTS_BURST + 5 and waiting(built, "w0") == []
