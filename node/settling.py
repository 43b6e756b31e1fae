"""Reading waits for the disk, too: what the door takes is in memory first, and may not be shown before its commit.

Who only reads computes the answer from memory and then waits here until all that it may rest on is durable; when
nothing is being written that is at once. Who hands something in waits for its ticket instead (`tickets`).
"""

from collections.abc import Callable

from .bookkeeper import Bookkeeper
from .tickets import DoorClosed


async def settled(door: Bookkeeper) -> None:
    """Wait until all that the ledger shows by now is durable.

    Raises DoorClosed when its commit fails, or failed and the ledger was not read anew since: then an answer that was
    made before may show what never happened. Afterwards reading goes on.
    """
    if door.unreadable is not None:
        raise DoorClosed(door.unreadable)
    if not door.is_settled:
        await door.ticket.durable()


def once_settled(door: Bookkeeper, release: Callable[[], object]) -> None:
    """Call `release` once all that the ledger shows by now is durable: at once, with the next commit, or never."""
    if door.is_settled:
        release()
    elif door.failed is None:
        door.with_commit(release)
