"""Machines with homes on them, on which a test runs the real commands as a person would."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .namespaces import Host

PROJECT = Path(__file__).parents[2]
COMMAND_TIMEOUT_S = 90.0
PORT = 4100


class Machine:
    """One machine with the home of a member's wallet, or of a host, or both."""

    def __init__(self, host: Host, folder: Path) -> None:
        self.host = host
        self.folder = folder / host.name
        self.folder.mkdir()
        self.reached_at = f"{host.address}:{PORT}"
        self.listening = ("--listen", f"0.0.0.0:{PORT}", "--announce", self.reached_at)

    def tally(self, *arguments: str, fails: bool = False) -> str:
        """What the wallet's command says; it must succeed, or fail if that is expected."""
        return self._said("wallet", arguments, fails)

    def node(self, *arguments: str, fails: bool = False) -> str:
        """What the host's command says."""
        return self._said("node", arguments, fails)

    def facts(self, *arguments: str) -> dict[str, Any]:
        """What the wallet's command answers programs."""
        answer: dict[str, Any] = json.loads(self.tally("--json", *arguments))
        return answer

    def look_nearby(self) -> None:
        """Have the nodes of this machine look for others on the local network from their next start on."""
        for config in self.folder.glob("*/node/config.toml"):
            config.write_text(config.read_text().replace("nearby = false", "nearby = true"))

    def move(self, address: str) -> None:
        """Give the machine another address in the same network."""
        for change in (("flush",), ("add", f"{address}/16")):
            assert self.host.run("ip", "address", *change, "dev", "eth0").returncode == 0

    def _said(self, module: str, arguments: tuple[str, ...], fails: bool) -> str:
        done = self.host.run(
            *(sys.executable, "-P", "-m", module, *arguments),
            capture_output=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=COMMAND_TIMEOUT_S,
            env={
                **os.environ,
                "TALLY_HOME": str(self.folder / "wallet"),
                "TALLY_NODE_HOME": str(self.folder / "host"),
                "PYTHONPATH": str(PROJECT),
                "TZ": "UTC",
            },
        )
        assert (done.returncode != 0) == fails, f"[{self.host.name}] {' '.join(arguments)[:200]}\n{done.stdout}"
        return done.stdout


def until(met: Callable[[], bool], within_s: float, what: str) -> None:
    """Look again and again whether something is so. Raises AssertionError, naming it, when it takes too long."""
    end = time.monotonic() + within_s
    while not met():
        assert time.monotonic() < end, f"not within {within_s:.0f} s: {what}"
        time.sleep(0.3)
