"""What became of an entry, as a value: accepted, duplicate, waiting, refused or fork. Malformed bytes raise instead.

The codes are in order of precedence: the first that applies is the one given (PROTOCOL-RULES 15).
"""

from dataclasses import dataclass
from enum import Enum, IntEnum

from .base import AccountId
from .statements import ForkProof


class Code(IntEnum):
    """Why an entry was refused, or a witness gave no vote. Gaps are for what later charter versions bring."""

    TOO_BIG = 1
    VERSION = 2
    ACCOUNT_UNKNOWN = 4
    PLACE = 6
    HEIGHT_FELL = 7
    SIGNATURE = 8
    OP_UNKNOWN = 9
    OP_SHAPE = 10
    PAYEE_UNKNOWN = 11
    LEAST_SEND = 12
    WATERMARK = 14
    TOTAL = 15
    NOTHING_THERE = 16
    PROOF = 17
    SEALS = 18
    OVERFLOW = 19
    FROZEN = 20
    SUSPENDED = 21
    LIMIT = 22
    CEILING = 23
    LEVY = 24
    # A nack may also say:
    RETIRED = 30
    EPOCH_CLOSED = 31
    SEALED = 32
    CONFLICT = 33
    BEHIND = 34
    FLOOR = 35
    NEWEST = 36
    LOCKED = 37
    BACKLOG = 38
    BUDGET = 39
    # Account 0 only, in the place of OP_SHAPE:
    NOT_ATOMIC = 50
    NUMBER = 51
    HANDLE = 52
    ACCEPTANCE = 53
    NOT_FROZEN = 54
    NO_HOLD = 55

    @property
    def word(self) -> str:
        """The code as people, the API and the vectors write it: `payee_unknown`."""
        return self.name.lower()


class Need(Enum):
    """What a waiting entry waits for."""

    HEIGHT = "height"
    """Account 0 decided up to seq `seq`."""
    PREV = "prev"
    """The entry at `seq` of the same chain."""
    REFERENCE = "reference"
    """`account` final up to `seq` in `incarnation`."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """Valid and new."""


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Held already; nothing to do."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Neither valid nor invalid yet: something it stands on is not here."""

    need: Need
    account: AccountId
    incarnation: int
    seq: int


@dataclass(frozen=True, slots=True)
class Refused:
    """Breaks a rule, whatever else arrives later. `facts` says in words by how much or where."""

    code: Code
    facts: str


@dataclass(frozen=True, slots=True)
class Fork:
    """Another entry, signed as validly, is held for its place."""

    proof: ForkProof


Verdict = Accepted | Duplicate | Waiting | Refused | Fork
