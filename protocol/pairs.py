"""What is between two accounts: parcels in flight, the gross sum, the watermark and the bounces (PROTOCOL-RULES 2).

One `Pair` for each (payer, incarnation, payee). The payer's chain writes `gross` and `parcels`, the payee's chain
writes `taken` and `bounced`. Each fact carries the seq of the entry that wrote it, so that both other views follow:
*rewound* is without what is above a seq, *final* is what stands at or below the final seq. Parcels are therefore
dropped only when a final watermark has passed them, never by an uncertified one.

May not judge, and knows no limits or heights. Written by `Ledger.apply`, `certify` and `rewind`.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from .base import AccountId

SEND = 0
RETURN = 1


class Parcel(NamedTuple):
    """An amount put in flight by one entry of the payer."""

    seq: int
    amount: int
    kind: int
    """SEND, or RETURN for what a bounce gives back (and what cannot be bounced again)."""


class Watermark(NamedTuple):
    """All up to the payer's seq `upto`, `total` in gross, was taken by the payee's entry `at`."""

    at: int
    upto: int
    total: int


class Bounced(NamedTuple):
    """A parcel that the payee's entry `at` sent back."""

    at: int
    amount: int


NOTHING_TAKEN = Watermark(-1, -1, 0)


class Pair:
    """One direction between two accounts, in one incarnation of the payer."""

    __slots__ = ("_below", "bounced", "gross", "incarnation", "parcels", "payee", "payer", "taken")

    def __init__(self, payer: AccountId, incarnation: int, payee: AccountId) -> None:
        self.payer = payer
        self.incarnation = incarnation
        self.payee = payee
        self.gross = 0
        """Sum of all parcels ever put."""
        self.parcels: dict[int, Parcel] = {}
        """By the payer's seq, ascending."""
        self.bounced: dict[int, Bounced] = {}
        """By the payer's seq; only above the final watermark."""
        self.taken = NOTHING_TAKEN
        self._below: tuple[Watermark, ...] = ()
        """What `taken` was before each entry of the payee that is not final yet."""

    def put(self, parcel: Parcel) -> None:
        self.parcels[parcel.seq] = parcel
        self.gross += parcel.amount

    def unput(self, seq: int) -> None:
        self.gross -= self.parcels.pop(seq).amount

    def take(self, mark: Watermark) -> None:
        self._below = (*self._below, self.taken)
        self.taken = mark

    def untake(self, seq: int) -> None:
        """Forget what the payee's entries above `seq` took and bounced."""
        while self.taken.at > seq:
            self._below, self.taken = self._below[:-1], self._below[-1]
        for bounced in [key for key, bounce in self.bounced.items() if bounce.at > seq]:
            del self.bounced[bounced]

    def taken_at(self, seq: int) -> Watermark:
        """The watermark after the payee's entry `seq`, which is not below its final one."""
        mark, below = self.taken, self._below
        while mark.at > seq:
            below, mark = below[:-1], below[-1]
        return mark

    def fold(self, seq: int) -> None:
        """The payee is final up to `seq`: drop what that watermark has passed."""
        mark = self.taken_at(seq)
        self._below = () if mark is self.taken else tuple(below for below in self._below if below.at >= mark.at)
        for passed in list(self.until(mark.upto)):
            del self.parcels[passed.seq]
            self.bounced.pop(passed.seq, None)

    def until(self, upto: int) -> Iterator[Parcel]:
        """Parcels at or below the payer's seq `upto`, also such as an uncertified watermark has passed."""
        for parcel in self.parcels.values():
            if parcel.seq > upto:
                return
            yield parcel

    def open_until(self, upto: int) -> list[Parcel]:
        """Parcels above the watermark, at or below the payer's seq `upto`; bounced ones are among them."""
        taken = self.taken.upto
        return [parcel for parcel in self.until(upto) if parcel.seq > taken]

    def is_open(self, seq: int) -> bool:
        """Tell whether the parcel put at `seq` may still be taken or bounced."""
        return seq in self.parcels and seq > self.taken.upto and seq not in self.bounced

    def amount_until(self, upto: int) -> int:
        """What `open_until` would bring the payee: bounced parcels count nothing."""
        return sum(parcel.amount for parcel in self.open_until(upto) if parcel.seq not in self.bounced)


class Pairs:
    """All pairs, by payer and by payee, with an index of those that hold parcels."""

    def __init__(self) -> None:
        self._from: dict[AccountId, dict[tuple[AccountId, int], Pair]] = {}
        self._to: dict[AccountId, dict[tuple[AccountId, int], Pair]] = {}
        self._open: dict[AccountId, dict[tuple[AccountId, int], Pair]] = {}
        self.arriving: dict[AccountId, int] = {}
        """Per payee: final parcels, neither taken nor bounced by its head. Kept running, so a balance costs nothing."""

    def find(self, payer: AccountId, incarnation: int, payee: AccountId) -> Pair | None:
        """The pair, or None when nothing was ever in flight that way."""
        pairs = self._to.get(payee)
        return None if pairs is None else pairs.get((payer, incarnation))

    def at(self, payer: AccountId, incarnation: int, payee: AccountId) -> Pair:
        """The pair, which must exist."""
        return self._to[payee][payer, incarnation]

    def outgoing(self, payer: AccountId) -> Iterable[Pair]:
        """Pairs in which this account pays, in the order they began."""
        return self._from.get(payer, {}).values()

    def incoming(self, payee: AccountId) -> Iterable[Pair]:
        """Pairs in which this account is paid, in the order they began."""
        return self._to.get(payee, {}).values()

    def open_to(self, payee: AccountId) -> list[Pair]:
        """Pairs that may hold something for this account, by payer and incarnation."""
        return [pair for _, pair in sorted(self._open.get(payee, {}).items())]

    def put(self, payer: AccountId, incarnation: int, payee: AccountId, parcel: Parcel) -> None:
        """Put a parcel in flight."""
        pairs = self._to.setdefault(payee, {})
        key = payer, incarnation
        pair = pairs.get(key)
        if pair is None:
            pair = pairs[key] = Pair(payer, incarnation, payee)
            self._from.setdefault(payer, {})[payee, incarnation] = pair
        if not pair.parcels:
            self._open.setdefault(payee, {})[key] = pair
        pair.put(parcel)

    def unput(self, payer: AccountId, incarnation: int, payee: AccountId, seq: int) -> None:
        """Undo a `put`; a pair that it began is gone again."""
        key = payer, incarnation
        pair = self._to[payee][key]
        pair.unput(seq)
        if not pair.parcels:
            del self._open[payee][key]
        if pair.gross == 0:
            del self._to[payee][key], self._from[payer][payee, incarnation]

    def fold(self, pair: Pair, seq: int) -> None:
        """The payee of this pair is final up to `seq`."""
        pair.fold(seq)
        if not pair.parcels:
            self._open[pair.payee].pop((pair.payer, pair.incarnation), None)

    def in_flight(self) -> int:
        """Sum of all parcels, final or not, that no head has taken or bounced; counted anew."""
        return sum(
            parcel.amount
            for pairs in self._open.values()
            for pair in pairs.values()
            for parcel in pair.parcels.values()
            if pair.is_open(parcel.seq)
        )

    def arrive(self, payee: AccountId, amount: int) -> None:
        """Count what became final on its way to the payee (or, negative, what the payee took or sent back)."""
        self.arriving[payee] = self.arriving.get(payee, 0) + amount
