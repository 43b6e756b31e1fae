"""What a desk is asked for and what came of it, as plain values; and the book's row of a payment.

Knows how a payment lies in an entry, and nothing of signing or sending.
"""

from dataclasses import dataclass

from protocol.base import AccountId
from protocol.entry import SignedEntry
from protocol.messages import Position
from protocol.ops import Bounce, Send

from .books.book import PaymentRow
from .books.tokens import Spender


@dataclass(frozen=True, slots=True)
class Order:
    """What the next entry shall do besides taking in what is in flight; all None: nothing else."""

    payee: AccountId | None = None
    amount: int = 0
    memo: str | None = None
    sealed: bool = False
    ref: str | None = None
    bounce: Bounce | None = None
    """Return this parcel to its payer (who is `payee`) instead of paying."""
    spender: Spender | None = None
    """The token that asked for it; None: the owner."""


@dataclass(frozen=True, slots=True)
class Written:
    """What came of an order: the entry's place, its payment if it is one, and the entry if it was signed now."""

    place: Position
    row: PaymentRow | None
    signed: SignedEntry | None = None


def place_of(signed: SignedEntry) -> Position:
    """Where an entry stands."""
    return Position(signed.account, signed.entry.incarnation, signed.seq, signed.id)


def payment_rows(order: Order, signed: SignedEntry) -> tuple[PaymentRow, ...]:
    """The row of the order's payment, if it is one. The levy and what is taken in have no row of their own."""
    if order.payee is None:
        return ()
    entry = signed.entry
    wanted = order.bounce if order.bounce is not None else order.payee
    op = next(n for n, op in enumerate(entry.ops) if op == wanted or (isinstance(op, Send) and op.to == wanted))
    return (
        PaymentRow(
            entry.account, entry.incarnation, entry.seq, op, signed.id, order.payee, order.amount, order.memo,
            order.sealed, order.ref, entry.time,
        ),
    )  # fmt: skip
