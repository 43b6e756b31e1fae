"""Runs the whole bench, one metric after the other, in a folder that is gone afterwards."""

import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from node.collector import spare_the_collector

from .door import measure_ingest, measure_pipeline
from .figures import Figure
from .peers import PeerFigure, measure_peers
from .six import measure_six
from .yardsticks import verify_rate


@dataclass(frozen=True, slots=True)
class Bench:
    """All that one run found."""

    verify_per_cpu_s: float
    figures: tuple[Figure, ...]
    peers: tuple[PeerFigure, ...]

    @property
    def is_met(self) -> bool:
        """Tell whether every figure is as good as it must be."""
        return all(figure.is_met for figure in self.figures)

    def plain(self) -> dict[str, Any]:
        """As one JSON object."""
        return {
            "event": "bench",
            "verify_per_cpu_s": self.verify_per_cpu_s,
            "figures": [figure.plain() for figure in self.figures],
            "peers": [asdict(peer) for peer in self.peers],
            "is_met": self.is_met,
        }


async def run_bench(peers: Path | None, tell: Callable[[str], None]) -> Bench:
    """Measure everything; `tell` is told what is being measured. Raises AssertionError when a run was not right."""
    spare_the_collector()  # as a node's process does
    with tempfile.TemporaryDirectory(prefix="tally-bench-") as name:
        folder = Path(name)
        figures = [await measure_pipeline(folder, tell), *await measure_ingest(folder, tell)]
        figures += await measure_six(folder / "six", tell)
    tell("the peers")
    beside = measure_peers(peers)
    figures.sort(key=lambda figure: figure.number)
    return Bench(verify_rate(), tuple(figures), tuple(beside))
