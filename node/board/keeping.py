"""Brings what changed on the board and in the request box to the disk, and only then lets go what rests on it.

Far from the payments: its own file, its own commits, which share one for what comes within a moment. A disk that takes
nothing loses nobody anything (others hold the same records), so it is tried again later, and said once.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import trio

from ..committing import Committer
from ..journal import BoardStore, Change, JournalFailed
from ..writing import let_go

logger = logging.getLogger("tallystick.board")

CALM_S = 0.01
"""How long changes wait for company."""
TRY_AGAIN_S = 10.0
STAGED_MAX = 5_000
"""Changes that wait for a disk that takes none."""

Release = Callable[[], object]


@dataclass(eq=False, slots=True)
class Commit:
    """Stands for a commit that is still to come. `failure` is set when the disk did not take it at the first try."""

    done: trio.Event = field(default_factory=trio.Event)
    failure: str | None = None


class Keeper:
    """The one writer of a BoardStore. `run` must be running for anything to become durable."""

    def __init__(self, store: BoardStore) -> None:
        self._store = store
        self._committer = Committer()
        self._changes: list[Change] = []
        self._releases: list[Release] = []
        self._commit = Commit()
        self._writing: Commit | None = None
        self._work = trio.Event()
        self._is_failing = False

    def stage(self, changes: Sequence[Change], *releases: Release) -> None:
        """Have `changes` written, and `releases` called after them and all before."""
        self._changes += changes
        self._releases += releases
        self._work.set()

    @property
    def is_full(self) -> bool:
        """Tell whether so much waits for the disk that nothing more may be staged."""
        return len(self._changes) >= STAGED_MAX

    async def durable(self) -> str | None:
        """Wait until all that is staged is on the disk; says why when the disk did not take it."""
        commit = self._commit if self._work.is_set() else self._writing
        if commit is None:
            return None
        await commit.done.wait()
        return commit.failure

    async def run(self) -> None:
        """Write for as long as the node runs."""
        while True:
            await self._work.wait()
            await trio.sleep(CALM_S)
            commit = self._begin()
            await self._write(commit)
            self._writing = None
            commit.done.set()
            if commit.failure is not None:
                self._work.set()
                await trio.sleep(TRY_AGAIN_S)

    def _begin(self) -> Commit:
        commit = self._writing = self._commit
        self._commit, self._work = Commit(), trio.Event()
        return commit

    async def _write(self, commit: Commit) -> None:
        """Write what is staged by now; it stays staged when the disk does not take it, or nobody waits any more."""
        changes, releases = tuple(self._changes), tuple(self._releases)
        try:
            await self._committer.run(partial(self._store.write, changes))
        except JournalFailed as error:
            commit.failure = str(error)
            if not self._is_failing:
                logger.error("records and requests cannot be kept; it is tried again: %s", error)
            self._is_failing = True
            return
        self._is_failing = False
        del self._changes[: len(changes)], self._releases[: len(releases)]
        for release in releases:
            let_go(release)

    def close(self) -> None:
        """Write what is left, and give the file free."""
        try:
            if self._changes:
                self._store.write(self._changes)
        except JournalFailed as error:
            logger.error("the newest records and requests are not kept: %s", error)
        finally:
            self._store.close()
