"""What a wallet wants, made into its next entry: take in what is in flight, pay, and pay the levy that falls due.

`compose` reads a ledger and predicts what the judge would say, so that a refusal comes before anything is signed, under
the same code. It decides nothing: the entry goes through the one door as everybody's does.
Members' entries only; what account 0 writes is proposed by its stewards.
May not sign, read a clock or keep anything.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .base import (
    AMOUNT_MAX,
    BALANCE_MAX,
    COMMONS,
    ENTRY_BYTES_MAX,
    ENTRY_VERSION,
    NOTE_BYTES_MAX,
    OPS_MAX,
    PPM,
    TAIL_MAX,
    AccountId,
    Amount,
)
from .chain import Chain
from .commons import FROZEN, SUSPENDED
from .entry import Entry
from .ledger import Ledger
from .ops import Bounce, Note, Op, Open, PublicNote, Recv, Send, forbidden_code_point
from .verdict import Code

RECVS_MAX = 48
"""Payers taken in by one entry, so that a long flight is cut into entries of a kilobyte or so."""
_RECV_BYTES_MAX = 28
_OPENING_BYTES_MAX = 96


@dataclass(frozen=True, slots=True)
class Wish:
    """One payment that is asked for."""

    to: AccountId
    amount: int
    note: Note = None


@dataclass(frozen=True, slots=True)
class Prevented:
    """What the rules would refuse it for. `facts` are amounts in smallest units, or words."""

    code: Code
    message: str
    facts: Mapping[str, int | str]


def compose(
    ledger: Ledger,
    account: AccountId,
    wishes: Sequence[Wish] = (),
    *,
    time: int,
    opening: Open | None = None,
    bounces: Sequence[Bounce] = (),
    take: bool = True,
) -> Entry | Prevented:
    """Make the next entry of `account`, citing the newest height; unsigned.

    `opening` is needed for the first entry of an account, and ignored for others. What is in flight is taken in as far
    as it fits and the ceiling allows; a payer whose parcel is bounced here is left for a later entry. NOTHING_THERE
    when there is nothing to do, BACKLOG when the tail above the final place is full.
    """
    draft = _Draft(ledger, account, tuple(wishes), tuple(bounces))
    if prevented := draft.fault():
        return prevented
    recvs = draft.recvs() if take else []
    taken = sum(amount for _, amount in recvs)
    if prevented := draft.shortage(taken) or draft.levy_fault():
        return prevented
    ops: list[Op] = [opening] if draft.chain is None and opening is not None else []
    ops += [*draft.bounces, *(recv for recv, _ in recvs), *draft.sends]
    if not ops:
        return Prevented(Code.NOTHING_THERE, "There is nothing to take in.", {})
    return draft.entry(tuple(ops), time)


def levy_with(ledger: Ledger, account: AccountId, wish: Wish) -> int:
    """What goes to the commons beside one payment: the levy that falls due with it, in smallest units."""
    return 0 if wish.to == COMMONS else _Draft(ledger, account, (wish,), ()).levy()


class _Draft:
    """An entry being composed: the facts that all steps read."""

    def __init__(
        self, ledger: Ledger, account: AccountId, wishes: tuple[Wish, ...], bounces: tuple[Bounce, ...]
    ) -> None:
        self.ledger = ledger
        self.commons = ledger.commons
        self.account = account
        self.chain: Chain | None = ledger.chain(account)
        self.bounces = bounces
        self.wishes = wishes
        self.charter = self.commons.charter()
        self.sends = self._sends()
        self.outgoing = sum(send.amount for send in self.sends)

    def _sends(self) -> list[Send]:
        """The wishes as they are, and the levy that they make due as a send to the commons (PROTOCOL-RULES 3).

        A payment to the commons bears no levy and counts towards it; what it does not cover is a `levy_fault`, so
        that an amount that was wished for is never another one in the entry.
        """
        sends = [Send(wish.to, Amount(wish.amount), wish.note) for wish in self.wishes]
        levy = self.levy()
        if levy and not any(send.to == COMMONS for send in sends):
            sends.append(Send(COMMONS, Amount(levy)))
        return sends

    def levy(self) -> int:
        """Whole units that must go to the commons now, beyond what is wished for it; the rest is carried."""
        due = 0 if self.chain is None else self.chain.levy_due
        due += self.charter.levy_ppm * sum(wish.amount for wish in self.wishes if wish.to != COMMONS)
        paid = sum(wish.amount for wish in self.wishes if wish.to == COMMONS)
        return max(0, due // PPM - paid)

    def fault(self) -> Prevented | None:
        """What no balance can mend, in the order of the rules."""
        if self.account == COMMONS or not self.commons.is_admitted(self.account):
            return Prevented(Code.ACCOUNT_UNKNOWN, "This account is not a member's.", {"account": self.account})
        if self.chain is not None and len(self.chain.tail) >= TAIL_MAX:
            return Prevented(Code.BACKLOG, f"{TAIL_MAX} entries wait to become final.", {"waiting": TAIL_MAX})
        return self._shape() or self._payees() or self._standing()

    def _shape(self) -> Prevented | None:
        payees = [wish.to for wish in self.wishes]
        if len(self.sends) + len(self.bounces) >= OPS_MAX or self._bytes() > ENTRY_BYTES_MAX - _OPENING_BYTES_MAX:
            return Prevented(Code.TOO_BIG, "That is too much for one entry.", {"payments": len(payees)})
        returned = {bounce.payer for bounce in self.bounces}
        if self.account in payees:
            return Prevented(Code.OP_SHAPE, "Payer and payee are the same account.", {"payee": self.account})
        if len(set(payees)) != len(payees) or returned.intersection(payees):
            return Prevented(Code.OP_SHAPE, "One entry pays, or returns to, a member once.", {})
        for wish in self.wishes:
            if not 1 <= wish.amount <= AMOUNT_MAX:
                return Prevented(Code.OP_SHAPE, "An amount is 1 to 10^12 smallest units.", {"amount": wish.amount})
            if words := _note_fault(wish.note):
                return Prevented(Code.OP_SHAPE, words, {})
        return None

    def _payees(self) -> Prevented | None:
        least = self.charter.least_send
        for wish in self.wishes:
            if not self.commons.is_admitted(wish.to):
                return Prevented(Code.PAYEE_UNKNOWN, "No member has that number.", {"payee": wish.to})
            if wish.to != COMMONS and wish.amount < least:
                facts = {"amount": wish.amount, "least_send": least}
                return Prevented(Code.LEAST_SEND, "The amount is below the smallest one allowed.", facts)
        return None

    def _standing(self) -> Prevented | None:
        level = self.commons.level(self.account)
        if level == FROZEN:
            return Prevented(Code.FROZEN, "The stewards froze this account.", {})
        if level == SUSPENDED and self.sends:
            return Prevented(Code.SUSPENDED, "The stewards suspended this account: it may not pay.", {})
        return None

    def recvs(self) -> list[tuple[Recv, int]]:
        """What to take in, with the amount of each: as many payers as fit, as far as the ceiling allows."""
        space = (ENTRY_BYTES_MAX - _OPENING_BYTES_MAX - self._bytes()) // _RECV_BYTES_MAX
        room = min(RECVS_MAX, space, OPS_MAX - 1 - len(self.sends) - len(self.bounces))
        returned = {bounce.payer for bounce in self.bounces}
        chosen: list[tuple[Recv, int]] = []
        taken = -self.outgoing
        for parcel in self.ledger.incoming(self.account):
            if len(chosen) >= room:
                break
            if parcel.payer not in returned and self._has_room(taken + parcel.amount):
                chosen.append((Recv(parcel.payer, parcel.incarnation, parcel.upto, parcel.total), parcel.amount))
                taken += parcel.amount
        return chosen

    def _has_room(self, change: int) -> bool:
        """Tell whether the entry may end `change` higher than the account stands: ceiling and range of balances."""
        if self.ledger.own(self.account) + change > BALANCE_MAX:
            return False
        ceiling = self.charter.ceiling
        return not ceiling or change <= 0 or self._standing_at() + change <= ceiling

    def _bytes(self) -> int:
        return len(self.entry((*self.bounces, *self.sends), 0).encode()) + 8

    def _standing_at(self) -> int:
        return self.ledger.own(self.account) + self.commons.adjust(self.account)

    def shortage(self, taken: int) -> Prevented | None:
        """By how much the credit limit is missed, if it is."""
        if not self.sends:
            return None
        missing = self.outgoing - taken - self.ledger.free(self.account)
        if missing <= 0:
            return None
        facts: dict[str, int | str] = {
            "balance": self._standing_at() + taken,
            "limit": self.commons.limit(self.account),
            "amount": sum(wish.amount for wish in self.wishes),
            "missing": missing,
        }
        if levy := self.levy():
            facts["levy"] = levy
        return Prevented(Code.LIMIT, "The balance would fall below the credit limit.", facts)

    def levy_fault(self) -> Prevented | None:
        """Whether a payment to the commons beside others is less than the levy that falls due."""
        missing = self.levy()
        if not missing or not any(wish.to == COMMONS for wish in self.wishes):
            return None
        return Prevented(Code.LEVY, "The payment to the commons does not cover the levy.", {"missing": missing})

    def entry(self, ops: tuple[Op, ...], time: int) -> Entry:
        """The entry for the next place of the chain."""
        chain, height = self.chain, self.commons.height
        if chain is None:
            return Entry(ENTRY_VERSION, self.account, 0, 0, self.commons.community, height, time, ops)
        return Entry(ENTRY_VERSION, self.account, chain.incarnation, chain.seq + 1, chain.id, height, time, ops)


def _note_fault(note: Note) -> str | None:
    if not isinstance(note, PublicNote):
        return None
    if len(note.text.encode()) > NOTE_BYTES_MAX:
        return f"A note has at most {NOTE_BYTES_MAX} bytes."
    if point := forbidden_code_point(note.text):
        return f"A note may not hold {point}."
    return None
