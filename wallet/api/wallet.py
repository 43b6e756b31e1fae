"""What a person's programs may ask the wallet over HTTP: the command `tally`, the page, scripts.

Served beside the node's routes by the same guarded server. Nobody else signs: all who want to pay ask here. Amounts are
decimal strings, handles are bare, states are recorded, final and seen. A failure keeps the code of `wallet.errors`.
"""

import os
from typing import Literal

import msgspec
import trio
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from node.amounts import format_amount
from node.api import ServedNode, number_in
from node.tickets import DoorClosed
from node.verify import check_books
from node.views import handle_of
from node.web.application import FailureHandlers, answer, read_body
from node.web.problem import Failed, Problem, bad_request
from node.web.settled import Handler, once_durable
from protocol.base import AccountId

from ..client import STATUS_BY_EXIT
from ..errors import StoreFailed, WalletError
from ..money import parse_amount
from ..service import Wallet
from ..views import (
    Json,
    balance_view,
    error_facts,
    member_view,
    payment_view,
    preview_view,
    received_view,
    report_view,
    row_view,
)

ACCOUNTS_SHOWN = 10
RECENT_ROWS = 10
HISTORY_ROWS_MAX = 10_000
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


class Unlock(msgspec.Struct, forbid_unknown_fields=True):
    """The body of an unlock."""

    passphrase: str | None = None

    def __repr__(self) -> str:
        return "Unlock(...)"


class Verify(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a check of the books."""

    full: bool = False


class WalletApi:
    """The handlers. One method a route. `stop` ends the whole process politely."""

    def __init__(self, wallet: Wallet, node: ServedNode, stop: trio.Event) -> None:
        self._wallet = wallet
        self._node = node
        self._stop = stop

    def routes(self) -> list[BaseRoute]:
        """The table of addresses."""
        reads = (
            ("summary", self.summary), ("status", self.status), ("balance", self.balance),
            ("history", self.history), ("members", self.members), ("payments/{id}", self.payment),
        )  # fmt: skip
        acts = (
            ("preview", self._settled(self.preview)), ("pay", self.pay), ("receive", self.receive),
            ("refund", self.refund), ("unlock", self.unlock), ("lock", self.lock), ("verify", self.verify),
            ("down", self.down),
        )  # fmt: skip
        table = [(path, self._settled(read), "GET") for path, read in reads]
        table += [(path, act, "POST") for path, act in acts]
        return [Route(f"/v1/wallet/{path}", handler, methods=[method]) for path, handler, method in table]

    def _settled(self, read: Handler) -> Handler:
        return once_durable(self._node.bookkeeper, read, _unsettled)

    def failures(self) -> FailureHandlers:
        """How the wallet's errors are told."""
        return {WalletError: self._problem}

    def _problem(self, error: Exception) -> Problem:
        assert isinstance(error, WalletError)
        facts = error_facts(error, self._node.ledger.commons.decimals)
        return Problem(STATUS_BY_EXIT[error.exit_status], error.code, error.message, error.next, facts)

    # Looking

    async def summary(self, _: Request) -> Response:
        """All of one screen."""
        accounts = self._wallet.accounts()
        balances = [balance_view(self._wallet.balance(account)) for account in accounts[:ACCOUNTS_SHOWN]]
        recent = self._history(accounts[0], RECENT_ROWS) if accounts else {"rows": []}
        return answer({**self._status(), "accounts": balances, "recent": recent})

    async def status(self, _: Request) -> Response:
        """How node and wallet are."""
        return answer(self._status())

    def _status(self) -> Json:
        community, node = self._wallet.community(), self._node
        total = node.ledger.check_sum()
        unbalanced = ["the balances do not sum to zero: run tally verify --full"] if total else []
        return {
            "community": community.id,
            "name": community.name,
            "unit": community.unit,
            "decimals": community.decimals,
            "members": community.members,
            "witnesses": community.witnesses,
            "quorum": community.quorum,
            "pid": os.getpid(),
            "peer_id": node.peer_id,
            "peers": node.connected(),
            "witness": node.is_witness,
            "locked": self._wallet.locked,
            "entries": node.journal.counts()["entries"],
            "sum": format_amount(total, community.decimals),
            "problems": [*node.problems(), *self._wallet.problems(), *unbalanced],
        }

    async def balance(self, request: Request) -> Response:
        """Where one account stands."""
        return answer(balance_view(self._wallet.balance(self._own(request))))

    async def history(self, request: Request) -> Response:
        """The payments of one account, newest first."""
        return answer(self._history(self._own(request), min(number_in(request, "limit", 50), HISTORY_ROWS_MAX)))

    def _history(self, account: AccountId, limit: int) -> Json:
        community = self._wallet.community()
        rows = [row_view(row, community.decimals) for row in self._wallet.history(account, limit)]
        return {"account": account, "unit": community.unit, "rows": rows}

    async def members(self, _: Request) -> Response:
        """Everybody, with balance and limit."""
        community = self._wallet.community()
        listed = [member_view(member, community.decimals) for member in self._wallet.members()]
        return answer({"unit": community.unit, "members": listed})

    async def payment(self, request: Request) -> Response:
        """One payment."""
        return answer(payment_view(self._wallet.show(request.path_params["id"]), self._wallet.community()))

    def _own(self, request: Request) -> AccountId:
        return self._wallet.own_account(request.query_params.get("as"))

    # Paying

    async def preview(self, request: Request) -> Response:
        """Say what a payment would do; signs nothing and judges nothing."""
        order = await read_body(request, Pay)
        account, payee = self._wallet.own_account(order.payer), self._wallet.find(order.payee)
        amount = parse_amount(order.amount, self._wallet.community().decimals)
        handle = handle_of(self._node.ledger.commons, payee)
        balance, locked = self._wallet.balance(account), self._wallet.locked
        return answer(preview_view(balance, handle, amount, order.memo, locked=locked))

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
            ref=one_ref(order.ref, request.headers.get("idempotency-key")),
            wait=order.wait,
            timeout_s=bounded(order.timeout_s),
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
        made = await self._wallet.refund(body.id, wait=body.wait, timeout_s=bounded(body.timeout_s))
        return answer(payment_view(made, self._wallet.community()), 201)

    # Keys and the rest

    async def unlock(self, request: Request) -> Response:
        """Open the keystore."""
        await self._wallet.unlock((await read_body(request, Unlock)).passphrase)
        return answer({"locked": self._wallet.locked})

    async def lock(self, _: Request) -> Response:
        """Forget the keys."""
        self._wallet.lock()
        return answer({"locked": self._wallet.locked})

    async def verify(self, request: Request) -> Response:
        """Check the books."""
        journal, ledger = self._node.journal, self._node.ledger
        full = (await read_body(request, Verify)).full
        found = await check_books(journal, ledger, full=full)
        return answer(report_view(found, self._wallet.community()))

    async def down(self, _: Request) -> Response:
        """End the process, after this answer has left."""
        response = answer({"stopping": True, "pid": os.getpid()}, 202)
        response.background = BackgroundTask(self._end)
        return response

    async def _end(self) -> None:
        self._stop.set()


def _unsettled(error: DoorClosed) -> StoreFailed:
    next = "Ask again; if it stays so, mend the disk, then restart with `tally up`."
    return StoreFailed(f"What would be shown is not on disk: {error}.", next=next)


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
