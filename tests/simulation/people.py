"""Who acts in the simulated community: honest members, members who sign twice, and boards of stewards.

Each sits at one node and keeps a book of what it signed, which survives every crash, as the wallet's book does. None of
them knows more than its node, but for the cheat, who talks to every witness as it likes.
"""

from collections.abc import Sequence
from random import Random
from typing import TYPE_CHECKING

from protocol.base import COMMONS, ENTRY_VERSION, AccountId, Amount
from protocol.chain import Effects
from protocol.deciding import Deciding
from protocol.entry import Entry, SignedEntry, sealed
from protocol.gathering import Gathering
from protocol.messages import Answer, Bundle, Deliver, Missing, Span, Submit
from protocol.ops import Admit, Bounce, Charge, Limits, Op, Open, Recv, Reinstate, Send, Stewards, Suspend
from protocol.signing import SecretKey, Tag, sign
from protocol.statements import Certificate, Place, ballot_content
from tests.builders import authority, key, stewards_op

if TYPE_CHECKING:
    from .peer import Peer
    from .world import World

TAIL = 4
"""An honest wallet lets so many entries wait for their certificates."""
PATIENCE_S = 2.0
AMPLE = 10**9


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


class Cheat:
    """A member who writes two branches and shows each to whom it likes."""

    def __init__(self, peer: "Peer", name: str, account: AccountId) -> None:
        self.peer = peer
        self.name = name
        self.account = account
        self._world = peer.world
        self._rng: Random = peer.world.rng
        self._common: list[SignedEntry] = []
        self._branches: tuple[list[SignedEntry], list[SignedEntry]] = ([], [])
        self._submissions: list[Submission] = []
        peer.listeners.append(self._hear)

    def tick(self) -> None:
        """Lengthen one of the branches, and show one of them to some of the witnesses."""
        if not self.peer.is_up or self._world.is_healing:
            return
        if not self._common:
            self._common = [self._entry([], Open(authority(self.name), bytes(32)))]
            self._branches = (list(self._common), list(self._common))
        branch = self._rng.choice(self._branches)
        if len(branch) - len(self._common) < 2 and self._rng.random() < 0.6:
            branch.append(self._entry(branch, *self._ops(branch)))
        self._show(branch)

    def _entry(self, branch: list[SignedEntry], *ops: Op) -> SignedEntry:
        prev = branch[-1].id if branch else self._world.community
        height = max(self.peer.door.ledger.commons.height, branch[-1].entry.height if branch else 0)
        entry = Entry(ENTRY_VERSION, self.account, 0, len(branch), prev, height, 0, ops)
        return signed_by(self.name, self._world, entry)

    def _ops(self, branch: list[SignedEntry]) -> list[Op]:
        """One payment; on one branch perhaps also what came in, so that the branches differ in what they take."""
        ledger = self.peer.door.ledger
        others = sorted(set(ledger.commons.members) - {self.account})
        ops: list[Op] = [Send(self._rng.choice(others), Amount(self._rng.randint(1, 40)))]
        chain = ledger.chain(self.account)
        if chain is not None and chain.id == branch[-1].id and self._rng.random() < 0.5:
            ops += [Recv(one.payer, one.incarnation, one.upto, one.total) for one in ledger.incoming(self.account)]
        return ops

    def _show(self, branch: list[SignedEntry]) -> None:
        tail = branch[max(0, len(self._common) - 1) :]
        submission = Submission(self.peer, tail)
        self._submissions = [*self._submissions[-8:], submission]
        witnesses = range(self._world.witness_count)
        submission.ask(self._rng.sample(witnesses, self._rng.randint(1, len(witnesses))))
        if self._rng.random() < 0.3:
            self.peer.send(self._rng.randrange(len(self._world.peers)), Deliver(0, Bundle(tuple(tail))))

    def _hear(self, source: int, message: Answer | Missing) -> None:
        for submission in self._submissions:
            certificate = submission.hear(source, message)
            if certificate is not None:
                self._won(submission, certificate)

    def _won(self, submission: Submission, certificate: Certificate) -> None:
        """One branch has a certificate: tell somebody, and fork again from there."""
        self._world.count("certificate of a cheat")
        target = self._rng.randrange(len(self._world.peers))
        self.peer.send(target, Deliver(0, Bundle(submission.tail, (certificate,))))
        for branch in self._branches:
            ids = [signed.id for signed in branch]
            if certificate.place.id in ids:
                self._common = branch[: certificate.place.seq + 1]
                self._branches = (list(self._common), list(self._common))
                return


class Board:
    """Stewards who act together at one node; two boards may want different things in one round."""

    def __init__(self, peer: "Peer") -> None:
        self.peer = peer
        self._world = peer.world
        self._rng: Random = peer.world.rng
        self._deciding: Deciding | None = None
        self._began = 0.0
        self._serial = 0
        peer.listeners.append(self._hear)

    def tick(self) -> None:
        """Ask the witnesses, press again when the round cannot decide, and now and then want something new."""
        if not self.peer.is_up:
            return
        commons = self.peer.door.ledger.commons
        if self._deciding is not None and commons.height >= self._deciding.signed.seq:
            self._deciding = None
        if self._deciding is None:
            self._propose()
        elif self._deciding.certificate is not None:
            self._publish(self._deciding, self._deciding.certificate)  # again: the node may have lost it in a crash
        elif self._world.timeline.now - self._began > self._patience():
            self._press_again(self._deciding)
        if self._deciding is not None:
            for target in self._deciding.unanswered:
                self.peer.send(target, self._deciding.request(self._serial))

    def drop(self) -> None:
        """Give up what is under way; whoever is left may find a lock on it and carry it through."""
        self._deciding = None

    def _patience(self) -> float:
        return self._rng.uniform(0.5, 1.5) * PATIENCE_S

    def _propose(self) -> None:
        ledger = self.peer.door.ledger
        ops = self._healing_ops() if self._world.is_healing else self._ops()
        if not ops:
            return
        chain = ledger.chain(COMMONS)
        assert chain is not None
        entry = Entry(ENTRY_VERSION, COMMONS, 0, chain.seq + 1, chain.id, chain.seq, 0, ops)
        signed = self._ballots(entry, 0)
        if isinstance(ledger.judge(signed), Effects):
            self._begin(signed, None)

    def _press_again(self, last: Deciding) -> None:
        self._world.count("pressed again")
        evidence, entry = None, last.signed.entry
        if last.locked is not None:
            evidence, entry = last.locked[0], last.locked[1].entry
            self._world.count("carried a lock")
        self._begin(self._ballots(entry, last.next_round), evidence)

    def _begin(self, signed: SignedEntry, evidence: Certificate | None) -> None:
        world, stewards = self._world, self.peer.door.ledger.commons.stewards()
        self._deciding = Deciding(
            world.community, signed, 0, world.witness_keys, world.quorum, stewards, evidence
        )
        self._began, self._serial = world.timeline.now, world.next_serial()

    def _ballots(self, entry: Entry, round: int) -> SignedEntry:
        stewards = self.peer.door.ledger.commons.stewards()
        body = sealed(entry, ())
        content = ballot_content(entry.seq, round, body.id)
        keys = [self._world.steward_key(public) for public in stewards.keys[: stewards.threshold]]
        ballots = [(at, sign(secret, Tag.BALLOT, self._world.community, content)) for at, secret in enumerate(keys)]
        signed = sealed(entry, tuple(ballots), round)
        self._world.oracle.written(signed)
        return signed

    def _hear(self, source: int, message: Answer | Missing) -> None:
        deciding = self._deciding
        if deciding is None or not isinstance(message, Answer) or message.serial != self._serial:
            return
        certificate = deciding.hear(message.statement, message.evidence)
        if certificate is not None:
            self._world.count("decided")
            self._publish(deciding, certificate)

    def _publish(self, deciding: Deciding, certificate: Certificate) -> None:
        bundle = Bundle((deciding.signed,), (certificate,))
        self.peer.take(bundle)
        self._world.spread(self.peer, bundle)

    def _ops(self) -> tuple[Op, ...]:
        rng, commons = self._rng, self.peer.door.ledger.commons
        account = rng.choice(sorted(commons.members))
        amount = Amount(rng.randint(1, 30))
        acts: list[Op] = [
            Limits(((account, rng.choice((0, 20, 100, 300))),)),
            Suspend(account, rng.choice((1, 1, 2))),
            Reinstate(account),
            Charge(account, COMMONS, amount, "dues"),
            Charge(COMMONS, account, amount, "a gift"),
            Send(account, amount),
            self._new_member(),
            self._new_stewards(),
        ]
        return tuple(rng.sample(acts, rng.choice((1, 1, 2))))

    def _new_member(self) -> Admit:
        number = len(self.peer.door.ledger.commons.members) + 1
        return Admit(AccountId(number), f"m{number}", authority(f"m{number}"), 100)

    def _new_stewards(self) -> Stewards:
        names = self._rng.sample(self._world.steward_names, 3)
        return stewards_op(self._world.community, *names, threshold=self._rng.choice((1, 2)))

    def _healing_ops(self) -> tuple[Op, ...]:
        """Free everybody, so that whatever honest members signed can become final."""
        commons = self.peer.door.ledger.commons
        members = sorted(commons.members)
        low = tuple((account, AMPLE) for account in members if commons.limit(account) < AMPLE)
        bound = [account for account in members if commons.level(account)]
        return (*[Reinstate(account) for account in bound], *([Limits(low)] if low else []))


class Schemers(Board):
    """Dishonest stewards: they press quickly, carry no locks, and keep to themselves what they got decided."""

    def tick(self) -> None:
        """Try to have a second entry decided at the place of the first."""
        if not self.peer.is_up or self._world.is_healing:
            return
        deciding = self._deciding
        if deciding is not None and deciding.certificate is not None:
            self._world.count("decided in secret")
            self._press_again(deciding)
        super().tick()

    def _patience(self) -> float:
        return self._rng.uniform(0.2, 1.0)

    def _press_again(self, last: Deciding) -> None:
        chain = self.peer.door.ledger.chain(COMMONS)
        ops = self._ops()
        if chain is None or chain.seq + 1 != last.signed.seq:
            return
        entry = Entry(ENTRY_VERSION, COMMONS, 0, chain.seq + 1, chain.id, chain.seq, 0, ops)
        signed = self._ballots(entry, last.next_round)
        if isinstance(self.peer.door.ledger.judge(signed), Effects):
            self._begin(signed, None)

    def _publish(self, deciding: Deciding, certificate: Certificate) -> None:
        """They do not."""


def secret_of(names: Sequence[str], public: bytes) -> SecretKey:
    """The secret key of the steward with this public key."""
    return next(secret for secret in map(key, names) if secret.public == public)
