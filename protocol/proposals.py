"""The open acts at the next place of account 0, and which steward signed which of them in which round (README R8).

An act is shown with one ballot or more; k ballots in one round make it *complete*, and the witnesses can be asked. Here
is worked out which round a steward signs next. All is made so that stewards who want the same act meet in one round
by themselves, whatever was signed before, and that nobody can push them about:

- A ballot counts in a window of rounds above the highest complete one. Beyond it nobody is heard, so a lying steward
  cannot use up the rounds; within it a steward always finds a free one for a change of mind.
- Who signs an act goes to its *meeting round*: the lowest free one in which none of those who signed it has signed
  something else. It follows from the ballots alone, so that all who know the same come to the same.
- Whoever signed two acts in one round counts no more for that: one liar cannot move the meeting round twice.

Pure: `take` is given what peers show, `duty` says what a steward's wallet signs without asking its person again.
May not sign, keep or send anything.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from .base import COMMONS, CommunityId, EntryId, Signature
from .entry import SignedEntry
from .rounds import Choice
from .signing import Authority, Tag, Verify, verify
from .statements import Certificate, ballot_content

WINDOW = 64
"""Rounds above the highest complete one in which ballots count."""
AUTOMATIC = 8
"""Ballots that a wallet gives one act at one place without being asked; one more needs its person."""
_BALLOTS_MAX = 2
"""Different acts that are remembered of one steward and round: the second shows who signs twice."""


@dataclass(frozen=True, slots=True)
class OpenAct:
    """One act that is not decided yet, with the stewards (their index) who signed it in any round."""

    signed: SignedEntry
    """Its entry, with the ballots of its fullest round."""
    signers: tuple[int, ...]
    is_complete: bool
    """k signed it in one round, and the witnesses are, or were, asked."""

    @property
    def id(self) -> EntryId:
        return self.signed.id


class Proposals:
    """All that is open at one place. `judge` tells whether an act, ballots apart, is valid there."""

    def __init__(
        self,
        community: CommunityId,
        stewards: Authority,
        seq: int,
        judge: Callable[[SignedEntry], bool],
        verify: Verify = verify,
    ) -> None:
        self.seq = seq
        self.stewards = stewards
        self.floor = -1
        """Rounds up to this one are used up: the witnesses can decide nothing in them any more."""
        self.lock: EntryId | None = None
        """The act that the next round must carry, because a witness may have seen it decided."""
        self.evidence: dict[EntryId, Certificate] = {}
        """The q votes of the highest round that were shown for an act."""
        self._community = community
        self._judge = judge
        self._verify = verify
        self._bodies: dict[EntryId, SignedEntry] = {}
        self._ballots: dict[int, dict[int, dict[EntryId, Signature]]] = {}
        """By steward, round and act."""

    # Taking

    def take(self, signed: SignedEntry) -> bool:
        """Take the ballots that are shown with an act; tells whether any of them is new.

        What is of another place, beyond the window or far below it, invalid or not by a steward is left aside.
        """
        if signed.account != COMMONS or signed.seq != self.seq:
            return False
        if not self.base - WINDOW <= signed.round <= self.base + WINDOW:
            return False
        fresh = [pair for pair in signed.signatures if self._is_new(signed, *pair)]
        if not fresh or (signed.id not in self._bodies and not self._judge(signed)):
            return False
        self._keep_body(signed)
        for steward, signature in fresh:
            self._ballots.setdefault(steward, {}).setdefault(signed.round, {})[signed.id] = signature
        self._forget()
        return True

    def _keep_body(self, signed: SignedEntry) -> None:
        self._bodies.setdefault(signed.id, replace(signed, signatures=(), round=0))

    def _is_new(self, signed: SignedEntry, steward: int, signature: Signature) -> bool:
        if steward >= len(self.stewards.keys):
            return False
        held = self._ballots.get(steward, {}).get(signed.round, {})
        if signed.id in held or len(held) >= _BALLOTS_MAX:
            return False
        content = ballot_content(signed.seq, signed.round, signed.id)
        return self._verify(self.stewards.keys[steward], Tag.BALLOT, self._community, content, signature)

    def _forget(self) -> None:
        """Let go of rounds far below, so that what is held stays bounded while the window moves up."""
        for rounds in self._ballots.values():
            for round in [round for round in rounds if round < self.base - WINDOW]:
                del rounds[round]
        held = {id for rounds in self._ballots.values() for ids in rounds.values() for id in ids}
        self._bodies = {id: body for id, body in self._bodies.items() if id in held or id == self.lock}

    def spend(self, round: int) -> None:
        """Note that the witnesses decide nothing in rounds up to this one any more."""
        self.floor = max(self.floor, round)

    def bind(self, votes: Certificate, signed: SignedEntry) -> None:
        """Note a witness's lock: `votes` were checked to be q votes for `signed`, which has k ballots."""
        self.take(signed)
        known = self.evidence.get(signed.id)
        if known is None or known.place.incarnation < votes.place.incarnation:
            self.evidence[signed.id] = votes
        self._keep_body(signed)  # also when its ballots are of rounds long past: nothing else can be decided
        self.lock = max(self.evidence, key=lambda id: (self.evidence[id].place.incarnation, id))
        self.spend(votes.place.incarnation)

    # What is there

    def acts(self) -> list[OpenAct]:
        """All open acts, those with the most signers first."""
        complete = {choice.id for choice in self.complete()}
        found = [OpenAct(self.fullest(id), self.signers(id), id in complete) for id in self._bodies]
        return sorted(found, key=lambda act: (-len(act.signers), act.id))

    def shown(self) -> list[SignedEntry]:
        """Every act and round with its ballots: what a peer is told that lacks all of it."""
        rounds = {(round, id) for held in self._ballots.values() for round, ids in held.items() for id in ids}
        return [self.at(Choice(round, id)) for round, id in sorted(rounds)]

    def at(self, choice: Choice) -> SignedEntry:
        """An act with its ballots of one round. Raises KeyError for an act that is not open."""
        found = ((steward, rounds.get(choice.round, {}).get(choice.id)) for steward, rounds in self._ballots.items())
        ballots = tuple(sorted((steward, signature) for steward, signature in found if signature is not None))
        return replace(self._bodies[choice.id], signatures=ballots, round=choice.round)

    def fullest(self, id: EntryId) -> SignedEntry:
        """An act with the ballots of the round that has most of them. Raises KeyError for one that is not open."""
        rounds = {round for held in self._ballots.values() for round, ids in held.items() if id in ids}
        shown = [self.at(Choice(round, id)) for round in sorted(rounds)]
        return max(shown, key=lambda signed: len(signed.signatures), default=self._bodies[id])

    def signers(self, id: EntryId) -> tuple[int, ...]:
        """The stewards who signed an act in any round."""
        return tuple(sorted(steward for steward, rounds in self._ballots.items() if _has(rounds, id)))

    @property
    def double_signers(self) -> tuple[int, ...]:
        """The stewards who signed two acts in one round, which no honest wallet does."""
        twice = (steward for steward, rounds in self._ballots.items() if any(len(ids) > 1 for ids in rounds.values()))
        return tuple(sorted(twice))

    def complete(self) -> list[Choice]:
        """The acts and rounds with k ballots, the highest round first."""
        counts: dict[Choice, int] = {}
        for rounds in self._ballots.values():
            for round, ids in rounds.items():
                for id in ids:
                    counts[Choice(round, id)] = counts.get(Choice(round, id), 0) + 1
        found = [choice for choice, count in counts.items() if count >= self.stewards.threshold]
        return sorted(found, key=lambda choice: (-choice.round, choice.id))

    @property
    def ripe(self) -> Choice | None:
        """What to ask the witnesses for now, or None."""
        return next((choice for choice in self.complete() if choice.round > self.floor), None)

    @property
    def base(self) -> int:
        """The highest round that is complete or used up; -1 for none. What is signed anew is signed above it."""
        return max([self.floor, *(choice.round for choice in self.complete()[:1])])

    # Which round

    def meeting_round(self, id: EntryId, steward: int, used: Mapping[int, EntryId]) -> int | None:
        """The round in which `steward` signs an act; `used` is what it signed in which round, by its own book.

        None when it has signed other acts in all rounds that count.
        """
        company = {one for one, rounds in self._ballots.items() if id == self.lock or _has(rounds, id)}
        blocked = [self._blocked(one, id) for one in company - {steward, *self.double_signers}]
        own = {round for round, signed in used.items() if signed != id} | self._blocked(steward, id)
        blocked.sort(key=len)
        while (free := self._lowest_free([own, *blocked])) is None and blocked:
            blocked.pop()  # who has signed other acts in most of the rounds is waited for no longer
        return free

    def _lowest_free(self, blocked: Iterable[Collection[int]]) -> int | None:
        taken = {round for rounds in blocked for round in rounds}
        window = range(self.base + 1, self.base + WINDOW + 1)
        return next((round for round in window if round not in taken), None)

    def _blocked(self, steward: int, id: EntryId) -> set[int]:
        """The rounds in which a steward has signed another act."""
        rounds = self._ballots.get(steward, {})
        return {round for round, ids in rounds.items() if any(other != id for other in ids)}

    def duty(self, steward: int, consents: Collection[EntryId], used: Mapping[int, EntryId]) -> Choice | None:
        """What a steward's wallet signs by itself now, or None: what its person agreed to, where it counts.

        `consents` are the acts that the person signed and still wants; `used` is what was signed in which round.
        Nothing while the witnesses are being asked. When they hold to an act (`lock`), all who signed anything here
        sign that one: no other can be decided. Else whoever is one of k who want the same act meets the others.
        """
        if self.ripe is not None:
            return None
        for id in self._due(consents, used):
            round = self.meeting_round(id, steward, used)
            is_new = round is not None and used.get(round) != id
            if round is not None and is_new and sum(signed == id for signed in used.values()) <= AUTOMATIC:
                return Choice(round, id)
        return None

    def _due(self, consents: Collection[EntryId], used: Mapping[int, EntryId]) -> Sequence[EntryId]:
        """The acts to be signed again, in order. Of those that were complete and came to nothing (two in one round),
        only the first goes on by itself, or they would meet in every round; the others when a person asks for it.
        """
        if self.lock is not None:
            return [self.lock] if used else []
        came_to_nothing = self.complete()
        waiting = {choice.id for choice in came_to_nothing[1:]} - {choice.id for choice in came_to_nothing[:1]}
        base = self.base
        asked = {id for held in self._ballots.values() for round, ids in held.items() if round > base for id in ids}
        return sorted(
            id
            for id in consents
            if len(self.signers(id)) >= self.stewards.threshold and (id not in waiting or id in asked)
        )


def _has(rounds: Mapping[int, Mapping[EntryId, Signature]], id: EntryId) -> bool:
    return any(id in ids for ids in rounds.values())
