"""What a comparing peer may cost: each account is looked at once a question, and only so many are answered."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import trio

from node.replicating import COMPARES_MAX, COMPARES_WITHIN_S
from protocol.base import ACCOUNT_MAX, HASH_BYTES, AccountId, EntryId
from protocol.messages import (
    Bundle,
    Compare,
    Heads,
    Hello,
    Index,
    Moved,
    Position,
    Range,
    Span,
    decode_message,
    encode_message,
)
from protocol.replication import RANGES_MAX, heads_messages, serve_compare
from tests.builders import found
from tests.towns.memory_town import memory_town

OTHER = bytes(HASH_BYTES)
WHOLE = Range(0, ACCOUNT_MAX, 0, OTHER)


class CountingShelf:
    """Many accounts with one entry each; counts the heads it was asked for."""

    def __init__(self, accounts: int) -> None:
        self._heads = [Position(AccountId(number), 0, 0, EntryId(number.to_bytes(32))) for number in range(accounts)]
        self.looked_at = 0

    def final_heads(self, first: int, last: int) -> list[Position]:
        heads = [head for head in self._heads if first <= head.account <= last]
        self.looked_at += len(heads)
        return heads

    def is_held(self, position: Position) -> bool:
        return True

    def is_final(self, position: Position) -> bool:
        return True

    def final_seq(self, account: AccountId) -> int:
        return 0

    def page(self, row: int, limit: int) -> Index:
        return Index((), 0, False)

    def moved(self, row: int, limit: int) -> Moved:
        return Moved((), 0, False)

    def records(self, rows: Sequence[int]) -> Bundle:
        return Bundle()

    def span(self, span: Span, entries_max: int) -> Bundle:
        return Bundle()


@pytest.mark.parametrize(
    "ranges",
    [
        [WHOLE] * 1_000,
        [Range(number % 7, ACCOUNT_MAX, 100_000, OTHER) for number in range(1_000)],
        [Range(0, 99, 0, OTHER), Range(200, 150, 0, OTHER), Range(0, 99, 0, OTHER)] * 100,
    ],
    ids=["the whole again and again", "overlapping", "backwards"],
)
def test_no_account_is_described_twice_for_one_question(ranges: list[Range]) -> None:
    shelf = CountingShelf(500)
    messages = serve_compare(shelf, Compare(tuple(ranges)))
    assert shelf.looked_at <= 3 * 500, "once for its fingerprint, and once more for its parts or heads"
    told = [head for message in messages if isinstance(message, Heads) for head in message.heads]
    assert len(set(told)) == len(told)


def test_no_head_is_told_twice_in_answer_to_heads() -> None:
    shelf = CountingShelf(500)
    messages = heads_messages(shelf, [(0, ACCOUNT_MAX)] * 1_000, reply=False)
    assert shelf.looked_at == 500 and len(messages) == 1


def test_a_large_difference_is_answered_in_messages_that_can_be_read() -> None:
    shelf = CountingShelf(20_000)
    answer = serve_compare(shelf, Compare((Range(0, ACCOUNT_MAX, 100_000, OTHER),)))
    for _ in range(2):
        (compare,) = (message for message in answer if isinstance(message, Compare))
        differing = Compare(tuple(Range(part.first, part.last, part.count, OTHER) for part in compare.ranges))
        answer = serve_compare(shelf, differing)
    for message in answer:
        assert decode_message(encode_message(message)) == message
    (compare,) = (message for message in answer if isinstance(message, Compare))
    assert len(compare.ranges) == RANGES_MAX, "what is left over shows in the next comparing"


async def test_a_flood_of_compares_is_answered_now_and_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: Any
) -> None:
    town = found("ana")
    async with memory_town(town, tmp_path, "w0", monkeypatch) as built:
        await built.up()
        end = built.network.join("puppet")
        asked = [Compare((WHOLE,)), Heads(((0, ACCOUNT_MAX),), (), True)]
        for message in [Hello(town.community, bytes(16), 0, b"", b""), *asked * 500]:
            assert end.send_nowait("w0", encode_message(message))
        heard: Counter[type] = Counter()
        with trio.move_on_after(COMPARES_WITHIN_S / 2):
            async for _, frames in end.inbox:
                heard.update(type(decode_message(frame)) for frame in frames)
        assert heard[Heads] == COMPARES_MAX
        await trio.sleep(COMPARES_WITHIN_S)
        end.send_nowait("w0", encode_message(asked[0]))
        with trio.fail_after(1):
            while not isinstance(decode_message((await end.inbox.receive())[1][0]), Heads):
                pass
