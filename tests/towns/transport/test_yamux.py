"""The multiplexer on a connection in memory: what it keeps to, and what it does not put up with."""

import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
import trio.testing
from libp2p.stream_muxer.exceptions import MuxedConnUnavailable, MuxedStreamEOF, MuxedStreamError, MuxedStreamReset

from node.transport.limits import STRAY_BYTES_MAX, STREAMS_PER_MINUTE_MAX, STREAMS_PER_PEER_MAX, WINDOW_BYTES
from node.transport.wire import ACK, DATA, FIN, GO_AWAY, PING, RST, SYN, WINDOW_UPDATE
from node.transport.yamux import Muxer

from .memory import muxer, pair

HEADER = struct.Struct(">BBHII")


class Enemy:
    """The other end in the hands of a test that writes frames itself."""

    def __init__(self, stream: trio.abc.Stream, muxer: Muxer) -> None:
        self._stream = stream
        self.muxer = muxer

    async def says(self, kind: int, flags: int, stream_id: int, value: int, body: bytes = b"") -> None:
        await self._stream.send_all(HEADER.pack(0, kind, flags, stream_id, value) + body)

    async def hears(self) -> tuple[int, ...]:
        """The next frame's header."""
        heard = b""
        while len(heard) < HEADER.size:
            heard += await self._stream.receive_some(HEADER.size - len(heard))
        return HEADER.unpack(heard)[1:]


@asynccontextmanager
async def enemy() -> AsyncIterator[Enemy]:
    """A dialler that keeps to nothing, against a dialled muxer."""
    left, right = trio.testing.memory_stream_pair()
    attacked = muxer(right, False)
    with trio.fail_after(5):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(attacked.start)
            await attacked.event_started.wait()
            yield Enemy(left, attacked)
            nursery.cancel_scope.cancel()


async def test_bytes_go_both_ways_on_several_streams() -> None:
    async with pair() as (dialler, dialled):
        for number in range(3):
            stream = await dialler.open_stream()
            other = await dialled.accept_stream()
            await stream.write(b"question %d" % number)
            assert await other.read(100) == b"question %d" % number
            await other.write(b"answer")
            assert await stream.read() == b"answer"


async def test_more_than_a_window_gets_through_when_it_is_read() -> None:
    sent = bytes(range(256)) * 8192
    async with pair() as (dialler, dialled):
        stream = await dialler.open_stream()
        other = await dialled.accept_stream()
        received = bytearray()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(stream.write, sent)
            while len(received) < len(sent):
                received += await other.read(65536)
        assert received == sent


async def test_what_is_not_read_stops_the_sender_at_the_window() -> None:
    async with pair() as (dialler, dialled):
        stream = await dialler.open_stream()
        other = await dialled.accept_stream()
        stream.offer(bytes(WINDOW_BYTES * 4))
        await trio.testing.wait_all_tasks_blocked()
        assert len(stream.pending) == WINDOW_BYTES * 3
        assert other.window == 0


async def test_closing_ends_one_direction_and_the_other_goes_on() -> None:
    async with pair() as (dialler, dialled):
        stream = await dialler.open_stream()
        other = await dialled.accept_stream()
        await stream.write(b"last words")
        await stream.close()
        assert await other.read() == b"last words"
        with pytest.raises(MuxedStreamEOF):
            await other.read()
        await other.write(b"understood")
        assert await stream.read() == b"understood"
        with pytest.raises(MuxedStreamError):
            await stream.write(b"one more")


async def test_a_reset_ends_reading_and_writing_on_both_sides() -> None:
    async with pair() as (dialler, dialled):
        stream = await dialler.open_stream()
        other = await dialled.accept_stream()
        await stream.reset()
        for end in (stream, other):
            with pytest.raises(MuxedStreamReset):
                await end.read()
            with pytest.raises(MuxedStreamError):
                await end.write(b"too late")
        assert not dialler.streams and not dialled.streams


async def test_the_end_of_the_connection_ends_all_waiting() -> None:
    async with pair() as (dialler, dialled):
        stream = await dialler.open_stream()
        dialled.abort()
        with pytest.raises(MuxedStreamReset):
            await stream.read()
        with pytest.raises(MuxedConnUnavailable):
            await dialler.accept_stream()
        assert dialler.is_closed and dialled.is_closed


async def test_a_ping_is_answered_and_counts_as_a_sign_of_life() -> None:
    async with enemy() as other:
        other.muxer.heard_at = 0.0
        await other.says(PING, SYN, 0, 77)
        assert await other.hears() == (PING, ACK, 0, 77)
        assert other.muxer.heard_at > 0.0


async def test_one_byte_beyond_the_window_closes_the_connection_before_it_is_read() -> None:
    async with enemy() as other:
        await other.says(WINDOW_UPDATE, SYN, 1, 0)
        assert await other.hears() == (WINDOW_UPDATE, ACK, 1, 0)
        await other.says(DATA, 0, 1, WINDOW_BYTES, bytes(WINDOW_BYTES))
        await trio.testing.wait_all_tasks_blocked()
        assert not other.muxer.is_closed
        await other.says(DATA, 0, 1, 1)
        await other.muxer.closed.wait()


@pytest.mark.parametrize(
    "header",
    [(7, 0, 0, 0), (GO_AWAY, 0, 0, 0), (WINDOW_UPDATE, SYN, 2, 0), (WINDOW_UPDATE, SYN, 0, 0)],
    ids=["unknown kind", "go away", "our number", "number zero"],
)
async def test_frames_that_break_the_protocol_close_the_connection(header: tuple[int, int, int, int]) -> None:
    async with enemy() as other:
        await other.says(*header)
        await other.muxer.closed.wait()


async def test_bytes_for_no_stream_are_thrown_away_until_it_is_too_much() -> None:
    async with enemy() as other:
        size = STRAY_BYTES_MAX // 8
        for _ in range(8):
            await other.says(DATA, 0, 99, size, bytes(size))
        await trio.testing.wait_all_tasks_blocked()
        assert not other.muxer.is_closed and not other.muxer.streams
        await other.says(DATA, 0, 99, 1, b"x")
        await other.muxer.closed.wait()


async def test_streams_beyond_the_limit_are_reset_and_too_many_end_the_connection() -> None:
    async with enemy() as other:
        for number in range(STREAMS_PER_PEER_MAX):
            await other.says(WINDOW_UPDATE, SYN, 1 + 2 * number, 0)
            assert (await other.hears())[1] == ACK
        extra = 1 + 2 * STREAMS_PER_PEER_MAX
        await other.says(WINDOW_UPDATE, SYN, extra, 0)
        assert await other.hears() == (WINDOW_UPDATE, RST, extra, 0)
        assert len(other.muxer.streams) == STREAMS_PER_PEER_MAX
        opened = STREAMS_PER_PEER_MAX + 1
        for number in range(STREAMS_PER_MINUTE_MAX - opened):
            await other.says(WINDOW_UPDATE, SYN, extra + 2 + 2 * number, 0)
        await trio.testing.wait_all_tasks_blocked()
        assert not other.muxer.is_closed
        await other.says(WINDOW_UPDATE, SYN, 9_999, 0)
        await other.muxer.closed.wait()


async def test_data_and_end_in_one_frame_arrive_in_that_order() -> None:
    async with enemy() as other:
        await other.says(DATA, SYN | FIN, 1, 5, b"hello")
        stream = await other.muxer.accept_stream()
        assert await stream.read() == b"hello"
        with pytest.raises(MuxedStreamEOF):
            await stream.read()
