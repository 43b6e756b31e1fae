"""What a witness remembers of its own signatures: numbers, locks, rounds, and whether its key is dead.

Rebuilt at every start by showing it, in the order of the journal, the witness's own votes, marks, evidence and
candidates. It keeps a number and 8 bytes a vote instead of the vote: Ed25519 signs the same bytes the same way, so
a vote that is asked for again is signed again.

Numbers below `mark_below` were announced by a mark in the own journal; only those below `open_below` may be used,
which the fence raises when enough others keep that mark (PROTOCOL-RULES 11).
"""

from array import array
from dataclasses import dataclass
from hashlib import blake2b

from .base import COMMONS, AccountId, EntryId
from .entry import SignedEntry
from .rounds import Choice, Standing
from .signing import Tag
from .statements import Certificate, Mark, Place, Vote

_FINGERPRINT_BYTES = 8
_NO_VOTE = -1


@dataclass(frozen=True, slots=True)
class Lock:
    """The highest entry that the witness voted for in one incarnation of an account (PROTOCOL-RULES 6b)."""

    incarnation: int
    seq: int
    id: EntryId


def _fingerprint(tag: Tag, place: Place, number: int) -> bytes:
    return blake2b(tag.value + place.content(number), digest_size=_FINGERPRINT_BYTES).digest()


class WitnessMemory:
    """The own past of one witness key. Fill it with `keep...` from the journal, before the fence is made."""

    def __init__(self) -> None:
        self.next_number = 0
        self.mark_below = 0
        self.open_below = 0
        self.dead: str | None = None
        """Why the key may never sign again, or None."""
        self.locks: dict[tuple[AccountId, int], Lock] = {}
        self.standings: dict[int, Standing] = {}
        """By seq of account 0."""
        self.evidence: dict[int, Certificate] = {}
        """By seq of account 0: the q votes that made the lock there."""
        self.candidates: dict[tuple[int, EntryId], SignedEntry] = {}
        """Entries of account 0 that were voted for, by seq and id, with the ballots of the last round."""
        self._numbers: dict[tuple[AccountId, int], array[int]] = {}
        self._decisions: dict[tuple[Tag, Place], int] = {}
        self._spent = bytearray()

    def keep(self, vote: Vote) -> None:
        """Remember an own vote or commit, from the journal or just signed."""
        self._spend(vote.number, _fingerprint(vote.tag, vote.place, vote.number))
        if vote.place.account == COMMONS:
            self._keep_decision(vote)
        else:
            self._keep_member_vote(vote.place, vote.number)

    def keep_mark(self, mark: Mark) -> None:
        """Remember an own mark."""
        self.mark_below = max(self.mark_below, mark.below)

    def keep_evidence(self, votes: Certificate) -> None:
        """Remember the q votes on which the commit beside them was made."""
        self.evidence[votes.place.seq] = votes

    def keep_candidate(self, signed: SignedEntry) -> None:
        """Remember the body of an entry of account 0 that was voted for."""
        self.candidates[signed.seq, signed.id] = signed

    def number_of(self, tag: Tag, place: Place) -> int | None:
        """The number under which exactly this was signed before, or None."""
        if place.account == COMMONS:
            return self._decisions.get((tag, place))
        numbers = self._numbers.get((place.account, place.incarnation))
        if numbers is None or place.seq >= len(numbers) or numbers[place.seq] == _NO_VOTE:
            return None
        number = numbers[place.seq]
        return number if self.holds(tag, place, number) else None

    def holds(self, tag: Tag, place: Place, number: int) -> bool:
        """Tell whether this was signed under that number by the store that this memory comes from."""
        start = number * _FINGERPRINT_BYTES
        return self._spent[start : start + _FINGERPRINT_BYTES] == _fingerprint(tag, place, number)

    def standing(self, seq: int) -> Standing:
        """What was voted and committed at that place of account 0."""
        return self.standings.get(seq, Standing())

    def resume(self) -> None:
        """Begin a life: numbers that may have been used before are left out, a new block must be marked first."""
        self.next_number = max(self.next_number, self.mark_below)
        self.open_below = 0

    @property
    def is_new(self) -> bool:
        """Tell whether nothing was ever signed or marked."""
        return self.next_number == 0 and self.mark_below == 0

    def _spend(self, number: int, fingerprint: bytes) -> None:
        start = number * _FINGERPRINT_BYTES
        if len(self._spent) < start:
            self._spent.extend(bytes(start - len(self._spent)))
        self._spent[start : start + _FINGERPRINT_BYTES] = fingerprint
        self.next_number = max(self.next_number, number + 1)

    def _keep_member_vote(self, place: Place, number: int) -> None:
        key = (place.account, place.incarnation)
        numbers = self._numbers.setdefault(key, array("q"))
        if len(numbers) <= place.seq:
            numbers.extend([_NO_VOTE] * (place.seq + 1 - len(numbers)))
        numbers[place.seq] = number
        lock = self.locks.get(key)
        if lock is None or place.seq > lock.seq:
            self.locks[key] = Lock(place.incarnation, place.seq, place.id)

    def _keep_decision(self, vote: Vote) -> None:
        place = vote.place
        self._decisions[vote.tag, place] = vote.number
        choice, before = Choice(place.incarnation, place.id), self.standing(place.seq)
        after = before.voted(choice) if vote.tag is Tag.VOTE else before.committed(choice)
        self.standings[place.seq] = after
