"""Dials every peer that has an address, for ever, and opens the one stream on each connection.

Keeps the address book itself: the list that the transport is given. A peer's addresses are tried in turn, the one that
last led to it first. When none does they are tried again after 0.2 s, then longer, at most every 15 s, with jitter so
that many nodes do not knock together; a peer that was linked for a while, or that is welcome again, is tried at once.
"""

import random
from collections.abc import Callable, Sequence

import trio
from libp2p.abc import INetConn, INetStream
from libp2p.custom_types import TProtocol
from libp2p.host.basic_host import BasicHost
from libp2p.io.trio import TrioTCPStream
from libp2p.network.connection.raw_connection import RawConnection
from libp2p.peer.id import ID
from libp2p.protocol_muxer.multiselect_communicator import MultiselectCommunicator
from multiaddr import Multiaddr  # type: ignore[import-untyped]

from .gate import Gate
from .limits import (
    CONNECT_DEADLINE_S,
    DIAL_FIRST_WAIT_S,
    DIAL_WAIT_MAX_LOCAL_S,
    DIAL_WAIT_MAX_S,
    HANDSHAKE_DEADLINE_S,
    STEADY_S,
)
from .links import Links
from .listening import socket_address
from .logs import LOGGER
from .yamux import Muxer

PROTOCOL = TProtocol("/tallystick/1")
SECOND_TO_DIAL_WAIT_S = 0.15
"""What the larger peer id waits before it dials, so that both sides seldom dial at once."""


class Backoff:
    """Seconds to wait before the next try, doubling with every failure."""

    def __init__(self, most_s: float = DIAL_WAIT_MAX_S) -> None:
        self._most_s = most_s
        self._wait_s = DIAL_FIRST_WAIT_S

    def reset(self) -> None:
        """The next failure is the first again."""
        self._wait_s = DIAL_FIRST_WAIT_S

    def next_wait_s(self) -> float:
        """Between half and all of the present wait; the one after it is twice as long."""
        wait_s = self._wait_s * random.uniform(0.5, 1.0)
        self._wait_s = min(self._wait_s * 2, self._most_s)
        return wait_s


class Dialler:
    """Keeps one peer linked. `adopt` takes the stream of a connection that it made."""

    def __init__(
        self,
        host: BasicHost,
        gate: Gate,
        links: Links,
        adopt: Callable[[INetStream, str], object],
        addresses: Sequence[Multiaddr],
    ) -> None:
        self.scope = trio.CancelScope()
        self.addresses = tuple(addresses)
        self._host = host
        self._own = str(host.get_id())
        self._gate = gate
        self._links = links
        self._adopt = adopt
        self._first = 0
        self._hurried = trio.Event()
        self._attempt = trio.CancelScope()

    def hurry(self) -> None:
        """Leave out the present wait, or the next one when a dial is under way."""
        self._hurried.set()

    def break_off(self) -> None:
        """End the dial that is under way, if one is."""
        self._attempt.cancel()

    async def keep(self, peer: str) -> None:
        """Dial `peer` whenever it is welcome and not linked, until `scope` is cancelled."""
        backoff = Backoff(DIAL_WAIT_MAX_LOCAL_S if all(map(_is_local, self.addresses)) else DIAL_WAIT_MAX_S)
        with self.scope:
            await self._keep(peer, backoff)

    async def _keep(self, peer: str, backoff: Backoff) -> None:
        while True:
            if not self._gate.may_be_dialled(peer):
                await self._links.changed.park()
                backoff.reset()
                continue
            await self._try_all(peer)
            if await self._link_lifetime_s(peer) > STEADY_S:
                backoff.reset()
            elif await self._is_hurried_within(backoff.next_wait_s()):
                backoff.reset()

    async def _is_hurried_within(self, wait_s: float) -> bool:
        with trio.move_on_after(wait_s):
            await self._hurried.wait()
        hurried, self._hurried = self._hurried, trio.Event()
        return hurried.is_set()

    async def _try_all(self, peer: str) -> None:
        """Each address once, beginning with the one that last led to the peer."""
        if peer < self._own:
            await trio.sleep(SECOND_TO_DIAL_WAIT_S)
        for number in range(len(self.addresses)):
            if peer in self._links.by_peer or not self._gate.may_be_dialled(peer):
                return
            at = (self._first + number) % len(self.addresses)
            if await self._try(peer, self.addresses[at]):
                self._first = at
                return

    async def _try(self, peer: str, address: Multiaddr) -> bool:
        """One dial. What fails is only noted: the peer may be down, slow or refusing us."""
        self._attempt = trio.CancelScope()
        try:
            with self._attempt, trio.fail_after(HANDSHAKE_DEADLINE_S):
                await self._connect(peer, address)
                return True
        except Exception as failed:
            LOGGER.debug("dialling %s at %s failed: %r", peer, address, failed)
        return False

    async def _connect(self, peer: str, address: Multiaddr) -> None:
        socket = await open_socket(address)
        raw = RawConnection(TrioTCPStream(socket), True)
        try:
            connection = await self._host.get_network().upgrade_outbound_raw_conn(raw, ID.from_base58(peer))
        except BaseException:
            await trio.aclose_forcefully(socket)
            raise
        muxer = connection.muxed_conn
        assert isinstance(muxer, Muxer)
        try:
            self._adopt(await self._open_stream(connection), self._own)
        except BaseException:
            muxer.abort()  # a connection without its stream is of no use
            raise

    async def _open_stream(self, connection: INetConn) -> INetStream:
        stream = await connection.new_stream()
        chosen = await self._host.multiselect_client.select_one_of([PROTOCOL], MultiselectCommunicator(stream))
        if chosen != PROTOCOL:
            raise ConnectionError(f"the peer does not speak {PROTOCOL}")
        stream.set_protocol(PROTOCOL)
        return stream

    async def _link_lifetime_s(self, peer: str) -> float:
        """Wait as long as the peer is linked, whoever dialled; 0 when it is not."""
        began = trio.current_time()
        if peer not in self._links.by_peer:
            return 0.0
        while peer in self._links.by_peer:
            await self._links.changed.park()
        return trio.current_time() - began


async def open_socket(address: Multiaddr) -> trio.SocketStream:
    """A TCP connection. Raises OSError when it is refused, trio.TooSlowError, ValueError for other kinds of address."""
    host, port = socket_address(address)
    with trio.fail_after(CONNECT_DEADLINE_S):
        return await trio.open_tcp_stream(host, port)


def _is_local(address: Multiaddr) -> bool:
    host, _ = socket_address(address)
    return host.startswith("127.") or host in ("::1", "localhost")
