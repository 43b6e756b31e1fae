"""One yamux stream: bytes in order, both ways, never more than the window in flight.

Belongs to a `Muxer`, which feeds it what arrived and takes from it what may leave. Nothing here
touches the socket, so a cancelled write can never cut a record: it leaves bytes queued or not.
Source: the yamux specification, sections "Flow Control" and "Closing a Stream".
"""

from typing import TYPE_CHECKING, Protocol

import trio
from libp2p.abc import IMuxedStream
from libp2p.stream_muxer.exceptions import MuxedStreamEOF, MuxedStreamError, MuxedStreamReset

from .limits import WINDOW_BYTES, WRITE_DEADLINE_S

if TYPE_CHECKING:
    from .yamux import Muxer

BACKLOG_BYTES = 64 << 10
"""Bytes that `write` leaves queued before it waits for the peer."""


class Sink(Protocol):
    """Takes a stream's bytes the moment they arrive, instead of a reading task."""

    def take(self, arrived: bytes) -> None:
        """Bytes in order. Whoever takes them says with `MuxedStream.release` when they are done with."""

    def end(self) -> None:
        """No more bytes will come, for whatever reason. Called once."""


class MuxedStream(IMuxedStream):
    """A stream as the library knows it, and with `attach` and `offer` the fast way around it."""

    muxed_conn: "Muxer"

    def __init__(self, stream_id: int, muxer: "Muxer", is_initiator: bool) -> None:
        self.stream_id = stream_id
        self.muxed_conn = muxer
        self.is_initiator = is_initiator
        self.window = WINDOW_BYTES  # what the peer may still send
        self.send_window = WINDOW_BYTES  # what we may still send
        self.pending = bytearray()  # queued, not yet handed to the socket
        self.finishing = False  # we said all; FIN goes out once nothing is pending
        self.fin_sent = False
        self.fin_received = False
        self.was_reset = False
        self._owed = 0  # taken, but not yet given back to the peer as window
        self._unread = bytearray()
        self._sink: Sink | None = None
        self._readers = trio.lowlevel.ParkingLot()
        self._writers = trio.lowlevel.ParkingLot()

    # -- for the owner of the stream

    def attach(self, sink: Sink) -> None:
        """From now on hand everything that arrives to `sink` at once."""
        self._sink = sink
        waiting = bytes(self._unread)
        self._unread.clear()
        if waiting:
            sink.take(waiting)
        if self.fin_received or self.was_reset:
            self._end()

    def offer(self, data: bytes) -> bool:
        """Queue `data` to leave with the next write. False when the stream takes no more."""
        if self.finishing or self.was_reset:
            return False
        self.pending += data
        self.muxed_conn.has_pending(self)
        return True

    def release(self, size: int) -> None:
        """`size` arrived bytes are done with; the peer is told once half a window has gathered."""
        self._owed += size
        if self._owed >= WINDOW_BYTES // 2 and not self.was_reset and not self.fin_received:
            self.window += self._owed
            self.muxed_conn.send_window_update(self, self._owed)
            self._owed = 0

    # -- for the library

    async def read(self, n: int | None = None) -> bytes:
        """At least one byte and at most `n`. Raises MuxedStreamEOF or MuxedStreamReset at the end."""
        while not self._unread:
            if self.was_reset:
                raise MuxedStreamReset("the stream was reset")
            if self.fin_received:
                raise MuxedStreamEOF("the peer has said all")
            await self._readers.park()
        size = len(self._unread) if n is None or n < 0 else n
        data = bytes(self._unread[:size])
        del self._unread[:size]
        self.release(len(data))
        await trio.lowlevel.checkpoint()
        return data

    async def write(self, data: bytes) -> None:
        """Queue `data`; waits while much is queued. Raises MuxedStreamError when the peer does not take it."""
        if not self.offer(data):
            raise MuxedStreamError("the stream is closed for writing")
        with trio.move_on_after(WRITE_DEADLINE_S) as waiting:
            while len(self.pending) > BACKLOG_BYTES and not self.was_reset:
                await self._writers.park()
        if waiting.cancelled_caught:
            await self.reset()
        if self.was_reset:
            raise MuxedStreamError("the stream was reset")
        await trio.lowlevel.checkpoint()

    async def close(self) -> None:
        """Say that we have said all; reading goes on until the peer says so, too."""
        if not self.finishing and not self.was_reset:
            self.finishing = True
            self.muxed_conn.has_pending(self)
        await trio.lowlevel.checkpoint()

    async def reset(self) -> None:
        """End both directions at once and tell the peer."""
        if not self.was_reset:
            self.muxed_conn.send_reset(self.stream_id)
            self.muxed_conn.forget(self)
            self.on_reset()
        await trio.lowlevel.checkpoint()

    def is_closed(self) -> bool:
        """Whether nothing more can go either way."""
        return self.was_reset or (self.fin_sent and self.fin_received)

    def set_deadline(self, ttl: int) -> None:
        """Not offered: callers use trio's own deadlines."""
        raise NotImplementedError("use a trio cancel scope")

    def get_remote_address(self) -> tuple[str, int] | None:
        """Host and port of the peer."""
        return self.muxed_conn.get_remote_address()

    async def __aenter__(self) -> "MuxedStream":
        return self

    # -- for the muxer

    def on_data(self, arrived: bytes) -> None:
        """Bytes that the muxer has already counted against the window."""
        if self._sink is not None:
            self._sink.take(arrived)
            return
        self._unread += arrived
        self._readers.unpark_all()

    def on_window(self, size: int) -> None:
        """The peer takes `size` more bytes."""
        self.send_window += size
        if self.pending:
            self.muxed_conn.has_pending(self)

    def on_fin(self) -> None:
        """The peer has said all."""
        self.fin_received = True
        self._end()

    def on_reset(self) -> None:
        """The stream is dead: by the peer, by us or with the whole connection."""
        self.was_reset = True
        self.pending.clear()
        self._end()

    def cut(self, size: int) -> bytes:
        """Take at most `size` bytes to send now, within the peer's window."""
        size = min(size, self.send_window)
        data = bytes(self.pending[:size])
        del self.pending[:size]
        self.send_window -= len(data)
        if len(self.pending) <= BACKLOG_BYTES:
            self._writers.unpark_all()
        return data

    def _end(self) -> None:
        self._readers.unpark_all()
        self._writers.unpark_all()
        if self._sink is not None:
            sink, self._sink = self._sink, None
            sink.end()
