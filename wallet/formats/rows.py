"""One line of an export: what moved between two accounts, by which entry, and how far it is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

LATEST = 253_402_300_799
"""The last second of the year 9999; an author may write any time, and calendars end there."""


@dataclass(frozen=True, slots=True)
class ExportRow:
    """One movement. `kind` is payment, return (of one that was still in flight) or charge (by the stewards)."""

    id: str
    """pay1..., empty for a charge"""
    entry: str
    """Hash of the entry that it stands in, as hex."""
    kind: Literal["payment", "return", "charge"]
    time: int
    """Seconds since 1970 by the clock of who signed."""
    payer: str
    payee: str
    amount: str
    """In the currency's unit, positive, with all its decimals."""
    unit: str
    state: str
    memo: str | None
    sealed: bool
    ref: str | None
    counted: bool
    """Whether the payee's balance counts it already: it does once the ledger holds it to be final."""

    @property
    def moment(self) -> datetime:
        return datetime.fromtimestamp(min(self.time, LATEST), UTC)


@dataclass(frozen=True, slots=True)
class Place:
    """What a file says once: of which community it is, what is counted, and whose accounts occur."""

    community: str
    name: str
    unit: str
    decimals: int
    handles: Sequence[str]
    """All members, without the commons."""
    whose: Sequence[str]
    """The accounts whose payments these are; empty for everybody's."""


@dataclass(frozen=True, slots=True)
class Writer:
    """A format: the text before the rows, and the text of each row, both with their line ends."""

    media: str
    head: Callable[[Place], str]
    line: Callable[[ExportRow], str]
