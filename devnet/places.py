"""A home that is to be made: where, for whom, in which role. Pure, and the same on both ends of the control pipe."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Place:
    """One home to be made, and the handles of the accounts in it."""

    home: str
    handles: tuple[str, ...]
    is_witness: bool
    is_steward: bool

    def plain(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def read(cls, fields: Mapping[str, Any]) -> Self:
        return cls(**{**fields, "handles": tuple(fields["handles"])})
