"""The systemd unit that starts a home by itself: its text and where it goes. Starts and enables nothing.

A user's own unit holds what works without any privilege; one for the whole system also shuts the process out of all of
the machine but its home (systemd.exec(5)).
"""

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from ..filesystem import StoreRefused

HARDENED = (
    "UMask=0077",
    "LimitCORE=0",
    "NoNewPrivileges=yes",
    "LockPersonality=yes",
    "RestrictNamespaces=yes",
    "RestrictRealtime=yes",
    "RestrictSUIDSGID=yes",
    "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK",
    "SystemCallArchitectures=native",
    "SystemCallFilter=@system-service",
    "SystemCallErrorNumber=EPERM",
)
"""What any user may ask for."""
SHUT_OUT = (
    "CapabilityBoundingSet=",
    "ProtectSystem=strict",
    "ProtectHome=read-only",
    "PrivateTmp=yes",
    "PrivateDevices=yes",
    "ProtectClock=yes",
    "ProtectControlGroups=yes",
    "ProtectHostname=yes",
    "ProtectKernelLogs=yes",
    "ProtectKernelModules=yes",
    "ProtectKernelTunables=yes",
    "ProtectProc=invisible",
)
"""What only the system's own manager can do everywhere."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A home to be started. `module` and `command` are what `python -m` runs."""

    program: str
    """What it is called: `tally` or `tally-node`."""
    module: str
    command: str
    home: Path
    usual_home: Path
    """The home of whoever says nothing; its unit has the plain name."""
    user: str | None = None
    """In whose name the system runs it; None for a unit of the user's own."""

    @property
    def name(self) -> str:
        """As `tally-node.service`, or `tally-node-oak.service` for another home."""
        if self.home == self.usual_home:
            return f"{self.program}.service"
        return f"{self.program}-{re.sub(r'[^A-Za-z0-9-]+', '-', self.home.name).strip('-') or 'home'}.service"

    @property
    def place(self) -> Path:
        """Where a unit of the user's own goes."""
        config = os.environ.get("XDG_CONFIG_HOME")
        return (Path(config) if config else Path.home() / ".config") / "systemd" / "user" / self.name

    @property
    def run_line(self) -> str:
        """The line that names program and home."""
        words = [sys.executable, "-P", "-m", self.module, "--home", str(self.home), "--no-input", self.command]
        return f"ExecStart={' '.join(_quoted(word).replace('$', '$$') for word in words)}"

    def text(self) -> str:
        """The whole file."""
        own = [] if self.user is None else [f"User={self.user}", *SHUT_OUT, f"ReadWritePaths={_quoted(str(self.home))}"]
        return "\n".join(
            [
                "[Unit]",
                f"Description={self.program} of {_plain(str(self.home))}",
                "Wants=network-online.target",
                "After=network-online.target",
                "",
                "[Service]",
                self.run_line,
                "Restart=on-failure",
                "RestartSec=5",
                "TimeoutStopSec=30",
                *HARDENED,
                *own,
                "",
                "[Install]",
                f"WantedBy={'default.target' if self.user is None else 'multi-user.target'}",
                "",
            ]
        )

    def install(self) -> Path:
        """Write it where the user's own manager finds it. Raises StoreRefused for one of the name for another home."""
        place = self.place
        if place.exists() and self.run_line not in place.read_text(errors="replace").splitlines():
            raise StoreRefused(
                f"{place} starts something else",
                f"Remove it, or write another one by hand from: {self.program} service",
            )
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(self.text())
        return place


def _quoted(word: str) -> str:
    """One word among several, as systemd.syntax(7) reads it."""
    safe = re.fullmatch(r"[A-Za-z0-9_./:+@=-]+", word)
    return word if safe else '"' + _plain(word).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _plain(text: str) -> str:
    """Text in which systemd sees no specifier. Raises StoreRefused for what no unit can name."""
    if not text.isprintable():
        raise StoreRefused(f"No unit can name the folder {text!r}", "Use a home with a plain name")
    return text.replace("%", "%%")
