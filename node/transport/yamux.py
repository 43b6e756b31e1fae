"""The yamux multiplexer over one connection, written so that no peer can make it hold more than its windows.

The library's own yamux buffers whatever a peer sends beyond the window it was given, and grows that
window to 16 MiB; this one closes the connection on the first byte too many and never grows it.
It also costs a quarter: one read of the socket serves every frame in it, and one writer task sends
everything that is queued at that moment, for all streams, in one write.

Wire format: the yamux specification (version 0; data, window update, ping, go away).
"""

import logging
from collections.abc import Awaitable, Callable
from typing import Any, cast

import trio
from libp2p.abc import IMuxedConn, ISecureConn
from libp2p.connection_types import ConnectionType
from libp2p.peer.id import ID
from libp2p.stream_muxer.exceptions import MuxedConnUnavailable, MuxedStreamError
from multiaddr import Multiaddr  # type: ignore[import-untyped]

from .incoming import Incoming
from .limits import CONTROL_BYTES_MAX, KNOWN, STREAMS_PER_PEER_MAX, WRITE_DEADLINE_S, Allowance
from .logs import LOGGER
from .noise import Session
from .stream import MuxedStream
from .wire import BODY_BYTES_MAX, DATA, FIN, PING, RST, SYN, WINDOW_UPDATE, Overstepped, frame

PROTOCOL = "/yamux/1.0.0"
TURN_BYTES = 256 << 10
"""What one stream may send before the next one has its turn."""


class Muxer(IMuxedConn):
    """One connection's streams. `abort` ends it from anywhere; `closed` says that it has ended."""

    def __init__(
        self,
        conn: ISecureConn,
        peer_id: ID,
        on_end: Callable[["Muxer"], None] | None = None,
        allowance: Allowance = KNOWN,
    ) -> None:
        self.allowance = allowance
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
        self._control = bytearray()
        self._sending: dict[MuxedStream, None] = {}
        self._work = trio.lowlevel.ParkingLot()
        self._life = trio.CancelScope()
        self._incoming = Incoming(self)

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
            # strangers are many: they may not fill the log
            level = logging.WARNING if self.allowance is KNOWN else logging.DEBUG
            LOGGER.log(level, "%s broke the rules of the connection: %s", self.peer, broken.exceptions[0])
        except* Exception as failed:
            LOGGER.debug("the connection with %s ended: %r", self.peer, failed.exceptions[0])
        finally:
            self._end()
            with trio.CancelScope(shield=True):
                await self.session.close()

    def abort(self) -> None:
        """Close the connection now, without another word. Safe to call again and from anywhere."""
        self._life.cancel()

    async def close(self) -> None:
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
        self.say(WINDOW_UPDATE, SYN, stream.stream_id, 0)
        await trio.lowlevel.checkpoint()
        return stream

    async def accept_stream(self) -> MuxedStream:
        """The next stream that the peer opened. Raises MuxedConnUnavailable once the connection has ended."""
        try:
            return await self._to_accept.receive()
        except trio.EndOfChannel:
            raise MuxedConnUnavailable("the connection has ended") from None

    def accept(self, stream: MuxedStream) -> None:
        """Hand a stream that the peer opened to `accept_stream`. Raises trio.WouldBlock when too many wait."""
        self._accepted.send_nowait(stream)
        self.streams[stream.stream_id] = stream

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
        self.say(WINDOW_UPDATE, 0, stream.stream_id, size)

    def send_reset(self, stream_id: int) -> None:
        """Tell the peer that the stream is dead."""
        self.say(WINDOW_UPDATE, RST, stream_id, 0)

    def ping(self) -> None:
        """Ask the peer for a sign of life; any byte from it moves `heard_at`."""
        self.say(PING, SYN, 0, 0)

    def say(self, kind: int, flags: int, stream_id: int, value: int) -> None:
        """Queue one frame without a body; it goes before all data."""
        self._control += frame(kind, flags, stream_id, value)
        self._work.unpark_all()

    async def _write_all(self) -> None:
        while True:
            batch = self._next_batch()
            if not batch:
                await self._work.park()
                continue
            if not self.session.write_now(batch):
                with trio.fail_after(WRITE_DEADLINE_S):
                    await self.session.drain()

    def _next_batch(self) -> bytes:
        """Everything that may leave now, each stream at most its turn."""
        batch = self._control
        self._control = bytearray()
        for stream in list(self._sending):
            self._add_turn(batch, stream)
        return bytes(batch)

    def _add_turn(self, batch: bytearray, stream: MuxedStream) -> None:
        left = TURN_BYTES
        while left > 0 and (data := stream.cut(min(left, BODY_BYTES_MAX))):
            batch += frame(DATA, 0, stream.stream_id, len(data))
            batch += data
            left -= len(data)
        if stream.pending:
            if stream.send_window == 0:
                self._sending.pop(stream, None)  # the peer's next window brings it back
            return
        self._sending.pop(stream, None)
        if stream.finishing and not stream.fin_sent:
            stream.fin_sent = True
            batch += frame(WINDOW_UPDATE, FIN, stream.stream_id, 0)
            if stream.is_closed():
                self.forget(stream)

    # -- receiving

    async def _read_all(self) -> None:
        received = 0
        while arrived := await self.session.receive():
            self.heard_at = trio.current_time()
            received += len(arrived)
            if self.allowance.bytes is not None and received > self.allowance.bytes:
                raise Overstepped(f"it sent more than {self.allowance.bytes} bytes")
            self._incoming.feed(arrived)
            if len(self._control) > CONTROL_BYTES_MAX:
                raise Overstepped("it asks and does not listen to the answers")


def new_muxer(on_end: Callable[[Muxer], None]) -> Any:
    """A factory as the library's negotiation wants it: a connection and a peer id in, a muxer out."""
    return lambda conn, peer_id: Muxer(conn, peer_id, on_end)
