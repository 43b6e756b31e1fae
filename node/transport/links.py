"""Which link is the link with a peer, when both sides dialled or one came back before the other noticed.

Rule, the same on both sides without a word about it: of two links opened by different sides the one
opened by the smaller peer id stays; of two opened by the same side the newer stays, because that
side only opens one when it believes it has none. The other one is retired: nothing more is sent on
it, and what is still on its way is read for a moment before its connection is dropped.

When a link with a smaller opener takes the place of another, no event tells: as a rule both sides dialled at once, and
what was said counts. But the other end may be another process, after a power cut or in a copied home, that has heard
nothing yet. So events are hints to be quick by; who needs to know for certain looks at `by_peer` (node/exchange.py).
"""

import trio

from .events import LinkDown, LinkEvents, LinkUp
from .limits import EVENTS_WAITING_MAX
from .link import Link

RETIRED_S = 2.0
"""How long a retired link is still read."""


class Links:
    """The present link of every peer, and the events about them."""

    def __init__(self) -> None:
        self.by_peer: dict[str, Link] = {}
        self.retired: dict[Link, float] = {}
        self.changed = trio.lowlevel.ParkingLot()
        self.events = LinkEvents(EVENTS_WAITING_MAX)

    def adopt(self, link: Link) -> None:
        """Make `link` the link with its peer, or retire it for the one that is there."""
        present = self.by_peer.get(link.peer)
        if present is None:
            self.by_peer[link.peer] = link
            self.events.tell(LinkUp(link.peer))
        elif link.opener == present.opener or link.opener < present.opener:
            self.by_peer[link.peer] = link
            self._retire(present)
            if link.opener == present.opener:  # it began anew, and knows nothing of what was said on the old link
                self.events.tell(LinkDown(link.peer))
                self.events.tell(LinkUp(link.peer))
        else:
            self._retire(link)
        self.changed.unpark_all()

    def on_end(self, link: Link) -> None:
        """`link` is gone."""
        self.retired.pop(link, None)
        if self.by_peer.get(link.peer) is link:
            del self.by_peer[link.peer]
            self.events.tell(LinkDown(link.peer))
        self.changed.unpark_all()

    def sweep(self, now: float) -> None:
        """Drop the connections of links that were retired long enough ago."""
        for link, since in list(self.retired.items()):
            if now - since >= RETIRED_S:
                link.muxer.abort()

    def _retire(self, link: Link) -> None:
        self.retired[link] = trio.current_time()
