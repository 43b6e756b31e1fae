"""The submitter's side of a vote: gathers what witnesses answer about one place until there is a certificate.

Pure: `hear` takes answers in any order and any number of times, and says when q votes stand. A nack is believed only
as the answer of the witness that signed it; a later vote of the same witness counts in its stead. Votes for
different places do not add up: one gathering, one head (PROTOCOL-RULES 6).
"""

from collections.abc import Sequence

from .base import CommunityId, PublicKey
from .signing import Tag, Verify, verify
from .statements import Certificate, Nack, Place, Vote, gather
from .verdict import Code

PASSING = frozenset({Code.BEHIND, Code.BACKLOG, Code.BUDGET})
"""Nacks that the next try may overcome. All others are for good as long as nothing else is decided.

What was refused at one height may be granted at a later one (a limit is raised, a member reinstated), so a submitter
begins a new gathering for the same bytes now and then, also while some witnesses are silent.
"""


class Gathering:
    """The votes (or with `tag` COMMIT the commits) for `place` by the witnesses `keys`, of which `quorum` suffice."""

    def __init__(
        self,
        community: CommunityId,
        place: Place,
        keys: Sequence[PublicKey],
        quorum: int,
        tag: Tag = Tag.VOTE,
        verify: Verify = verify,
    ) -> None:
        self.place = place
        self.certificate: Certificate | None = None
        self.nacks: dict[int, Nack] = {}
        """The last nack of each witness that gave no vote."""
        self._community = community
        self._keys = tuple(keys)
        self._quorum = quorum
        self._tag = tag
        self._verify = verify
        self._votes: dict[int, Vote] = {}

    def hear(self, statement: Vote | Nack) -> Certificate | None:
        """Take a witness's answer; returns the certificate when this answer completes it, else None.

        An answer about another place, by nobody of `keys`, or with a wrong signature is ignored.
        """
        witness = statement.witness
        if statement.place != self.place or witness >= len(self._keys) or witness in self._votes:
            return None
        if isinstance(statement, Vote) and statement.tag is not self._tag:
            return None
        if not statement.is_by(self._keys[witness], self._community, self._verify):
            return None
        if isinstance(statement, Nack):
            self.nacks[witness] = statement
            return None
        return self._count(statement)

    @property
    def unanswered(self) -> tuple[int, ...]:
        """The witnesses to ask (again): no vote of them is here, nor a nack for good."""
        return tuple(
            witness
            for witness in range(len(self._keys))
            if witness not in self._votes and not self._is_for_good(witness)
        )

    @property
    def unvoted(self) -> tuple[int, ...]:
        """The witnesses of whom no vote is here, whatever else they said."""
        return tuple(witness for witness in range(len(self._keys)) if witness not in self._votes)

    @property
    def is_hopeless(self) -> bool:
        """Tell whether more than n - q witnesses refused for good, so that no certificate can come."""
        refused = sum(self._is_for_good(witness) for witness in self.nacks)
        return self.certificate is None and refused > len(self._keys) - self._quorum

    @property
    def reasons(self) -> tuple[Code | int, ...]:
        """Why witnesses refused, the most frequent first. Unknown codes stay numbers."""
        codes = [nack.code for nack in self.nacks.values()]
        ordered = sorted(set(codes), key=lambda code: (-codes.count(code), code))
        known = {int(code) for code in Code}
        return tuple(Code(code) if code in known else code for code in ordered)

    def _is_for_good(self, witness: int) -> bool:
        nack = self.nacks.get(witness)
        return nack is not None and nack.code not in PASSING

    def _count(self, vote: Vote) -> Certificate | None:
        self._votes[vote.witness] = vote
        self.nacks.pop(vote.witness, None)
        if self.certificate is not None or len(self._votes) < self._quorum:
            return None
        self.certificate = gather(list(self._votes.values()))
        return self.certificate
