"""The peers beside us: run live where their environments exist, else by what was measured of them in "x verify".

"x verify" is operations a CPU-second over PyNaCl Ed25519 verifications a CPU-second of the same minute, so figures of
different machines can be put side by side. `--peers DIR` names a folder with a script a peer (`NAME_bench.py`, which
prints lines `RESULT {"phase", "n", "cpu_s", ...}`) and its own Python environment in DIR/NAME.
"""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

from .figures import median
from .yardsticks import verify_rate

RUNS = 3
RUN_S = 60.0


@dataclass(frozen=True, slots=True)
class Peer:
    """Another system, and what one operation of it is."""

    name: str
    what: str
    x_verify: float
    """As measured once; the median of three to five runs."""
    script: str
    phase: str
    """The phase of the script's output that is compared."""
    arguments: tuple[str, ...]


PEERS = (
    Peer("trustchain", "payment of two half-blocks, pyipv8 2.4.0", 0.110, "trustchain_bench.py", "create+sign",
         ("1500",)),
    Peer("cashu", "swap at a mint, nutshell 0.20.2, no HTTP", 0.0035, "cashu_bench.py", "swap", ("200",)),
    Peer("hordak", "double entry, django-hordak 2.0 on PostgreSQL", 0.017, "hordak_bench.py", "", ("800",)),
    Peer("postgresql", "double entry, 16 clients, no signatures", 0.199, "pg_ledger.py", "16 clients", ("5",)),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class PeerFigure:
    """What a peer does, in multiples of a verification."""

    name: str
    what: str
    x_verify: float
    is_live: bool


def measure_peers(folder: Path | None) -> list[PeerFigure]:
    """Every peer, live if its script and environment are in `folder`."""
    return [_measure(peer, folder) for peer in PEERS]


def _measure(peer: Peer, folder: Path | None) -> PeerFigure:
    python = None if folder is None else folder / peer.name / "bin" / "python"
    if folder is None or python is None or not python.exists() or not (folder / peer.script).exists():
        return PeerFigure(peer.name, peer.what, peer.x_verify, is_live=False)
    ratios = []
    for _ in range(RUNS):
        before = verify_rate()
        rate = _rate(peer, python, folder)
        if rate is None:
            return PeerFigure(peer.name, peer.what, peer.x_verify, is_live=False)
        ratios.append(rate / ((before + verify_rate()) / 2))
    return PeerFigure(peer.name, peer.what, median(ratios), is_live=True)


def _rate(peer: Peer, python: Path, folder: Path) -> float | None:
    """Operations a CPU-second of one run, or None when it did not come to an end."""
    command = [str(python), str(folder / peer.script), *peer.arguments]
    try:
        ended = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=RUN_S, check=False
        )
    except (subprocess.TimeoutExpired, OSError):
        return None
    for line in ended.stdout.splitlines():
        if line.startswith("RESULT ") and peer.phase in (row := json.loads(line[len("RESULT ") :]))["phase"]:
            return float(row["n"]) / float(row["cpu_s"])
    return None
