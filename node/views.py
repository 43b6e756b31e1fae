"""The record as programs read it over HTTP: entries, certificates, accounts and verdicts as plain JSON values.

Fills the `shapes`; asks nothing and decides nothing. Amounts are decimal strings in the currency's unit, ids are hex, a
payment has its one text form (pay1...), and the exact signed bytes go along in base64 as `raw`, so that whoever does
not trust this node can check for itself.
"""

from base64 import b64encode
from dataclasses import fields
from typing import Any, cast

from protocol.base import COMMONS, AccountId
from protocol.commons import Commons
from protocol.entry import SignedEntry
from protocol.ops import COMMONS_HANDLE, Bounce, Op, PublicNote, Recv, SealedNote, Send
from protocol.payment import PaymentId
from protocol.statements import Certificate, Place

from .amounts import format_amount
from .shapes import CertificateView, EntryView, OpView, PlaceView, SendView

Json = dict[str, Any]

LEVELS = ("free", "suspended", "frozen")


def handle_of(commons: Commons, account: AccountId) -> str:
    """The handle of an account; "commons" for account 0."""
    if account == COMMONS:
        return COMMONS_HANDLE
    member = commons.members.get(account)
    return member.handle if member is not None else str(account)


def account_named(commons: Commons, who: str) -> AccountId | None:
    """Find "@bob", "bob", "17" or "@commons"; None when there is no such account.

    Bare digits are an account number: "@17" is the member who is called so.
    """
    if who.isascii() and who.isdecimal():
        return AccountId(int(who)) if len(who) <= 10 and commons.is_admitted(AccountId(int(who))) else None
    handle = who.removeprefix("@")
    return COMMONS if handle == COMMONS_HANDLE else commons.by_handle.get(handle)


def entry_view(signed: SignedEntry, commons: Commons) -> EntryView:
    """One entry with its ops, and its exact bytes."""
    entry = signed.entry
    return {
        "id": signed.id.hex(),
        "account": entry.account,
        "handle": handle_of(commons, entry.account),
        "incarnation": entry.incarnation,
        "seq": entry.seq,
        "prev": entry.prev.hex(),
        "height": entry.height,
        "time": entry.time,
        "ops": [op_view(signed, index, commons) for index in range(len(entry.ops))],
        "raw": b64encode(signed.encode()).decode(),
    }


def op_view(signed: SignedEntry, index: int, commons: Commons) -> OpView:
    """One op: its kind and its fields."""
    op: Op = signed.entry.ops[index]
    match op:
        case Send():
            return cast(OpView, {"op": "send", **send_view(signed, index, commons)})
        case Recv():
            return {
                "op": "recv", "payer": handle_of(commons, op.payer), "incarnation": op.incarnation, "upto": op.upto,
                "total": format_amount(op.total, commons.decimals),
            }  # fmt: skip
        case Bounce():
            return {
                "op": "bounce", "payer": handle_of(commons, op.payer), "incarnation": op.incarnation, "seq": op.seq
            }  # fmt: skip
        case _:
            return {"op": type(op).__name__.lower(), "fields": [field.name for field in fields(op)]}


def send_view(signed: SignedEntry, index: int, commons: Commons) -> SendView:
    """One payment. The op at `index` must be a `send`."""
    op = signed.entry.ops[index]
    assert isinstance(op, Send)
    return {
        "id": str(PaymentId(signed.id, index)),
        "payer": handle_of(commons, signed.account),
        "payee": handle_of(commons, op.to),
        "amount": format_amount(op.amount, commons.decimals),
        "unit": commons.unit,
        "memo": op.note.text if isinstance(op.note, PublicNote) else None,
        "sealed": isinstance(op.note, SealedNote),
    }


def place_view(place: Place) -> PlaceView:
    """What a certificate or vote is about."""
    view: PlaceView = {"epoch": place.epoch, "account": place.account, "seq": place.seq, "id": place.id.hex()}
    view["round" if place.account == COMMONS else "incarnation"] = place.incarnation
    return view


def certificate_view(certificate: Certificate) -> CertificateView:
    """A certificate: what it is for, who signed, and its exact bytes."""
    return {
        **place_view(certificate.place),
        "witnesses": [witness for witness, _, _ in certificate.votes],
        "raw": b64encode(certificate.encode()).decode(),
    }
