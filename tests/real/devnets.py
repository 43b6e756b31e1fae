"""Runs `tally-devnet` as a user would: a process whose events are read line by line, and commands beside it."""

import json
import queue
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
READY_S = 90.0
END_S = 20.0


def command(*arguments: str | Path) -> list[str]:
    """The command line of `tally-devnet`, with this interpreter."""
    return [sys.executable, "-m", "devnet", *map(str, arguments)]


def run(*arguments: str | Path, timeout_s: float = 120.0) -> tuple[int, str]:
    """Run a command to its end; returns exit status and standard output."""
    done = subprocess.run(
        command(*arguments), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, timeout=timeout_s,
        check=False,
    )  # fmt: skip
    return done.returncode, done.stdout


def tally(home: str, *arguments: str) -> tuple[int, dict[str, Any]]:
    """Run `tally --json` on a member's home."""
    words = [sys.executable, "-m", "wallet", "--home", home, "--json", *arguments]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, json.loads(done.stdout)


class RunningDevnet:
    """One `tally-devnet up --json`. Use as a context: its process never outlives the test."""

    def __init__(self, home: Path, *options: str) -> None:
        self.home = home
        words = command("up", "--home", home, "--json", *options)
        self.process = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        threading.Thread(target=self._read, daemon=True).start()
        self.ready = self.event("ready", READY_S)

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)

    def __enter__(self) -> "RunningDevnet":
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(END_S)

    @property
    def pids(self) -> list[int]:
        return [member["pid"] for member in self.ready["members"]]

    def home_of(self, handle: str) -> str:
        return next(str(member["home"]) for member in self.ready["members"] if member["handle"] == handle)

    def event(self, kind: str, limit_s: float = 20.0) -> dict[str, Any]:
        """Wait for the next event of a kind; others are passed over."""
        end = time.monotonic() + limit_s
        while True:
            event: dict[str, Any] = json.loads(self._lines.get(timeout=max(0.01, end - time.monotonic())))
            if event.get("event", "error") in (kind, "error"):
                return event

    def order(self, *words: str) -> tuple[int, dict[str, Any]]:
        """Give an order as another shell would."""
        status, output = run(*words, "--home", self.home, "--json")
        return status, json.loads(output)

    def interrupt(self) -> int:
        """Press Ctrl-C; returns the exit status."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(END_S)
