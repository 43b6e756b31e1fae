"""The one long-lived stream with a peer: frames out, frames in, used both ways.

Writes are coalesced by construction: `send` only queues, and the connection's writer sends all that
is queued in one write. Reads are split into frames where the bytes arrive, with no task in between.
Knows nothing of dialling or of who may connect.
"""

from collections.abc import Callable

import trio

from .framing import BadFrame, Splitter, pack
from .inbox import Inbox
from .limits import FRAME_COST_BYTES, OUTGOING_BYTES_MAX, UNREAD_BYTES_MAX
from .logs import LOGGER
from .stream import MuxedStream
from .yamux import Muxer


class Link:
    """Frames with one peer. `opener` is the peer id of the side that opened the stream."""

    def __init__(self, stream: MuxedStream, opener: str, inbox: Inbox, on_end: Callable[["Link"], None]) -> None:
        self.muxer: Muxer = stream.muxed_conn
        self.peer = self.muxer.peer
        self.opener = opener
        self.ended = trio.Event()
        self.broke_rules = False
        self._stream = stream
        self._inbox = inbox
        self._on_end = on_end
        self._splitter = Splitter()
        self._frames: list[bytes] = []
        self._frame_bytes = 0
        self._held_back = 0

    def start(self) -> None:
        """Begin to take what arrives; what came before the link existed comes first."""
        self._stream.attach(self)

    def send(self, frame: bytes) -> bool:
        """Queue one frame. False when the link is gone or its queue is full; then nothing is queued."""
        packed = pack(frame)
        if len(self._stream.pending) + len(packed) > OUTGOING_BYTES_MAX:
            return False
        return self._stream.offer(packed)

    @property
    def unsent(self) -> int:
        """Bytes that still wait for the peer."""
        return len(self._stream.pending)

    def take(self, arrived: bytes) -> None:
        """Split what arrived into frames and put the link in line."""
        try:
            frames = self._splitter.feed(arrived)
        except BadFrame as bad:
            LOGGER.warning("%s is dropped: %s", self.peer, bad)
            self.broke_rules = True
            self.muxer.abort()
            return
        self._held_back += len(arrived)
        if frames:
            self._frames += frames
            self._frame_bytes += sum(map(len, frames)) + FRAME_COST_BYTES * len(frames)
            self._inbox.announce(self)
        self._give_window()

    def take_frames(self) -> list[bytes]:
        """Hand over all whole frames and let the peer send on."""
        frames, self._frames = self._frames, []
        self._frame_bytes = 0
        self._give_window()
        return frames

    def end(self) -> None:
        """The stream is over. A link without its stream is of no use, so the connection goes, too."""
        self.ended.set()
        self.muxer.abort()
        self._on_end(self)

    def discard(self) -> None:
        """Drop the connection at once and everything that waits from the peer."""
        self._inbox.forget(self)
        self._frames = []
        self.muxer.abort()

    def _give_window(self) -> None:
        if self._frame_bytes <= UNREAD_BYTES_MAX and self._held_back:
            self._stream.release(self._held_back)
            self._held_back = 0
