"""What an export holds: the payments of some accounts, or of everybody, in the order this node recorded them.

Reads the node's journal page by page and keeps none of it, so that any history can be written. What another branch
displaced is left out. Everybody's payments are no secret: each member's node keeps every chain. Sealed memos are
opened as far as this wallet can.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Protocol

from node.amounts import format_amount
from node.api import ServedNode
from node.records import EntryRecord
from node.standing import Standing
from node.views import handle_of
from protocol.base import COMMONS, AccountId
from protocol.entry import SignedEntry
from protocol.ops import Bounce, Charge, Op, Send
from protocol.payment import community_text

from ..results import Payment
from .rows import ExportRow, Place

PAGE_ROWS = 50
"""The node does nothing else while a page is read, so it is a short one."""
FOREVER = 1 << 63


class Words(Protocol):
    """The wallet, as far as it can tell what a payment is for."""

    def payment_in(self, signed: SignedEntry, index: int, state: Standing) -> Payment: ...


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which payments: those of `accounts`, of everybody when None, signed from `since` up to before `until` (seconds
    since 1970 by the signers' clocks)."""

    accounts: Collection[AccountId] | None
    since: int = 0
    until: int = FOREVER


class Exporter:
    """Gives the rows of exports; the wallet adds the words that it knows."""

    def __init__(self, node: ServedNode, wallet: Words) -> None:
        self._node, self._wallet = node, wallet

    def place(self, wanted: Wanted) -> Place:
        """What is said once."""
        commons = self._node.ledger.commons
        handles = [member.handle for _, member in sorted(commons.members.items())]
        whose = [] if wanted.accounts is None else [handle_of(commons, account) for account in wanted.accounts]
        return Place(
            community_text(commons.community), commons.name, commons.unit, commons.decimals, handles, whose
        )  # fmt: skip

    def pages(self, wanted: Wanted) -> Iterator[list[ExportRow]]:
        """The rows, as the journal has them now, a page of the journal at a time; some pages are empty."""
        row, newest = 0, self._node.journal.last_row
        while row < newest:
            page = self._node.journal.since(row, PAGE_ROWS)
            row = page[-1][0] if len(page) == PAGE_ROWS else newest
            entries = [record.signed for n, record in page if isinstance(record, EntryRecord) and n <= newest]
            yield [
                found for signed in entries if self._is_wanted(signed, wanted) for found in self._rows(signed, wanted)
            ]

    def _is_wanted(self, signed: SignedEntry, wanted: Wanted) -> bool:
        entry = signed.entry
        is_held = self._node.ledger.id_at(entry.account, entry.incarnation, entry.seq) == signed.id
        return is_held and wanted.since <= entry.time < wanted.until

    def _rows(self, signed: SignedEntry, wanted: Wanted) -> Iterator[ExportRow]:
        for index, op in enumerate(signed.entry.ops):
            parties = _parties(signed.account, op)
            if parties is None or (wanted.accounts is not None and not set(parties) & set(wanted.accounts)):
                continue
            yield self._charge(signed, op) if isinstance(op, Charge) else self._payment(signed, index)

    def _payment(self, signed: SignedEntry, index: int) -> ExportRow:
        ledger, chain = self._node.ledger, self._node.ledger.chain(signed.account)
        state = Standing(self._node.state_of(signed.account, signed.seq, signed.id))
        made = self._wallet.payment_in(signed, index, state)
        return ExportRow(
            made.id, signed.id.hex(), "return" if isinstance(signed.entry.ops[index], Bounce) else "payment",
            made.time, made.payer.handle, made.payee.handle, format_amount(made.amount, ledger.commons.decimals),
            ledger.commons.unit, made.state.value, made.memo, made.sealed, made.ref,
            counted=signed.account == COMMONS or (chain is not None and signed.seq <= chain.final_seq),
        )  # fmt: skip

    def _charge(self, signed: SignedEntry, op: Charge) -> ExportRow:
        commons = self._node.ledger.commons
        return ExportRow(
            "", signed.id.hex(), "charge", signed.entry.time, handle_of(commons, op.payer),
            handle_of(commons, op.payee), format_amount(op.amount, commons.decimals), commons.unit,
            Standing.FINAL.value, op.reason, False, None, counted=True,
        )  # fmt: skip


def _parties(author: AccountId, op: Op) -> tuple[AccountId, AccountId] | None:
    """Between whom an op moves something; None for one that moves nothing."""
    match op:
        case Send(to):
            return author, to
        case Bounce(payer):
            return author, payer
        case Charge(payer, payee):
            return payer, payee
        case _:
            return None
