"""Stewards: boards that decide account 0 among the payments, and boards that scheme to have two things decided."""

from collections.abc import Sequence
from random import Random
from typing import TYPE_CHECKING

from protocol.base import COMMONS, ENTRY_VERSION, AccountId, Amount
from protocol.chain import Effects
from protocol.deciding import Deciding
from protocol.entry import Entry, SignedEntry, sealed
from protocol.messages import Answer, Bundle, Missing
from protocol.ops import Admit, Charge, Limits, Op, Reinstate, Send, Stewards, Suspend
from protocol.signing import SecretKey, Tag, sign
from protocol.statements import Certificate, ballot_content
from tests.builders import authority, key, stewards_op

if TYPE_CHECKING:
    from .peer import Peer

PATIENCE_S = 2.0
AMPLE = 10**9
"""A limit under which nobody is refused: what stewards give everybody when the world is healed."""


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
        self._deciding = Deciding(world.community, signed, 0, world.witness_keys, world.quorum, stewards, evidence)
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
