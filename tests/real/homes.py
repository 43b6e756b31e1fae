"""Homes of real nodes for the tests: made together, started by `tally up --detach`, and ended whatever happens."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from devnet.founding import settle_network
from wallet.client import running_pid
from wallet.founding import Founder, Terms, found_together

COMMAND_TIMEOUT_S = 60.0
PROJECT = Path(__file__).parents[2]
MODULES = {"tally": "wallet", "tally-node": "node"}


def make_community(folder: Path, names: Sequence[str], limit: int = 2000) -> dict[str, Path]:
    """Found a community of these members, a home each, none with a passphrase; all are witnesses, the first steward."""
    homes = {name: folder / name for name in names}
    founders = [Founder(home, [name], None, True, name == names[0]) for name, home in homes.items()]
    found_together(Terms("Testville", "hours", 2, limit), founders, quorum=len(names) // 2 + 1)
    settle_network(list(homes.values()))
    return homes


def tally(
    home: Path, *arguments: str, cwd: Path | None = None, program: str = "tally"
) -> subprocess.CompletedProcess[str]:
    """Run one command, of `tally` or `tally-node`, as a person would; both streams go to one terminal (`stdout`)."""
    return subprocess.run(
        [sys.executable, "-P", "-m", MODULES[program], *arguments], cwd=cwd, text=True, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=COMMAND_TIMEOUT_S,
        env={
            **os.environ, "TALLY_HOME": str(home), "TALLY_NODE_HOME": str(home), "PYTHONPATH": str(PROJECT),
            "TZ": "UTC",
        },
    )  # fmt: skip


@contextmanager
def ending(homes: Sequence[Path]) -> Iterator[None]:
    """At the end, no process runs any of these homes."""
    try:
        yield
    finally:
        for home in homes:
            end(home)


def end(home: Path) -> None:
    """End whoever runs a home, for good."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        pid = running_pid(home)
        if pid is None:
            return
        os.kill(pid, sign)
        deadline = time.monotonic() + 10
        while running_pid(home) == pid and time.monotonic() < deadline:
            time.sleep(0.02)
