"""What the wallet knows, as JSON values of the `shapes`. Amounts become decimal strings here."""

from typing import Any

from node.amounts import format_amount
from node.verify import Report
from node.views import LEVELS

from ..errors import WalletError
from ..people.people import Called
from ..results import Balance, Community, HistoryRow, Member, Payment, Received
from .shapes import BalanceView, CheckedView, MemberView, PaymentView, PreviewView, ReceivedView, ReportView, RowView

Json = dict[str, Any]


def balance_view(found: Balance) -> BalanceView:
    """Where an account stands; `problem` says why it pays no longer, and is null while it may."""
    decimals = found.decimals
    return {
        "account": found.account,
        "handle": found.handle,
        "balance": format_amount(found.balance, decimals),
        "incoming": format_amount(found.incoming, decimals),
        "limit": format_amount(found.limit, decimals),
        "spendable": format_amount(found.spendable, decimals),
        "unit": found.unit,
        "problem": found.problem,
    }


def row_view(row: HistoryRow, other: Called | None, decimals: int) -> RowView:
    """One line of a history; the amount is signed as it moves the balance."""
    return {
        "id": row.id,
        "kind": row.kind,
        "state": row.state,
        "other": row.other.handle,
        "alike": [] if other is None else list(other.alike),
        "amount": format_amount(row.amount, decimals),
        "memo": row.memo,
        "sealed": row.sealed,
        "ref": row.ref,
        "time": row.time,
    }


def member_view(member: Member, called: Called | None, decimals: int) -> MemberView:
    """A member as everybody sees it."""
    return {
        "account": member.account,
        "handle": member.handle,
        "name": None if called is None else called.name,
        "alike": [] if called is None else list(called.alike),
        "balance": format_amount(member.balance, decimals),
        "limit": format_amount(member.limit, decimals),
        "level": LEVELS[member.level],
        "own": member.own,
    }


def payment_view(made: Payment, community: Community) -> PaymentView:
    """One payment."""
    return {
        "id": made.id,
        "state": made.state,
        "payer": made.payer.handle,
        "payee": made.payee.handle,
        "amount": format_amount(made.amount, community.decimals),
        "unit": community.unit,
        "memo": made.memo,
        "ref": made.ref,
        "sealed": made.sealed,
        "time": made.time,
    }


def received_view(taken: Received, community: Community) -> ReceivedView:
    """What came in."""
    return {
        "account": taken.account,
        "amount": format_amount(taken.amount, community.decimals),
        "unit": community.unit,
        "parcels": taken.parcels,
        "entries": taken.entries,
        "state": taken.state,
    }


def preview_view(
    payer: Balance, payee: str, called: Called | None, amount: int, levy: int, memo: str | None, *, locked: bool
) -> PreviewView:
    """What a payment would do; with `locked` it would be refused until the wallet is unlocked."""
    decimals = payer.decimals
    return {
        "payer": payer.handle,
        "payee": payee,
        "payee_name": None if called is None else called.name,
        "payee_alike": [] if called is None else list(called.alike),
        "amount": format_amount(amount, decimals),
        "unit": payer.unit,
        "memo": memo,
        "levy": format_amount(levy, decimals),
        "balance": format_amount(payer.balance, decimals),
        "balance_after": format_amount(payer.balance - amount - levy, decimals),
        "spendable": format_amount(payer.spendable, decimals),
        "locked": locked,
    }


def checked_view(
    payee: str, amount: int | None, levy: int | None, made: Payment | None, error: WalletError | None,
    community: Community,
) -> CheckedView:  # fmt: skip
    """One payment of a batch before it is paid."""
    return {
        "payee": payee,
        "amount": None if amount is None else format_amount(amount, community.decimals),
        "levy": None if levy is None else format_amount(levy, community.decimals),
        "paid": None if made is None else payment_view(made, community),
        "refused": None if error is None else {"code": error.code, "message": error.message},
    }


def report_view(found: Report, community: Community) -> ReportView:
    """What a check of the books found."""
    total = format_amount(found.sum, community.decimals)
    return {"entries": found.entries, "sum": total, "unit": community.unit, "faults": list(found.faults)}


def error_facts(error: WalletError, decimals: int) -> Json:
    """The facts of an error, amounts among them as decimals."""
    return {
        name: format_amount(value, decimals) if name in error.amounts and isinstance(value, int) else value
        for name, value in error.facts.items()
    }
