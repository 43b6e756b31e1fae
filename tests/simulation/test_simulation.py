"""The simulated community as a test: seeds hold, rare states are reached, and each planted bug is found.

More seeds, and the history of a failing one: `python -m tests.simulation --seeds 1-1000`.
"""

import logging
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.protocol.test_rounds_model import explore, lock_rule

from .__main__ import play
from .mutants import MUTANTS, planted

SEEDS = range(1, 31)
RARE = (
    "block of numbers", "carried a lock", "certificate of a cheat", "conflict", "crash after a vote left",
    "crash between commit and release", "crash in a commit that held", "decided in secret", "fork proof",
    "found out an old store", "nack locked", "nack newest", "new member", "overruled tail", "partition", "resend",
    "round above 0",
)  # fmt: skip
WITHIN = 40
"""So many seeds each mutant is given; most are found in the first few."""


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Forks and refusals are the daily bread here; the door need not log them."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def test_every_seed_holds_and_together_they_reach_the_rare_states() -> None:
    reached = Counter[str]()
    for seed in SEEDS:
        world, violation = play(seed)
        assert violation is None, f"seed {seed}: {violation}"
        reached += world.counts
    assert [state for state in RARE if not reached[state]] == []


@pytest.mark.parametrize("name", sorted(MUTANTS))
def test_a_planted_bug_is_found(name: str) -> None:
    with planted(name):
        assert any(finds(seed) for seed in range(1, WITHIN + 1))


def finds(seed: int) -> bool:
    """Whether this seed shows that something is wrong: an invariant broken, or a ledger that cannot go on."""
    try:
        return play(seed)[1] is not None
    except (LookupError, ValueError, RuntimeError):
        return True


def test_a_seed_is_the_same_history_in_every_process() -> None:
    command = [sys.executable, "-c", "from tests.simulation.__main__ import play; print(play(9)[0].trace)"]
    traces = {
        subprocess.run(command, env={**os.environ, "PYTHONHASHSEED": str(hash)}, capture_output=True, text=True,
                       check=True, timeout=60).stdout
        for hash in (1, 2)
    }  # fmt: skip
    assert traces == {play(9)[0].trace + "\n"}


def test_three_rounds_of_four_witnesses_with_one_liar_exhaustively() -> None:
    assert explore(3, 2, 3, lock_rule) == (90_954, 0, 0)
