"""Several machines, as network namespaces: what the emulation itself promises."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from .namespaces import Host, hosts, why_not

ROOT = Path(__file__).resolve().parents[2]

LISTEN = "import socket; s = socket.create_server(('0.0.0.0', 5000)); print('ready', flush=True); s.accept()"
DIAL = "import socket, sys; socket.create_connection((sys.argv[1], 5000), 1.5)"


@pytest.fixture(autouse=True)
def _possible() -> None:
    reason = why_not()
    if reason is not None:
        pytest.skip(reason)


def namespaces() -> str:
    return subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True).stdout


def reaches(dialling: Host, listening: Host) -> bool:
    """Whether a TCP connection comes about."""
    with listening.start(sys.executable, "-c", LISTEN, stdout=subprocess.PIPE) as server:
        try:
            assert server.stdout is not None and server.stdout.readline() == "ready\n"
            return dialling.run(sys.executable, "-c", DIAL, listening.address).returncode == 0
        finally:
            server.kill()


def test_hosts_reach_one_another_and_one_behind_nat_only_dials_out() -> None:
    with hosts("ana", "bob", "carl", behind_nat=["carl"]) as (ana, bob, carl):
        assert len({host.address for host in (ana, bob, carl)}) == 3
        assert reaches(ana, bob) and reaches(bob, ana)
        assert reaches(carl, ana) and not reaches(ana, carl)
        bob.unplug()
        assert not reaches(ana, bob)
        bob.plug_in()
        assert reaches(ana, bob)


def test_nothing_stays_behind_not_even_what_still_runs() -> None:
    before = namespaces()
    with hosts("ana") as (ana,):
        running = ana.start("sleep", "1000")
        assert ana.namespace in namespaces()
    assert namespaces() == before
    assert running.wait(10) == -signal.SIGKILL


def test_nothing_stays_behind_when_the_test_is_killed() -> None:
    script = "import sys, time\nfrom tests.real.namespaces import hosts\n"
    script += "with hosts('ana') as (ana,):\n    ana.start('sleep', '1000')\n"
    script += "    print(ana.namespace, flush=True)\n    time.sleep(60)\n"
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, cwd=ROOT) as killed:
        assert killed.stdout is not None
        name = killed.stdout.readline().strip()
        assert name in namespaces()
        killed.send_signal(signal.SIGKILL)
    end = time.monotonic() + 10
    while name in namespaces():
        assert time.monotonic() < end, "the sweeper has left something"
        time.sleep(0.1)


def test_what_a_dead_process_left_is_removed_at_the_next_start() -> None:
    with subprocess.Popen(["true"]) as gone:
        gone.wait()
    stale = f"tally-{gone.pid}-1-ana"
    subprocess.run(["ip", "netns", "add", stale], check=True)
    mine = f"tally-{os.getpid()}-999-ana"
    subprocess.run(["ip", "netns", "add", mine], check=True)
    try:
        with hosts("bob"):
            assert stale not in namespaces()
            assert mine in namespaces()
    finally:
        subprocess.run(["ip", "netns", "del", mine], check=True)
