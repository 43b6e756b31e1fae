"""The transport as the node uses it: frames to and from known peers, hints to them all, questions at doorsteps.

The only way in or out of the network. Owns the libp2p host and everything around it; knows nothing
of entries, votes or certificates. Peers are named by their libp2p peer id as text.
"""

from collections import Counter
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING

import trio
from libp2p.abc import INetStream
from libp2p.host.basic_host import BasicHost
from multiaddr import Multiaddr  # type: ignore[import-untyped]

from .diallers import Diallers
from .dialling import PROTOCOL
from .doorstep import KNOCK, Answer, Answering, Doorstep, NotReached, converse
from .events import LinkEvents
from .gate import Gate
from .hints import Hints
from .host import build_host
from .inbox import Inbox
from .knocking import Knocker
from .limits import (
    CONVERSATIONS_MAX,
    OUTGOING_SHARE_BYTES,
    OUTGOING_TOGETHER_MAX,
    PING_AFTER_S,
    QUESTION_BYTES_MAX,
    SILENCE_MAX_S,
    Conduct,
)
from .link import Link
from .links import Links
from .listening import Listener, socket_address
from .logs import LOGGER, capture_library_logs
from .stream import MuxedStream

if TYPE_CHECKING:
    from trio_typing import TaskStatus

KEEPER_S = 1.0
"""How often links are looked after."""
LAST_WORDS_S = 0.5
"""How long closing waits for queued frames to leave."""
CLOSE_DEADLINE_S = 3.0


class Transport:
    """What `open_transport` hands out; valid until the task that opened it is cancelled."""

    def __init__(self, seed: bytes, community_topic: str) -> None:
        self._conduct = Conduct(trio.current_time)
        self._links = Links()
        self._knocker: Knocker | None = None
        self._own_addresses: list[str] = []
        self._gate = Gate(self._conduct)
        self._host: BasicHost = build_host(seed, self._gate)
        self.peer_id: str = str(self._host.get_id())
        self._gate.own = self.peer_id
        self._diallers = Diallers(self._host, self._gate, self._links, self._adopt)
        self._hints = Hints(self._host, community_topic, self._links, self._gate)
        self._asking_here: Counter[str] = Counter()
        self.inbox = Inbox()
        self.links: LinkEvents = self._links.events
        self.hints: trio.MemoryReceiveChannel[tuple[str, bytes]] = self._hints.received
        self._host.set_stream_handler(PROTOCOL, self._serve)

    @property
    def addresses(self) -> list[str]:
        """Where this node listens, with its peer id; empty when it only dials out."""
        return list(self._own_addresses)

    # -- frames

    def send_nowait(self, peer: str, frame: bytes) -> bool:
        """Queue a frame for `peer`; everything queued leaves in one write.

        False when the peer is not linked, 8 MiB already wait for it, or too much waits for all together.
        Raises ValueError for a frame that is empty or longer than `FRAME_BYTES_MAX`. True is no promise
        of arrival.
        """
        link = self._links.by_peer.get(peer)
        if link is None or (link.unsent > OUTGOING_SHARE_BYTES and self._is_laden()):
            return False
        return link.send(frame)

    def _is_laden(self) -> bool:
        return sum(link.unsent for link in self._links.by_peer.values()) > OUTGOING_TOGETHER_MAX

    async def send(self, peer: str, frame: bytes) -> bool:
        """As `send_nowait`, and lets the writers have their turn."""
        queued = self.send_nowait(peer, frame)
        await trio.lowlevel.checkpoint()
        return queued

    def connected(self) -> set[str]:
        """The peers that frames can be sent to at this moment."""
        return set(self._links.by_peer)

    # -- hints

    def publish(self, hint: bytes) -> bool:
        """Queue a gossip hint of at most 1 KiB; two a second leave, the newest win. May never arrive."""
        return self._hints.publish(hint)

    # -- who may connect

    def allow(self, peers: list[str]) -> None:
        """Replace the list of known peers: multiaddrs ending in /p2p/ID, dialled for ever.

        Several entries of one peer are its addresses, which are tried in turn. One of only /p2p/ID may connect to us
        but is not dialled. A guest that is on the list now is asked to come again. Raises ValueError for other forms.
        """
        addresses = _read_entries(peers)
        addresses.pop(self.peer_id, None)
        self._gate.allowed = set(addresses)
        self._diallers.replace(addresses)
        self._apply()

    def hurry(self, peer: str) -> None:
        """Dial `peer` again now instead of after the present wait. Does nothing for one that is not dialled."""
        self._diallers.hurry(peer)

    def deny(self, peers: set[str]) -> None:
        """Drop and refuse exactly these peer ids from now on; an empty set heals at once."""
        self._gate.denied = set(peers)
        self._apply()

    def punish(self, peer: str) -> None:
        """Count a frame of `peer` as bad: 20 within a minute drop it and shut it out for ten minutes.

        Nothing is kept of one who is not on the list: anybody can gossip hints under as many new names as he likes.
        """
        if peer in self._gate.allowed and self._conduct.mark(peer):
            LOGGER.warning("%s sent too many bad frames and is shut out for ten minutes", peer)
            self._apply()

    def _apply(self) -> None:
        for peer in self._gate.drop_unwelcome():
            link = self._links.by_peer.get(peer)
            if link is not None:
                link.discard()
        self._links.changed.unpark_all()

    # -- the doorstep

    def serve_knocks(self, answer: Answer, question_max: int = QUESTION_BYTES_MAX) -> None:
        """Have `answer` answer questions at the doorstep: of known peers, and from now on of guests, too.

        It gets the peer id of the asker, proved, and a question of at most `question_max` bytes; it gives a reply of
        at most `REPLY_BYTES_MAX`, or None to hang up. Strangers are refused as long as nobody serves.
        """
        self._gate.guests.answering = Answering(answer, question_max)
        self._host.set_stream_handler(KNOCK, self._serve_knock)

    def knock(self, address: str, timeout_s: float) -> AbstractAsyncContextManager[Doorstep]:
        """Ask at the doorstep of the peer at `address`, a multiaddr ending in /p2p/ID, known or not.

        Reaching it, and each question, may take `timeout_s`. Uses the link when there is one, with whatever address.
        Raises NotReached on entering. The other side ends the conversation after a minute or `QUESTIONS_MAX` questions.
        """
        if self._knocker is None:
            raise RuntimeError("the transport is not open")
        try:
            peer, dialled = _split_peer(address)
            if dialled is not None:
                socket_address(dialled)
        except ValueError:
            raise NotReached("its address cannot be read") from None
        return self._knocker.knock(peer, dialled, timeout_s)

    async def _serve_knock(self, stream: INetStream) -> None:
        """A known peer asks at the doorstep."""
        answering = self._gate.guests.answering
        muxed: MuxedStream = stream.muxed_stream  # type: ignore[attr-defined]  # the concrete NetStream has it
        peer = muxed.muxed_conn.peer
        try:
            if answering is not None and self._asking_here[peer] < CONVERSATIONS_MAX:
                self._asking_here[peer] += 1
                try:
                    await converse(muxed, peer, answering)
                finally:
                    self._asking_here -= Counter([peer])
        finally:
            with trio.CancelScope(shield=True):
                await stream.reset()

    # -- inside

    async def run(self, listen: str, peers: list[str], task_status: "TaskStatus[Transport]") -> None:
        """Live until cancelled; then give back every socket and task."""
        try:
            self.allow(peers)
            listener = await self._bound(listen)
        except BaseException:
            self._hints.close()
            raise
        async with self._host.run([]), trio.open_nursery() as nursery:
            self._knocker = Knocker(self._host, self._gate, self._links, nursery, self._diallers.break_off)
            try:
                await nursery.start(self._hints.run)
                if listener is not None:
                    nursery.start_soon(listener.run)
                self._diallers.start(nursery)
                task_status.started(self)
                await self._look_after_links()
            finally:
                await self._close()

    async def _bound(self, listen: str) -> Listener | None:
        if not listen:
            return None
        swarm = self._host.get_network()
        listener = Listener(swarm, self._gate.guests, Multiaddr(listen))  # type: ignore[arg-type]  # it is our Swarm
        await listener.bind()
        self._own_addresses = [f"{listener.address}/p2p/{self.peer_id}"]
        return listener

    def _adopt(self, stream: INetStream, opener: str) -> Link:
        muxed: MuxedStream = stream.muxed_stream  # type: ignore[attr-defined]  # the concrete NetStream has it
        link = Link(muxed, opener, self.inbox, self._on_link_end)
        self._links.adopt(link)
        link.start()
        return link

    async def _serve(self, stream: INetStream) -> None:
        """A peer opened the stream: it lives as long as the link."""
        peer = str(stream.muxed_conn.peer_id)
        await self._adopt(stream, opener=peer).ended.wait()

    def _on_link_end(self, link: Link) -> None:
        self._links.on_end(link)
        if link.broke_rules:
            self.punish(link.peer)

    async def _look_after_links(self) -> None:
        """Ask silent peers for a sign of life, drop frozen ones and retired links."""
        while True:
            await trio.sleep(KEEPER_S)
            now = trio.current_time()
            self._links.sweep(now)
            for muxer in list(self._gate.open):
                silent_s = now - muxer.heard_at
                if silent_s > SILENCE_MAX_S:
                    LOGGER.info("%s has been silent for %.0f s; its connection is dropped", muxer.peer, silent_s)
                    muxer.abort()
                elif silent_s > PING_AFTER_S:
                    muxer.ping()

    async def _close(self) -> None:
        with trio.CancelScope(shield=True, deadline=trio.current_time() + CLOSE_DEADLINE_S):
            self._diallers.close()
            with trio.move_on_after(LAST_WORDS_S):
                while any(link.unsent for link in self._links.by_peer.values()):
                    await trio.sleep(0.01)
            for muxer in list(self._gate.open):
                muxer.abort()
            await self._host.close()
            self.inbox.close()


def _read_entries(entries: list[str]) -> dict[str, tuple[Multiaddr, ...]]:
    """Each peer with its addresses, each address once, in the order of the entries."""
    addresses: dict[str, tuple[Multiaddr, ...]] = {}
    for peer, address in map(_split_peer, entries):
        known = addresses.get(peer, ())
        addresses[peer] = known if address is None or address in known else (*known, address)
    return addresses


def _split_peer(text: str) -> tuple[str, Multiaddr | None]:
    """Peer id and dial address of a multiaddr that ends in /p2p/ID."""
    address, found, peer = text.rpartition("/p2p/")
    if not found or not peer:
        raise ValueError(f"{text} names no peer: it must end in /p2p/ and the peer id")
    return peer, Multiaddr(address) if address else None


def can_be_dialled(address: str) -> bool:
    """Whether `Transport.allow` takes this text as an address to dial: what a card says was not written here."""
    try:
        _, dialled = _split_peer(address)
        if dialled is None:
            return False
        socket_address(dialled)
    except ValueError:
        return False
    return True


async def open_transport(
    seed: bytes,
    listen: str,
    peers: list[str],
    community_topic: str,
    task_status: "TaskStatus[Transport]" = trio.TASK_STATUS_IGNORED,
) -> None:
    """Open the network and keep it open until cancelled; start it with `nursery.start`.

    `seed`: 32 bytes of the node's transport key. `listen`: a multiaddr such as /ip4/0.0.0.0/tcp/4100
    (port 0 takes a free one), or "" for a node that only dials out. `peers`: see `Transport.allow`.
    `community_topic`: the community id in hex. Raises OSError when `listen` cannot be had.
    """
    capture_library_logs()
    await Transport(seed, community_topic).run(listen, peers, task_status)
