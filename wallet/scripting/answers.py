"""What a script is answered with: frozen values whose amounts are `decimal.Decimal` in the currency's unit.

The same fields with the same words as the JSON of the HTTP API, which `read` turns into them; what an answer has beside
them is left out. Times are seconds since 1970 by the clock of who signed; advice only.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeVar

import msgspec

from ..formats.rows import LATEST

Shape = TypeVar("Shape")


class Timed:
    """Something with a time."""

    __slots__ = ()
    time: int

    @property
    def when(self) -> datetime:
        """The time as a date, in UTC; whoever signed it may have written any, so it ends with the year 9999."""
        return datetime.fromtimestamp(min(self.time, LATEST), UTC)


@dataclass(frozen=True, slots=True)
class Payment(Timed):
    """One payment. `state` is recorded, final or seen; conflict or refused when it can never be final."""

    id: str
    state: str
    payer: str
    payee: str
    amount: Decimal
    unit: str
    memo: str | None
    ref: str | None
    sealed: bool
    time: int


@dataclass(frozen=True, slots=True)
class Balance:
    """Where an account stands. `balance` counts what is still in flight to it, which `incoming` names."""

    account: int
    handle: str
    balance: Decimal
    incoming: Decimal
    limit: Decimal
    spendable: Decimal
    unit: str
    problem: str | None = None
    """Why the account pays no longer, in words; None while it may."""


@dataclass(frozen=True, slots=True)
class HistoryRow(Timed):
    """One payment as it touches an account: `amount` is signed as it moves the balance.

    `kind` is paid, received, incoming (in flight), returned (sent back) or came_back.
    """

    id: str
    kind: str
    state: str
    other: str
    alike: tuple[str, ...]
    amount: Decimal
    memo: str | None
    sealed: bool
    ref: str | None
    time: int


@dataclass(frozen=True, slots=True)
class Member:
    """A member as everybody sees it. `level` is free, suspended or frozen."""

    account: int
    handle: str
    name: str | None
    alike: tuple[str, ...]
    balance: Decimal
    limit: Decimal
    level: str
    own: bool


@dataclass(frozen=True, slots=True)
class Received:
    """What `receive` took in; `parcels` is 0 when nothing was in flight."""

    account: int
    amount: Decimal
    unit: str
    parcels: int
    entries: int
    state: str


@dataclass(frozen=True, slots=True)
class Preview:
    """What a payment would do."""

    payer: str
    payee: str
    payee_name: str | None
    payee_alike: tuple[str, ...]
    amount: Decimal
    unit: str
    memo: str | None
    levy: Decimal
    """What goes to the commons besides; it is in `balance_after`."""
    balance: Decimal
    balance_after: Decimal
    spendable: Decimal
    locked: bool


@dataclass(frozen=True, slots=True)
class Community:
    """The place that a wallet belongs to."""

    community: str
    """Its id as text, com1..."""
    name: str
    unit: str
    decimals: int
    members: int
    witnesses: int
    quorum: int


@dataclass(frozen=True, slots=True)
class Status(Community):
    """How node and wallet are; `problems` are sentences, empty when all is well."""

    pid: int
    peer_id: str
    peers: tuple[str, ...]
    witness: bool
    locked: bool
    handle: str
    """Of the first account."""
    standing: str
    """Of the first account: admitted or open."""
    entries: int
    sum: Decimal
    """Of all balances: 0."""
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """What a check of the books found; `faults` is empty when they are right."""

    entries: int
    sum: Decimal
    unit: str
    faults: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Locked:
    """Whether the wallet is locked now."""

    locked: bool


@dataclass(frozen=True, slots=True)
class Event(Timed):
    """One thing that happened to an account of this wallet.

    `event` is payment, admitted, limit, suspended, frozen, reinstated or charge; what a field is not said of is None.
    `at` is its place in the stream: `events(after=event.at)` goes on behind it.
    """

    at: str
    event: str
    account: str
    time: int
    direction: str | None = None
    """of a payment: in or out"""
    state: str | None = None
    id: str | None = None
    payer: str | None = None
    payee: str | None = None
    amount: Decimal | None = None
    unit: str | None = None
    memo: str | None = None
    sealed: bool = False
    ref: str | None = None
    limit: Decimal | None = None
    reason: str | None = None


def read(answer: Any, shape: type[Shape]) -> Shape:
    """Make the JSON of an answer a value. Raises msgspec.ValidationError when it is not of that shape."""
    return msgspec.convert(answer, type=shape)
