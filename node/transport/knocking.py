"""Asks at another node's doorstep, known or not, without becoming its peer.

Over the link when there is one, as a stream beside the main one; else over a connection of its own that ends with the
conversation. That one stays outside the libp2p host: the other side cannot open a stream on it. Meanwhile the peer is
not dialled, so that a dial which the other side does not welcome yet takes no place from the question.
"""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

import trio
from libp2p.host.basic_host import BasicHost
from libp2p.io.exceptions import IOException
from libp2p.io.trio import TrioTCPStream
from libp2p.network.connection.raw_connection import RawConnection
from libp2p.peer.id import ID
from libp2p.protocol_muxer.multiselect_communicator import MultiselectCommunicator
from libp2p.security.noise.exceptions import PeerIDMismatchesPubkey
from libp2p.stream_muxer.exceptions import MuxedStreamError
from multiaddr import Multiaddr  # type: ignore[import-untyped]

from .dialling import open_socket
from .doorstep import KNOCK, Doorstep, NotReached
from .gate import Gate, GatedMuxers
from .limits import HOST
from .links import Links
from .logs import LOGGER
from .stream import MuxedStream
from .yamux import Muxer


class Knocker:
    """Opens doorsteps. `nursery` is the transport's own, in which connections live; `break_off` ends a dial."""

    def __init__(
        self, host: BasicHost, gate: Gate, links: Links, nursery: trio.Nursery, break_off: Callable[[str], None]
    ) -> None:
        self._host = host
        self._gate = gate
        self._links = links
        self._nursery = nursery
        self._break_off = break_off

    @asynccontextmanager
    async def knock(self, peer: str, address: Multiaddr | None, timeout_s: float) -> AsyncIterator[Doorstep]:
        """As `Transport.knock`; without an address only over a link."""
        if self._gate.is_shut_out(peer):
            raise NotReached("this node does not talk to it, or is it itself")
        with self._not_dialled(peer):
            stream = await self._reached(peer, address, timeout_s)
            try:
                yield Doorstep(stream, timeout_s)
            finally:
                await _leave(stream)

    @contextmanager
    def _not_dialled(self, peer: str) -> Iterator[None]:
        self._gate.asking[peer] += 1
        self._break_off(peer)
        try:
            yield
        finally:
            self._gate.asking -= Counter([peer])  # and forgets whose count is down to nothing
            self._links.changed.unpark_all()

    async def _reached(self, peer: str, address: Multiaddr | None, timeout_s: float) -> MuxedStream:
        try:
            with trio.fail_after(timeout_s):
                return await self._stream(peer, address)
        except trio.TooSlowError:
            raise NotReached("no answer") from None
        except Exception as failed:
            LOGGER.debug("the doorstep of %s was not reached: %r", peer, failed)
            raise NotReached(_reason(failed)) from None

    async def _stream(self, peer: str, address: Multiaddr | None) -> MuxedStream:
        link = self._links.by_peer.get(peer)
        if link is None and address is None:
            raise NotReached("no address of it is known")
        muxer = link.muxer if link is not None else await self._connect(peer, address)
        try:
            stream = await muxer.open_stream()
        except BaseException:
            _give_back(muxer)
            raise
        try:
            await self._host.multiselect_client.select_one_of([KNOCK], MultiselectCommunicator(stream))
        except BaseException:
            await _leave(stream)
            raise
        return stream

    async def _connect(self, peer: str, address: Multiaddr) -> Muxer:
        peer_id = ID.from_base58(peer)
        upgrader = self._host.get_network().upgrader  # type: ignore[attr-defined]  # it is our Swarm
        muxers = upgrader.muxer_multistream
        assert isinstance(muxers, GatedMuxers)
        socket = await open_socket(address)
        try:
            raw = RawConnection(TrioTCPStream(socket), True)
            muxer = await muxers.to_knock(await upgrader.upgrade_security(raw, True, peer_id), peer_id)
        except BaseException:
            await trio.aclose_forcefully(socket)
            raise
        self._nursery.start_soon(muxer.start)
        try:
            await muxer.event_started.wait()
        except BaseException:
            _give_back(muxer)
            raise
        return muxer


async def _leave(stream: MuxedStream) -> None:
    """Give back the stream, and the connection if it was made for it."""
    muxer = stream.muxed_conn
    with trio.CancelScope(shield=True):
        await stream.reset()
    _give_back(muxer)


def _give_back(muxer: Muxer) -> None:
    """End a connection that was made only to ask; a link goes on."""
    if muxer.allowance is HOST:
        muxer.abort()


def _reason(failed: Exception) -> str:
    """One plain reason for whatever an unknown address may answer with."""
    if isinstance(failed, NotReached):
        return str(failed)
    while failed.__cause__ is not None and isinstance(failed.__cause__, Exception):
        failed = failed.__cause__
    match failed:
        case ExceptionGroup():  # the sockets that were tried
            refused = failed.subgroup(ConnectionRefusedError) is not None
            return "refused" if refused else "no answer"
        case PeerIDMismatchesPubkey():
            return "another peer answers there"
        case IOException() | MuxedStreamError() | ConnectionError() | trio.BrokenResourceError():
            return "refused"  # it hung up
        case OSError():
            return "no answer"
        case _:
            return "it does not speak this protocol"
