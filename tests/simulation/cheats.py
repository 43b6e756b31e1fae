"""Members who sign twice: two branches of one chain, each shown to whom they like, by way of every witness at once."""

from random import Random
from typing import TYPE_CHECKING

from protocol.base import ENTRY_VERSION, AccountId, Amount
from protocol.entry import Entry, SignedEntry
from protocol.messages import Answer, Bundle, Deliver, Missing
from protocol.ops import Op, Open, Recv, Send
from protocol.statements import Certificate
from tests.builders import authority

from .people import Submission, signed_by

if TYPE_CHECKING:
    from .peer import Peer


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
