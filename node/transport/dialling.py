"""Dials every peer that has an address, for ever, and opens the one stream on each connection.

Keeps the address book itself: a list from the configuration. A dial that fails is tried again after
0.2 s, then longer, at most every 15 s, with jitter so that many nodes do not knock together; a peer
that was linked, or that is welcome again, is tried at once.
"""

import random
from collections.abc import Callable

import trio
from libp2p.abc import INetStream
from libp2p.custom_types import TProtocol
from libp2p.host.basic_host import BasicHost
from libp2p.io.trio import TrioTCPStream
from libp2p.network.connection.raw_connection import RawConnection
from libp2p.peer.id import ID
from libp2p.protocol_muxer.multiselect_communicator import MultiselectCommunicator
from multiaddr import Multiaddr  # type: ignore[import-untyped]

from .gate import Gate
from .limits import DIAL_FIRST_WAIT_S, DIAL_WAIT_MAX_S, HANDSHAKE_DEADLINE_S
from .links import Links
from .listening import socket_address
from .logs import LOGGER

PROTOCOL = TProtocol("/tallystick/1")
SECOND_TO_DIAL_WAIT_S = 0.15
"""What the larger peer id waits before it dials, so that both sides seldom dial at once."""


class Backoff:
    """Seconds to wait before the next try, doubling with every failure."""

    def __init__(self) -> None:
        self._wait_s = DIAL_FIRST_WAIT_S

    def reset(self) -> None:
        """The next failure is the first again."""
        self._wait_s = DIAL_FIRST_WAIT_S

    def next_wait_s(self) -> float:
        """Between half and all of the present wait; the one after it is twice as long."""
        wait_s = self._wait_s * random.uniform(0.5, 1.0)
        self._wait_s = min(self._wait_s * 2, DIAL_WAIT_MAX_S)
        return wait_s


class Dialler:
    """Keeps one peer linked. `adopt` takes the stream of a connection that it made."""

    def __init__(self, host: BasicHost, gate: Gate, links: Links, adopt: Callable[[INetStream, str], object]) -> None:
        self._host = host
        self._own = str(host.get_id())
        self._gate = gate
        self._links = links
        self._adopt = adopt

    async def keep(self, peer: str, address: Multiaddr) -> None:
        """Dial `peer` whenever it is welcome and not linked, until cancelled."""
        backoff = Backoff()
        while True:
            if not self._gate.is_welcome(peer):
                await self._links.changed.park()
                backoff.reset()
            elif peer in self._links.by_peer:
                await self._links.changed.park()
                backoff.reset()
            else:
                await self._try(peer, address)
                await self._pause(peer, backoff)

    async def _try(self, peer: str, address: Multiaddr) -> None:
        """One dial. What fails is only noted: the peer may be down, slow or refusing us."""
        if peer < self._own:
            await trio.sleep(SECOND_TO_DIAL_WAIT_S)
            if peer in self._links.by_peer:
                return
        try:
            with trio.fail_after(HANDSHAKE_DEADLINE_S):
                await self._connect(peer, address)
        except Exception as failed:
            LOGGER.debug("dialling %s at %s failed: %r", peer, address, failed)

    async def _connect(self, peer: str, address: Multiaddr) -> None:
        host, port = socket_address(address)
        socket = await trio.open_tcp_stream(host, port)
        raw = RawConnection(TrioTCPStream(socket), True)
        try:
            connection = await self._host.get_network().upgrade_outbound_raw_conn(raw, ID.from_base58(peer))
        except BaseException:
            await trio.aclose_forcefully(socket)
            raise
        stream = await connection.new_stream()
        await self._host.multiselect_client.select_one_of([PROTOCOL], MultiselectCommunicator(stream))
        stream.set_protocol(PROTOCOL)
        self._adopt(stream, self._own)

    async def _pause(self, peer: str, backoff: Backoff) -> None:
        """Wait before the next try; anything that changes about the links ends the wait of a linked peer."""
        if peer in self._links.by_peer:
            return
        await trio.sleep(backoff.next_wait_s())
