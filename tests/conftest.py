"""What all tests share: the order they run in, and which of them are the fast ones.

A test is a *unit* test unless it lies in a slow room. Units run first, so that a broken rule shows within
seconds; `make unit` (`pytest -m unit`) runs them alone. They may start no process and open no socket. What Hypothesis
tests is tried with a few cases each time, and with many by `make soak`.
"""

import gc
import os
import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from hypothesis import settings

from protocol import signing

SLOW_ROOMS = {"simulation", "towns", "real", "faults", "bench"}
_HERE = Path(__file__).parent
MEMORY = Path("/dev/shm")
MEMORY_BYTES = 2**28
"""What the folders of all units take is a tenth of this."""

settings.register_profile("quick", max_examples=20, deadline=None)
settings.register_profile("soak", max_examples=1000, deadline=None)
settings.load_profile("quick")  # other cases each time; `make soak` asks for the other profile

gc.disable()  # while tests are collected nearly everything stays: looking for what does not takes longer than they run


def _is_slow(path: Path) -> bool:
    return not SLOW_ROOMS.isdisjoint(path.relative_to(_HERE).parts[:1])


def pytest_configure(config: pytest.Config) -> None:
    """Units write to memory where the system has a folder for that: thousands of flushes to a busy disk take long.

    The slow rooms need a disk that can lose power or fill up.
    """
    is_roomy = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > MEMORY_BYTES
    if config.option.markexpr == "unit" and is_roomy:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Do not even import the slow rooms when only units are asked for."""
    return True if config.option.markexpr == "unit" and _is_slow(collection_path) else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the units, and put them before everything else."""
    for item in items:
        if not _is_slow(item.path):
            item.add_marker(pytest.mark.unit)
    items.sort(key=lambda item: _is_slow(item.path))


def pytest_collection_finish() -> None:
    """Let the garbage collector forget what was loaded: it would look at all of it again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 10)
    gc.enable()


@pytest.fixture(scope="session", autouse=True)
def computed_once(request: pytest.FixtureRequest) -> Iterator[None]:
    """In units, remember what the cryptography said of the same bytes: the same few people sign everywhere.

    All of it is pure. What it refuses is not remembered, so that each forgery is refused anew.
    """
    with pytest.MonkeyPatch.context() as patch:
        if request.config.option.markexpr == "unit":
            for name in ("sign", "sign_open", "sign_seed_keypair", "core_ed25519_is_valid_point"):
                patch.setattr(signing, f"crypto_{name}", cache(getattr(signing, f"crypto_{name}")))
        yield
