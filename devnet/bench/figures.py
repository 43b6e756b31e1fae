"""A figure of the bench: what was measured, what stands beside it, and how good it must be."""

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Figure:
    """One metric. `ratio` is what is judged; `raw` holds every number it came from."""

    number: int
    name: str
    value: float
    unit: str
    beside: str
    """What the ratio is to."""
    ratio: float
    must: float
    more_is_better: bool = True
    raw: dict[str, Any] = field(default_factory=dict)

    @property
    def is_met(self) -> bool:
        """Tell whether the ratio is as good as it must be."""
        return self.ratio >= self.must if self.more_is_better else self.ratio <= self.must

    def plain(self) -> dict[str, Any]:
        """As one JSON object."""
        return {**asdict(self), "is_met": self.is_met}


def percentile(values: list[float], part: float) -> float:
    """The value below which `part` (0 .. 1) of `values` lie. Raises IndexError for none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


def median(values: list[float]) -> float:
    """The middle value."""
    return percentile(values, 0.5)
