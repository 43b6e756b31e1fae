"""Checks many orders at once over HTTP, before any of them is paid: `tally batch` asks here, page by page."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from node.api import ServedNode
from node.web.application import answer
from node.web.calls import Call, read_body
from node.web.problem import Failed, bad_request
from node.web.scopes import Scope
from protocol.base import COMMONS, AccountId

from ..errors import LeastSend, WalletError
from ..money import parse_amount
from ..orders import Order
from ..service import Wallet
from .durable import once_shown
from .shapes import CheckedView, ChecksView
from .views import balance_view, checked_view

ORDERS_MAX = 200


class Line(msgspec.Struct, forbid_unknown_fields=True):
    """One payment of a batch."""

    payee: str
    amount: str
    memo: str | None = None
    ref: str | None = None


class Batch(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a check."""

    orders: list[Line]
    payer: str | None = msgspec.field(default=None, name="as")


class Batches:
    """The handler of checks."""

    def __init__(self, wallet: Wallet, node: ServedNode) -> None:
        self._wallet, self._node = wallet, node

    def routes(self) -> list[Call]:
        """The table of addresses."""
        shown, example = once_shown(self._node), {"orders": [{"payee": "@bob", "amount": "2.50", "ref": "may-1"}]}
        return [
            Call("POST", "/v1/wallet/batch", shown(self.check), Scope.REQUEST,
                 "what is wrong with any of up to 200 payments; pays nothing", ChecksView, Batch, example=example),
        ]  # fmt: skip

    async def check(self, request: Request) -> Response:
        """Judge each order by itself; whether the balance is enough for all of them is for the caller to add up."""
        body = await read_body(request, Batch)
        if len(body.orders) > ORDERS_MAX:
            raise Failed(bad_request(f"at most {ORDERS_MAX} orders are checked at once"))
        account = self._wallet.own_account(body.payer)
        view: ChecksView = {
            "balance": balance_view(self._wallet.balance(account)),
            "locked": self._wallet.locked,
            "orders": [self._checked(account, line) for line in body.orders],
        }
        return answer(view)

    def _checked(self, account: AccountId, line: Line) -> CheckedView:
        community = self._wallet.community()
        try:
            payee = self._wallet.find(line.payee)
            amount = parse_amount(line.amount, community.decimals)
            made = self._wallet.repeated(account, Order(payee, amount, line.memo, ref=line.ref))
            if made is None:
                self._check_least(payee, amount)
        except WalletError as error:
            return checked_view(line.payee, None, None, None, error, community)
        levy = self._wallet.levy(account, payee, amount) if made is None else None
        return checked_view(self._wallet.handle_of(payee), amount, levy, made, None, community)

    def _check_least(self, payee: AccountId, amount: int) -> None:
        least = self._node.ledger.commons.charter().least_send
        if payee != COMMONS and amount < least:
            raise LeastSend("That is less than the charter allows.", {"amount": amount, "least_send": least})
