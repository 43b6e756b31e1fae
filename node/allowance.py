"""How much of something a peer may have: so much a second, and what it saved up while it was quiet.

For what is counted and may be left undone; `transport.Pace` is for what happens or does not.
"""

from dataclasses import dataclass


@dataclass(slots=True)
class Allowance:
    """`per_s` a second, of which `burst` may be saved up. Times are seconds of a monotonic clock."""

    per_s: float
    burst: float
    _spent: float = 0.0
    _at: float = 0.0

    def left(self, now: float) -> float:
        """What may be had at this moment."""
        self._spent = max(0.0, self._spent - max(0.0, now - self._at) * self.per_s)
        self._at = now
        return self.burst - self._spent

    def take(self, now: float, count: float = 1.0) -> bool:
        """Have `count`; False, and nothing taken, when so much is not left."""
        if self.left(now) < count:
            return False
        self._spent += count
        return True
