"""Telling a home from a copy of it: where its book lies, down to file and machine.

A restart of the same home may take over its own lease at the witnesses; a copy may not, and waits until it ran out.
A wrong answer costs a minute of waiting, never money: two copies that both think they are the original still exclude
each other, because each opening has a nonce of its own.
"""

import platform
import uuid
from pathlib import Path

from protocol.base import digest

_MACHINE_ID = Path("/etc/machine-id")


def fingerprint(file: Path) -> bytes:
    """32 bytes that stay the same while `file` stays where it is on this machine."""
    found = file.stat()
    where = f"{_machine()}|{found.st_dev}|{found.st_ino}"
    return digest(b"tally place", where.encode())


def _machine() -> str:
    """The operating system's own id of the machine, else what the network card and the host are called."""
    try:
        return _MACHINE_ID.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        return f"{uuid.getnode():x} {platform.node()}"
