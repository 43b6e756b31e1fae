"""Stewards whose processes are killed: what they signed is shown again from their books, and the act is decided."""

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from devnet.founding import settle_network
from tests.real.homes import ending, tally
from wallet.client import running_pid
from wallet.founding import Founder, Terms, found_together

WAIT_S = 60.0


def council(folder: Path, names: tuple[str, ...], threshold: int) -> dict[str, Path]:
    """A community in which everybody is a steward and a witness."""
    homes = {name: folder / name for name in names}
    founders = [Founder(home, [name], None, True, True) for name, home in homes.items()]
    found_together(Terms("Testville", "hours", 2, 2000), founders, quorum=len(names) // 2 + 1, threshold=threshold)
    settle_network(list(homes.values()))
    return homes


def said(home: Path, *arguments: str) -> dict[str, Any]:
    got = tally(home, *arguments, "--json")
    found = json.loads(got.stdout)
    assert isinstance(found, dict)
    return found


def until(met: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not met():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def kill(home: Path) -> None:
    pid = running_pid(home)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    until(lambda: running_pid(home) is None)


def test_an_act_outlives_the_processes_of_all_stewards(tmp_path: Path) -> None:
    homes = council(tmp_path, ("ana", "ben", "cem"), 2)
    ana, ben, cem = homes.values()
    with ending(list(homes.values())):
        for home in homes.values():
            assert tally(home, "up", "--detach").returncode == 0
        act = said(ana, "limit", "@cem", "30", "--yes")
        assert (act["state"], act["signed"], act["needed"]) == ("collecting", ["ana"], 2)
        until(lambda: len(said(ben, "acts")["open"]) == 1)
        for home in homes.values():
            kill(home)
        for home in homes.values():
            assert tally(home, "up", "--detach").returncode == 0
        until(lambda: [one["id"] for one in said(cem, "acts")["open"]] == [act["id"]])
        done = said(cem, "sign", act["act"], "--yes")
        assert (done["state"], done["id"]) == ("in force", act["id"])
        until(lambda: [one["state"] for one in said(ana, "acts")["past"]] == ["in force"])
        assert said(ana, "acts")["open"] == []
