"""The witness's pen: the only thing that signs with its key, and that knows its own hand when it meets it elsewhere.

Every vote and commit takes the next number that the fence has opened; what was signed before is signed again under
its old number, which gives the same bytes (PROTOCOL-RULES 6, 11). It decides nothing else.
"""

from .base import MARK_BLOCK
from .bundles import NOTHING, Bundle
from .commons import Commons
from .decisions import Denied, NeedMark, Stopped, Voted
from .memory import WitnessMemory
from .signing import SecretKey, Tag, sign
from .statements import Certificate, Mark, Nack, Place, Vote, certificate_tag
from .verdict import Code


class Pen:
    """One witness key and its memory. Raises ValueError when the community has no such witness."""

    def __init__(self, key: SecretKey, commons: Commons, memory: WitnessMemory) -> None:
        if key.public not in commons.witnesses:
            raise ValueError("this key is not a witness of the community")
        self.index = commons.witnesses.index(key.public)
        self.memory = memory
        self._key = key
        self._commons = commons

    def again(self, tag: Tag, place: Place) -> Voted | Stopped | None:
        """What was signed about exactly this before, byte for byte, or None."""
        if self.memory.dead is not None:
            return Stopped(self.memory.dead)
        number = self.memory.number_of(tag, place)
        return None if number is None else Voted(self._signed(tag, place, number), fresh=False)

    def vote(self, tag: Tag, place: Place, beside: Bundle = NOTHING) -> Voted | NeedMark:
        """Sign under the next number and remember it; NeedMark when no number is open. `again` was asked before."""
        memory = self.memory
        if memory.next_number >= memory.open_below:
            return NeedMark(memory.mark_below + MARK_BLOCK)
        vote = self._signed(tag, place, memory.next_number)
        memory.keep(vote)
        return Voted(vote, fresh=True, beside=beside)

    def refuse(
        self, place: Place, code: Code, evidence: Bundle = NOTHING, inner: Code | None = None
    ) -> Denied | Stopped:
        """Sign a refusal; it takes no number, since it binds nobody."""
        if self.memory.dead is not None:
            return Stopped(self.memory.dead)
        height = max(0, self._commons.height)
        signature = sign(self._key, Tag.NACK, self._commons.community, Nack.content(place, code, height))
        return Denied(Nack(place, self.index, code, height, signature), evidence, inner)

    def meets(self, statement: Vote | Certificate | Mark, tag: Tag | None) -> str | None:
        """Look for the own signature in what others show. Returns why the key is dead, if this proves it.

        `tag` says what the signatures of a certificate are, when it is q votes for an entry of account 0.
        """
        if isinstance(statement, Mark):
            self._meets_mark(statement)
            return self.memory.dead
        for vote in self._own_votes(statement, tag):
            if not self.memory.holds(vote.tag, vote.place, vote.number) and self._is_mine(vote):
                self._die(f"{vote.tag.name.lower()} {vote.number}")
        return self.memory.dead

    def _meets_mark(self, mark: Mark) -> None:
        is_above = mark.witness == self._key.public and mark.below > self.memory.mark_below
        if is_above and mark.is_genuine(self._commons.community):
            self._die(f"a mark up to {mark.below}")

    def _own_votes(self, statement: Vote | Certificate, tag: Tag | None) -> list[Vote]:
        if isinstance(statement, Vote):
            return [statement] if statement.witness == self.index else []
        kind = tag or certificate_tag(statement.place)
        return [
            Vote(kind, statement.place, witness, number, signature)
            for witness, number, signature in statement.votes
            if witness == self.index
        ]

    def _is_mine(self, vote: Vote) -> bool:
        return vote.is_by(self._key.public, self._commons.community)

    def _die(self, met: str) -> None:
        self.memory.dead = f"{met} of this key was met, which is not in this store: the store is old or copied"

    def _signed(self, tag: Tag, place: Place, number: int) -> Vote:
        signature = sign(self._key, tag, self._commons.community, place.content(number))
        return Vote(tag, place, self.index, number, signature)
