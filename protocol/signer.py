"""The signer's caution, as a plain machine for one account: when may this wallet sign?

Before its first signature after a start, and whenever its lease has run out, it asks the witnesses. It is ready when at
least q of them granted the lease and nobody, its own node included, holds more of the account than its book does. Else
it is read-only and says why. So an old copy of a home, or a second copy of it, never signs a second body for one place.
May not read a clock or know a key. `now` is seconds on a clock that also runs while the machine sleeps.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

from .base import EntryId
from .lease import LEASE_S
from .messages import Head, Position

MARGIN_S = 5.0
"""The signer stops this much before its lease ends at the witnesses, so that what it signed can still arrive."""


class Reason(Enum):
    """Why a signer is read-only. `is_lasting` ones end only with a restart or a repair."""

    TOO_FEW = "too few witnesses answered"
    HELD = "another copy of this wallet signs for the account at present"
    BEHIND = "the node here does not hold all that this wallet has signed"
    NEWER = "the account has gone on elsewhere: this is an old copy, or another one has signed since"
    CONFLICT = "another entry stands at a place that this wallet has signed"

    @property
    def is_lasting(self) -> bool:
        return self in (Reason.NEWER, Reason.CONFLICT)


@dataclass(frozen=True, slots=True)
class Unchecked:
    """Nobody was asked since the start, or not since the lease ran out."""


@dataclass(frozen=True, slots=True)
class Asking:
    """The question is out since `since`."""

    since: float


@dataclass(frozen=True, slots=True)
class Ready:
    """May sign until `until`."""

    until: float


@dataclass(frozen=True, slots=True)
class ReadOnly:
    """May not sign, and why."""

    reason: Reason


SignerState = Unchecked | Asking | Ready | ReadOnly
IdAt = Callable[[int, int], EntryId | None]
"""(incarnation, seq) -> the id that this home knows at that place of the account, None if it knows none."""


class Signer:
    """The state of one account's signer. The shell asks when `must_ask` says so, and hands in what it heard."""

    def __init__(self) -> None:
        self.state: SignerState = Unchecked()

    def may_sign(self, now: float) -> bool:
        return isinstance(self.state, Ready) and now < self.state.until

    def must_ask(self, now: float) -> bool:
        """Tell whether asking the witnesses can make it ready. Not for a lasting reason, nor while it is ready."""
        if isinstance(self.state, ReadOnly):
            return not self.state.reason.is_lasting
        return not self.may_sign(now)

    def ask(self, now: float) -> None:
        """The question goes out now; the lease is counted from here, so it ends earlier here than at a witness."""
        self.state = Asking(now)

    def hear(
        self, answers: Sequence[Head], *, quorum: int, book: Position | None, held: Position | None, id_at: IdAt
    ) -> SignerState:
        """Judge the answers to the last question.

        `book` is the last entry that this wallet ever signed for the account, `held` the last one that its node holds.
        """
        since = self.state.since if isinstance(self.state, Asking) else float("-inf")
        heads = [answer.head for answer in answers] + [held]
        reasons = [reason for head in heads if (reason := contradiction(head, book, id_at)) is not None]
        if reasons:
            # A lasting reason weighs more than a passing one, whatever the order of the answers.
            self.state = ReadOnly(max(reasons, key=lambda reason: reason.is_lasting))
        elif sum(answer.granted for answer in answers) >= quorum:
            self.state = Ready(since + LEASE_S - MARGIN_S)
        else:
            self.state = ReadOnly(Reason.TOO_FEW if len(answers) < quorum else Reason.HELD)
        return self.state

    def stop(self, reason: Reason) -> None:
        """Something was met that forbids signing, such as a rival entry."""
        self.state = ReadOnly(reason)


def contradiction(head: Position | None, book: Position | None, id_at: IdAt) -> Reason | None:
    """Compare what somebody holds of the account with the book; None when the book knows all of it."""
    if head is None:
        return None
    place = head.incarnation, head.seq
    if book is None or place > (book.incarnation, book.seq):
        return Reason.NEWER
    known = book.id if place == (book.incarnation, book.seq) else id_at(*place)
    if known is None:
        return Reason.BEHIND
    return None if known == head.id else Reason.CONFLICT
