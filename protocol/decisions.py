"""What a witness decided, as a value: voted, denied, a mark is needed first, or stopped for good.

The shell of a witness acts on these: it writes what is fresh before it lets it out (`commit.Outbox`).
"""

from dataclasses import dataclass

from .bundles import NOTHING, Bundle
from .statements import Nack, Vote
from .verdict import Code


@dataclass(frozen=True, slots=True)
class Voted:
    """A vote or commit. When `fresh`, it and `beside` must be durable before it leaves."""

    vote: Vote
    fresh: bool
    beside: Bundle = NOTHING
    """For account 0: the candidate voted for, and the q votes on which the commit was made."""


@dataclass(frozen=True, slots=True)
class Denied:
    """No vote. Nothing is written for the nack, but it leaves after what it was judged by; `evidence` goes with it."""

    nack: Nack
    evidence: Bundle = NOTHING
    inner: Code | None = None
    """With Code.NEWEST: what is wrong at the newest height (FROZEN, SUSPENDED or LIMIT)."""


@dataclass(frozen=True, slots=True)
class NeedMark:
    """No number is open: the fence must have a mark up to `below` kept, then the same may be asked again."""

    below: int


@dataclass(frozen=True, slots=True)
class Stopped:
    """The key is dead for good: nothing may be signed with it, not even a nack."""

    reason: str


Decision = Voted | Denied | NeedMark | Stopped
