"""Messages in and out: frames become messages, each goes to the one function that answers its kind.

Handlers are plain functions: they must not wait. What they have to say goes out by `send`, at once or after the commit
it depends on. What payments wait for is answered as it comes; questions that may cost much wait for their turn, and
take no more time than all the rest (`questions`). A peer that sends what cannot be read is punished by the transport;
an exception in a handler is our own bug, is logged, and ends that message only.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import trio

from protocol.base import AccountId, CommunityId, Malformed, PublicKey, Signature
from protocol.messages import Deliver, Hello, Hint, Hosts, Message, decode_message, encode_message
from protocol.signing import Tag, verify

from .bookkeeper import Bookkeeper
from .neighbours import Neighbours
from .questions import Questions
from .tickets import DoorClosed
from .transport import HINT_BYTES_MAX, LinkDown, LinkEvent, LinkUp, Pace, Transport

logger = logging.getLogger("tallystick.exchange")

OPEN_RECORDS_MAX = 2_000
"""Records not yet durable above which no further frames are read: the disk sets the pace of the network."""
BREATH_S = 0.005
"""How long frames are worked on before all else has a turn: links write, pings are answered, wallets are served."""
QUESTION_PAUSE_S = 0.001
"""The least time that all the rest has between two questions that wait for their turn."""
HOSTS_PAGE = 1_000

SETTLE_S = 2.0
"""How often neighbours are compared with links, for what no event told."""
HELLO_PAUSE_S = 1.0
"""A Hello that comes again is answered with ours at most this often. The answer to one of ours comes sooner than that,
and is not answered: so two nodes do not answer one another for ever."""
HELLOS_MAX, HELLOS_WITHIN_S = 5, 5.0
"""Different Hellos of one peer that are heard within so many seconds; further ones are ignored."""

Handler = Callable[[str, Any], None]


@dataclass(slots=True)
class Greeting:
    """What a linked peer and we said of ourselves. `told_at` is when our last Hello left, on trio's clock."""

    told_at: float = float("-inf")
    heard: Hello | None = None
    """The peer's last one, as it came."""
    pace: Pace = field(default_factory=lambda: Pace(HELLOS_MAX, HELLOS_WITHIN_S))


class Exchange:
    """The node's one user of the transport."""

    def __init__(self, transport: Transport, door: Bookkeeper, community: CommunityId, hello: Hello) -> None:
        self.transport = transport
        self.neighbours = Neighbours()
        self._door = door
        self._community = community
        self._hello = hello
        self._hosted: set[int] = set()
        self._greetings: dict[str, Greeting] = {}
        self._handlers: dict[type, Handler] = {Hello: self._on_hello, Hosts: self._on_hosts}
        self._costly: set[type] = set()
        self._questions = Questions()
        self._rested_at = float("-inf")
        self._breathed_at = float("-inf")
        self._on_up: list[Callable[[str], None]] = []
        self._on_down: list[Callable[[str], None]] = []
        self._on_hosting: list[Callable[[str, frozenset[AccountId]], None]] = []

    # Wiring

    def answer(self, kind: type, handler: Handler) -> None:
        """Have `handler(peer, message)` called for every message of `kind`."""
        self._handlers[kind] = handler

    def answer_in_turn(self, kind: type, handler: Handler) -> None:
        """As `answer`, for questions that may cost much: they wait until their peer has its turn, or are dropped."""
        self._handlers[kind] = handler
        self._costly.add(kind)

    def on_link(self, up: Callable[[str], None], down: Callable[[str], None] | None = None) -> None:
        """Have `up(peer)` called after a peer's Hello, `down(peer)` when its link is gone."""
        self._on_up.append(up)
        if down is not None:
            self._on_down.append(down)

    def on_hosting(self, told: Callable[[str, frozenset[AccountId]], None]) -> None:
        """Have `told(peer, accounts)` called when a peer has said whose wallets live with it."""
        self._on_hosting.append(told)

    # Sending

    def send(self, peer: str, message: Message) -> bool:
        """Queue a message. False when the peer is not linked or its queue is full: the sender tries again later."""
        return self.transport.send_nowait(peer, encode_message(message))

    def send_all(self, peers: Iterable[str], message: Message) -> None:
        """Queue one message for several peers."""
        frame = encode_message(message)
        for peer in peers:
            self.transport.send_nowait(peer, frame)

    def hint(self, hint: Hint) -> None:
        """Gossip a hint, when the transport's pace allows; without what it carries if that is too long for one."""
        frame = encode_message(hint)
        if len(frame) > HINT_BYTES_MAX:
            frame = encode_message(Hint(hint.positions))
        self.transport.publish(frame)

    def host(self, accounts: Iterable[int]) -> None:
        """Tell peers, now and on every new link, that wallets of `accounts` live here."""
        fresh = sorted(set(accounts) - self._hosted)
        self._hosted.update(fresh)
        for peer in self.neighbours:
            self._send_hosts(peer, fresh)

    @property
    def hosted(self) -> set[int]:
        """The accounts whose wallets live here."""
        return self._hosted

    def _send_hosts(self, peer: str, accounts: list[int]) -> None:
        for start in range(0, len(accounts), HOSTS_PAGE):
            self.send(peer, Hosts(tuple(accounts[start : start + HOSTS_PAGE])))  # type: ignore[arg-type]

    # Receiving

    async def read_frames(self) -> None:
        """Answer frames for as long as the node runs, and in between what waits for its turn."""
        while True:
            try:
                delivery = await self._next_delivery()
            except trio.EndOfChannel:
                return
            self._breathed_at = trio.current_time()
            if delivery is None:
                self._answer_next_question()
            else:
                await self._take(*delivery)

    async def _next_delivery(self) -> tuple[str, list[bytes]] | None:
        """The next frames of a peer, or None when a question comes first."""
        if not self._questions:
            return await self.transport.inbox.receive()
        with trio.move_on_at(self._rested_at):
            return await self.transport.inbox.receive()
        return None

    def _answer_next_question(self) -> None:
        """Answer one, and then none for as long as that took: half of the time is for all the rest."""
        began_at = trio.current_time()
        question = self._questions.take()
        if question is not None:
            self._answer(*question)
        now = trio.current_time()
        self._rested_at = now + max(now - began_at, QUESTION_PAUSE_S)

    async def _take(self, peer: str, frames: list[bytes]) -> None:
        self._follow_now()
        # First all are read, then all are answered: one kind of work at a time is faster than taking turns.
        messages = []
        for frame in frames:
            messages.append(self._read(peer, frame))
            await self._breathe()
        for message in messages:
            if message is None or isinstance(message, Hint) or not self._is_greeted(peer, message):
                continue
            if isinstance(message, Deliver) and self._door.is_awaited:
                await self._let_go_first()
            if type(message) in self._costly:
                self._questions.keep(peer, message)
            else:
                self._answer(peer, message)
            await self._breathe()

    async def _breathe(self) -> None:
        """Wait for the disk when too much is not on it; else let all others have a turn now and then."""
        if self._door.staged > OPEN_RECORDS_MAX:
            await self._door.ticket.done.wait()
        elif trio.current_time() - self._breathed_at < BREATH_S:
            return
        await trio.lowlevel.checkpoint()
        self._breathed_at = trio.current_time()

    async def _let_go_first(self) -> None:
        """Have votes and answers leave before taking in what nobody waits for, which may be much."""
        await self._door.ticket.done.wait()
        await trio.lowlevel.checkpoint()  # so that the links write before this goes on

    async def read_hints(self) -> None:
        """Answer gossiped hints for as long as the node runs."""
        async for peer, frame in self.transport.hints:
            hint = self._read(peer, frame)
            if isinstance(hint, Hint):
                self._answer(peer, hint)

    async def follow_links(self) -> None:
        """Greet and take leave, for as long as the node runs.

        Events tell at once, but not all: when too many wait one is dropped, and the other end of a link may become
        another process without one (transport/links.py). So now and then it is looked who is linked.
        """
        while True:
            with trio.move_on_after(SETTLE_S):
                while True:
                    self._follow(await self.transport.links.receive())
            self._settle()

    def _follow_now(self) -> None:
        """Greet first: a link's frames may be read before its coming up is, and a stranger's frames are not heard."""
        while True:
            try:
                self._follow(self.transport.links.receive_nowait())
            except trio.WouldBlock:
                return

    def _follow(self, link: LinkEvent) -> None:
        match link:
            case LinkUp(peer):
                self._leave(peer)  # a new link begins anew, whatever was left of the last one
                self._greet(peer)
            case LinkDown(peer):
                self._leave(peer)

    def _settle(self) -> None:
        """Take leave of who is linked no more, greet again who has not greeted."""
        linked = self.transport.connected()
        for peer in set(self._greetings) - linked:
            self._leave(peer)
            del self._greetings[peer]
        for peer in linked:
            if self._greeting(peer).heard is None:
                self._greet_again(peer)

    def _greeting(self, peer: str) -> Greeting:
        return self._greetings.setdefault(peer, Greeting())

    def _greet(self, peer: str) -> None:
        self._greeting(peer).told_at = trio.current_time()
        self.send(peer, self._hello)
        self._send_hosts(peer, sorted(self._hosted))

    def _greet_again(self, peer: str) -> None:
        if trio.current_time() - self._greeting(peer).told_at >= HELLO_PAUSE_S:
            self._greet(peer)

    def _leave(self, peer: str) -> None:
        self._greeting(peer).heard = None
        self._questions.forget(peer)
        if self.neighbours.get(peer) is not None:
            self.neighbours.leave(peer)
            for down in self._on_down:
                down(peer)

    def _read(self, peer: str, frame: bytes) -> Message | None:
        try:
            return decode_message(frame)
        except Malformed as error:
            logger.info("peer %s sent what cannot be read: %s", peer, error)
            self.transport.punish(peer)
            return None

    def _answer(self, peer: str, message: Message) -> None:
        handler = self._handlers.get(type(message))
        if handler is None:
            return
        try:
            handler(peer, message)
        except DoorClosed:
            return  # said in health and log already; nothing is taken any more
        except Exception:  # the one place that keeps a bug in a handler from ending the node
            logger.exception("a %s from %s could not be answered", type(message).__name__, peer)

    def _is_greeted(self, peer: str, message: Message) -> bool:
        return isinstance(message, Hello) or self.neighbours.get(peer) is not None

    def _on_hello(self, peer: str, hello: Hello) -> None:
        """Greet a neighbour: who says it again has not heard us, who says something else is another process."""
        greeting = self._greeting(peer)
        if greeting.heard is not None:
            self._greet_again(peer)
        if hello == greeting.heard or not greeting.pace.allows(trio.current_time()):
            return
        self._leave(peer)
        greeting.heard = hello
        if hello.community != self._community:
            logger.warning("peer %s belongs to another community; what it says is not heard", peer)
            return
        if hello.witness and not self._is_proven(peer, hello):
            logger.warning("peer %s says it is a witness and does not prove it", peer)
            hello = replace(hello, witness=b"", proof=b"")
        self.neighbours.greet(peer, hello)
        for up in self._on_up:
            up(peer)

    def _is_proven(self, peer: str, hello: Hello) -> bool:
        content = Hello.content(peer, hello.generation)
        return verify(PublicKey(hello.witness), Tag.HELLO, self._community, content, Signature(hello.proof))

    def _on_hosts(self, peer: str, message: Hosts) -> None:
        self.neighbours.hosts(peer, message.accounts)
        for told in self._on_hosting:
            told(peer, frozenset(message.accounts))
