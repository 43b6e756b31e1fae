"""The transport's surface without a network: several nodes in one trio process, with links that a test cuts and slows.

Frames of one direction of a link arrive in their order, as on the real stream; a frame that is lost takes its link
down and up again, because a stream never loses one in the middle. Hints get lost alone. All chance comes from a seed.
"""

import random
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import trio

from node.transport import LinkDown, LinkEvent, LinkUp, NotReached
from node.transport.doorstep import Answer
from node.transport.events import LinkEvents

INBOX_MAX = 1_000


@dataclass(eq=False)
class MemoryTransport:
    """One node's end. Only what `node.transport.Transport` has too is for the node."""

    network: "MemoryNetwork"
    peer_id: str

    def __post_init__(self) -> None:
        self._frames, self.inbox = trio.open_memory_channel[tuple[str, list[bytes]]](INBOX_MAX)
        self._hints, self.hints = trio.open_memory_channel[tuple[str, bytes]](INBOX_MAX)
        self.links = LinkEvents(INBOX_MAX)
        self.punished: list[str] = []
        self.allowed: list[str] = []
        self.hurried: list[str] = []
        self.answer: Answer | None = None
        self.addresses = [f"/memory/p2p/{self.peer_id}"]

    def send_nowait(self, peer: str, frame: bytes) -> bool:
        return self.network.carry(self.peer_id, peer, frame)

    async def send(self, peer: str, frame: bytes) -> bool:
        await trio.lowlevel.checkpoint()
        return self.send_nowait(peer, frame)

    def publish(self, hint: bytes) -> bool:
        self.network.gossip(self.peer_id, hint)
        return True

    def connected(self) -> set[str]:
        return self.network.linked(self.peer_id)

    def deny(self, peers: set[str]) -> None:
        self.network.cut(self.peer_id, peers)

    def allow(self, peers: list[str]) -> None:
        """Only noted: who is linked with whom is for the test to say, by `cut`."""
        self.allowed = list(peers)

    def hurry(self, peer: str) -> None:
        self.hurried.append(peer)

    def serve_knocks(self, answer: Answer, question_max: int = 0) -> None:
        self.answer = answer

    @asynccontextmanager
    async def knock(self, address: str, timeout_s: float) -> "AsyncIterator[MemoryDoorstep]":
        yield MemoryDoorstep(self, self.network.door_of(self.peer_id, address.rpartition("/p2p/")[2]), timeout_s)

    def punish(self, peer: str) -> None:
        self.punished.append(peer)

    # For the network

    def receive(self, peer: str, frame: bytes) -> None:
        self._frames.send_nowait((peer, [frame]))

    def hear(self, peer: str, hint: bytes) -> None:
        self._hints.send_nowait((peer, hint))

    def tell(self, event: LinkEvent) -> None:
        if self.peer_id not in self.network.deaf:
            self.links.tell(event)


@dataclass(frozen=True, slots=True)
class MemoryDoorstep:
    """One conversation at another node's doorstep."""

    asking: MemoryTransport
    server: MemoryTransport
    timeout_s: float

    @property
    def server_peer(self) -> str:
        return self.server.peer_id

    async def ask(self, frame: bytes) -> bytes:
        await trio.lowlevel.checkpoint()
        server = self.asking.network.door_of(self.asking.peer_id, self.server.peer_id)
        assert server.answer is not None
        with trio.move_on_after(self.timeout_s):
            reply = await server.answer(self.asking.peer_id, frame)
            if reply is None:
                raise NotReached("it has hung up")
            return reply
        raise NotReached("no answer")


@dataclass(eq=False)
class MemoryNetwork:
    """Who is linked with whom. `run` must be running; times are seconds on trio's clock."""

    seed: int = 0
    loss: float = 0.0
    """Share of frames with which their link breaks, and of hints that get lost."""
    delay_s: float = 0.0
    """The longest time that a frame is on its way."""
    ends: dict[str, MemoryTransport] = field(default_factory=dict)
    deaf: set[str] = field(default_factory=set)
    """Nodes that are told of no link: events get lost, and of two links one takes the other's place without any."""

    def __post_init__(self) -> None:
        self._rng = random.Random(self.seed)
        self._links: set[frozenset[str]] = set()
        self._cut: set[frozenset[str]] = set()
        self._wires: dict[tuple[str, str], trio.MemorySendChannel[bytes]] = {}
        self._nursery: trio.Nursery | None = None

    async def run(self, task_status: "trio.TaskStatus[None]" = trio.TASK_STATUS_IGNORED) -> None:
        """Carry frames until cancelled."""
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            task_status.started()
            await trio.sleep_forever()

    def join(self, peer: str) -> MemoryTransport:
        """Have a node come up, linked with all that are up."""
        end = self.ends[peer] = MemoryTransport(self, peer)
        for other in list(self.ends):
            self._link(peer, other)
        return end

    def leave(self, peer: str) -> None:
        """Have a node go down."""
        for other in self.linked(peer):
            self._unlink(peer, other)
        self.ends.pop(peer, None)

    def linked(self, peer: str) -> set[str]:
        return {other for link in self._links if peer in link for other in link if other != peer}

    def cut(self, peer: str, others: Collection[str]) -> None:
        """Keep `peer` apart from exactly these from now on."""
        self._cut = {pair for pair in self._cut if peer not in pair} | {frozenset((peer, other)) for other in others}
        for other in list(self.ends):
            if frozenset((peer, other)) in self._cut:
                self._unlink(peer, other)
            else:
                self._link(peer, other)

    def door_of(self, asking: str, server: str) -> MemoryTransport:
        """The end at whose doorstep `asking` may ask; it need not be linked, only not be kept apart."""
        end = self.ends.get(server)
        if end is None or end.answer is None or server == asking or frozenset((asking, server)) in self._cut:
            raise NotReached("refused")
        return end

    def carry(self, sender: str, receiver: str, frame: bytes) -> bool:
        """Put a frame on its way; False when there is no link."""
        wire = self._wires.get((sender, receiver))
        if wire is None:
            return False
        if self._rng.random() < self.loss:
            self._unlink(sender, receiver)
            self._link(sender, receiver)
            return False
        wire.send_nowait(frame)
        return True

    def gossip(self, sender: str, hint: bytes) -> None:
        for other in sorted(self.linked(sender)):
            if self._rng.random() >= self.loss:
                self.ends[other].hear(sender, hint)

    def _link(self, one: str, other: str) -> None:
        pair = frozenset((one, other))
        if one == other or pair in self._links or pair in self._cut or not pair <= self.ends.keys():
            return
        self._links.add(pair)
        assert self._nursery is not None
        for sender, receiver in ((one, other), (other, one)):
            send, receive = trio.open_memory_channel[bytes](10 * INBOX_MAX)
            self._wires[sender, receiver] = send
            self.ends[sender].tell(LinkUp(receiver))
            self._nursery.start_soon(self._carry, sender, self.ends[receiver], receive)

    def _unlink(self, one: str, other: str) -> None:
        pair = frozenset((one, other))
        if pair not in self._links:
            return
        self._links.discard(pair)
        for sender, receiver in ((one, other), (other, one)):
            self._wires.pop((sender, receiver)).close()
            self.ends[sender].tell(LinkDown(receiver))

    async def _carry(self, sender: str, end: MemoryTransport, frames: trio.MemoryReceiveChannel[bytes]) -> None:
        async for frame in frames:
            if self.delay_s:
                await trio.sleep(self._rng.uniform(0, self.delay_s))
            if self.ends.get(end.peer_id) is end and sender in self.linked(end.peer_id):
                end.receive(sender, frame)
