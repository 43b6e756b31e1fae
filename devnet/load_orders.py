"""What the bench asks of the payer's home, by the control pipe: payments one after the other, or many at once.

Runs in the child, so that what is timed is the call of the wallet and not the way to it. Amounts are in minor units.
"""

import time
from collections.abc import Sequence

import trio

from protocol.base import AccountId
from wallet.results import Wait
from wallet.up import Up

from .pipe import Fields

FINAL_S = 60.0


class LoadOrders:
    """The orders of the bench."""

    def __init__(self, up: Up) -> None:
        self._wallet = up.wallet

    async def one_by_one(self, fields: Fields) -> Fields:
        """Pay `count` times, each when the one before is final; answers the milliseconds of each."""
        spent_ms = []
        for number in range(fields["count"]):
            payer = fields["payers"][number % len(fields["payers"])]
            began = time.perf_counter()
            await self._pay(payer, fields["payee"], "final")
            spent_ms.append(1_000 * (time.perf_counter() - began))
        return {"ms": spent_ms}

    async def at_once(self, fields: Fields) -> Fields:
        """Keep `width` payments outstanding, spread over the payers, until `count` are final; answers the seconds."""
        payers: Sequence[str] = fields["payers"]
        numbers = iter(range(fields["count"]))

        async def keep_paying() -> None:
            for number in numbers:
                await self._pay(payers[number % len(payers)], fields["payee"], "final")

        began = time.perf_counter()
        async with trio.open_nursery() as nursery:
            for _ in range(fields["width"]):
                nursery.start_soon(keep_paying)
        return {"s": time.perf_counter() - began}

    async def _pay(self, payer: str, payee: int, wait: Wait) -> None:
        await self._wallet.pay(self._wallet.own_account(payer), AccountId(payee), 1, wait=wait, timeout_s=FINAL_S)
