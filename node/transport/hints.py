"""Hints: small signed notes to whoever listens ("I have news"), by gossipsub, best effort.

Gossip loses messages silently and costs milliseconds each, so nothing may depend on a hint: it only
makes a node ask sooner. Settings and their reasons: version 1.1 only (1.2 answers every message),
no library spam limit (it also drops our own), no adaptive heartbeat, signatures strict, and a
validator that looks at the size only (slow validators multiply messages).
"""

from collections import deque
from typing import TYPE_CHECKING

import trio
from libp2p.custom_types import TProtocol
from libp2p.host.basic_host import BasicHost
from libp2p.peer.id import ID
from libp2p.pubsub.gossipsub import GossipSub
from libp2p.pubsub.pb import rpc_pb2
from libp2p.pubsub.pubsub import Pubsub
from libp2p.tools.anyio_service import background_trio_service

from .gate import Gate
from .limits import HINT_BYTES_MAX, HINT_HEARTBEAT_S, HINT_PAUSE_S, HINTS_PER_SECOND_MAX, HINTS_WAITING_MAX, Pace
from .links import Links
from .logs import LOGGER

if TYPE_CHECKING:
    from trio_typing import TaskStatus

GOSSIP_PROTOCOL = TProtocol("/meshsub/1.1.0")
DEGREE, DEGREE_LOW, DEGREE_HIGH = 6, 4, 12
RPC_BYTES_MAX = 64 << 10


class GuardedPubsub(Pubsub):
    """The library's pubsub, in which one peer's broken or too many messages cannot end or fill the node."""

    paces: dict[ID, Pace]
    gate: Gate

    async def push_msg(self, msg_forwarder: ID, msg: rpc_pb2.Message) -> None:
        """Judge and pass on one message; what the library cannot read, or a peer not on the list says, is dropped."""
        if not self._pace_of(msg_forwarder).allows(trio.current_time()):
            return
        if msg_forwarder != self.my_id and not self.gate.is_welcome(str(msg_forwarder)):
            return
        try:
            await super().push_msg(msg_forwarder, msg)
        except Exception as failed:
            LOGGER.debug("a hint by way of %s was unreadable: %r", msg_forwarder, failed)

    def _pace_of(self, neighbour: ID) -> Pace:
        return self.paces.setdefault(neighbour, Pace(HINTS_PER_SECOND_MAX, 1.0))


class Hints:
    """The gossip topic of one community. `received` gives (peer id of the author, hint)."""

    def __init__(self, host: BasicHost, topic: str, links: Links, gate: Gate) -> None:
        self.topic = f"/tallystick/{topic}"
        self._own = host.get_id()
        self._links = links
        self._leaving: deque[bytes] = deque(maxlen=HINTS_WAITING_MAX)
        self._work = trio.lowlevel.ParkingLot()
        self._deliver, self.received = trio.open_memory_channel[tuple[str, bytes]](HINTS_WAITING_MAX)
        self._router = GossipSub(
            [GOSSIP_PROTOCOL],
            DEGREE,
            DEGREE_LOW,
            DEGREE_HIGH,
            heartbeat_interval=HINT_HEARTBEAT_S,
            spam_protection_enabled=False,
            adaptive_gossip_enabled=False,
        )
        self._pubsub = GuardedPubsub(
            host,
            self._router,
            strict_signing=True,
            max_inbound_rpc_size=RPC_BYTES_MAX,
            allowed_topics={self.topic},
        )
        self._pubsub.paces = {}
        self._pubsub.gate = gate
        self._pubsub.set_topic_validator(self.topic, _is_small, False)

    def publish(self, hint: bytes) -> bool:
        """Queue a hint; when the queue is full the oldest one gives way. False when it is too long or empty."""
        if not 0 < len(hint) <= HINT_BYTES_MAX:
            return False
        self._leaving.append(hint)
        self._work.unpark_all()
        return True

    async def run(self, task_status: "TaskStatus[None]" = trio.TASK_STATUS_IGNORED) -> None:
        """Gossip until cancelled. If the library's gossip fails the node goes on without hints."""
        started = False
        try:
            async with background_trio_service(self._pubsub), background_trio_service(self._router):
                subscription = await self._pubsub.subscribe(self.topic)
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._send_paced)
                    nursery.start_soon(self._rejoin)
                    started = True
                    task_status.started()
                    while True:
                        self._receive(await subscription.get())
        except* Exception as failed:
            LOGGER.error("hints have stopped, the node goes on without them: %r", failed.exceptions[0])
        finally:
            self.close()
        if not started:
            task_status.started()

    def close(self) -> None:
        """End the thread that the library's pubsub starts when it is made. Safe to call again."""
        self._pubsub.seen_messages.stop()

    def _receive(self, message: rpc_pb2.Message) -> None:
        if message.from_id == self._own.to_bytes():
            return
        try:
            self._deliver.send_nowait((str(ID(message.from_id)), message.data))
        except trio.WouldBlock:
            LOGGER.debug("a hint is dropped: nobody takes them")

    async def _send_paced(self) -> None:
        while True:
            while not self._leaving:
                await self._work.park()
            await self._pubsub.publish(self.topic, self._leaving.popleft())
            await trio.sleep(HINT_PAUSE_S)

    async def _rejoin(self) -> None:
        """Give gossip a stream to linked peers that it lost, as when of two connections one was dropped."""
        while True:
            await trio.sleep(HINT_HEARTBEAT_S)
            for peer in list(self._links.by_peer):
                peer_id = ID.from_base58(peer)
                if peer_id not in self._pubsub.peers:
                    await self._pubsub.ensure_peer_stream(peer_id, HINT_HEARTBEAT_S)


def _is_small(_forwarder: ID, message: rpc_pb2.Message) -> bool:
    return 0 < len(message.data) <= HINT_BYTES_MAX
