"""The plan of a devnet: who its members are, who of them are witnesses, what they trade. Frozen, from a seed.

Pure: the same numbers give the same people and the same traffic. Their keys are random, as everybody's are; places on
disk and ports are settled by whoever carries the plan out.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from protocol.base import KEYS_MAX

NAMES = (
    "ana", "bob", "carla", "dan", "eva", "femi", "greta", "hugo", "ines", "jonas", "kemal", "lucia", "mara", "nils",
    "olga", "pavel", "quinn", "rosa", "samir", "tilda", "umar", "vera", "wim", "xenia", "yusuf", "zoe", "amara",
    "bruno", "chloe", "diego", "elif", "fritz", "gaia", "hana", "ivo", "jana", "karim", "lena", "milo", "nora",
)  # fmt: skip

MEMBERS_MAX = 40
"""Each is a process with a node of its own."""
WITNESSES_MAX = KEYS_MAX
WITNESSES_USUAL = 4


@dataclass(frozen=True, slots=True)
class Trade:
    """What a member does for others: the memo, and what it costs from and to, in minor units of an hour."""

    memo: str
    least: int
    most: int


TRADES = (
    Trade("bread", 25, 100), Trade("bike repair", 100, 250), Trade("childcare", 150, 400), Trade("eggs", 10, 50),
    Trade("garden work", 100, 300), Trade("haircut", 50, 100), Trade("Spanish lesson", 100, 150),
    Trade("soup for the week", 75, 200), Trade("help with the computer", 50, 200), Trade("a ride to town", 50, 100),
    Trade("mending trousers", 50, 125), Trade("honey", 20, 60), Trade("painting the door", 150, 350),
    Trade("dog walk", 25, 75), Trade("piano lesson", 75, 125), Trade("firewood", 100, 300), Trade("cake", 50, 150),
    Trade("moving boxes", 100, 300), Trade("translation", 75, 250), Trade("a massage", 75, 150),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Person:
    """One member: a handle, a trade, and whether this member's node is a witness. The first is steward."""

    handle: str
    trade: Trade
    is_witness: bool
    is_steward: bool

    @property
    def role(self) -> str:
        words = [word for word, holds in (("steward", self.is_steward), ("witness", self.is_witness)) if holds]
        return ", ".join(words) or "member"


@dataclass(frozen=True, slots=True)
class Plan:
    """A community on one machine."""

    members: int = 8
    witnesses: int = WITNESSES_USUAL
    seed: int = 7
    name: str = "Elm Street"
    unit: str = "hours"
    decimals: int = 2
    limit: int = 2000
    """Each member's credit limit, in minor units."""

    def __post_init__(self) -> None:
        if not 1 <= self.members <= MEMBERS_MAX:
            raise ValueError(f"a devnet has 1 to {MEMBERS_MAX} members, not {self.members}")
        if not 1 <= self.witnesses <= min(self.members, WITNESSES_MAX):
            most = min(self.members, WITNESSES_MAX)
            raise ValueError(f"{self.members} members can have 1 to {most} witnesses, not {self.witnesses}")

    @property
    def people(self) -> tuple[Person, ...]:
        return tuple(
            Person(NAMES[index], TRADES[(index + self.seed) % len(TRADES)], index < self.witnesses, index == 0)
            for index in range(self.members)
        )

    def plain(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def read(cls, fields: Mapping[str, Any]) -> Self:
        """Read a plan that was kept. Raises TypeError or ValueError when it is none."""
        return cls(**fields)


def quorum_of(witnesses: int) -> int:
    """The votes that make a certificate: (1,1) (2,2) (3,2) (4,3) (5,4) (7,5), PROTOCOL section 4.

    Up to three witnesses a bare majority; above, as many may be absent as may lie.
    """
    return witnesses // 2 + 1 if witnesses < 4 else witnesses - (witnesses - 1) // 3
