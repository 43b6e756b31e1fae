"""The check of many orders at once: each judged by itself, none of them paid."""

from dataclasses import dataclass, field
from typing import Any

import pytest
import trio

from node.standing import Standing
from node.web.application import Guarded, application
from node.web.guard import Guard
from protocol.base import AccountId
from tests.node.asgi import PORT, TOKEN, post
from tests.wallet.test_wallet_api import ANA, BOB, PAID, StillNode, ToldWallet
from wallet import errors
from wallet.api.batch import Batches
from wallet.orders import Order
from wallet.results import Payment


@dataclass
class CheckingWallet(ToldWallet):
    """Knows one payment by its ref."""

    asked: list[Order] = field(default_factory=list)

    def handle_of(self, account: AccountId) -> str:
        return {ANA: "ana", BOB: "bob"}[account]

    def repeated(self, account: AccountId, order: Order) -> Payment | None:
        self.asked.append(order)
        if order.ref == "used":
            raise errors.RefReused("This ref was used for another payment.")
        return PAID if order.ref == "order-17" else None


@pytest.fixture
def wallet() -> CheckingWallet:
    return CheckingWallet()


@pytest.fixture
def app(wallet: CheckingWallet) -> Guarded:
    rooms = Batches(wallet, StillNode())  # type: ignore[arg-type]  # they stand for the real ones
    return Guarded(application(rooms.routes(), {}), Guard(PORT, TOKEN))


async def test_each_order_is_judged_by_itself_and_none_is_paid(app: Guarded, wallet: CheckingWallet) -> None:
    orders = [
        {"payee": "@bob", "amount": "2.5", "memo": "bread", "ref": "new"},
        {"payee": "@bob", "amount": "2.50", "ref": "order-17"},
        {"payee": "@eve", "amount": "1"},
        {"payee": "@bob", "amount": "1.001"},
        {"payee": "@bob", "amount": "1", "ref": "used"},
    ]
    got = (await post(app, "/v1/wallet/batch", {"orders": orders})).json
    assert [(one["payee"], one["amount"], one["paid"] and one["paid"]["id"]) for one in got["orders"]] == [
        ("bob", "2.50", None), ("bob", "2.50", "pay1abc"), ("@eve", None, None), ("@bob", None, None),
        ("@bob", None, None),
    ]  # fmt: skip
    assert [one["levy"] for one in got["orders"]] == ["0.05", None, None, None, None]
    refused = [one["refused"] and one["refused"]["code"] for one in got["orders"]]
    assert refused == [None, None, "payee_unknown", "bad_amount", "ref_reused"]
    assert (got["locked"], got["balance"]["spendable"]) == (True, "16.50")
    assert wallet.told == [("balance", ANA)] and wallet.asked[0] == Order(BOB, 250, "bread", False, "new")
    assert PAID.state is Standing.FINAL


WRONG: list[Any] = [
    {}, {"orders": [{"payee": "@bob"}]}, {"orders": [{"payee": "@bob", "amount": 1}]}, {"orders": "x"},
    {"orders": [{"payee": "@bob", "amount": "1", "extra": 1}]}, {"orders": [], "all": True},
    {"orders": [{"payee": "@bob", "amount": "1"}] * 201},
]  # fmt: skip


@pytest.mark.parametrize("body", WRONG)
async def test_a_wrong_body_is_refused_and_nothing_is_judged(
    app: Guarded, wallet: CheckingWallet, body: dict[str, Any]
) -> None:
    with trio.fail_after(5):
        got = await post(app, "/v1/wallet/batch", body)
    assert (got.status, got.json["code"], wallet.asked) == (400, "bad_request", [])
