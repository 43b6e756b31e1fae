"""What the transport tells about its links, and where it waits. Importing this loads nothing heavy."""

from collections import deque
from dataclasses import dataclass

import trio


@dataclass(frozen=True, slots=True)
class LinkUp:
    """Frames can be exchanged with `peer` from now on."""

    peer: str


@dataclass(frozen=True, slots=True)
class LinkDown:
    """The link with `peer` is gone. What was sent and not answered may or may not have arrived."""

    peer: str


LinkEvent = LinkUp | LinkDown


class LinkEvents(trio.abc.ReceiveChannel[LinkEvent]):
    """Events in the order in which they happened, also when one task waits for them and another one looks.

    One of trio's own channels would hand the first event to the waiting task, and the second to whoever looks before
    that task has its turn. When nobody takes them the oldest give way: events are to be quick by, `Transport.connected`
    is the truth.
    """

    def __init__(self, most: int) -> None:
        self._waiting: deque[LinkEvent] = deque(maxlen=most)
        self._takers = trio.lowlevel.ParkingLot()

    def tell(self, event: LinkEvent) -> None:
        """Add an event."""
        self._waiting.append(event)
        self._takers.unpark()

    def receive_nowait(self) -> LinkEvent:
        """The next event. Raises trio.WouldBlock when there is none."""
        if not self._waiting:
            raise trio.WouldBlock
        return self._waiting.popleft()

    async def receive(self) -> LinkEvent:
        """The next event, waiting for it; it is taken in the same step in which the task goes on."""
        await trio.lowlevel.checkpoint()
        while not self._waiting:
            await self._takers.park()
        return self._waiting.popleft()

    async def aclose(self) -> None:
        """Nothing is held that must be given back."""
        await trio.lowlevel.checkpoint()
