"""What is looked at over HTTP: summary, status, balances, histories, members, single payments."""

import os

from starlette.requests import Request
from starlette.responses import Response

from node.amounts import format_amount
from node.api import ServedNode
from node.views import handle_of
from node.web.application import answer
from node.web.calls import AS, Call, limit_in, number_in, paged
from node.web.scopes import Scope
from protocol.base import AccountId

from ..people.people import Names
from ..service import Wallet
from .durable import once_shown
from .shapes import BalanceView, HistoryView, MembersView, PaymentView, RecentView, SummaryView, WalletStatusView
from .views import balance_view, member_view, payment_view, row_view

ACCOUNTS_SHOWN = 10
RECENT_ROWS = 10
HISTORY_ROWS_MAX = 10_000
MEMBERS_MAX = 10_000


class Showing:
    """The handlers. One method a call; none of them changes anything."""

    def __init__(self, wallet: Wallet, node: ServedNode, names: Names) -> None:
        self._wallet, self._node, self._names = wallet, node, names

    def routes(self) -> list[Call]:
        """The table of addresses."""
        shown, read = once_shown(self._node), Scope.READ
        return [
            Call("GET", "/v1/wallet/summary", shown(self.summary), read, "all of the first screen", SummaryView),
            Call("GET", "/v1/wallet/status", shown(self.status), read, "how node and wallet are", WalletStatusView),
            Call("GET", "/v1/wallet/balance", shown(self.balance), read, "where an account stands", BalanceView,
                 query=(AS,)),
            Call("GET", "/v1/wallet/history", shown(self.history), read, "the payments of an account, newest first",
                 HistoryView, query=(AS, *paged(HISTORY_ROWS_MAX))),
            Call("GET", "/v1/wallet/members", shown(self.members), read, "everybody, by number", MembersView,
                 query=paged(MEMBERS_MAX)),
            Call("GET", "/v1/wallet/payments/{id}", shown(self.payment), read, "one payment by its id", PaymentView),
        ]  # fmt: skip

    async def summary(self, _: Request) -> Response:
        """All of one screen."""
        accounts = self._wallet.accounts()
        recent: RecentView = {"rows": []}
        if accounts:
            recent = {**self._history(accounts[0], RECENT_ROWS)}
        view: SummaryView = {
            **self._status(),
            "accounts": [balance_view(self._wallet.balance(account)) for account in accounts[:ACCOUNTS_SHOWN]],
            "recent": recent,
        }
        return answer(view)

    async def status(self, _: Request) -> Response:
        """How node and wallet are."""
        return answer(self._status())

    def _status(self) -> WalletStatusView:
        community, node = self._wallet.community(), self._node
        first = self._wallet.own_account(None)
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
            "peers": list(node.connected()),
            "witness": node.is_witness,
            "locked": self._wallet.locked,
            "handle": handle_of(node.ledger.commons, first),
            "standing": "admitted" if node.ledger.chain(first) is None else "open",
            "entries": node.journal.counts()["entries"],
            "sum": format_amount(total, community.decimals),
            "problems": [*node.problems(), *self._wallet.problems(), *unbalanced],
        }

    async def balance(self, request: Request) -> Response:
        """Where one account stands."""
        return answer(balance_view(self._wallet.balance(self._own(request))))

    async def history(self, request: Request) -> Response:
        """The payments of one account, newest first."""
        limit, after = limit_in(request, 50, HISTORY_ROWS_MAX), request.query_params.get("after")
        return answer(self._history(self._own(request), limit, after))

    def _history(self, account: AccountId, limit: int, after: str | None = None) -> HistoryView:
        community, page = self._wallet.community(), self._wallet.history(account, limit, after)
        called = self._names.called()
        rows = [row_view(row, called.get(row.other.account), community.decimals) for row in page.rows]
        return {"account": account, "unit": community.unit, "rows": rows, "next": page.next}

    async def members(self, request: Request) -> Response:
        """Everybody above `after`, with balance and limit."""
        after, limit = number_in(request, "after", 0), limit_in(request, MEMBERS_MAX, MEMBERS_MAX)
        community = self._wallet.community()
        listed = [member for member in self._wallet.members() if member.account > after]
        called = self._names.called()
        page = [member_view(member, called.get(member.account), community.decimals) for member in listed[:limit]]
        next = page[-1]["account"] if len(listed) > limit else None
        view: MembersView = {"unit": community.unit, "members": page, "next": next}
        return answer(view)

    async def payment(self, request: Request) -> Response:
        """One payment."""
        return answer(payment_view(self._wallet.show(request.path_params["id"]), self._wallet.community()))

    def _own(self, request: Request) -> AccountId:
        return self._wallet.own_account(request.query_params.get("as"))
