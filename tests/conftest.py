"""What all tests share: the order they run in, and which of them are the fast ones.

A test is a *unit* test unless it lies in a slow room. Units run first, so that a broken rule shows within
seconds; `make unit` (`pytest -m unit`) runs them alone. They may start no process and open no socket.
"""

from pathlib import Path

import pytest

SLOW_ROOMS = {"simulation", "real", "faults", "bench"}
_HERE = Path(__file__).parent


def _is_unit(item: pytest.Item) -> bool:
    return item.path.relative_to(_HERE).parts[0] not in SLOW_ROOMS


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the units, and put them before everything else."""
    for item in items:
        if _is_unit(item):
            item.add_marker(pytest.mark.unit)
    items.sort(key=lambda item: not _is_unit(item))
