"""Lets a devnet live: makes the payments that `traffic` chooses, and looks at the balances once a second.

The only clock of the devnet is here. Each payment goes through the wallet of its payer's node, by the control pipe.
"""

from collections.abc import Callable

import trio

from node.amounts import format_amount

from .board import Event
from .community import Community
from .pipe import ChildRefused, PipeClosed
from .plan import Plan
from .traffic import UNDER_WAY_MAX, Intent, Traffic

PAY_S = 15.0
"""How long a payment of the traffic may take; then its payer rests."""
LOOK_S = 1.0
DELAYS = frozenset({"timeout", "busy", "backlog", "unreachable", "witnesses_unreachable", "read_only"})
"""Codes that are no refusal by the rules: the payment goes on by itself, or may be tried again."""


class Living:
    """The life of one devnet. `tell` hears every payment and every look at the balances."""

    def __init__(self, community: Community, traffic: Traffic, plan: Plan, tell: Callable[[Event], None]) -> None:
        self._community = community
        self._traffic = traffic
        self._plan = plan
        self._tell = tell
        self._balances: dict[str, int] = {}
        self._places = trio.CapacityLimiter(UNDER_WAY_MAX)

    async def look(self) -> None:
        """Tell the balances, as the first running node sees them, once a second for ever."""
        while True:
            for handle in self._community.running()[:1]:
                try:
                    answer = await self._community.ask(handle, "balances")
                except (PipeClosed, ChildRefused):
                    continue
                self._balances = answer["balances"]
                self._tell({"event": "balances", **answer})
            await trio.sleep(LOOK_S)

    async def trade(self) -> None:
        """Make payments at the pace of the traffic, for ever."""
        async with trio.open_nursery() as nursery:
            while True:
                await trio.sleep(self._traffic.gap_s())
                running = {handle: self._balances.get(handle, 0) for handle in self._community.running()}
                intent = self._traffic.next(running, trio.current_time())
                if intent is not None:
                    await self._places.acquire_on_behalf_of(intent)
                    nursery.start_soon(self._make, intent)

    async def _make(self, intent: Intent) -> None:
        try:
            await self._pay(intent)
        finally:
            self._places.release_on_behalf_of(intent)

    async def _pay(self, intent: Intent) -> None:
        start = trio.current_time()
        try:
            made = await self._community.ask(
                intent.payer, "pay", payee=intent.payee, amount=intent.amount, memo=intent.memo, wait="seen",
                timeout_s=PAY_S,
            )  # fmt: skip
        except PipeClosed:
            self._traffic.failed(intent.payer, "gone", trio.current_time())
        except ChildRefused as refusal:
            self._traffic.failed(intent.payer, refusal.code, trio.current_time())
            event = "delayed" if refusal.code in DELAYS else "refused"
            self._tell({"event": event, **self._said(intent), "code": refusal.code, "message": refusal.message})
        else:
            self._traffic.paid(intent.payer)
            outcome = {"id": made["id"], "state": made["state"], "ms": round(1000 * (trio.current_time() - start))}
            self._tell({"event": "payment", **self._said(intent), **outcome})

    def _said(self, intent: Intent) -> Event:
        amount = format_amount(intent.amount, self._plan.decimals)
        return {"payer": intent.payer, "payee": intent.payee, "amount": amount, "memo": intent.memo}
