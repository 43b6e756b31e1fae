"""What moves money over HTTP: preview, pay, receive, refund. Nobody else signs: all who want to pay ask here."""

from typing import Literal

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from node.api import ServedNode
from node.views import handle_of
from node.web.application import answer
from node.web.calls import Call, read_body
from node.web.problem import Failed, bad_request
from node.web.scopes import Scope

from ..money import parse_amount
from ..people.people import Names
from ..service import Wallet
from .durable import once_shown
from .keyed import key_in, once_keyed
from .shapes import PaymentView, PreviewView, ReceivedView
from .spenders import spender_of
from .views import payment_view, preview_view, received_view

TIMEOUT_S_MAX = 3600.0

Wait = Literal["recorded", "final", "seen"]


class Pay(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a payment. `ref` may also come as the header Idempotency-Key."""

    payee: str
    amount: str
    memo: str | None = None
    sealed: bool = False
    ref: str | None = None
    payer: str | None = msgspec.field(default=None, name="as")
    wait: Wait = "final"
    timeout_s: float = 30.0


class Receive(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a receive."""

    payee: str | None = msgspec.field(default=None, name="as")
    wait: Wait = "final"
    timeout_s: float = 30.0


class Refund(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a refund."""

    id: str
    wait: Wait = "final"
    timeout_s: float = 30.0


class Paying:
    """The handlers. One method a call."""

    def __init__(self, wallet: Wallet, node: ServedNode, names: Names) -> None:
        self._wallet, self._node, self._names = wallet, node, names

    def routes(self) -> list[Call]:
        """The table of addresses."""
        shown, keyed = once_shown(self._node), once_keyed(self._wallet)
        order = {"payee": "@bob", "amount": "2.50", "memo": "bread", "ref": "order-17"}
        return [
            Call("POST", "/v1/wallet/preview", shown(self.preview), Scope.REQUEST,
                 "what a payment would do; signs nothing", PreviewView, Pay, example=order),
            Call("POST", "/v1/wallet/pay", self.pay, Scope.SPEND, "pay; the same ref or Idempotency-Key is the same "
                 "payment", PaymentView, Pay, status=201, keyed=True, example=order),
            Call("POST", "/v1/wallet/receive", self.receive, Scope.REQUEST, "take in what is in flight", ReceivedView,
                 Receive, example={"wait": "final"}),
            Call("POST", "/v1/wallet/refund", keyed(self.refund), Scope.SPEND, "send a payment back; twice is once",
                 PaymentView, Refund, status=201, keyed=True, example={"id": "pay1..."}),
        ]  # fmt: skip

    async def preview(self, request: Request) -> Response:
        """Say what a payment would do; signs nothing and judges nothing."""
        order = await read_body(request, Pay)
        account, payee = self._wallet.own_account(order.payer), self._wallet.find(order.payee)
        amount = parse_amount(order.amount, self._wallet.community().decimals)
        handle = handle_of(self._node.ledger.commons, payee)
        balance, locked = self._wallet.balance(account), self._wallet.locked
        called, levy = self._names.called().get(payee), self._wallet.levy(account, payee, amount)
        return answer(preview_view(balance, handle, called, amount, levy, order.memo, locked=locked))

    async def pay(self, request: Request) -> Response:
        """Pay, and answer when the payment is in the state asked for; the same `ref` is the same payment."""
        order = await read_body(request, Pay)
        community = self._wallet.community()
        made = await self._wallet.pay(
            self._wallet.own_account(order.payer),
            self._wallet.find(order.payee),
            parse_amount(order.amount, community.decimals),
            note=order.memo,
            sealed=order.sealed,
            ref=one_ref(order.ref, key_in(request)),
            wait=order.wait,
            timeout_s=bounded(order.timeout_s),
            spender=spender_of(request),
        )
        return answer(payment_view(made, community), 201)

    async def receive(self, request: Request) -> Response:
        """Take in what is in flight."""
        body = await read_body(request, Receive)
        account = self._wallet.own_account(body.payee)
        taken = await self._wallet.receive(account, wait=body.wait, timeout_s=bounded(body.timeout_s))
        return answer(received_view(taken, self._wallet.community()))

    async def refund(self, request: Request) -> Response:
        """Send a payment back."""
        body = await read_body(request, Refund)
        made = await self._wallet.refund(
            body.id, wait=body.wait, timeout_s=bounded(body.timeout_s), spender=spender_of(request)
        )
        return answer(payment_view(made, self._wallet.community()), 201)


def one_ref(ref: str | None, header: str | None) -> str | None:
    """The name of a payment from body or header. Raises Failed when they differ."""
    if ref is not None and header is not None and ref != header:
        raise Failed(bad_request("ref and Idempotency-Key differ", "send one of them"))
    return ref if ref is not None else header


def bounded(timeout_s: float) -> float:
    """A time to wait of at most an hour. Raises Failed."""
    if not 0 <= timeout_s <= TIMEOUT_S_MAX:
        raise Failed(bad_request(f"timeout_s must be 0 to {TIMEOUT_S_MAX:.0f}"))
    return timeout_s
