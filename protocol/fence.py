"""The fence against old and copied stores: vote numbers in marked blocks (PROTOCOL-RULES 11).

`Fence` guards a witness's own key: at a start it hears what the others hold of it, and before each block of 64
numbers it has a mark kept, first by its own journal and then by q - 1 others. `Keeper` is the other side: what this
witness keeps of others. There is no way round the fence: a key whose store is missing, old or copied is dead.

Sans I/O. A shell sends AskMark on every link to another witness until `is_started`, then, whenever `next_mark`
gives one: stores it, calls `stored`, and sends KeepMark until the block is open. Links name the answering witness.
Liars can hide what they hold, never invent it: everything shown is signed by the key itself.
"""

from collections.abc import Sequence

from .base import MARK_BLOCK, CommunityId, PublicKey
from .memory import WitnessMemory
from .signing import SecretKey, Tag, sign
from .statements import Certificate, Mark, Vote, certificate_tag

LEAD = MARK_BLOCK // 4
"""So many numbers before the end of a block the next one is asked for, so that votes do not pause for the answers."""


class Fence:
    """The own side: decides when the witness may begin to vote, and opens its numbers block by block.

    `keys` are the witnesses of the epoch, the own one among them. `made_with_key` says that the journal was made in
    one step together with the key, so that no older store of this key can exist.
    """

    def __init__(
        self,
        key: SecretKey,
        community: CommunityId,
        keys: Sequence[PublicKey],
        quorum: int,
        memory: WitnessMemory,
        *,
        made_with_key: bool,
    ) -> None:
        if key.public not in keys:
            raise ValueError("this key is not a witness of the community")
        self._key = key
        self._community = community
        self._index = list(keys).index(key.public)
        self._count = len(keys)
        self._quorum = quorum
        self._memory = memory
        self._is_first_life = made_with_key and memory.is_new
        self._answered: set[int] = set()
        self._keepers: set[int] = set()
        self.pending: Mark | None = None
        """The mark that is being kept: send it again to whoever has not confirmed."""
        memory.resume()

    @property
    def answers_needed(self) -> int:
        """How many others must have told what they hold before a store that was used before goes on."""
        return min(self._count - 1, max(self._quorum - 1, self._count - self._quorum + 1))

    @property
    def is_started(self) -> bool:
        """Tell whether enough others have answered. A store that never signed waits for nobody."""
        if self._memory.dead is not None:
            return False
        return self._is_first_life or len(self._answered) >= self.answers_needed

    def hears(self, witness: int, mark: Mark | None, vote: Vote | None) -> str | None:
        """Take the highest mark and vote that another witness holds of this key.

        Returns why the key is dead when they are above the own store. Statements not signed by this key prove nothing.
        """
        if witness == self._index:
            return None
        if mark is not None and self._is_above(mark):
            self._memory.dead = (
                f"witness {witness} keeps a mark of this key up to {mark.below}, this store knows of "
                f"{self._memory.mark_below}: the store is old or copied"
            )
        elif vote is not None and self._is_unknown(vote):
            self._memory.dead = (
                f"witness {witness} holds vote {vote.number} of this key, which is not in this store: "
                "the store is old or copied"
            )
        else:
            self._answered.add(witness)
        return self._memory.dead

    def next_mark(self) -> Mark | None:
        """The mark to store before more numbers can be used, or None when there is no need, or not yet."""
        memory = self._memory
        if not self.is_started or self.pending is not None or memory.next_number < memory.open_below - LEAD:
            return None
        below = memory.mark_below + MARK_BLOCK
        signature = sign(self._key, Tag.MARK, self._community, Mark.content(self._key.public, below))
        self.pending = Mark(self._key.public, below, signature)
        return self.pending

    def stored(self) -> None:
        """Say that the pending mark is durable in the own journal. Only then may it be shown to others."""
        if self.pending is None:
            raise RuntimeError("no mark is pending")
        self._memory.keep_mark(self.pending)
        self._open_if_kept()

    def kept(self, witness: int, below: int) -> bool:
        """Take another witness's word that it stored the pending mark. True when this opened the block."""
        if self.pending is None or witness == self._index or below < self.pending.below:
            return False
        self._keepers.add(witness)
        return self._open_if_kept()

    def _open_if_kept(self) -> bool:
        mark = self.pending
        if mark is None or self._memory.mark_below < mark.below or len(self._keepers) < self._quorum - 1:
            return False
        self._memory.open_below = mark.below
        self.pending = None
        self._keepers.clear()
        return True

    def _is_above(self, mark: Mark) -> bool:
        is_own = mark.witness == self._key.public and mark.below > self._memory.mark_below
        return is_own and mark.is_genuine(self._community)

    def _is_unknown(self, vote: Vote) -> bool:
        if vote.witness != self._index or self._memory.holds(vote.tag, vote.place, vote.number):
            return False
        return vote.is_by(self._key.public, self._community)


class Keeper:
    """The other side: the highest mark and vote held of each other witness, rebuilt from the journal."""

    def __init__(self, community: CommunityId, keys: Sequence[PublicKey]) -> None:
        self._community = community
        self._keys = tuple(keys)
        self._marks: dict[PublicKey, Mark] = {}
        self._votes: dict[PublicKey, Vote] = {}

    def keep(self, mark: Mark) -> bool:
        """Take a mark to keep. True when it is genuine and new here: store it before confirming."""
        held = self._marks.get(mark.witness)
        if mark.witness not in self._keys or (held is not None and held.below >= mark.below):
            return False
        if not mark.is_genuine(self._community):
            return False
        self._marks[mark.witness] = mark
        return True

    def below(self, witness: PublicKey) -> int:
        """How far the mark kept of `witness` reaches; 0 when none is kept. This is what is confirmed."""
        held = self._marks.get(witness)
        return 0 if held is None else held.below

    def saw(self, certificate: Certificate) -> None:
        """Remember the votes (for account 0: the commits) of a certificate that was checked."""
        tag = certificate_tag(certificate.place)
        for witness, number, signature in certificate.votes:
            held = self._votes.get(self._keys[witness])
            if held is None or held.number < number:
                self._votes[self._keys[witness]] = Vote(tag, certificate.place, witness, number, signature)

    def held(self, witness: PublicKey) -> tuple[Mark | None, Vote | None]:
        """What to answer to a witness that starts."""
        return self._marks.get(witness), self._votes.get(witness)
