"""A link hands over whole frames, bounds what waits on either side and ends with the first impossible length."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
import trio.testing

from node.transport.framing import pack
from node.transport.inbox import Inbox
from node.transport.limits import FRAME_BYTES_MAX, OUTGOING_BYTES_MAX, UNREAD_BYTES_MAX, WINDOW_BYTES
from node.transport.link import Link

from .memory import pair


class Ends:
    """Both ends of one link; `ended` lists the links that are over."""

    def __init__(self) -> None:
        self.ended: list[Link] = []
        self.asking_inbox = Inbox()
        self.answering_inbox = Inbox()
        self.asking: Link
        self.answering: Link


@asynccontextmanager
async def linked() -> AsyncIterator[Ends]:
    """A link over memory."""
    ends = Ends()
    with trio.fail_after(5):
        async with pair() as (dialler, dialled):
            stream = await dialler.open_stream()
            ends.asking = Link(stream, "anna", ends.asking_inbox, ends.ended.append)
            ends.answering = Link(await dialled.accept_stream(), "anna", ends.answering_inbox, ends.ended.append)
            ends.asking.start()
            ends.answering.start()
            yield ends


async def test_frames_queued_together_arrive_together() -> None:
    async with linked() as ends:
        for number in range(10):
            assert ends.asking.send(bytes([number]))
        _, frames = await ends.answering_inbox.receive()
        assert frames == [bytes([number]) for number in range(10)]


async def test_a_frame_longer_than_the_window_arrives() -> None:
    frame = bytes(FRAME_BYTES_MAX)
    async with linked() as ends:
        assert ends.asking.send(frame)
        assert (await ends.answering_inbox.receive())[1] == [frame]


async def test_frames_that_nobody_takes_stop_their_sender_and_lose_nothing() -> None:
    sent = [number.to_bytes(4, "big") * 250 for number in range(3000)]
    async with linked() as ends:
        assert all(ends.asking.send(frame) for frame in sent)
        await trio.testing.wait_all_tasks_blocked()
        waiting = sum(map(len, sent)) - ends.asking.unsent
        assert waiting <= UNREAD_BYTES_MAX + 2 * WINDOW_BYTES
        received: list[bytes] = []
        while len(received) < len(sent):
            received += (await ends.answering_inbox.receive())[1]
        assert received == sent


async def test_a_full_queue_refuses_a_frame_and_keeps_what_it_has() -> None:
    async with linked() as ends:
        frame = bytes(FRAME_BYTES_MAX)
        while ends.asking.send(frame):
            pass
        waiting = ends.asking.unsent
        assert waiting <= OUTGOING_BYTES_MAX
        assert not ends.asking.send(frame)
        assert ends.asking.unsent == waiting


@pytest.mark.parametrize("prefix", [b"\xff\xff\xff\xff", bytes(4)])
async def test_an_impossible_length_ends_the_link(prefix: bytes) -> None:
    async with linked() as ends:
        ends.asking._stream.offer(pack(b"good") + prefix)
        await ends.answering.ended.wait()
        assert ends.answering.broke_rules and not ends.asking.broke_rules
        await ends.asking.ended.wait()
        assert not ends.asking.send(b"too late")
        assert set(ends.ended) == {ends.asking, ends.answering}


async def test_what_arrived_before_the_end_can_still_be_taken() -> None:
    async with linked() as ends:
        ends.asking.send(b"last words")
        await trio.testing.wait_all_tasks_blocked()
        ends.asking.muxer.abort()
        await ends.answering.ended.wait()
        assert ends.answering_inbox.receive_nowait() == (ends.answering.peer, [b"last words"])


async def test_a_discarded_link_delivers_nothing_more() -> None:
    async with linked() as ends:
        ends.asking.send(b"unwelcome")
        await trio.testing.wait_all_tasks_blocked()
        ends.answering.discard()
        await ends.asking.ended.wait()
        with pytest.raises(trio.WouldBlock):
            ends.answering_inbox.receive_nowait()
