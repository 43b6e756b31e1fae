"""What happens to the accounts of a wallet, as it follows from the rows of the node's journal: pure reading.

A row is an entry or a certificate. From an entry follows that a payment is recorded, that the payee has taken one in,
that another branch displaced one, or what the stewards did to an account; from a certificate which payments are final.
The same row always gives the same happenings in the same order, so that whoever was told up to one goes on behind it.
May not wait and may not sign; who listens is `wallet.programs.feed`'s.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Protocol

from node.amounts import format_amount
from node.records import CertificateRecord, EntryRecord
from node.standing import Standing
from node.views import LEVELS
from protocol.base import COMMONS, TAIL_MAX, AccountId
from protocol.entry import SignedEntry
from protocol.ops import Admit, Bounce, Charge, Limits, Op, Recv, Reinstate, Send, Suspend

from ..api.views import Json, payment_view
from ..errors import BadRequest
from ..results import Community, Payment

ROW_OPS = 1 << 20
"""Above the place of everything that follows from one row; what was heard beside the rows comes after it."""
NUMBER_DIGITS = 18
PAGE = 200


@dataclass(frozen=True, slots=True, order=True)
class At:
    """Where a happening stands: a row of the journal, and the place among what follows from it. Text: "812.0"."""

    row: int
    index: int = ROW_OPS

    def __str__(self) -> str:
        return str(self.row) if self.index == ROW_OPS else f"{self.row}.{self.index}"


def read_at(text: str) -> At:
    """Read "812.0" or, for all that follows from row 812, "812". Raises BadRequest."""
    numbers = text.split(".")
    is_number = [part.isascii() and part.isdecimal() and len(part) <= NUMBER_DIGITS for part in numbers]
    if not all(is_number) or len(numbers) > 2:
        raise BadRequest("A place in the events is a number such as 812 or 812.0.", {"given": text[:40]})
    return At(*map(int, numbers))


@dataclass(frozen=True, slots=True)
class Happening:
    """One thing that happened to an account of this wallet. `content` is what the API and the command show."""

    at: At
    event: str
    """payment, admitted, limit, suspended, frozen, reinstated or charge."""
    content: Json

    def view(self) -> Json:
        """As JSON: where it stands, what it is, and its content."""
        return {"at": str(self.at), "event": self.event, **self.content}


class Rows(Protocol):
    """The journal, as far as happenings follow from it."""

    def placed(self, account: AccountId, incarnation: int, first: int, last: int) -> list[tuple[int, SignedEntry]]: ...

    def final_below(self, account: AccountId, incarnation: int, seq: int, row: int) -> int: ...


class Names(Protocol):
    """The wallet, as far as it knows accounts, memos and refs."""

    def accounts(self) -> Collection[AccountId]: ...

    def community(self) -> Community: ...

    def handle_of(self, account: AccountId) -> str: ...

    def payment_in(self, signed: SignedEntry, index: int, state: Standing) -> Payment: ...


Told = tuple[str, Json]


class Teller:
    """Says what follows from a row for the accounts of one wallet."""

    def __init__(self, names: Names, rows: Rows) -> None:
        self._names, self._rows = names, rows

    def of_row(self, row: int, record: EntryRecord | CertificateRecord) -> Iterator[Told]:
        """All that follows from this row, in order."""
        if isinstance(record, CertificateRecord):
            place = record.certificate.place
            incarnation = 0 if place.account == COMMONS else place.incarnation
            before = self._rows.final_below(place.account, incarnation, place.seq, row)
            for signed in self._in_force(row, place.account, incarnation, before + 1, place.seq):
                yield from self._final(signed)
            return
        signed = record.signed
        for displaced in self._displaced(row, signed):
            yield from self.payments(displaced, Standing.CONFLICT)
        yield from self.payments(signed, Standing.RECORDED)
        for op in signed.entry.ops:
            if isinstance(op, Recv) and op.payer in self._names.accounts():
                yield from self._taken(row, signed, op)
            elif signed.account == COMMONS:
                yield from self._act(op, signed.entry.time)

    def payments(self, signed: SignedEntry, state: Standing) -> Iterator[Told]:
        """The payments of an entry that touch an account of this wallet, told as being in `state`."""
        own = self._names.accounts()
        for index, op in enumerate(signed.entry.ops):
            other = op.to if isinstance(op, Send) else op.payer if isinstance(op, Bounce) else None
            if other is None or (signed.account not in own and other not in own):
                continue
            shown = payment_view(self._names.payment_in(signed, index, state), self._names.community())
            if signed.account in own:
                yield "payment", {"direction": "out", "account": shown["payer"], **shown}
            if other in own and state is not Standing.SEEN:
                yield "payment", {"direction": "in", "account": shown["payee"], **shown}

    def _final(self, signed: SignedEntry) -> Iterator[Told]:
        yield from self.payments(signed, Standing.FINAL)
        own = self._names.accounts()
        if signed.account in own and any(isinstance(op, Send) and op.to in own for op in signed.entry.ops):
            yield from self.payments(signed, Standing.SEEN)  # its payee's node is this one

    def _taken(self, row: int, signed: SignedEntry, recv: Recv) -> Iterator[Told]:
        """The own payments that a `recv` of somebody else takes in: their payee has seen them."""
        if signed.account in self._names.accounts():
            return
        first = self._taken_before(row, signed, recv) + 1
        for start in range(first, recv.upto + 1, PAGE):
            last = min(start + PAGE - 1, recv.upto)
            for sent in self._in_force(row, recv.payer, recv.incarnation, start, last):
                if any(isinstance(op, Send) and op.to == signed.account for op in sent.entry.ops):
                    yield from self.payments(sent, Standing.SEEN)

    def _taken_before(self, row: int, signed: SignedEntry, recv: Recv) -> int:
        """How far the same payee had taken in from this payer before; -1 for not at all."""
        entry = signed.entry
        for last in range(entry.seq - 1, -1, -PAGE):
            first = max(0, last - PAGE + 1)
            for earlier in reversed(list(self._in_force(row, entry.account, entry.incarnation, first, last))):
                for op in earlier.entry.ops:
                    if isinstance(op, Recv) and (op.payer, op.incarnation) == (recv.payer, recv.incarnation):
                        return op.upto
        return -1

    def _in_force(self, row: int, account: AccountId, incarnation: int, first: int, last: int) -> Iterator[SignedEntry]:
        """What stood at these places when the journal had come to `row`: the latest of each."""
        latest = {
            signed.seq: signed
            for placed, signed in self._rows.placed(account, incarnation, first, last)
            if placed < row
        }
        yield from latest.values()

    def _displaced(self, row: int, signed: SignedEntry) -> Iterator[SignedEntry]:
        """What stood at this place or above it until this entry came: a certificate had proved another branch."""
        entry = signed.entry
        for standing in self._in_force(row, entry.account, entry.incarnation, entry.seq, entry.seq + TAIL_MAX):
            if standing.id != signed.id:
                yield standing

    def _act(self, op: Op, time: int) -> Iterator[Told]:
        """What an op of account 0 does to accounts of this wallet."""
        own, names = self._names.accounts(), self._names
        match op:
            case Admit(number, _, _, limit) if number in own:
                yield "admitted", {"account": op.handle, **self._limit(limit), "time": time}
            case Limits(limits):
                for account, limit in limits:
                    if account in own:
                        yield "limit", {"account": names.handle_of(account), **self._limit(limit), "time": time}
            case Suspend(account, level) if account in own:
                yield LEVELS[level], {"account": names.handle_of(account), "time": time}
            case Reinstate(account) if account in own:
                yield "reinstated", {"account": names.handle_of(account), "time": time}
            case Charge(payer, payee, amount, reason) if payer in own or payee in own:
                yield "charge", self._charge(payer, payee, amount, reason) | {"time": time}

    def _limit(self, limit: int) -> Json:
        community = self._names.community()
        return {"limit": format_amount(limit, community.decimals), "unit": community.unit}

    def _charge(self, payer: AccountId, payee: AccountId, amount: int, reason: str) -> Json:
        community, handle = self._names.community(), self._names.handle_of
        own = payer if payer in self._names.accounts() else payee
        shown = {"amount": format_amount(amount, community.decimals), "unit": community.unit, "reason": reason}
        return {"account": handle(own), "payer": handle(payer), "payee": handle(payee), **shown}
