"""What arrives on a yamux connection: frames taken apart and acted on, nothing believed.

Bytes are counted against the window when they are announced, before one of them is read, and a body
goes to its stream piece by piece: however long a frame claims to be, nothing is gathered here.
"""

from typing import TYPE_CHECKING

import trio

from .limits import STRAY_BYTES_MAX, STREAMS_PER_MINUTE_MAX, Pace
from .stream import MuxedStream
from .wire import ACK, FIN, GO_AWAY, HEADER, PING, RST, SYN, VERSION, WINDOW_UPDATE, Overstepped

if TYPE_CHECKING:
    from .yamux import Muxer


class Incoming:
    """The receiving half of a `Muxer`."""

    def __init__(self, muxer: "Muxer") -> None:
        self._muxer = muxer
        self._own_parity = 1 if muxer.is_initiator else 0
        self._opening = Pace(STREAMS_PER_MINUTE_MAX, 60.0)
        self._arrived = bytearray()
        self._body_of: MuxedStream | None = None
        self._body_left = 0
        self._body_flags = 0
        self._stray = 0

    def feed(self, arrived: bytes) -> None:
        """Act on whole headers and on bodies as they come. Raises Overstepped or ConnectionResetError."""
        buffer = self._arrived
        buffer += arrived
        at, end = 0, len(buffer)
        while at < end:
            if self._body_left:
                size = min(self._body_left, end - at)
                self._on_body(bytes(buffer[at : at + size]))
                at += size
                continue
            if end - at < HEADER.size:
                break
            self._on_header(*HEADER.unpack_from(buffer, at))
            at += HEADER.size
        del buffer[:at]

    def _on_header(self, version: int, kind: int, flags: int, stream_id: int, value: int) -> None:
        if version != VERSION or kind > GO_AWAY:
            raise Overstepped("it does not speak yamux")
        if kind == PING:
            if flags & SYN:
                self._muxer.say(PING, ACK, 0, value)
        elif kind == GO_AWAY:
            raise ConnectionResetError(f"the peer said goodbye ({value})")
        else:
            self._on_stream_frame(kind, flags, stream_id, value)

    def _on_stream_frame(self, kind: int, flags: int, stream_id: int, value: int) -> None:
        if flags & SYN:
            self._on_open(stream_id)
        stream = self._muxer.streams.get(stream_id)
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
            self._muxer.forget(stream)
            stream.on_reset()
        elif flags & FIN and not stream.fin_received:
            stream.on_fin()
            if stream.is_closed():
                self._muxer.forget(stream)

    def _on_open(self, stream_id: int) -> None:
        if not self._opening.allows(trio.current_time()):
            raise Overstepped("it opens streams without end")
        if stream_id == 0 or stream_id % 2 == self._own_parity or stream_id in self._muxer.streams:
            raise Overstepped(f"it opened a stream under the number {stream_id}, which is not its to open")
        theirs = sum(1 for stream in self._muxer.streams.values() if not stream.is_initiator)
        stream = MuxedStream(stream_id, self._muxer, False)
        try:
            if theirs >= self._muxer.allowance.streams:
                raise trio.WouldBlock
            self._muxer.accept(stream)
        except trio.WouldBlock:
            self._muxer.send_reset(stream_id)
            return
        self._muxer.say(WINDOW_UPDATE, ACK, stream_id, 0)
