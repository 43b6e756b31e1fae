"""What other commands may have a running devnet do, by its control socket: one function an order, and their table."""

from collections.abc import Awaitable, Callable
from typing import Any

import trio

from node.amounts import format_amount

from .board import Board
from .community import Community
from .double_spend import double_spend
from .faults import read_names
from .pipe import ChildRefused, Fields
from .traffic import Traffic

SPARE_S = 15.0
"""How long a payment of the traffic may still be under way before a double spend."""
LOOK_S = 0.1


class Orders:
    """Carries out the orders of one devnet. `stop` ends it."""

    def __init__(self, community: Community, board: Board, traffic: Traffic, stop: Callable[[], None]) -> None:
        self._community = community
        self._board = board
        self._traffic = traffic
        self._stop = stop
        self._table: dict[str, Callable[[Fields], Awaitable[dict[str, Any]]]] = {
            "status": self._status,
            "down": self._down,
            "kill": self._kill,
            "start": self._start,
            "partition": self._partition,
            "heal": self._heal,
            "double-spend": self._double_spend,
        }

    async def carry_out(self, fields: Fields) -> dict[str, Any]:
        """Carry out one order. Raises ChildRefused, also for an order that nobody knows."""
        order = self._table.get(str(fields.get("do")))
        if order is None:
            raise ChildRefused("usage", f"a devnet cannot {fields.get('do')!r}", {})
        return await order(fields)

    async def _status(self, _: Fields) -> dict[str, Any]:
        states = await self._community.ask_all("status")
        members = [
            {**line, **self._standing(line["handle"]), **states.get(line["handle"], {})}
            for line in self._community.listing()
        ]
        total = format_amount(self._board.total, self._board.decimals)
        return {
            "running": True, "home": str(self._community.home.root), "unit": self._board.unit, "members": members,
            "payments": self._board.paid, "refused": self._board.refused, "sum": total, "news": self._board.words,
        }  # fmt: skip

    def _standing(self, handle: str) -> dict[str, str]:
        standing = self._board.members[handle]
        decimals = self._board.decimals
        return {"balance": format_amount(standing.balance, decimals), "limit": format_amount(standing.limit, decimals)}

    async def _down(self, _: Fields) -> dict[str, Any]:
        self._stop()
        return {}

    async def _kill(self, fields: Fields) -> dict[str, Any]:
        await self._community.kill(fields["name"])
        return {}

    async def _start(self, fields: Fields) -> dict[str, Any]:
        await self._community.start(fields["name"])
        return {}

    async def _partition(self, fields: Fields) -> dict[str, Any]:
        island = read_names(fields["names"])
        if not island or set(island) >= set(self._community.members):
            raise ChildRefused("usage", "name some members, but not all, as in: partition ana,bob", {})
        await self._community.partition(island)
        return {"members": island}

    async def _heal(self, _: Fields) -> dict[str, Any]:
        await self._community.partition([])
        return {}

    async def _double_spend(self, fields: Fields) -> dict[str, Any]:
        """Have traffic leave the member alone first, and for good when the account ends in conflict."""
        name = self._community.member(fields["name"]).person.handle
        self._traffic.spare(name)
        with trio.move_on_after(SPARE_S):
            while self._traffic.is_paying(name):
                await trio.sleep(LOOK_S)
        found = await double_spend(self._community, name, self._board.decimals, self._board.unit)
        if found["state"] != "conflict":
            self._traffic.resume(name)
        return found
