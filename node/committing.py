"""Where a commit waits for the disk: at once if it is quick here, in a worker thread if it is slow.

On most disks a commit takes less than a millisecond, and handing it to a thread and back takes longer than that: the
thread has to wait until the event loop has nothing to do. On a slow disk the loop must not stand still for it, or links
would be lost. So it goes by how long the last commits took.
"""

import time
from collections.abc import Callable
from typing import TypeVar

import trio

ResultT = TypeVar("ResultT")

AT_ONCE_MAX_S = 0.005
"""Commits expected to take longer than this are left to a thread."""
WEIGHT = 0.2
"""Of the last commit in what is expected of the next."""


class Committer:
    """Runs the commits of one store, one at a time, and learns how long they take."""

    def __init__(self) -> None:
        self._expected_s = 0.0

    async def run(self, commit: Callable[[], ResultT]) -> ResultT:
        """Run `commit` to its end, whoever stops waiting; raises what it raises."""
        if self._expected_s > AT_ONCE_MAX_S:
            return await trio.to_thread.run_sync(self._timed, commit)
        return self._timed(commit)

    def _timed(self, commit: Callable[[], ResultT]) -> ResultT:
        began = time.perf_counter()
        try:
            return commit()
        finally:
            self._expected_s += WEIGHT * (time.perf_counter() - began - self._expected_s)
