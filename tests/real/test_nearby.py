"""Finding one another on a local network, between machines that are network namespaces."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, Queue

import pytest

from .namespaces import Host, hosts, why_not
from .transport_echo import peer_of

ROOT = Path(__file__).resolve().parents[2]
FOUND_WITHIN_S = 10.0
ENDED_WITHIN_S = 1.0
ANYWHERE = "/ip4/0.0.0.0/tcp/4100"

GARBAGE = """
import sys, time, zeroconf
library = zeroconf.Zeroconf(ip_version=zeroconf.IPVersion.V4Only)
kind = "_tallystick._tcp.local."
ours = {"community": sys.argv[1]}
texts = ({}, {"peer": b"\\xff" * 40, **ours}, ours, {"peer": "x" * 200, "a": None, **ours})
for number, text in enumerate(texts):
    library.register_service(zeroconf.ServiceInfo(
        kind, f"garbage {number}.{kind}", port=number, properties=text, parsed_addresses=["10.77.0.2"]
    ), cooperating_responders=True)
print("ready", flush=True)
time.sleep(60)
"""


@pytest.fixture(autouse=True)
def _possible() -> None:
    reason = why_not()
    if reason is not None:
        pytest.skip(reason)


class Looking:
    """A running `nearby_process`; `lines` are what it has said."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.lines: Queue[str] = Queue()
        self.process = process
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.put(line.strip())

    def next_line(self, within_s: float) -> str:
        return self.lines.get(timeout=within_s)

    def is_silent(self, for_s: float) -> bool:
        try:
            self.lines.get(timeout=for_s)
        except Empty:
            return True
        return False

    def end(self) -> float:
        """Seconds that ending took."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        took_s = float(self.next_line(20))
        assert self.process.wait(10) == 0
        return took_s


@contextmanager
def looking(host: Host, number: int, listen: str = ANYWHERE, community: str = "01") -> Iterator[Looking]:
    """A node of the community with the key of `number` that looks for others."""
    command = (sys.executable, "-m", "tests.real.nearby_process", community, str(number), listen)
    with host.start(*command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT) as process:
        try:
            found = Looking(process)
            assert found.next_line(30) == "ready"
            yield found
        finally:
            process.kill()


def test_two_of_one_community_find_each_other_and_end_within_a_second() -> None:
    with hosts("ana", "bob", "eve") as (ana, bob, eve), looking(eve, 3, community="02") as other:
        with looking(ana, 1) as first, looking(bob, 2) as second:
            assert first.next_line(FOUND_WITHIN_S) == f"{peer_of(2)} /ip4/{bob.address}/tcp/4100"
            assert second.next_line(FOUND_WITHIN_S) == f"{peer_of(1)} /ip4/{ana.address}/tcp/4100"
            assert first.is_silent(2) and second.is_silent(0.1), "each is told once"
            assert first.end() < ENDED_WITHIN_S
            with looking(ana, 1):
                assert second.next_line(FOUND_WITHIN_S) == f"{peer_of(1)} /ip4/{ana.address}/tcp/4100", "it came again"
            assert second.end() < ENDED_WITHIN_S
        assert other.is_silent(0.1), "of another community nothing is told"
        assert other.end() < ENDED_WITHIN_S


def test_who_only_dials_finds_and_is_not_found_and_garbage_is_passed_over() -> None:
    from node.transport.nearby import community_tag
    from protocol.base import CommunityId

    tag = community_tag(CommunityId(b"\1" * 32))
    with hosts("ana", "bob", "eve") as (ana, bob, eve):
        with eve.start(sys.executable, "-c", GARBAGE, tag, stdout=subprocess.PIPE) as noisy:
            assert noisy.stdout is not None and noisy.stdout.readline() == "ready\n"
            with looking(ana, 1) as listening, looking(bob, 2, listen="") as dialling:
                assert dialling.next_line(FOUND_WITHIN_S) == f"{peer_of(1)} /ip4/{ana.address}/tcp/4100"
                assert listening.is_silent(3) and dialling.is_silent(0.1)
                assert listening.end() < ENDED_WITHIN_S and dialling.end() < ENDED_WITHIN_S
            noisy.kill()


def test_a_machine_whose_network_comes_later_is_found_then() -> None:
    with hosts("ana", "bob") as (ana, bob):
        assert ana.run("ip", "address", "flush", "dev", "eth0").returncode == 0
        with looking(ana, 1) as late, looking(bob, 2):
            assert late.is_silent(1)
            assert ana.run("ip", "address", "add", f"{ana.address}/16", "dev", "eth0").returncode == 0
            assert late.next_line(30) == f"{peer_of(2)} /ip4/{bob.address}/tcp/4100"
            assert late.end() < ENDED_WITHIN_S
