"""Chooses who pays whom, what for and how much, so that a devnet lives.

Pure, from a seed: the shell waits the gaps and makes the payments. It respects what comes back: a member who was
refused rests for a while, one whose account is in conflict is left alone for good.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from .plan import Person

Pace = Literal["calm", "busy", "off"]

GAPS_S: Mapping[Pace, float] = {"calm": 1.0, "busy": 0.08}
"""Mean time between two payments of the whole community."""
UNDER_WAY_MAX = 16
"""Payments that traffic has under way at once; when all are, the next one waits."""
REST_S = 15.0
"""How long a member who was refused, or could not be reached, leaves it be."""
STEP = 25
"""Amounts are whole quarters of an hour, in minor units of an hour, where the trade allows."""


@dataclass(frozen=True, slots=True)
class Intent:
    """A payment that somebody is about to make; `amount` in minor units."""

    payer: str
    payee: str
    amount: int
    memo: str


class Traffic:
    """Who may pay now, and what comes next. Time is the caller's monotonic clock, in seconds."""

    def __init__(self, people: Sequence[Person], pace: Pace, seed: int) -> None:
        self._people = people
        self._pace = pace
        self._chance = random.Random(seed)
        self._resting: dict[str, float] = {}
        """Handle -> the time it may pay again."""
        self._paying: set[str] = set()
        self.left_alone: set[str] = set()
        """Handles whose accounts are in conflict, or that somebody asked to spare."""

    def gap_s(self) -> float:
        """Draw the time until the next payment; never comes when traffic is off."""
        mean = GAPS_S.get(self._pace)
        return float("inf") if mean is None else min(self._chance.expovariate(1 / mean), 4 * mean)

    def next(self, balances: Mapping[str, int], now: float) -> Intent | None:
        """Choose a payment; None when nobody can pay. `balances` are of the members that run, in minor units.

        Who has more pays more often, so that the hours go round.
        """
        payers = [person.handle for person in self._people if self._may_pay(person.handle, balances, now)]
        if not payers or len(balances) < 2:
            return None
        poorest = min(balances.values())
        weights = [balances[handle] - poorest + 200 for handle in payers]
        payer = self._chance.choices(payers, weights)[0]
        others = [person for person in self._people if person.handle != payer and person.handle in balances]
        payee = self._chance.choice(others)
        self._paying.add(payer)
        return Intent(payer, payee.handle, self._price(payee), payee.trade.memo)

    def _may_pay(self, handle: str, balances: Mapping[str, int], now: float) -> bool:
        busy = handle in self._paying or handle in self.left_alone
        return handle in balances and not busy and self._resting.get(handle, now) <= now

    def _price(self, payee: Person) -> int:
        amount = self._chance.randint(payee.trade.least, payee.trade.most)
        return max(amount // STEP * STEP, payee.trade.least)

    def paid(self, payer: str) -> None:
        """Note that a payment went through."""
        self._paying.discard(payer)

    def is_paying(self, handle: str) -> bool:
        """Tell whether a payment of this member is under way."""
        return handle in self._paying

    def spare(self, handle: str) -> None:
        """Leave a member alone until `resume`."""
        self.left_alone.add(handle)

    def resume(self, handle: str) -> None:
        """Let a member pay again."""
        self.left_alone.discard(handle)

    def failed(self, payer: str, code: str, now: float) -> None:
        """Note that a payment was refused, or did not get through in time."""
        self._paying.discard(payer)
        self._resting[payer] = now + REST_S
        if code == "conflict":
            self.left_alone.add(payer)
