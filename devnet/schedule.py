"""Decides which rows of a replay may be under way together, so that what is refused follows from the file alone.

Pure. A row starts when every earlier row that touches its payer is final. So a payer's rows go one by one, in the
order of the file, and rows of different payers side by side. One thing more is needed: a *later* row may not bring
money early to a payer whose row is to be refused. Plain sums tell beforehand which rows those are (`foresee`), and
what pays such a payer waits for the refusal. Extra money never turns an acceptance into a refusal, so no other row
has to wait. The sums only order the work; it is the rules on the real path that accept and refuse.
"""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

from protocol.base import AMOUNT_MAX


@dataclass(frozen=True, slots=True)
class Step:
    """One payment to make: accounts by any number, `amount` in minor units."""

    payer: int
    payee: int
    amount: int


def foresee(steps: Sequence[Step], limit: int) -> list[bool]:
    """Tell for each step in order whether plain sums allow it: limits are all `limit`, balances begin at 0."""
    balances: dict[int, int] = {}
    allowed = []
    for step in steps:
        left = balances.get(step.payer, 0) - step.amount
        fine = step.payer != step.payee and 1 <= step.amount <= AMOUNT_MAX and left >= -limit
        if fine:
            balances[step.payer] = left
            balances[step.payee] = balances.get(step.payee, 0) + step.amount
        allowed.append(fine)
    return allowed


def plain_sums(steps: Sequence[Step], paid: Sequence[bool]) -> dict[int, int]:
    """Add up the paid steps: account -> balance in minor units, everybody named in any step included."""
    balances = {account: 0 for step in steps for account in (step.payer, step.payee)}
    for step, was_paid in zip(steps, paid, strict=True):
        if was_paid:
            balances[step.payer] -= step.amount
            balances[step.payee] += step.amount
    return balances


def _waits(steps: Sequence[Step], allowed: Sequence[bool]) -> list[list[int]]:
    """List for each step the earlier ones it waits for; what those wait for in turn is left out."""
    touched: dict[int, list[int]] = {}
    """Account -> its newest step as payer, and all that paid it since."""
    guard: dict[int, int] = {}
    """Account -> its newest step that will be refused."""
    waits = []
    for index, step in enumerate(steps):
        needed = list(touched.get(step.payer, ()))
        if step.payee in guard:
            needed.append(guard[step.payee])
        waits.append(needed)
        touched[step.payer] = [index]
        if step.payee != step.payer:
            touched.setdefault(step.payee, []).append(index)
        if not allowed[index]:
            guard[step.payer] = index
    return waits


class Schedule:
    """Hands out the steps that may start. Those with the longest chain behind them go first: they set the pace."""

    def __init__(self, steps: Sequence[Step], limit: int) -> None:
        waits = _waits(steps, foresee(steps, limit))
        self._open = [len(needed) for needed in waits]
        self._next: list[list[int]] = [[] for _ in steps]
        for index, needed in enumerate(waits):
            for earlier in needed:
                self._next[earlier].append(index)
        self._depth = self._depths()
        self._ready = [(-self._depth[index], index) for index, count in enumerate(self._open) if not count]
        heapq.heapify(self._ready)
        self.left = len(steps)
        """Steps that are not done yet, under way or not."""

    def _depths(self) -> list[int]:
        depth = [0] * len(self._next)
        for index in range(len(self._next) - 1, -1, -1):
            depth[index] = 1 + max((depth[later] for later in self._next[index]), default=0)
        return depth

    @property
    def longest(self) -> int:
        """Steps in the longest chain: no replay has fewer rounds, however many rows are under way."""
        return max(self._depth, default=0)

    def take(self) -> int | None:
        """Return the index of a step that may start now, or None until another is done."""
        return heapq.heappop(self._ready)[1] if self._ready else None

    def done(self, index: int) -> None:
        """Note that a step that was taken is final or refused, and durably so."""
        self.left -= 1
        for later in self._next[index]:
            self._open[later] -= 1
            if not self._open[later]:
                heapq.heappush(self._ready, (-self._depth[later], later))
