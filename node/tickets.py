"""What stands for a commit that is still to come, and what says that there will be none.

Whoever hands something in at the door waits for its ticket before saying that it is done.
"""

from dataclasses import dataclass, field

import trio


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
