"""Two multiplexers that talk over memory instead of an encrypted socket."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import trio
import trio.testing
from libp2p.peer.id import ID

from node.transport.limits import KNOWN, Allowance
from node.transport.yamux import Muxer


class MemorySession:
    """An encrypted connection as the muxer sees it, without encryption."""

    def __init__(self, stream: trio.abc.Stream, is_initiator: bool) -> None:
        self.is_initiator = is_initiator
        self._stream = stream
        self._unsent = b""

    async def receive(self) -> bytes:
        return bytes(await self._stream.receive_some(65536))

    def write_now(self, data: bytes) -> bool:
        self._unsent += data
        return False

    async def drain(self) -> None:
        data, self._unsent = self._unsent, b""
        await self._stream.send_all(data)

    async def close(self) -> None:
        await trio.aclose_forcefully(self._stream)


def muxer(stream: trio.abc.Stream, is_initiator: bool, allowance: Allowance = KNOWN) -> Muxer:
    """A muxer over one end."""
    session: Any = MemorySession(stream, is_initiator)
    return Muxer(session, cast(ID, "anna" if is_initiator else "bob"), None, allowance)


@asynccontextmanager
async def pair() -> AsyncIterator[tuple[Muxer, Muxer]]:
    """Two muxers talking to each other: the dialler and the dialled."""
    left, right = trio.testing.memory_stream_pair()
    dialler, dialled = muxer(left, True), muxer(right, False)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(dialler.start)
        nursery.start_soon(dialled.start)
        await dialler.event_started.wait()
        await dialled.event_started.wait()
        yield dialler, dialled
        nursery.cancel_scope.cancel()
