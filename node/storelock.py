"""One instance a store: a lock that the operating system takes back when its process dies, however it dies.

The lock is on an open file, so the file left behind after a kill -9 stops nobody; what is written in it is only
for the message to the second instance. May be asked for before anything else in the folder is opened.
"""

import fcntl
import os
import secrets
from pathlib import Path

from .filesystem import FILE_MODE, StoreRefused

NAME = "lock"


class StoreLock:
    """Held from creation until `release`. Raises StoreRefused, naming the holder, when another process has it."""

    def __init__(self, folder: Path) -> None:
        self.instance = secrets.token_hex(8)
        """Tells this opening of the store from every other."""
        self._handle = os.open(folder / NAME, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, FILE_MODE)
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(self._handle, 100, 0).decode("ascii", errors="replace") or "another process"
            os.close(self._handle)
            raise StoreRefused(
                f"A node is running on {folder} already ({holder})", "Use it, or stop it with: tally down"
            ) from None
        os.ftruncate(self._handle, 0)
        os.pwrite(self._handle, f"process {os.getpid()}, instance {self.instance}".encode(), 0)

    def release(self) -> None:
        """Let the next one in."""
        os.close(self._handle)
