"""The witness: gives its votes to at most one branch of each chain, and decides account 0 with the others.

Sans I/O, over a read view of the ledger: the door judges and applies, then the shell asks here. Whatever comes back
`fresh` is written in one durable transaction, together with the entry it is for and with what stands `beside` it,
before it leaves; what is not fresh may still be on its way to the disk, so it leaves in order behind that
(`commit.Outbox`). If a commit fails, the shell drops this machine and its memory and rebuilds both from the journal.

Here are the rules for members' entries, PROTOCOL-RULES 6; account 0 is in `council`, signing in `pen`. There are no
seals, no reopening and no rotation of keys before a later charter version: rules 6(c), 6(f) and the exemption of a
`reopen` in 6(d) have nothing to bite on yet, and belong in `_refusal`.
"""

from .base import COMMONS, TAIL_MAX, AccountId
from .budget import Budget
from .bundles import NOTHING, Bundle
from .chain import Chain, Effects
from .commons import FROZEN, SUSPENDED
from .council import Council
from .decisions import Decision, Denied, NeedMark, Stopped, Voted
from .entry import SignedEntry
from .ledger import Ledger
from .memory import WitnessMemory
from .pen import Pen
from .signing import SecretKey, Tag
from .statements import Certificate, Mark, Place, Vote
from .verdict import Code

__all__ = ["FLOOR", "Decision", "Denied", "NeedMark", "Stopped", "Voted", "Witness"]

FLOOR = 0
"""The lowest height that a voted entry may cite. The charter brings its own `floor` with a later version."""


class Witness:
    """One witness key at work. Raises ValueError when `key` is not a witness of the community of `ledger`."""

    def __init__(self, key: SecretKey, ledger: Ledger, memory: WitnessMemory, budget: Budget) -> None:
        self.memory = memory
        self._ledger = ledger
        self._budget = budget
        self._pen = Pen(key, ledger.commons, memory)
        self._council = Council(self._pen, ledger)

    @property
    def index(self) -> int:
        """The place of its key in the list of the epoch's witnesses."""
        return self._pen.index

    def consider(self, account: AccountId, seq: int, now: float) -> Decision:
        """Vote for the entry that the ledger holds at that place, or say why not. `now`: seconds, monotonic.

        That it is held means that it and its lineage are valid and its references final (rule 6a).
        Raises LookupError when nothing is held there.
        """
        chain = self._ledger.chain(account)
        id = None if chain is None else chain.id_at(seq)
        if account == COMMONS or chain is None or id is None:
            raise LookupError(f"no member's entry is held at place {seq} of account {account}")
        place = Place(self._ledger.commons.epoch, account, chain.incarnation, seq, id)
        repeated = self._pen.again(Tag.VOTE, place)
        if repeated is not None:
            return repeated
        if not self._is_on_lock(chain):
            return self.refuse(place, Code.CONFLICT)
        refusal = self._refusal(chain, seq, now)
        if refusal is not None:
            return self.refuse(place, refusal[0], inner=refusal[1])
        decision = self._pen.vote(Tag.VOTE, place)
        if isinstance(decision, Voted):
            self._budget.spend(account, now)
        return decision

    def refuse(
        self, place: Place, code: Code, evidence: Bundle = NOTHING, inner: Code | None = None
    ) -> Denied | Stopped:
        """A signed refusal: CONFLICT with the rival entry as evidence, BEHIND, or what the judge said."""
        return self._pen.refuse(place, code, evidence, inner)

    def ballot(self, signed: SignedEntry, evidence: Certificate | None = None) -> Decision:
        """Vote for an undecided entry of account 0 in the round of its ballots (`Council.ballot`)."""
        return self._council.ballot(signed, evidence)

    def commit(self, votes: Certificate, signed: SignedEntry) -> Decision:
        """Commit to an entry of account 0 on q votes for it (`Council.commit`)."""
        return self._council.commit(votes, signed)

    def meets(self, statement: Vote | Certificate | Mark, tag: Tag | None = None) -> str | None:
        """Look for the own signature in what others show (`Pen.meets`); the reason when the key is dead."""
        return self._pen.meets(statement, tag)

    def _is_on_lock(self, chain: Chain) -> bool:
        """Rule 6(b). A certificate may have overruled the tail with the lock: then no vote is left to give."""
        lock = self.memory.locks.get((chain.account, chain.incarnation))
        return lock is None or chain.id_at(lock.seq) == lock.id

    def _refusal(self, chain: Chain, seq: int, now: float) -> tuple[Code, Code | None] | None:
        """Rules 6(d) and 6(e), in the order of PROTOCOL-RULES 15: (code, inner code), or None."""
        lock = self.memory.locks.get((chain.account, chain.incarnation))
        above = max(chain.final_seq, -1 if lock is None else lock.seq)
        for effects in chain.tail:
            if not above < effects.signed.seq <= seq:
                continue
            if effects.height < FLOOR:
                return Code.FLOOR, None
            inner = self._fault_at_newest(effects)
            if inner is not None:
                return Code.NEWEST, inner
        if seq - chain.final_seq > TAIL_MAX:
            return Code.BACKLOG, None
        return None if self._budget.has(chain.account, now) else (Code.BUDGET, None)

    def _fault_at_newest(self, effects: Effects) -> Code | None:
        """What is wrong with an entry at the witness's newest height, though it may be valid at the one it cites."""
        commons, account = self._ledger.commons, effects.signed.account
        level = commons.level(account)
        if level >= FROZEN:
            return Code.FROZEN
        if not effects.spends:
            return None
        if level >= SUSPENDED:
            return Code.SUSPENDED
        free = effects.own_after + commons.adjust(account) + commons.limit(account) - commons.hold(account)
        return Code.LIMIT if free < 0 else None
