"""The yamux multiplexer over one connection, written so that no peer can make it hold more than its windows.

The library's own yamux buffers whatever a peer sends beyond the window it was given, and grows that
window to 16 MiB; this one closes the connection on the first byte too many and never grows it.
It also costs a quarter: one read of the socket serves every frame in it, and one writer task sends
everything that is queued at that moment, for all streams, in one write.

Wire format: the yamux specification (version 0; data, window update, ping, go away).
"""

import struct
from collections.abc import Awaitable, Callable
from typing import Any, cast

import trio
from libp2p.abc import IMuxedConn, ISecureConn
from libp2p.connection_types import ConnectionType
from libp2p.peer.id import ID
from libp2p.stream_muxer.exceptions import MuxedConnUnavailable, MuxedStreamError
from multiaddr import Multiaddr  # type: ignore[import-untyped]

from .limits import (
    CONTROL_BYTES_MAX,
    STRAY_BYTES_MAX,
    STREAMS_PER_MINUTE_MAX,
    STREAMS_PER_PEER_MAX,
    WRITE_DEADLINE_S,
    Pace,
)
from .logs import LOGGER
from .noise import Session
from .stream import MuxedStream

PROTOCOL = "/yamux/1.0.0"
_HEADER = struct.Struct(">BBHII")
DATA, WINDOW_UPDATE, PING, GO_AWAY = range(4)
SYN, ACK, FIN, RST = 1, 2, 4, 8
NORMAL_END, PROTOCOL_ERROR = 0, 1
DATA_BYTES_MAX = (64 << 10) - _HEADER.size
TURN_BYTES = 256 << 10
"""What one stream may send before the next one has its turn."""


class Overstepped(Exception):
    """The peer broke the multiplexer's rules; its connection is closed."""


class Muxer(IMuxedConn):
    """One connection's streams. `abort` ends it from anywhere; `closed` says that it has ended."""

    def __init__(self, conn: ISecureConn, peer_id: ID, on_end: Callable[["Muxer"], None] | None = None) -> None:
        self.session = cast(Session, conn)
        self.peer_id = peer_id
        self.peer = str(peer_id)
        self.event_started = trio.Event()
        self.closed = trio.Event()
        self.heard_at = trio.current_time()
        self.streams: dict[int, MuxedStream] = {}
        self.on_close: Callable[[], Awaitable[None]] | None = None  # the library sets it; `accept_stream` tells it, too
        self._on_end = on_end
        self._next_id = 1 if conn.is_initiator else 2
        self._accepted, self._to_accept = trio.open_memory_channel[MuxedStream](STREAMS_PER_PEER_MAX)
        self._opening = Pace(STREAMS_PER_MINUTE_MAX, 60.0)
        self._control = bytearray()
        self._sending: dict[MuxedStream, None] = {}
        self._work = trio.lowlevel.ParkingLot()
        self._life = trio.CancelScope()
        self._arrived = bytearray()
        self._body_of: MuxedStream | None = None
        self._body_left = 0
        self._body_flags = 0
        self._stray = 0

    # -- life

    async def start(self) -> None:
        """Serve the connection until it ends. Never raises: one peer may not end the node."""
        try:
            with self._life:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._write_all)
                    self.event_started.set()
                    await self._read_all()
                    nursery.cancel_scope.cancel()
        except* Overstepped as broken:
            LOGGER.warning("%s broke the rules of the connection: %s", self.peer, broken.exceptions[0])
        except* Exception as failed:
            LOGGER.debug("the connection with %s ended: %r", self.peer, failed.exceptions[0])
        finally:
            self._end()
            with trio.CancelScope(shield=True):
                await self.session.close()

    def abort(self) -> None:
        """Close the connection now, without another word. Safe to call again and from anywhere."""
        self._life.cancel()

    async def close(self, error_code: int = NORMAL_END) -> None:
        """Close the connection and wait until its socket is given back."""
        self.abort()
        if self.event_started.is_set():
            await self.closed.wait()
        self._end()
        await self.session.close()

    def _end(self) -> None:
        if self.closed.is_set():
            return
        self.closed.set()
        self.event_started.set()
        self._accepted.close()
        streams, self.streams = self.streams, {}
        for stream in streams.values():
            stream.on_reset()
        if self._on_end is not None:
            self._on_end(self)

    @property
    def is_initiator(self) -> bool:
        """Whether we dialled."""
        return self.session.is_initiator

    @property
    def is_established(self) -> bool:
        """Whether streams may be opened."""
        return self.event_started.is_set() and not self.closed.is_set()

    @property
    def is_closed(self) -> bool:
        """Whether the connection has ended."""
        return self.closed.is_set()

    def get_remote_address(self) -> tuple[str, int] | None:
        """Host and port of the peer."""
        return self.session.get_remote_address()

    def get_transport_addresses(self) -> list[Multiaddr]:
        """The peer's end as multiaddrs."""
        return self.session.get_transport_addresses()

    def get_connection_type(self) -> ConnectionType:
        """Always direct."""
        return self.session.get_connection_type()

    # -- streams

    async def open_stream(self) -> MuxedStream:
        """A new stream to the peer. Raises MuxedStreamError when the connection has ended."""
        if not self.is_established:
            raise MuxedStreamError("the connection has ended")
        stream = MuxedStream(self._next_id, self, True)
        self._next_id += 2
        self.streams[stream.stream_id] = stream
        self._say(WINDOW_UPDATE, SYN, stream.stream_id, 0)
        await trio.lowlevel.checkpoint()
        return stream

    async def accept_stream(self) -> MuxedStream:
        """The next stream that the peer opened. Raises MuxedConnUnavailable once the connection has ended."""
        try:
            return await self._to_accept.receive()
        except trio.EndOfChannel:
            raise MuxedConnUnavailable("the connection has ended") from None

    def forget(self, stream: MuxedStream) -> None:
        """The stream is over; bytes that still come for it are thrown away."""
        self.streams.pop(stream.stream_id, None)
        self._sending.pop(stream, None)

    # -- sending

    def has_pending(self, stream: MuxedStream) -> None:
        """`stream` has bytes to send, or the end of them."""
        self._sending[stream] = None
        self._work.unpark_all()

    def send_window_update(self, stream: MuxedStream, size: int) -> None:
        """Let the peer send `size` more bytes on `stream`."""
        self._say(WINDOW_UPDATE, 0, stream.stream_id, size)

    def send_reset(self, stream_id: int) -> None:
        """Tell the peer that the stream is dead."""
        self._say(WINDOW_UPDATE, RST, stream_id, 0)

    def ping(self) -> None:
        """Ask the peer for a sign of life; any byte from it moves `heard_at`."""
        self._say(PING, SYN, 0, 0)

    def _say(self, kind: int, flags: int, stream_id: int, value: int) -> None:
        self._control += _HEADER.pack(0, kind, flags, stream_id, value)
        self._work.unpark_all()

    async def _write_all(self) -> None:
        while True:
            batch = self._next_batch()
            if not batch:
                await self._work.park()
                continue
            with trio.fail_after(WRITE_DEADLINE_S):
                await self.session.write(batch)

    def _next_batch(self) -> bytes:
        """Everything that may leave now, each stream at most its turn."""
        batch = self._control
        self._control = bytearray()
        for stream in list(self._sending):
            self._add_turn(batch, stream)
        return bytes(batch)

    def _add_turn(self, batch: bytearray, stream: MuxedStream) -> None:
        left = TURN_BYTES
        while left > 0 and (data := stream.cut(min(left, DATA_BYTES_MAX))):
            batch += _HEADER.pack(0, DATA, 0, stream.stream_id, len(data))
            batch += data
            left -= len(data)
        if stream.pending:
            if stream.send_window == 0:
                self._sending.pop(stream, None)  # the peer's next window brings it back
            return
        self._sending.pop(stream, None)
        if stream.finishing and not stream.fin_sent:
            stream.fin_sent = True
            batch += _HEADER.pack(0, WINDOW_UPDATE, FIN, stream.stream_id, 0)
            self._forget_if_over(stream)

    def _forget_if_over(self, stream: MuxedStream) -> None:
        if stream.fin_sent and stream.fin_received:
            self.forget(stream)

    # -- receiving

    async def _read_all(self) -> None:
        while arrived := await self.session.receive():
            self.heard_at = trio.current_time()
            self._feed(arrived)
            if len(self._control) > CONTROL_BYTES_MAX:
                raise Overstepped("it asks and does not listen to the answers")

    def _feed(self, arrived: bytes) -> None:
        buffer = self._arrived
        buffer += arrived
        at, end = 0, len(buffer)
        while at < end:
            if self._body_left:
                size = min(self._body_left, end - at)
                self._on_body(bytes(buffer[at : at + size]))
                at += size
                continue
            if end - at < _HEADER.size:
                break
            self._on_header(*_HEADER.unpack_from(buffer, at))
            at += _HEADER.size
        del buffer[:at]

    def _on_header(self, version: int, kind: int, flags: int, stream_id: int, value: int) -> None:
        if version != 0 or kind > GO_AWAY:
            raise Overstepped("it does not speak yamux")
        if kind == PING:
            if flags & SYN:
                self._say(PING, ACK, 0, value)
        elif kind == GO_AWAY:
            raise ConnectionResetError(f"the peer said goodbye ({value})")
        else:
            self._on_stream_frame(kind, flags, stream_id, value)

    def _on_stream_frame(self, kind: int, flags: int, stream_id: int, value: int) -> None:
        if flags & SYN:
            self._on_open(stream_id)
        stream = self.streams.get(stream_id)
        if kind == WINDOW_UPDATE:
            if stream is not None and value:
                stream.on_window(value)
            self._on_flags(stream, flags)
        else:
            self._on_data_header(stream, flags, value)

    def _on_data_header(self, stream: MuxedStream | None, flags: int, size: int) -> None:
        """Count the announced bytes before reading one of them."""
        if stream is None:
            self._stray += size
            if self._stray > STRAY_BYTES_MAX:
                raise Overstepped("it keeps sending on streams that are closed")
        else:
            self._stray = 0
            stream.window -= size
            if stream.window < 0:
                raise Overstepped(f"it sent {-stream.window} bytes beyond the window")
        if size == 0:
            self._on_flags(stream, flags)
        else:
            self._body_of, self._body_left, self._body_flags = stream, size, flags & (FIN | RST)

    def _on_body(self, part: bytes) -> None:
        self._body_left -= len(part)
        stream = self._body_of
        if stream is not None and not stream.was_reset:
            stream.on_data(part)
        if self._body_left == 0:
            flags, self._body_flags, self._body_of = self._body_flags, 0, None
            self._on_flags(stream, flags)

    def _on_flags(self, stream: MuxedStream | None, flags: int) -> None:
        if stream is None:
            return
        if flags & RST:
            self.forget(stream)
            stream.on_reset()
        elif flags & FIN and not stream.fin_received:
            stream.on_fin()
            self._forget_if_over(stream)

    def _on_open(self, stream_id: int) -> None:
        if not self._opening.allows(trio.current_time()):
            raise Overstepped("it opens streams without end")
        if stream_id == 0 or stream_id % 2 == self._next_id % 2 or stream_id in self.streams:
            raise Overstepped(f"it opened a stream under the number {stream_id}, which is not its to open")
        theirs = sum(1 for stream in self.streams.values() if not stream.is_initiator)
        stream = MuxedStream(stream_id, self, False)
        try:
            if theirs >= STREAMS_PER_PEER_MAX:
                raise trio.WouldBlock
            self._accepted.send_nowait(stream)
        except trio.WouldBlock:
            self.send_reset(stream_id)
            return
        self.streams[stream_id] = stream
        self._say(WINDOW_UPDATE, ACK, stream_id, 0)


def new_muxer(on_end: Callable[[Muxer], None]) -> Any:
    """A factory as the library's negotiation wants it: a connection and a peer id in, a muxer out."""
    return lambda conn, peer_id: Muxer(conn, peer_id, on_end)
