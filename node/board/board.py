"""The records of the whole community, in memory: the newest of each slot, judged at the ledger as it is now.

A record of an author who is not known here is not kept: this node is behind, and the record comes again. Withdrawn
records stay as tombstones, so that an older one does not come back, until their author needs the room. May not sign,
send or wait; changes reach the disk through the `Keeper`, and listeners hear of them after that.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from protocol import codec
from protocol.authorship import is_by_author
from protocol.base import COMMONS, AccountId, Malformed, digest
from protocol.bodies import Card
from protocol.ledger import Ledger
from protocol.record import Kind, SignedRecord, Slot, read_body, record_fault, slots_max
from protocol.signing import Authority, Tag

from ..journal import Change, DropRecord, KeepRecord
from ..writing import let_go
from .keeping import Keeper

logger = logging.getLogger("tallystick.board")

RECORD_BYTES_MAX = 4096

Listener = Callable[[list[SignedRecord]], None]
Judge = Callable[[Ledger, SignedRecord, int], str | None]


@dataclass(frozen=True, slots=True)
class Held:
    """One record on the board. `card` is what it says when it is a card that was not withdrawn."""

    signed: SignedRecord
    id: bytes
    card: Card | None

    @property
    def is_withdrawn(self) -> bool:
        return not self.signed.record.body

    def has_expired(self, now_s: int) -> bool:
        return self.card is not None and self.card.expires <= now_s


class Board:
    """What is held of everybody. `ledger` gives the present ledger; times are seconds since 1970."""

    def __init__(self, keeper: Keeper, ledger: Callable[[], Ledger], judge: Judge = record_fault) -> None:
        self._keeper = keeper
        self._ledger = ledger
        self._judge = judge
        self._authors: dict[AccountId, dict[tuple[Kind, bytes], Held]] = {}
        self._prints: dict[AccountId, bytes] = {}
        self._orphans: set[bytes] = set()
        """Ids of the community's records whose stewards had left when those in `_stewards` came."""
        self._stewards: Authority | None = None
        self._listeners: list[Listener] = []

    def restore(self, contents: Iterable[bytes]) -> None:
        """Put up what the disk held. It was judged when it came, so its signatures are not looked at again."""
        for content in contents:
            try:
                signed = SignedRecord.read(codec.decode(content, RECORD_BYTES_MAX))
                self._put(_held(signed))
            except Malformed as error:
                logger.warning("a record on the disk cannot be read and is left out: %s", error)

    def on_change(self, listener: Listener) -> None:
        """Have `listener` told of new records once they are durable, in the order in which they came."""
        self._listeners.append(listener)

    # Reading

    def get(self, slot: Slot) -> SignedRecord | None:
        """What fills the slot, also when it was withdrawn."""
        held = self._held(slot)
        return None if held is None else held.signed

    def of_author(self, author: AccountId) -> list[SignedRecord]:
        """All that an author published and did not withdraw."""
        return [held.signed for held in self._of(author).values() if not held.is_withdrawn]

    def of_kind(self, kind: Kind) -> list[SignedRecord]:
        """Everybody's records of one kind that were not withdrawn, by author."""
        found = (self._authors[author] for author in sorted(self._authors))
        return [held.signed for one in found for held in one.values()
                if held.signed.record.kind is kind and not held.is_withdrawn]  # fmt: skip

    def cards(self, now_s: int) -> list[tuple[AccountId, Card]]:
        """The cards that are valid now, with who signed them; account 0's first."""
        return [
            (author, held.card)
            for author in sorted(self._authors)
            for held in self._authors[author].values()
            if held.card is not None and not held.has_expired(now_s)
        ]

    def cards_of(self, peer: str) -> list[tuple[SignedRecord, Card]]:
        """Every card for one peer that was not withdrawn, whoever signed it, also expired ones."""
        key = Kind.CARD, peer.encode()
        found = [self._authors[author].get(key) for author in sorted(self._authors)]
        return [(held.signed, held.card) for held in found if held is not None and held.card is not None]

    def authors(self) -> list[AccountId]:
        """Who has anything here, ascending."""
        return sorted(self._authors)

    def all_of(self, author: AccountId) -> list[SignedRecord]:
        """All that is held of an author, tombstones too: what another node may lack."""
        return [held.signed for held in self._of(author).values()]

    def fingerprint(self, author: AccountId) -> bytes:
        """32 bytes that are the same where the same is held of an author."""
        known = self._prints.get(author)
        if known is None:
            ids = sorted(held.id for held in self._of(author).values())
            known = self._prints[author] = digest(b"tally board", b"".join(ids))
        return known

    def whole_fingerprint(self) -> bytes:
        """32 bytes that are the same where the same is held of everybody."""
        lines = [codec.encode((author, self.fingerprint(author))) for author in self.authors()]
        return digest(b"tally board all", b"".join(lines))

    # Taking in

    def take(self, records: Iterable[SignedRecord], now_s: int) -> list[SignedRecord]:
        """Put up what is news and may stand here; returns that. Older and refused ones change nothing."""
        fresh = []
        for signed in records:
            if self.fault(signed, now_s) is None:
                self._put_up(signed, now_s)
                fresh.append(signed)
        if fresh:
            self._keeper.stage([_keeping(signed) for signed in fresh], lambda: self._tell(fresh))
        return fresh

    def fault(self, signed: SignedRecord, now_s: int) -> str | None:
        """Say in words why a record would not be put up, or None. What costs most is looked at last."""
        return self.quick_fault(signed, now_s) or self._judge(self._ledger(), signed, now_s)

    def quick_fault(self, signed: SignedRecord, now_s: int) -> str | None:
        """As `fault`, without what costs a look at signatures."""
        author, kind, _ = signed.slot
        if self._keeper.is_full:
            return "the disk of this node takes nothing more"
        if not self.knows(author):
            return f"account {author} is not known here"
        held = self._held(signed.slot)
        if held is not None:
            gives_way = signed.beats(held.signed) or (held.id != signed.id and self._is_orphan(held))
            return None if gives_way else "this record or a newer one is here already"
        if self._is_roomy(author, kind) or self._making_way(signed, now_s) is not None:
            return None
        return f"account {author} has {slots_max(author, kind)} records of this kind, and no more are kept"

    def _is_orphan(self, held: Held) -> bool:
        """Tell whether a steward signed it who has left: it stands, but may not keep the slot from those who came."""
        ledger = self._ledger()
        if ledger.commons.stewards() != self._stewards:
            self._stewards = ledger.commons.stewards()
            of_commons = [one.signed for one in self._of(COMMONS).values()]
            self._orphans = {signed.id for signed in of_commons if not _is_by_commons(ledger, signed)}
        return held.id in self._orphans

    def knows(self, author: AccountId) -> bool:
        """Tell whether the author is a member, or the community itself."""
        commons = self._ledger().commons
        return commons.is_founded and commons.is_admitted(author)

    async def durable(self) -> str | None:
        """Wait until all that was put up is on the disk; says why when the disk did not take it."""
        return await self._keeper.durable()

    def sweep(self, now_s: int) -> None:
        """Take down the cards that have expired: nobody would take them any more."""
        gone = [held for one in self._authors.values() for held in one.values() if held.has_expired(now_s)]
        if gone:
            self._keeper.stage([self._drop(held) for held in gone])

    def _put_up(self, signed: SignedRecord, now_s: int) -> None:
        """Fill a slot, if need be in the place of what its author withdrew first."""
        author, kind, _ = signed.slot
        if self._held(signed.slot) is None and not self._is_roomy(author, kind):
            way = self._making_way(signed, now_s)
            assert way is not None, "it was judged"
            self._keeper.stage([self._drop(way)])
        self._put(_held(signed))

    def _is_roomy(self, author: AccountId, kind: Kind) -> bool:
        return sum(of_kind is kind for of_kind, _ in self._of(author)) < slots_max(author, kind)

    def _making_way(self, signed: SignedRecord, now_s: int) -> Held | None:
        """What gives its place to a new record: live ones never do, withdrawn ones only for what was written later.

        Counters follow the clock, so a record that was withdrawn, and whose tombstone made way, finds no place again.
        """
        author, kind, _ = signed.slot
        spare = [held for (of_kind, _), held in self._of(author).items()
                 if of_kind is kind and (held.is_withdrawn or held.has_expired(now_s))]  # fmt: skip
        if not spare:
            return None
        oldest = min(spare, key=lambda held: (held.is_withdrawn, held.signed.record.counter, held.id))
        return oldest if not oldest.is_withdrawn or signed.beats(oldest.signed) else None

    def _of(self, author: AccountId) -> dict[tuple[Kind, bytes], Held]:
        return self._authors.get(author, {})

    def _held(self, slot: Slot) -> Held | None:
        author, kind, key = slot
        return self._of(author).get((kind, key))

    def _put(self, held: Held) -> None:
        author, kind, key = held.signed.slot
        self._authors.setdefault(author, {})[kind, key] = held
        self._prints.pop(author, None)

    def _drop(self, held: Held) -> Change:
        author, kind, key = held.signed.slot
        del self._authors[author][kind, key]
        if not self._authors[author]:
            del self._authors[author]
        self._prints.pop(author, None)
        return DropRecord((author, int(kind), key))

    def _tell(self, fresh: list[SignedRecord]) -> None:
        for listener in self._listeners:
            let_go(listener, fresh)


def _is_by_commons(ledger: Ledger, signed: SignedRecord) -> bool:
    return is_by_author(ledger, COMMONS, Tag.RECORD, signed.record.content(), signed.signatures)


def _held(signed: SignedRecord) -> Held:
    record = signed.record
    body = read_body(record.kind, record.body) if record.kind is Kind.CARD and record.body else None
    return Held(signed, signed.id, body if isinstance(body, Card) else None)


def _keeping(signed: SignedRecord) -> KeepRecord:
    author, kind, key = signed.slot
    return KeepRecord((author, int(kind), key), codec.encode(signed.plain()))
