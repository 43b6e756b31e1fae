"""What the wallet answers with: payments, balances, rows of a history, members. Plain frozen values.

All amounts are in smallest units; who shows them writes decimals and the unit. The states of a payment are the same
words everywhere: recorded, final, seen; and conflict or refused when it can never become final.
"""

from dataclasses import dataclass
from typing import Literal

from node.standing import Standing
from protocol.base import AccountId

Wait = Literal["recorded", "final", "seen"]
Kind = Literal["paid", "received", "incoming", "returned", "came_back"]


@dataclass(frozen=True, slots=True)
class Party:
    """A member as named in a result. The commons has number 0 and the handle "commons"."""

    account: AccountId
    handle: str


@dataclass(frozen=True, slots=True)
class Payment:
    """One payment, named by the text form of its id (pay1...)."""

    id: str
    state: Standing
    payer: Party
    payee: Party
    amount: int
    memo: str | None
    """None also when the memo is sealed and this wallet cannot open it (`sealed` tells)."""
    sealed: bool
    ref: str | None
    time: int
    """Seconds since 1970 by the payer's clock; advice only."""


@dataclass(frozen=True, slots=True)
class Balance:
    """Where an account stands."""

    account: AccountId
    handle: str
    balance: int
    """Own entries, charges, and what is final and in flight to it."""
    incoming: int
    """The part of `balance` that is still in flight."""
    limit: int
    spendable: int
    """The most that one payment may move now, before any levy; 0 while the account pays no longer."""
    unit: str
    decimals: int
    problem: str | None = None
    """Why the account pays no longer until somebody helps, in words; None as far as is known."""


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """One line of an account's history; `amount` is signed as it moves the balance."""

    id: str
    kind: Kind
    state: Standing
    other: Party
    amount: int
    memo: str | None
    sealed: bool
    ref: str | None
    time: int


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """Some lines, newest first; `next` says where the older ones begin, None at the end."""

    rows: tuple[HistoryRow, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class Member:
    """A member as everybody sees it."""

    account: AccountId
    handle: str
    balance: int
    limit: int
    level: int
    """0 free, 1 suspended, 2 frozen."""
    own: bool
    """An account of this wallet."""


@dataclass(frozen=True, slots=True)
class Received:
    """What `receive` took in. `entries` is 0 when there was nothing to take."""

    account: AccountId
    amount: int
    parcels: int
    entries: int
    state: Standing


@dataclass(frozen=True, slots=True)
class Community:
    """What a person calls the place: name, unit, decimals, and the id as text (com1...)."""

    id: str
    name: str
    unit: str
    decimals: int
    members: int
    witnesses: int
    quorum: int
