"""The clerk: the one task that writes the book. What waits at the same time goes into one durable transaction.

So 64 payments of different accounts cost one sync of the disk, not 64. The queue is bounded; whoever finds it full
waits. After the first failure nothing is taken any more. Knows nothing of what it writes.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import trio

from node.committing import Committer

from ..errors import BookFailed, CapReached, Facts
from .book import Book, Signing
from .jotting import Jotting

if TYPE_CHECKING:
    from trio_typing import TaskStatus

BATCH_MAX = 256
QUEUE_MAX = 1_024


@dataclass(eq=False, slots=True)
class _Slip:
    """One signing, or something else for the book, that waits to be durable."""

    piece: Signing | Jotting
    done: trio.Event = field(default_factory=trio.Event)
    is_over_cap: bool = False
    failure: str | None = None


class Clerk:
    """Hands signings and jottings to the book. `run` must be running for `keep` to return."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._committer = Committer()
        self._send, self._receive = trio.open_memory_channel[_Slip](QUEUE_MAX)
        self._waiting: list[_Slip] = []
        """Taken from the queue, and not told yet how it went."""
        self.failed: str | None = None

    async def keep(self, piece: Signing | Jotting) -> None:
        """Return once `piece` is durable. Raises BookFailed when it is not, or may not be.

        Raises CapReached, and nothing of it is kept, for a payment that its token's daily cap has no room for.
        """
        if self.failed is not None:
            raise BookFailed(f"The wallet's book takes nothing more: {self.failed}.")
        slip = _Slip(piece)
        await self._send.send(slip)
        await slip.done.wait()
        if slip.failure is not None:
            raise BookFailed(f"The wallet's book could not keep what was signed: {slip.failure}.")
        if slip.is_over_cap and isinstance(piece, Signing) and piece.spending is not None:
            facts: Facts = {"amount": piece.spending.amount, "cap": piece.spending.spender.cap}
            raise CapReached("The token's daily cap has no room for this payment, or it opens nothing any more.", facts)

    async def run(self, *, task_status: "TaskStatus[None]" = trio.TASK_STATUS_IGNORED) -> None:
        """Write batch after batch until cancelled, or until the disk refuses."""
        task_status.started()
        try:
            while self.failed is None:
                await self._gather()
                await self._write(self._waiting)
                self._waiting.clear()
        finally:
            self._refuse_all()

    async def _gather(self) -> None:
        """Fill `_waiting`. Who is taken from the queue stands there at once: being cancelled here forgets nobody."""
        self._waiting.append(await self._receive.receive())
        await trio.lowlevel.checkpoint()  # all who are ready put theirs into this commit
        while len(self._waiting) < BATCH_MAX:
            try:
                self._waiting.append(self._receive.receive_nowait())
            except trio.WouldBlock:
                break

    async def _write(self, batch: Sequence[_Slip]) -> None:
        pieces = [slip.piece for slip in batch]
        try:
            kept = await self._committer.run(partial(self._book.commit, pieces))
        except BookFailed as error:
            self.failed = error.message
        else:
            self._book.note(kept)
            for slip in batch:
                slip.is_over_cap = not any(slip.piece is piece for piece in kept)
        for slip in batch:
            slip.failure = self.failed
            slip.done.set()

    def _refuse_all(self) -> None:
        """Nobody may wait for ever for a clerk who has gone."""
        self.failed = self.failed or "the wallet is closing"
        for slip in self._waiting:
            if not slip.done.is_set():
                slip.failure = self.failed
                slip.done.set()
        while True:
            try:
                slip = self._receive.receive_nowait()
            except trio.WouldBlock:
                break
            slip.failure = self.failed
            slip.done.set()
