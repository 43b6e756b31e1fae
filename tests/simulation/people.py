"""Honest members: each sits at one node and keeps a book of what it signed, which survives every crash of the node.

It does for one account what wallet and submitter do: writes, shows its node what the book holds, and brings the head to
the witnesses until it is final.
"""

from collections.abc import Sequence
from random import Random
from typing import TYPE_CHECKING

from protocol.base import ENTRY_VERSION, AccountId, Amount
from protocol.chain import Effects
from protocol.entry import Entry, SignedEntry, sealed
from protocol.gathering import Gathering
from protocol.messages import Answer, Bundle, Deliver, Missing, Span, Submit
from protocol.ops import Bounce, Op, Open, Recv, Send
from protocol.signing import Tag, sign
from protocol.statements import Certificate, Place
from tests.builders import authority, key

if TYPE_CHECKING:
    from .peer import Peer
    from .world import World

TAIL = 4
"""An honest wallet lets so many entries wait for their certificates."""
PATIENCE_S = 2.0


def signed_by(name: str, world: "World", entry: Entry) -> SignedEntry:
    """An entry with the signature of the member of this name."""
    signed = sealed(entry, ((0, sign(key(name), Tag.ENTRY, world.community, entry.encode())),))
    world.oracle.written(signed)
    return signed


class Submission:
    """One head on its way through the witnesses, with what they may lack."""

    def __init__(self, peer: "Peer", tail: Sequence[SignedEntry]) -> None:
        world, signed = peer.world, tail[-1]
        self.serial = world.next_serial()
        self.began = world.timeline.now
        self.life = peer.life
        """Answers are in the node's memory: in its next life it gathers anew."""
        self.tail = tuple(tail)
        self.place = Place(0, signed.account, signed.entry.incarnation, signed.seq, signed.id)
        self.gathering = Gathering(world.community, self.place, world.witness_keys, world.quorum)
        self._peer = peer
        self._given: dict[int, tuple[Span, ...]] = {}

    def ask(self, targets: Sequence[int]) -> None:
        """Ask these witnesses for their vote."""
        for target in targets:
            self._peer.send(target, Submit(self.serial, b"", Bundle(self.tail)))

    def renew(self) -> None:
        """Begin another try: what was given before may have been lost on the way."""
        self._given.clear()

    def hear(self, source: int, message: Answer | Missing) -> Certificate | None:
        """Take an answer; the certificate when it is complete."""
        if message.serial != self.serial:
            return None
        if isinstance(message, Answer):
            return self.gathering.hear(message.statement)
        self._give(source, message)
        return None

    def _give(self, source: int, message: Missing) -> None:
        """Give a witness what it lacks and ask again, but not twice the same: two nodes would echo for ever."""
        if self._given.get(source) == message.spans:
            return
        self._given[source] = message.spans
        for span in message.spans:
            self._peer.send(source, Deliver(0, self._peer.shelf.span(span, 100)))
        self.ask([source])


class Author:
    """An honest member: pays, takes in, sends parcels back, and never signs two entries for one place."""

    def __init__(self, peer: "Peer", name: str, account: AccountId) -> None:
        self.peer = peer
        self.name = name
        self.account = account
        self.book: list[SignedEntry] = []
        self._world = peer.world
        self._rng: Random = peer.world.rng
        self._submission: Submission | None = None
        peer.listeners.append(self._hear)

    def tick(self) -> None:
        """Show the node what the book holds, bring it to the witnesses, and now and then write something new."""
        if not self.peer.is_up:
            return
        held = self._head_seq()
        for signed in self.book[held + 1 :]:
            self.peer.take(Bundle((signed,)))
        waiting = len(self.book) - 1 - self._final_seq()
        can_write = not self._world.is_healing and self._head_seq() == len(self.book) - 1
        if can_write and (waiting == 0 or (waiting < TAIL and self._rng.random() < 0.3)):
            self._write()
        if self._final_seq() < len(self.book) - 1:
            self._submit()

    def is_settled(self) -> bool:
        """Whether everything this author signed is final at its own node."""
        return self._final_seq() == len(self.book) - 1

    def _head_seq(self) -> int:
        chain = self.peer.door.ledger.chain(self.account)
        return -1 if chain is None else chain.seq

    def _final_seq(self) -> int:
        chain = self.peer.door.ledger.chain(self.account)
        return -1 if chain is None else chain.final_seq

    def _write(self) -> None:
        ledger = self.peer.door.ledger
        if not ledger.commons.is_admitted(self.account):
            return
        ops = self._ops() if self.book else (Open(authority(self.name), bytes(32)),)
        prev = self.book[-1].id if self.book else self._world.community
        height = ledger.commons.height
        entry = Entry(ENTRY_VERSION, self.account, 0, len(self.book), prev, height, 0, ops)
        draft = sealed(entry, ((0, sign(key(self.name), Tag.ENTRY, self._world.community, entry.encode())),))
        if not ops:
            return
        if not isinstance(ledger.judge(draft), Effects):
            self._world.count("draft refused at home")
            return
        self._world.oracle.written(draft)
        self.book.append(draft)
        self.peer.take(Bundle((draft,)))

    def _ops(self) -> tuple[Op, ...]:
        """Take in most of what came, send some of it back, and pay one or two members."""
        rng, ops = self._rng, list[Op]()
        others = {AccountId(number) for number in self.peer.door.ledger.commons.members} - {self.account}
        returned = set()
        for incoming in self.peer.door.ledger.incoming(self.account):
            if rng.random() < 0.15:
                ops.append(Bounce(incoming.payer, incoming.incarnation, incoming.seqs[0]))
                returned.add(incoming.payer)
            elif rng.random() < 0.7:
                ops.append(Recv(incoming.payer, incoming.incarnation, incoming.upto, incoming.total))
        payees = sorted(others - returned)
        for payee in rng.sample(payees, min(len(payees), rng.choice((0, 1, 1, 2)))):
            ops.append(Send(payee, Amount(rng.randint(1, 60))))
        return tuple(ops)

    def _submit(self) -> None:
        current, head = self._submission, self.book[-1]
        is_stale = current is not None and self._world.timeline.now - current.began > PATIENCE_S
        if current is not None and current.gathering.nacks and is_stale:  # limits may have been raised since
            self._world.count("refused, tried again")
            current = None
        if current is None or current.place.id != head.id or current.life != self.peer.life:
            current = self._submission = Submission(self.peer, self.book[self._final_seq() + 1 :])
        current.renew()
        current.ask(current.gathering.unanswered)

    def _hear(self, source: int, message: Answer | Missing) -> None:
        if self._submission is None:
            return
        certificate = self._submission.hear(source, message)
        if certificate is not None:
            self._world.count("certificate")
            self.peer.take(Bundle((), (certificate,)))
            self._world.spread(self.peer, Bundle(self._submission.tail, (certificate,)))
