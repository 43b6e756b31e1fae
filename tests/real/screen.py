"""A terminal of 80 columns at which a line is typed as a person would, questions are answered and Ctrl-C is pressed."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
from collections.abc import Mapping
from pathlib import Path

from tests.real.processes import group_gone_within

ROWS, COLUMNS = 24, 80
CTRL_C = b"\x03"
_MOVES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[()][AB0]")
"""What moves the cursor or colours the text."""


class Overdue(Exception):
    """Something did not happen in time; the argument is what the screen showed until then."""


class Screen:
    """One shell line that runs at its own terminal. Use as a context: its processes never outlive the test."""

    def __init__(self, line: str, folder: Path, environment: Mapping[str, str]) -> None:
        self.line = line
        self._raw = b""
        self._answered = 0
        self.status: int | None = None
        """How the line ended; minus the signal if by one; None while it runs."""
        self._pid, self._terminal = pty.fork()
        if self._pid == 0:
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # else the child of a job in the background is deaf to Ctrl-C
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
            os.chdir(folder)
            os.execve("/bin/sh", ["sh", "-c", line], dict(environment))

    def __enter__(self) -> "Screen":
        return self

    def __exit__(self, *_: object) -> None:
        if self.status is None:
            os.killpg(self._pid, signal.SIGKILL)
            self._reap()

    @property
    def shown(self) -> str:
        """All that was shown, as plain lines."""
        return _MOVES.sub("", self._raw.decode(errors="replace")).replace("\r\n", "\n").replace("\r", "")

    def gone_within(self, limit_s: float) -> bool:
        """Wait until no process is left of all that the line started; False when the time is over."""
        return group_gone_within(self._pid, limit_s)

    def press(self, keys: bytes) -> None:
        """Press keys."""
        os.write(self._terminal, keys)

    def until(self, text: str, limit_s: float) -> None:
        """Wait until the screen shows `text`. Raises Overdue, also when the line ended without."""
        end = time.monotonic() + limit_s
        while text not in self.shown:
            if not self._read(end):
                raise Overdue(self.shown)

    def finish(self, limit_s: float, answers: Mapping[str, str]) -> int:
        """Wait for the end of the line and answer each question that ends as said; returns `status`. Raises Overdue."""
        end = time.monotonic() + limit_s
        while self._read(end):
            self._answer(answers)
        if self.status is None:
            raise Overdue(self.shown)
        return self.status

    def _answer(self, answers: Mapping[str, str]) -> None:
        for question, answer in answers.items():
            if len(self._raw) > self._answered and self.shown.endswith(question):
                self.press(answer.encode() + b"\n")
                self._answered = len(self._raw)

    def _read(self, end: float) -> bool:
        """Read what comes next; False when the line has ended or the time is over."""
        if self.status is not None:
            return False
        ready, _, _ = select.select([self._terminal], [], [], max(0.0, end - time.monotonic()))
        if not ready:
            return False
        try:
            part = os.read(self._terminal, 65536)
        except OSError:  # Linux says so when the other end is closed
            part = b""
        self._raw += part
        if not part:
            self._reap()
        return bool(part)

    def _reap(self) -> None:
        self.status = os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])
        os.close(self._terminal)
