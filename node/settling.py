"""Waiting for the disk: what the door takes is in memory first, and nothing that shows it may leave before its commit.

Who hands something in waits for its ticket. Who only reads computes the answer from memory and then waits here until
all that it may rest on is durable; when nothing is being written that is at once.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import trio

if TYPE_CHECKING:
    from .bookkeeper import Bookkeeper


class DoorClosed(Exception):
    """The record could not be kept (disk full, disk error), so nothing is taken or signed any more."""


@dataclass(eq=False, slots=True)
class Ticket:
    """Stands for everything that was taken since the commit before: wait for it to be durable."""

    done: trio.Event = field(default_factory=trio.Event)
    failure: str | None = None

    async def durable(self) -> None:
        """Wait until all of it is on disk. Raises DoorClosed if it could not be written."""
        await self.done.wait()
        if self.failure is not None:
            raise DoorClosed(self.failure)

    def fail(self, reason: str) -> None:
        """Tell who waits that it could not be written."""
        self.failure = reason
        self.done.set()


async def settled(door: "Bookkeeper") -> None:
    """Wait until all that the ledger shows by now is durable.

    Raises DoorClosed when its commit fails, or failed and the ledger was not read anew since: then an answer that was
    made before may show what never happened. Afterwards reading goes on.
    """
    if door.unreadable is not None:
        raise DoorClosed(door.unreadable)
    if not door.is_settled:
        await door.ticket.durable()


def once_settled(door: "Bookkeeper", release: Callable[[], object]) -> None:
    """Call `release` once all that the ledger shows by now is durable: at once, with the next commit, or never."""
    if door.is_settled:
        release()
    elif door.failed is None:
        door.with_commit(release)
