"""`tally-devnet bench`: what this node costs on this machine, beside what else could be had."""

from pathlib import Path

import click
import trio

from node.console.commandline import WithExamples
from node.console.exits import DONE, FAILED

from ..bench.figures import Figure
from ..bench.peers import PeerFigure
from ..bench.running import Bench, run_bench
from ..terminal import hint, print_json, say


@click.command("bench", cls=WithExamples, examples=("tally-devnet bench", "tally-devnet bench --json"))
@click.option("--json", "as_json", is_flag=True, help="One JSON object with every raw figure.")
@click.option("--peers", type=click.Path(exists=True, file_okay=False, path_type=Path), metavar="DIR",
              help="Run other systems live from here, where their environments exist.")  # fmt: skip
def bench(as_json: bool, peers: Path | None) -> int:
    """Measure payments in one process and among six, each beside a yardstick of the same minute. Takes minutes."""
    found = trio.run(run_bench, peers, hint)
    if as_json:
        print_json(found.plain())
    else:
        _tell(found)
    return DONE if found.is_met else FAILED


def _tell(found: Bench) -> None:
    say(f"{found.verify_per_cpu_s:,.0f} Ed25519 verifications of 300 bytes a CPU-second (PyNaCl)")
    say("")
    for figure in found.figures:
        say(_line(figure))
    say("")
    say("Others, in operations a verification takes the CPU time of:")
    for peer in found.peers:
        say(_peer_line(peer))


def _line(figure: Figure) -> str:
    sign = "at least" if figure.more_is_better else "at most"
    mark = "" if figure.is_met else "  NOT MET"
    return (
        f"{figure.number:>3}  {figure.name}: {figure.value:,.1f} {figure.unit}; "
        f"{figure.ratio:.2f} x {figure.beside} ({sign} {figure.must:g}){mark}"
    )


def _peer_line(peer: PeerFigure) -> str:
    return f"     {peer.x_verify:.4f} x verify  {peer.name}: {peer.what} ({'live' if peer.is_live else 'published'})"
