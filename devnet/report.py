"""What a replay says at its end: counts, agreement, speed. Pure; the terminal writes it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from node.amounts import format_amount


def percentile(times_s: Sequence[float], part: float) -> float:
    """Return the smallest time that at least `part` (0 .. 1) of all do not exceed; 0 when there are none."""
    if not times_s:
        return 0.0
    ordered = sorted(times_s)
    return ordered[max(0, math.ceil(part * len(ordered)) - 1)]


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome of a replay. Times are of the payments made in this run, counts of the whole file."""

    rows: int
    """Rows of the file that say a payment or cannot be read; those that a filter left out are not counted."""
    paid: int
    refused: int
    unreadable: int
    members: int
    sum_minor: int
    """All balances added up: 0, or something is badly wrong."""
    decimals: int
    nodes_agree: bool
    """All nodes have the same state root."""
    csv_agrees: bool
    """Every balance is the plain sum of the paid rows, and the rows refused are those that plain sums refuse."""
    times_s: tuple[float, ...]
    """From the start of a row to its being final, one a payment made in this run."""
    wall_s: float
    cpu_s: float
    refusals: tuple[tuple[str, int], ...] = ()
    """The rows refused: code of the rule and how many, the commonest first."""

    @property
    def agrees(self) -> bool:
        return self.nodes_agree and self.csv_agrees

    def event(self) -> dict[str, object]:
        """Return the last line of `tally-devnet replay --json`."""
        made = len(self.times_s)
        return {
            "event": "report",
            "rows": self.rows,
            "paid": self.paid,
            "refused": self.refused,
            "unreadable": self.unreadable,
            "members": self.members,
            "sum": format_amount(self.sum_minor, self.decimals),
            "nodes_agree": self.nodes_agree,
            "csv_agrees": self.csv_agrees,
            "payments_per_s": round(made / self.wall_s, 1) if self.wall_s > 0 else 0.0,
            "p50_ms": round(1000 * percentile(self.times_s, 0.50), 1),
            "p99_ms": round(1000 * percentile(self.times_s, 0.99), 1),
            "cpu_ms_per_payment": round(1000 * self.cpu_s / made, 1) if made else 0.0,
        }
