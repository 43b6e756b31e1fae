"""Where received frames wait: a queue per peer, taken in turn, so that a flood only blocks its sender.

There is no common queue to fill. Every link keeps its own frames, bounded by its window; `receive`
goes round the links that have something and hands over all that one of them has. Who takes slowly
slows only the peers whose frames wait.
"""

from collections import OrderedDict
from typing import Protocol

import trio

Delivery = tuple[str, list[bytes]]


class Source(Protocol):
    """A link with frames to give."""

    peer: str

    def take_frames(self) -> list[bytes]:
        """All whole frames that wait; the link forgets them and gives its peer new window."""


class Inbox(trio.abc.ReceiveChannel[Delivery]):
    """`(peer id, frames that arrived together)`, each peer in turn. Several tasks may receive."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[Source, None] = OrderedDict()
        self._takers = trio.lowlevel.ParkingLot()
        self._closed = False

    def announce(self, source: Source) -> None:
        """`source` has frames. A source that already waits keeps its turn."""
        self._waiting[source] = None
        self._takers.unpark()

    def forget(self, source: Source) -> None:
        """Throw away what waits from `source`."""
        self._waiting.pop(source, None)

    def receive_nowait(self) -> Delivery:
        """The next delivery. Raises trio.WouldBlock when nothing waits."""
        while self._waiting:
            source, _ = self._waiting.popitem(last=False)
            frames = source.take_frames()
            if frames:
                return source.peer, frames
        if self._closed:
            raise trio.EndOfChannel
        raise trio.WouldBlock

    async def receive(self) -> Delivery:
        """The next delivery, waiting for it. Raises trio.EndOfChannel once the transport is closed."""
        await trio.lowlevel.checkpoint_if_cancelled()
        while True:
            try:
                delivery = self.receive_nowait()
            except trio.WouldBlock:
                await self._takers.park()
                continue
            await trio.lowlevel.cancel_shielded_checkpoint()
            return delivery

    def close(self) -> None:
        """No more frames come; what waits can still be taken."""
        self._closed = True
        self._takers.unpark_all()

    async def aclose(self) -> None:
        """As `close`."""
        self.close()
        await trio.lowlevel.checkpoint()
