"""Hosts as real processes: made, waiting, founded with, killed, away and back; and what is refused leaves nothing."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from node.config import read_config
from tests.real.homes import COMMAND_TIMEOUT_S, PROJECT, ending, tally
from wallet.client import running_pid

WITHIN_S = 30.0


def tally_node(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run one command of a host as a person would."""
    return subprocess.run(
        [sys.executable, "-P", "-m", "node", *arguments], text=True, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=COMMAND_TIMEOUT_S,
        env={**os.environ, "TALLY_NODE_HOME": str(home), "PYTHONPATH": str(PROJECT)},
    )  # fmt: skip


def told(done: subprocess.CompletedProcess[str]) -> Any:
    """What a command with --json said."""
    (answer,) = [line for line in done.stdout.splitlines() if line.startswith("{")]
    return json.loads(answer)


def host(home: Path, *more: str) -> str:
    """Make a host that listens on this machine, and start it; returns its card."""
    card: str = told(tally_node(home, "init", "--listen", "127.0.0.1", "--json", *more))["card"]
    assert tally_node(home, "run", "--detach").returncode == 0
    return card


def found(home: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return tally(home, "init", "--community", "Oak", "--unit", "hours", "--limit", "20", "--handle", "ana",
                 "--no-passphrase", "--json", *more)  # fmt: skip


def until(home: Path, community: str | None) -> dict[str, Any]:
    """Wait until a host says that it serves this community, linked with others; returns its status."""
    deadline = time.monotonic() + WITHIN_S
    while True:
        done = tally_node(home, "status", "--json")
        status: dict[str, Any] = told(done)
        if done.returncode == 0 and status["community"] and status["name"] == community and status["peers"]:
            return status
        assert time.monotonic() < deadline, done.stdout
        time.sleep(0.1)


@pytest.fixture
def homes(tmp_path: Path) -> Iterator[list[Path]]:
    """Places for two hosts and a founder; nothing runs there at the end."""
    places = [tmp_path / name for name in ("one", "two", "ana")]
    with ending(places):
        yield places


def test_a_community_is_founded_with_two_hosts_and_pays_while_one_is_away(homes: list[Path]) -> None:
    one, two, ana = homes
    cards = [host(place, "--witness") for place in (one, two)]
    pids = [running_pid(place) for place in (one, two)]
    (ana.parent / "one.card").write_text(f"from Ben:\n{cards[0]}\n")
    made = told(found(ana, "--witness", str(ana.parent / "one.card"), "--witness", cards[1], "--quorum", "2"))
    assert (made["witnesses"], made["quorum"], made["away"], made["lost"]) == (3, 2, [], [])
    assert tally(ana, "up", "--detach").returncode == 0
    for place in (one, two):
        status = until(place, "Oak")
        assert status["witness"] and (status["witnesses"], status["quorum"]) == (3, 2)
    assert [running_pid(place) for place in (one, two)] == pids, "founded with, a host goes on in the same process"
    assert told(tally(ana, "pay", "@commons", "1", "--yes", "--json"))["state"] == "final"
    port = read_config(one).listen_port
    assert tally_node(one, "down").returncode == 0
    assert told(tally(ana, "pay", "@commons", "1", "--yes", "--json"))["state"] == "final"
    assert tally_node(one, "run", "--detach").returncode == 0
    assert until(one, "Oak") and read_config(one).listen_port == port
    listed = told(tally(ana, "hosts", "--json"))["hosts"]
    assert len(listed) == 2 and all(entry["told"] for entry in listed)


def test_a_card_serves_once_and_is_nowhere_in_a_log(homes: list[Path]) -> None:
    one, _, ana = homes
    card = host(one, "--witness")
    assert found(ana, "--witness", card).returncode == 0
    until_founded(one)
    other = ana.parent / "other"
    refused = found(other, "--witness", card)
    assert refused.returncode == 3 and "serves another community" in told(refused)["error"]["message"]
    assert not (other / "wallet").exists() and not (other / "node" / "identity").exists()
    shown = told(tally_node(one, "card", "--json"))
    assert shown["founded"] and shown["card"] != card
    for log in [*one.rglob("*.log"), *ana.rglob("*.log")]:
        assert card not in log.read_text()


def until_founded(home: Path) -> None:
    deadline = time.monotonic() + WITHIN_S
    while not (home / "run" / "api.json").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_with_a_host_away_nothing_is_founded_and_later_it_is(homes: list[Path]) -> None:
    one, two, ana = homes
    cards = [host(place, "--witness") for place in (one, two)]
    witnesses = [part for card in cards for part in ("--witness", card)]
    assert tally_node(two, "down").returncode == 0
    refused = found(ana, *witnesses)
    assert refused.returncode == 4 and told(refused)["error"]["code"] == "host_unreachable"
    assert not (ana / "wallet").exists() and not (ana / "unfinished").exists()
    assert told(tally_node(one, "status", "--json"))["community"] is None
    assert tally_node(two, "run", "--detach").returncode == 0
    assert found(ana, *witnesses).returncode == 0


def test_a_host_that_is_killed_goes_on_in_its_community(homes: list[Path]) -> None:
    one, _, ana = homes
    assert found(ana, "--witness", host(one, "--witness")).returncode == 0
    os.kill(running_pid(one) or 0, signal.SIGKILL)
    deadline = time.monotonic() + WITHIN_S
    while running_pid(one) is not None:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert tally_node(one, "run", "--detach").returncode == 0
    assert tally(ana, "up", "--detach").returncode == 0
    assert until(one, "Oak")["witness"]
    assert told(tally(ana, "pay", "@commons", "1", "--yes", "--json"))["state"] == "final"


def test_an_archive_joins_a_running_community(homes: list[Path]) -> None:
    one, two, ana = homes
    assert found(ana, "--witness", host(one, "--witness")).returncode == 0
    assert tally(ana, "up", "--detach").returncode == 0
    assert told(tally(ana, "pay", "@commons", "1", "--yes", "--json"))["state"] == "final"
    added = told(tally(ana, "hosts", "add", host(two), "--json"))
    assert added["told"] and added["roles"] == ["archive", "relay"]
    status = until(two, "Oak")
    assert not status["witness"] and status["members"] == 1


def test_a_host_is_started_once_and_stopped_once(homes: list[Path]) -> None:
    one, *_ = homes
    assert tally_node(one, "run").returncode == 6
    host(one)
    again = tally_node(one, "run", "--json")
    assert (again.returncode, told(again)["error"]["code"]) == (1, "already_running")
    assert tally_node(one, "run", "--listen", "127.0.0.1:4100").returncode == 1
    assert tally_node(one, "down").returncode == 0
    assert tally_node(one, "down").returncode == 4 and tally_node(one, "status").returncode == 4
    assert not (one / "run" / "api.json").exists()


def test_where_a_node_listens_and_is_reached_stays_as_it_was_said(homes: list[Path]) -> None:
    *_, ana = homes
    assert found(ana, "--listen", "127.0.0.1", "--announce", "oak.example:4100").returncode == 0
    before = read_config(ana)
    assert before.announce == ("/dns/oak.example/tcp/4100",) and before.listen_port
    assert tally(ana, "up", "--detach").returncode == 0 and tally(ana, "down").returncode == 0
    assert read_config(ana) == before
    wrong = tally(ana, "up", "--detach", "--announce", "oak.example", "--json")
    assert (wrong.returncode, told(wrong)["error"]["code"]) == (2, "bad_address")
    assert read_config(ana) == before and running_pid(ana) is None


def test_interrupted_while_hosts_are_asked_leaves_nothing(homes: list[Path]) -> None:
    one, _, ana = homes
    card = host(one, "--witness")
    pid = running_pid(one) or 0
    os.kill(pid, signal.SIGSTOP)
    try:
        founding = subprocess.Popen(
            [sys.executable, "-P", "-m", "wallet", "--home", str(ana), "init", "--community", "Oak", "--unit", "h",
             "--handle", "ana", "--no-passphrase", "--witness", card],
            text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={**os.environ, "PYTHONPATH": str(PROJECT)},
        )  # fmt: skip
        deadline = time.monotonic() + WITHIN_S
        while not (ana / "wallet" / "keystore").exists():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        time.sleep(0.5)
        founding.send_signal(signal.SIGINT)
        said, _ = founding.communicate(timeout=WITHIN_S)
    finally:
        os.kill(pid, signal.SIGCONT)
    assert (founding.returncode, "Traceback" in said) == (130, False), said
    assert not (ana / "wallet").exists() and not (ana / "unfinished").exists()
