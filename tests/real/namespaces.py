"""Several machines on this one: Linux network namespaces, joined by a bridge, each with its own address and loopback.

Needs root and iproute2 (`ip`, `tc`), nothing else; `why_not` says what is missing. A host *behind NAT* is emulated by
throwing away every inbound TCP connection request at its door, so that it can only dial out: what others see of its
address does not matter here, because nodes never learn addresses from sockets. Nothing is left behind: a sweeper, which
outlives this process even when it is killed, removes the namespaces and whatever still runs in them; and names carry
the process id, so that those of a process that is gone are removed at the next start.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

from .processes import is_running

# Where the tools are; not every shell of root's looks there.
os.environ["PATH"] = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"

NAME = re.compile(r"tally-(\d+)-\d+-\w+")
_NUMBERS = count(1)

SWEEP = """read line
for name in "$@"; do
    for pid in $(ip netns pids "$name" 2>/dev/null); do kill -9 "$pid"; done
    ip netns del "$name" 2>/dev/null
done
true"""


@dataclass(frozen=True, slots=True)
class Host:
    """One machine. `address` is its IPv4 address."""

    name: str
    namespace: str
    hub: str
    port: str
    """The end of its cable in the hub."""
    address: str

    def command(self, *arguments: str | Path) -> list[str]:
        """The command line that runs there what `arguments` say."""
        return ["ip", "netns", "exec", self.namespace, *map(str, arguments)]

    def run(self, *arguments: str | Path, **options: Any) -> "subprocess.CompletedProcess[str]":
        """Run a command there and wait for it; `options` as of subprocess.run."""
        return subprocess.run(self.command(*arguments), text=True, **{"capture_output": True, "timeout": 60} | options)

    def start(self, *arguments: str | Path, **options: Any) -> "subprocess.Popen[str]":
        """Start a command there; it is killed with the host, at the latest."""
        return subprocess.Popen(self.command(*arguments), text=True, **options)

    def unplug(self) -> None:
        """Pull the cable out: what is sent is lost without a word."""
        _ip("-n", self.hub, "link", "set", self.port, "down")

    def plug_in(self) -> None:
        """Put the cable back."""
        _ip("-n", self.hub, "link", "set", self.port, "up")


@cache
def why_not() -> str | None:
    """Why there can be no namespaces here, in words for a skipped test; None when there can."""
    for tool in ("ip", "tc"):
        if shutil.which(tool) is None:
            return f"needs `{tool}`, of the package iproute2"
    if os.geteuid() != 0:
        return "needs root, for network namespaces"
    try:
        with hosts("probe"):
            return None
    except subprocess.CalledProcessError as failed:
        return f"the system refuses network namespaces: {str(failed.stderr).strip()}"


@contextmanager
def hosts(*names: str, behind_nat: Collection[str] = ()) -> Iterator[list[Host]]:
    """Machines with these names, all plugged in. Raises subprocess.CalledProcessError when the system refuses."""
    _remove_stale()
    prefix = f"tally-{os.getpid()}-{next(_NUMBERS)}"
    hub = f"{prefix}-hub"
    made = [
        Host(name, f"{prefix}-{name}", hub, f"to{number}", f"10.77.{number // 250}.{number % 250 + 1}")
        for number, name in enumerate(names)
    ]
    namespaces = [hub, *(host.namespace for host in made)]
    sweeper = subprocess.Popen(["sh", "-c", SWEEP, "sweep", *namespaces], stdin=subprocess.PIPE, start_new_session=True)
    try:
        _make_hub(hub)
        for host in made:
            _make(host)
            if host.name in behind_nat:
                _refuse_inbound(host)
        yield made
    finally:
        assert sweeper.stdin is not None
        sweeper.stdin.close()
        sweeper.wait(30)


def _make_hub(hub: str) -> None:
    _ip("netns", "add", hub)
    _ip("-n", hub, "link", "add", "bridge", "type", "bridge", "mcast_snooping", "0")
    _ip("-n", hub, "link", "set", "bridge", "up")


def _make(host: Host) -> None:
    _ip("netns", "add", host.namespace)
    cable = ("type", "veth", "peer", "name", "eth0", "netns", host.namespace)
    _ip("-n", host.hub, "link", "add", host.port, *cable)
    _ip("-n", host.hub, "link", "set", host.port, "master", "bridge", "up")
    _ip("-n", host.namespace, "address", "add", f"{host.address}/16", "dev", "eth0")
    for device in ("lo", "eth0"):
        _ip("-n", host.namespace, "link", "set", device, "up")


def _refuse_inbound(host: Host) -> None:
    """Send each TCP packet with SYN and without ACK that comes in to a cable of which the other end is not plugged."""
    _ip("-n", host.namespace, "link", "add", "void", "type", "veth", "peer", "name", "nowhere")
    _ip("-n", host.namespace, "link", "set", "void", "up")
    _call(host.command("tc", "qdisc", "add", "dev", "eth0", "ingress"))
    is_request = ("match", "ip", "protocol", "6", "0xff", "match", "u8", "0x02", "0x12", "at", "33")
    away = ("action", "mirred", "egress", "redirect", "dev", "void")
    where = ("dev", "eth0", "parent", "ffff:", "protocol", "ip", "u32")
    _call(host.command("tc", "filter", "add", *where, *is_request, *away))


def _remove_stale() -> None:
    listed = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True).stdout
    found = filter(None, map(NAME.match, listed.splitlines()))
    stale = [name[0] for name in found if not is_running(int(name[1]))]
    subprocess.run(["sh", "-c", SWEEP, "sweep", *stale], stdin=subprocess.DEVNULL, check=True, timeout=30)


def _ip(*arguments: str) -> str:
    return _call(["ip", *arguments])


def _call(command: list[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout
