"""`python -m tests.simulation --seeds 1-100 [--mutant NAME]`: plays seeds, prints the ones that fail.

Ends with 0 when every invariant held in every seed, with 1 otherwise. A seed that failed once fails again.
"""

import argparse
import logging
import sys
from collections import Counter

from .mutants import MUTANTS, planted
from .oracle import Violation
from .stamps import stamps
from .world import World


def seeds(text: str) -> range:
    """Read "7" or "1-100"."""
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1)


def play(seed: int) -> tuple[World, str | None]:
    """Play one seed: the world, and what was violated in it."""
    with stamps():
        world = World(seed)
        try:
            world.run()
        except Violation as violation:
            return world, str(violation)
    return world, None


def main(arguments: list[str]) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=seeds, default=seeds("1-100"), help='one seed, or a range as "1-100"')
    parser.add_argument("--mutant", choices=sorted(MUTANTS), help="a bug to plant: the seeds should then fail")
    chosen = parser.parse_args(arguments)
    logging.disable(logging.CRITICAL)  # forks and refusals are the daily bread here
    failed, reached = 0, Counter[str]()
    with planted(chosen.mutant):
        for seed in chosen.seeds:
            world, violation = play(seed)
            reached += world.counts
            if violation is not None:
                failed += 1
                print(f"seed {seed} failed at {world.timeline.now:.3f} s: {violation}\n    {world.setting}", flush=True)
    print(f"{len(chosen.seeds)} seeds, {failed} failed; reached: {dict(sorted(reached.items()))}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
