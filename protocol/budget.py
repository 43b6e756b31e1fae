"""How many votes a member may draw from a witness: a token bucket for each account. It only delays, never decides.

The time comes in from outside, in seconds of a monotonic clock: no rule of the protocol reads a clock.
"""

from .base import AccountId


class Budget:
    """`per_minute` votes for each account, of which `burst` may be saved up. 0 a minute: no budget at all."""

    def __init__(self, per_minute: int = 0, burst: int = 60) -> None:
        if per_minute < 0 or burst < 1:
            raise ValueError(f"a budget of {per_minute} a minute with a burst of {burst}")
        self._per_s = per_minute / 60
        self._burst = burst
        self._buckets: dict[AccountId, tuple[float, float]] = {}

    def _tokens(self, account: AccountId, now: float) -> float:
        tokens, since = self._buckets.get(account, (float(self._burst), now))
        return min(float(self._burst), tokens + (now - since) * self._per_s)

    def has(self, account: AccountId, now: float) -> bool:
        """Tell whether `account` may have a new vote at `now`."""
        return self._per_s == 0 or self._tokens(account, now) >= 1

    def spend(self, account: AccountId, now: float) -> None:
        """Count one new vote for `account`."""
        if self._per_s:
            self._buckets[account] = (self._tokens(account, now) - 1, now)
