"""A home that joins is killed many times, before, at and after its admission: in the end it has one open account."""

import json
import os
import random
import signal
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from node.ports import hold_port
from tests.real.homes import ending, tally
from wallet.client import running_pid

KILLS = 8
PATIENCE_S = 40.0


def said(home: Path, *arguments: str) -> Any:
    return json.loads(tally(home, *arguments, "--json").stdout)


def kill(home: Path) -> None:
    pid = running_pid(home)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while running_pid(home) is not None and time.monotonic() < deadline:
        time.sleep(0.01)


def test_kills_at_any_moment_of_a_joining_lose_nothing_and_open_the_account_once(tmp_path: Path) -> None:
    ana, bob = tmp_path / "ana", tmp_path / "bob"
    chance = random.Random(7)
    with ending([ana, bob]):
        founding = ("--community", "Elm", "--unit", "hours", "--limit", "20", "--handle", "ana", "--no-passphrase")
        assert tally(ana, "init", *founding).returncode == 0
        address = f"127.0.0.1:{free_port()}"
        assert tally(ana, "up", "--detach", "--listen", address, "--announce", address).returncode == 0
        assert tally(ana, "invite", "--file", "invite.txt", cwd=tmp_path).returncode == 0
        joining = ("init", "--join", "invite.txt", "--handle", "bob", "--no-passphrase")
        assert tally(bob, *joining, cwd=tmp_path).returncode == 0
        for turn in range(KILLS):
            assert tally(bob, "up", "--detach").returncode == 0
            if turn == 1:
                assert tally(ana, "admit", "bob", "--yes").returncode == 0
            time.sleep(chance.uniform(0.0, 1.5))
            kill(bob)
        assert tally(bob, "up", "--detach").returncode == 0
        deadline = time.monotonic() + PATIENCE_S
        while (found := said(bob, "status"))["standing"] != "open" and time.monotonic() < deadline:
            time.sleep(0.2)
        assert (found["standing"], found["members"], found["problems"]) == ("open", 2, [])
        paid = said(bob, "pay", "@ana", "2.50", "--yes", "--timeout", "60s")
        assert paid["state"] in ("final", "seen")
        # Account 0 has two entries, bob's account the one that opens it and the payment.
        assert said(bob, "status")["entries"] == said(ana, "status")["entries"] == 4
        assert tally(bob, "verify", "--full").returncode == 0


def free_port() -> int:
    with ExitStack() as held:
        return hold_port(held)
