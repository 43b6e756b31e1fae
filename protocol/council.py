"""The witness's part in deciding account 0: a vote in a round, then a commit on q votes (PROTOCOL-RULES 8).

What may be signed is said by `rounds.Standing`; here candidates and evidence are checked, and what a steward has to
see is put beside a refusal.
"""

from .base import COMMONS
from .chain import Effects
from .decisions import Decision, Voted
from .entry import SignedEntry
from .ledger import Ledger
from .messages import Bundle
from .pen import Pen
from .rounds import Choice
from .signing import Tag
from .statements import Certificate, Place
from .verdict import Code, Refused, Waiting


class Council:
    """One witness's seat among those who decide account 0."""

    def __init__(self, pen: Pen, ledger: Ledger) -> None:
        self._pen = pen
        self._memory = pen.memory
        self._ledger = ledger

    def ballot(self, signed: SignedEntry, evidence: Certificate | None) -> Decision:
        """Vote for an undecided entry in the round of its ballots. `evidence`: q votes that move a lock.

        When the place is decided already the nack says PLACE, with a height that shows it.
        """
        place = Place(self._ledger.commons.epoch, COMMONS, signed.round, signed.seq, signed.id)
        repeated = self._pen.again(Tag.VOTE, place)
        if repeated is not None:
            return repeated
        code = self._fault_of(signed)
        if code is not None:
            return self._pen.refuse(place, code)
        choice = Choice(signed.round, signed.id)
        code = self._memory.standing(signed.seq).refuses_vote(choice, self._shown(place, evidence))
        if code is not None:
            return self._pen.refuse(place, code, self._to_show(signed.seq))
        decision = self._pen.vote(Tag.VOTE, place, Bundle(entries=(signed,)))
        if isinstance(decision, Voted):
            self._memory.keep_candidate(signed)
        return decision

    def commit(self, votes: Certificate, signed: SignedEntry) -> Decision:
        """Commit to an entry on q votes for it; it becomes this witness's lock."""
        place = votes.place
        repeated = self._pen.again(Tag.COMMIT, place)
        if repeated is not None:
            return repeated
        if signed.id != place.id or not self._is_evidence(votes):
            return self._pen.refuse(place, Code.PROOF)
        code = self._fault_of(signed)
        if code is None:
            code = self._memory.standing(place.seq).refuses_commit(Choice(place.incarnation, place.id))
        if code is not None:
            return self._pen.refuse(place, code, self._to_show(place.seq))
        decision = self._pen.vote(Tag.COMMIT, place, Bundle((signed,), (votes,)))
        if isinstance(decision, Voted):
            self._memory.keep_candidate(signed)
            self._memory.keep_evidence(votes)
        return decision

    def _fault_of(self, signed: SignedEntry) -> Code | None:
        """Judge an undecided entry: None when it may stand at the open place."""
        if signed.account != COMMONS:
            return Code.PLACE
        match self._ledger.judge(signed):
            case Effects():
                return None
            case Refused(code, _):
                return code
            case Waiting():
                return Code.BEHIND
            case _:
                return Code.PLACE

    def _is_evidence(self, votes: Certificate) -> bool:
        commons, place = self._ledger.commons, votes.place
        if place.account != COMMONS or place.epoch != commons.epoch:
            return False
        return votes.is_valid(Tag.VOTE, commons.witnesses, commons.quorum, commons.community)

    def _shown(self, place: Place, evidence: Certificate | None) -> Choice | None:
        """What the evidence shows about this place, or None when it shows nothing."""
        if evidence is None or evidence.place.seq != place.seq or not self._is_evidence(evidence):
            return None
        return Choice(evidence.place.incarnation, evidence.place.id)

    def _to_show(self, seq: int) -> Bundle:
        """What stewards have to see: the lock's entry with its q votes, and the entry that was voted for last."""
        standing, votes = self._memory.standing(seq), self._memory.evidence.get(seq)
        ids = [choice.id for choice in (standing.lock, *standing.votes[-1:]) if choice is not None]
        held = [self._memory.candidates.get((seq, id)) for id in dict.fromkeys(ids)]
        return Bundle(tuple(signed for signed in held if signed is not None), () if votes is None else (votes,))
