"""The journal's writer: what was staged becomes durable in one commit, and only then what rests on it is let go.

While somebody waits for a commit (an answer, a vote, a ticket), it comes at once, with everything that is ready by
then. What nobody waits for is left for a moment, so that what follows shares its commit: each costs every node a turn
of its disk. After the first failure nothing is written any more. Knows nothing of what it writes.
"""

import logging
from collections.abc import Callable, Sequence
from functools import partial

import trio

from protocol.commit import Outbox

from .committing import Committer
from .journal import Journal, JournalFailed
from .records import Record
from .tickets import Ticket

logger = logging.getLogger("tallystick.writing")

CALM_S = 0.01
"""How long records wait for company when nobody waits for them."""

Release = Callable[[], object]


class Writer:
    """Stages and commits. `run` must be running for anything to become durable."""

    def __init__(self, journal: Journal) -> None:
        self.last_row = journal.last_row
        """The newest durable row of the journal."""
        self.staged = 0
        """Records that wait for the next commit."""
        self._journal = journal
        self._outbox: Outbox[Record, Release] = Outbox()
        self._committer = Committer()
        self._ticket = Ticket()
        self._written = Ticket()
        self._work = trio.Event()
        self._urgent = trio.Event()
        self._rows_grew = trio.Event()

    # Staging

    def stage(self, records: Sequence[Record] = (), releases: Sequence[Release] = ()) -> None:
        """Have `records` written, and `releases` called after them and all before, within CALM_S or so."""
        self._outbox.stage(records, releases)
        self.staged += len(records)
        self._work.set()

    def hasten(self) -> None:
        """Somebody waits for what is staged: commit as soon as all who are ready now have staged theirs."""
        self._work.set()
        self._urgent.set()

    @property
    def ticket(self) -> Ticket:
        """Stands for what is staged now; whoever takes it waits for it."""
        self.hasten()
        return self._ticket

    @property
    def is_awaited(self) -> bool:
        """Tell whether somebody waits for what is staged."""
        return self._urgent.is_set()

    @property
    def is_settled(self) -> bool:
        """Tell whether all that was ever staged is durable."""
        return self._outbox.is_settled

    async def wait_rows(self, above: int) -> int:
        """Wait until the journal has a row above `above`; returns its newest row."""
        while self.last_row <= above:
            await self._rows_grew.wait()
        return self.last_row

    # Committing

    async def run(self) -> str:
        """Commit one batch after the other until one fails; says why it failed."""
        try:
            while True:
                await self._work.wait()
                if not self._urgent.is_set():
                    with trio.move_on_after(CALM_S):
                        await self._urgent.wait()
                await trio.lowlevel.checkpoint()  # all who are ready put their records into this commit
                await self._commit()
        except JournalFailed as error:
            return str(error)
        except trio.Cancelled:
            self.fail("the node is closing")  # or who waits for it, and must not be ended, would wait for ever
            raise

    async def _commit(self) -> None:
        self._work, self._urgent = trio.Event(), trio.Event()
        self._written, self._ticket, self.staged = self._ticket, Ticket(), 0
        self._outbox.stage(messages=(self._written.done.set,))
        batch = self._outbox.take()
        if batch is None:
            return
        if batch.records:
            self.last_row = await self._committer.run(partial(self._journal.append, batch.records))
        for release in self._outbox.durable():
            let_go(release)
        if batch.records:
            self._rows_grew.set()
            self._rows_grew = trio.Event()

    def fail(self, reason: str) -> None:
        """Forget what is staged, and tell all who wait for it why it was not written."""
        self._outbox = Outbox()
        for ticket in (self._written, self._ticket):
            ticket.fail(reason)


def let_go(release: Callable[..., object], *told: object) -> None:
    """Call `release` with what is `told`."""
    try:
        release(*told)
    except Exception:  # the one place that keeps a bug in a listener from the other listeners and the writer
        logger.exception("what follows a commit went wrong")
