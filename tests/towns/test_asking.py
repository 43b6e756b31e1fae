"""Questions to the witnesses that a caller waits for: each is asked once, and again only when its answer stays out."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import trio

from node.asking import ASK_AGAIN_S
from protocol.base import Signature
from protocol.messages import AskHead, Head, decode_message
from protocol.signing import Tag, sign
from tests.builders import Town, found, key
from tests.towns.memory_town import MemoryTown, memory_town

FOUR = ("w0", "w1", "w2", "w3")
INSTANCE = bytes(16)


@pytest.fixture
def town() -> Town:
    return found("ana", witnesses=4, quorum=3)


async def ask(built: MemoryTown, town: Town) -> list[Head]:
    contents = [AskHead.content(witness.public, town["ana"], INSTANCE, b"") for witness in town.witnesses]
    signatures: list[Signature] = [sign(key("ana"), Tag.INSTANCE, town.community, content) for content in contents]
    return await built.node("ana").ask_heads(town["ana"], INSTANCE, b"", signatures)


def count_asks(built: MemoryTown) -> Counter[str]:
    """Counts what is asked of each witness from now on."""
    asked: Counter[str] = Counter()
    carry = built.network.carry

    def carrying(sender: str, receiver: str, frame: bytes) -> bool:
        asked[receiver] += isinstance(decode_message(frame), AskHead)
        return carry(sender, receiver, frame)

    built.network.carry = carrying  # type: ignore[method-assign]
    return asked


async def test_no_witness_is_asked_again_because_another_one_answered(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: Any
) -> None:
    async with memory_town(town, tmp_path, " ".join((*FOUR, "ana")), monkeypatch, delay_s=ASK_AGAIN_S / 8) as built:
        await built.up()
        await built.until(lambda: len(built.node("ana").connected()) == 4)
        asked = count_asks(built)
        assert len(await ask(built, town)) == 4
        assert {name: asked[name] for name in FOUR} == dict.fromkeys(FOUR, 1)


async def test_a_witness_that_does_not_answer_is_asked_again_while_a_quorum_is_lacking(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: Any
) -> None:
    async with memory_town(town, tmp_path, " ".join((*FOUR, "ana")), monkeypatch) as built:
        await built.up("w0", "w1", "ana")
        await built.until(lambda: len(built.node("ana").connected()) == 2)
        asked = count_asks(built)
        heads: list[Head] = []

        async def asking() -> None:
            heads.extend(await ask(built, town))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(asking)
            await trio.sleep(ASK_AGAIN_S / 2)
            await built.up("w2")
        assert len(heads) == 3
        assert asked["w0"] == asked["w1"] == 1 and asked["w2"] >= 1


async def test_a_witness_whose_link_comes_up_is_asked_at_once(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: Any
) -> None:
    async with memory_town(town, tmp_path, " ".join((*FOUR, "ana")), monkeypatch) as built:
        await built.up("w0", "w1", "ana")
        await built.until(lambda: len(built.node("ana").connected()) == 2)
        heads: list[Head] = []

        async def asking() -> None:
            heads.extend(await ask(built, town))

        async with trio.open_nursery() as nursery:
            began = trio.current_time()
            nursery.start_soon(asking)
            await trio.sleep(ASK_AGAIN_S / 10)
            await built.up("w2", "w3")
            await built.until(lambda: len(heads) == 4)
            assert trio.current_time() - began < ASK_AGAIN_S
