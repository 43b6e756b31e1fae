"""The acts of the community as a list: what is collected, decided, in force, waiting or came to nothing.

Read from the open acts, the wishes of this wallet, the calls to be a steward, and the newest entries of account 0.
Works locked. Says who signed and who is missing by handle as far as somebody said whose a steward's key is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from protocol import codec
from protocol.base import COMMONS, AccountId, PublicKey, digest
from protocol.entry import SignedEntry
from protocol.ops import Op
from protocol.proposals import OpenAct

from ..books.acts import WishRow, WishState
from .calling import Called, Calling
from .ops import read_wanted, wanted
from .stewarding import Stewarding
from .words import Wording

DECIDED_SHOWN = 50


class ActState(StrEnum):
    """Where an act stands."""

    CALLED = "called"
    """Members are asked to be stewards; not an act yet."""
    WAITING = "waiting"
    """A wish of this wallet that is composed when the act before it is decided, or the wallet is unlocked."""
    COLLECTING = "collecting"
    DECIDING = "deciding"
    OVERTAKEN = "overtaken"
    """Another act was decided at its place; whoever wished for it composes it again."""
    IN_FORCE = "in force"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class ActRow:
    """One line of the list."""

    id: str
    """Hexadecimal: of the entry, or of the call's record; while nothing is composed, a name of the wish alone."""
    state: ActState
    words: tuple[str, ...]
    signed: tuple[str, ...]
    missing: tuple[str, ...]
    """Who could sign still; nobody once it is decided."""
    needed: int
    """How many of them all have to sign."""
    here: bool
    """Signed, or wished for, by this wallet."""
    wish: int | None = None
    """Number of this wallet's wish, to withdraw it."""
    reason: str = ""
    place: int | None = None
    time: int | None = None


class ActListing:
    """Makes the list."""

    def __init__(self, acts: Stewarding, calling: Calling) -> None:
        self._acts, self._calling = acts, calling

    def open_rows(self) -> list[ActRow]:
        """What is not decided yet: acts with the most signers first, then what waits, then calls."""
        place = self._acts.node.proposer.place
        acts = place.acts()
        shown = {wanted(act.signed.entry.ops) for act in acts}
        # Those of places before are in force, or overtaken: the wallet is about to look.
        wishes = [wish for wish in self._acts.pages.open_wishes() if wish.seq >= place.seq]
        waiting = [self._wish(wish) for wish in wishes if wish.ops not in shown]
        return [*map(self._open, acts), *waiting, *map(self.call_row, self._calling.calls())]

    def past_rows(self, most: int = DECIDED_SHOWN) -> list[ActRow]:
        """The newest acts in force, and what of this wallet's came to nothing; newest first, without the founding."""
        height = self._acts.node.ledger.commons.height
        entries = self._acts.node.journal.entries(COMMONS, 0, max(1, height - most + 1), height) if height else []
        closed = (WishState.REFUSED, WishState.WITHDRAWN)
        nothing = [self._wish(wish) for wish in self._acts.pages.wishes.values() if wish.state in closed]
        rows = [*nothing, *map(self._decided, entries)]
        return sorted(rows, key=lambda row: (row.time or 0, row.place or 0), reverse=True)[:most]

    def row_of(self, wish: WishRow) -> ActRow:
        """The act of a wish, as it stands now."""
        if wish.state is WishState.IN_FORCE:
            (signed,) = self._acts.node.journal.entries(COMMONS, 0, wish.seq, wish.seq)
            return self._decided(signed)
        act = next((act for act in self._acts.node.proposer.place.acts() if act.id == wish.id), None)
        return self._wish(wish) if act is None or wish.state is not WishState.OPEN else self._open(act)

    def stewards(self) -> list[tuple[int, PublicKey, AccountId | None]]:
        """The stewards in force: index, key, and whose it is, as far as that is known."""
        named = self._calling.named()
        keys = self._acts.node.ledger.commons.stewards().keys
        return [(index, key, named.get(key)) for index, key in enumerate(keys)]

    # Rows

    def _open(self, act: OpenAct) -> ActRow:
        place = self._acts.node.proposer.place
        wish = self._wish_for(act)
        is_asked = place.ripe is not None and place.ripe.id == act.id
        called = self._names(place.stewards.keys)
        return ActRow(
            act.id.hex(),
            ActState.DECIDING if is_asked else ActState.COLLECTING,
            self._words(act.signed.entry.ops),
            tuple(called[index] for index in act.signers),
            tuple(name for index, name in enumerate(called) if index not in act.signers),
            place.stewards.threshold,
            wish is not None,
            None if wish is None else wish.n,
            self._reason(act),
            act.signed.seq,
            act.signed.entry.time,
        )

    def _wish_for(self, act: OpenAct) -> WishRow | None:
        ops = wanted(act.signed.entry.ops)
        return next((wish for wish in self._acts.pages.open_wishes() if act.id == wish.id or ops == wish.ops), None)

    def _reason(self, act: OpenAct) -> str:
        place = self._acts.node.proposer.place
        if place.lock == act.id:
            return "the witnesses hold to it: it is decided before any other"
        if place.lock is not None:
            return "another act is decided first; then it is composed again"
        if act.is_complete and (place.ripe is None or place.ripe.id != act.id):
            return "the witnesses were divided: sign it again"
        return ""

    def _wish(self, wish: WishRow) -> ActRow:
        state = {
            WishState.REFUSED: ActState.REFUSED,
            WishState.WITHDRAWN: ActState.WITHDRAWN,
            WishState.OPEN: ActState.WAITING if wish.own else ActState.OVERTAKEN,
        }[wish.state]
        threshold = self._acts.node.ledger.commons.stewards().threshold
        words, number = self._words(read_wanted(wish.ops)), None if state is ActState.REFUSED else wish.n
        return ActRow(
            wish.id.hex() or name_of(wish), state, words, (), (), threshold, True, number, wish.reason, None, wish.since
        )

    def call_row(self, call: Called) -> ActRow:
        """A call to be a steward, in the list of acts."""
        wording = Wording(self._acts.node.ledger.commons)
        words = wording.stewards(call.accounts, call.threshold)
        signed = tuple(wording.who(one)[1:] for one in call.accepted)
        missing = tuple(wording.who(one)[1:] for one in call.accounts if one not in call.accepted)
        here = self._calling.concerns(call)
        reason = "each of them has to accept first" if missing else "all have accepted: it is proposed by itself"
        return ActRow(call.id.hex(), ActState.CALLED, (words,), signed, missing, len(call.accounts), here, None, reason)

    def _decided(self, signed: SignedEntry) -> ActRow:
        stewards = self._acts.node.ledger.commons.stewards(signed.seq - 1)
        called = self._names(stewards.keys)
        wish = next((w for w in self._acts.pages.wishes.values() if w.id == signed.id), None)
        return ActRow(
            signed.id.hex(), ActState.IN_FORCE, self._words(signed.entry.ops),
            tuple(called[index] for index, _ in signed.signatures), (), stewards.threshold, wish is not None, None, "",
            signed.seq, signed.entry.time,
        )  # fmt: skip

    def _words(self, ops: Sequence[Op]) -> tuple[str, ...]:
        return tuple(Wording(self._acts.node.ledger.commons, self._calling.named()).act(ops))

    def _names(self, keys: Sequence[PublicKey]) -> list[str]:
        """Each steward's handle; of one whom nobody named, its number."""
        named: Mapping[PublicKey, AccountId] = self._calling.named()
        members = self._acts.node.ledger.commons.members
        return [
            members[named[key]].handle if key in named and named[key] in members else f"steward-{index + 1}"
            for index, key in enumerate(keys)
        ]


def name_of(wish: WishRow) -> str:
    """How people name a wish that no act is composed for, so that it can be withdrawn: as long as an act's id."""
    return digest(b"tally wish", codec.encode((wish.n, wish.since))).hex()
