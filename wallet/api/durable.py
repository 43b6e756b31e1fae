"""What is shown over HTTP is on the disk: how the wallet's rooms wait for that, and say that it failed."""

from collections.abc import Callable

from node.api import ServedNode
from node.tickets import DoorClosed
from node.web.calls import Handler
from node.web.settled import once_durable

from ..errors import StoreFailed


def once_shown(node: ServedNode) -> Callable[[Handler], Handler]:
    """Make handlers whose answers leave only when all that they may show is durable. They raise StoreFailed."""
    return lambda read: once_durable(node.bookkeeper, read, _unsettled)


def _unsettled(error: DoorClosed) -> StoreFailed:
    next = "Ask again; if it stays so, mend the disk, then restart with `tally up`."
    return StoreFailed(f"What would be shown is not on disk: {error}.", next=next)
