"""The rounds by which witnesses decide account 0: the rule of one witness at one place (PROTOCOL-RULES 8).

Pure and without keys: a `Standing` is all that a witness remembers of one place, and says whether it may vote for,
or commit to, an entry in a round. `witness` signs what is allowed here; the exhaustive test in
tests/protocol/test_rounds_model.py runs these very functions.

Why it is safe: q commits mean q - b honest locks. A later quorum of votes for another entry needs the vote of one
of these, which asks for q votes of an equal or later round, of which by induction there are none.
"""

from dataclasses import dataclass, replace

from .base import EntryId
from .verdict import Code


@dataclass(frozen=True, slots=True)
class Choice:
    """An entry in a round: what a vote or a commit is for, and what q votes are evidence of."""

    round: int
    id: EntryId


@dataclass(frozen=True, slots=True)
class Standing:
    """What one witness voted and committed at one place of account 0, rounds ascending."""

    votes: tuple[Choice, ...] = ()
    commits: tuple[Choice, ...] = ()

    @property
    def highest(self) -> int:
        """The highest round voted or committed in; -1 before the first."""
        return max((choice.round for choice in (*self.votes[-1:], *self.commits[-1:])), default=-1)

    @property
    def lock(self) -> Choice | None:
        """The last commit: no vote for another entry without evidence of an equal or later round."""
        return self.commits[-1] if self.commits else None

    def refuses_vote(self, choice: Choice, evidence: Choice | None) -> Code | None:
        """Say why `choice` gets no vote, or None. `evidence` is what q checked votes were shown for, if any.

        CONFLICT: this or a higher round is used up. LOCKED: committed to another entry, and nothing shown moves that.
        """
        if choice.round <= self.highest:
            return Code.CONFLICT
        if self.lock is None or self.lock.id == choice.id:
            return None
        if evidence is None or evidence.id != choice.id:
            return Code.LOCKED
        return None if self.lock.round <= evidence.round < choice.round else Code.LOCKED

    def refuses_commit(self, choice: Choice) -> Code | None:
        """Say why there is no commit to `choice`, for which q votes were checked, or None.

        CONFLICT: a higher round was voted or committed in, or another entry was committed to in this one.
        """
        if choice.round < self.highest:
            return Code.CONFLICT
        is_other = self.lock is not None and self.lock.round == choice.round and self.lock.id != choice.id
        return Code.CONFLICT if is_other else None

    def voted(self, choice: Choice) -> "Standing":
        """The standing after a vote."""
        return replace(self, votes=(*self.votes, choice))

    def committed(self, choice: Choice) -> "Standing":
        """The standing after a commit: the lock is on `choice`."""
        return replace(self, commits=(*self.commits, choice))
