"""The submitter's side of account 0: from k ballots to the decided certificate (PROTOCOL-RULES 8).

For one entry in one round: first q votes, then on these q commits. Round 0 runs from end to end; when a witness is
locked on another entry, or a round is used up, `next_round` and `locked` say what stewards have to sign next.
Pure: the shell sends `request()` to the witnesses of `unanswered`, and shows every answer to `hear`.
"""

from collections.abc import Sequence

from .base import COMMONS, CommunityId, EntryId, PublicKey
from .bundles import NOTHING, Bundle
from .entry import SignedEntry
from .gathering import Gathering
from .messages import AskCommit, Ballot
from .signing import Authority, Tag
from .statements import Certificate, Nack, Place, Vote, ballot_content
from .verdict import Code


class Deciding:
    """One entry of account 0, with the ballots of its round, on its way through the witnesses."""

    def __init__(
        self,
        community: CommunityId,
        signed: SignedEntry,
        epoch: int,
        keys: Sequence[PublicKey],
        quorum: int,
        stewards: Authority,
        evidence: Certificate | None = None,
    ) -> None:
        if signed.account != COMMONS:
            raise ValueError("only entries of account 0 are decided in rounds")
        self.signed = signed
        self.certificate: Certificate | None = None
        """q commits, once decided."""
        self.locked: tuple[Certificate, SignedEntry] | None = None
        """The highest lock that was shown: q votes, and the entry that the next round must carry."""
        self.rivals: dict[EntryId, SignedEntry] = {}
        """Other entries for the place that witnesses showed, each with k ballots; the highest round of each."""
        self.is_overtaken = False
        """A witness knows that the place is decided: fetch account 0 before anything else."""
        self._place = Place(epoch, COMMONS, signed.round, signed.seq, signed.id)
        self._community = community
        self._keys = tuple(keys)
        self._quorum = quorum
        self._stewards = stewards
        self._evidence = evidence
        self._round_seen = signed.round
        self._votes = Gathering(community, self._place, keys, quorum)
        self._commits = Gathering(community, self._place, keys, quorum, Tag.COMMIT)

    @property
    def votes(self) -> Certificate | None:
        """The q votes, once there."""
        return self._votes.certificate

    @property
    def unanswered(self) -> tuple[int, ...]:
        """The witnesses to ask (again) with `request`."""
        return (self._votes if self.votes is None else self._commits).unanswered

    @property
    def is_hopeless(self) -> bool:
        """Tell whether this round cannot decide any more; the entry may still be decided in a later one."""
        return (self._votes if self.votes is None else self._commits).is_hopeless

    @property
    def reasons(self) -> tuple[Code | int, ...]:
        """Why witnesses refused, the most frequent first."""
        return (self._votes if self.votes is None else self._commits).reasons

    @property
    def next_round(self) -> int:
        """The round for the next try: above every round that was seen."""
        return self._round_seen + 1

    def request(self, serial: int = 0) -> Ballot | AskCommit:
        """What to ask of a witness now."""
        if self.votes is None:
            return Ballot(serial, self.signed, self._evidence)
        return AskCommit(serial, self.signed, self.votes)

    def hear(self, statement: Vote | Nack, shown: Bundle = NOTHING) -> Certificate | None:
        """Take a witness's answer with what it showed; returns the certificate when this decides the entry."""
        if isinstance(statement, Nack):
            self._look_at(statement, shown)
        if self.votes is None:
            self._votes.hear(statement)
            return None
        decided = self._commits.hear(statement)
        if decided is not None:
            self.certificate = decided
        return decided

    def _look_at(self, nack: Nack, shown: Bundle) -> None:
        if nack.witness >= len(self._keys) or not nack.is_by(self._keys[nack.witness], self._community):
            return
        if nack.code == Code.PLACE and nack.height >= self.signed.seq:
            self.is_overtaken = True
        rivals = {signed.id: signed for signed in shown.entries if self._is_rival(signed)}
        for signed in rivals.values():
            self._round_seen = max(self._round_seen, signed.round)
            if signed.id not in self.rivals or self.rivals[signed.id].round < signed.round:
                self.rivals[signed.id] = signed
        for votes in shown.certificates:
            if votes.place.id in rivals and self._is_lock(votes):
                self._raise_lock(votes, rivals[votes.place.id])

    def _is_rival(self, signed: SignedEntry) -> bool:
        """Only with k ballots: otherwise a lying witness could push the stewards to an absurd round."""
        if signed.account != COMMONS or signed.seq != self.signed.seq:
            return False
        content = ballot_content(signed.seq, signed.round, signed.id)
        return self._stewards.is_met(Tag.BALLOT, self._community, content, signed.signatures)

    def _is_lock(self, votes: Certificate) -> bool:
        place = votes.place
        is_here = (place.epoch, place.account, place.seq) == (self._place.epoch, COMMONS, self.signed.seq)
        return is_here and votes.is_valid(Tag.VOTE, self._keys, self._quorum, self._community)

    def _raise_lock(self, votes: Certificate, signed: SignedEntry) -> None:
        self._round_seen = max(self._round_seen, votes.place.incarnation)
        if self.locked is None or votes.place.incarnation > self.locked[0].place.incarnation:
            self.locked = votes, signed
