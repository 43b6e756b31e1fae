"""Which processes live. Reads /proc where there is one: a small machine may have no `ps`."""

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

PROC = Path("/proc")


def living() -> Iterator[tuple[int, int]]:
    """The number and the group of every process; without those that have ended and only wait to be reaped."""
    for pid, group, state in _from_proc() if (PROC / "self" / "stat").exists() else _from_ps():
        if not state.startswith("Z"):
            yield pid, group


def is_running(pid: int) -> bool:
    """Tell whether a process lives."""
    return any(pid == one for one, _ in living())


def gone_within(pids: list[int], limit_s: float) -> bool:
    """Wait until none of the processes lives; False when the time is over."""
    return _until(lambda: not any(pid in pids for pid, _ in living()), limit_s)


def group_gone_within(group: int, limit_s: float) -> bool:
    """Wait until no process of a group lives; False when the time is over."""
    return _until(lambda: not any(group == one for _, one in living()), limit_s)


def _until(met: Callable[[], bool], limit_s: float) -> bool:
    end = time.monotonic() + limit_s
    while not met():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def _from_proc() -> Iterator[tuple[int, int, str]]:
    for folder in PROC.glob("[0-9]*"):
        try:
            # The name in parentheses may hold anything; state, parent and group follow its end.
            state, _, group = (folder / "stat").read_text().rpartition(")")[2].split()[:3]
        except (FileNotFoundError, ProcessLookupError):  # it ended meanwhile
            continue
        yield int(folder.name), int(group), state


def _from_ps() -> Iterator[tuple[int, int, str]]:
    listed = subprocess.run(["ps", "-eo", "pid=,pgid=,stat="], capture_output=True, text=True, check=True).stdout
    for row in listed.splitlines():
        pid, group, state = row.split()
        yield int(pid), int(group), state
