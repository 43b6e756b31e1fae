"""What follows when an entry becomes final: who is told at once, who acknowledges, and what is gossiped.

The author's node gives entries and certificate to the payees' nodes at once. The witnesses, who hold the entry, get a
certificate a tenth of a second later, or a higher one of that account, which covers those below it; what they need
earlier goes along with the entry that needs it. Everybody else gets a hint, and the payee's node gives one, too.
Works after commits only, from what the door tells.
"""

import logging
import math

import trio

from protocol.base import COMMONS, TAIL_MAX, AccountId
from protocol.entry import SignedEntry
from protocol.messages import Bundle, Deliver, Hint, Position
from protocol.ops import Bounce, Recv
from protocol.statements import Certificate, Place

from .acknowledging import payees_of
from .bookkeeper import Bookkeeper
from .exchange import Exchange
from .filesystem import StoreRefused
from .happenings import Certified, Happening, Overturned
from .shelf import Shelf
from .tracking import Tracker

logger = logging.getLogger("tallystick.spreading")

GATHER_S = 0.1
"""A certificate for the witnesses waits this long for a higher one. If the node dies meanwhile, they pull it later."""
TURN_S = 0.02
"""Those that have waited go out this often: a witness that gets many at a time keeps payments waiting for it."""
FRESH_S = 0.3
"""A certificate that came earlier than this is taken to be with the witnesses."""
UNTOLD_MAX = TAIL_MAX // 2
"""Entries of one account above the last certificate that the witnesses were given: with more, the next goes along."""
BUNDLE_MAX = 200
"""Certificates in one message."""
HINT_INTERVAL_S = 1.0
"""Hints of what became final are gossiped together this often."""
HINTS_MAX = 16
"""Positions that fit a hint; when more became final, the hint says only that there is much news."""


class Spreader:
    """Listens to the door, and tells peers."""

    def __init__(self, door: Bookkeeper, exchange: Exchange, shelf: Shelf, tracker: Tracker) -> None:
        self._door = door
        self._exchange = exchange
        self._shelf = shelf
        self._tracker = tracker
        self._hints: list[Position] = []
        self._certificates: dict[AccountId, tuple[Certificate, float]] = {}
        """What the witnesses get, and when; the earliest first."""
        self._fresh: dict[AccountId, tuple[Certificate, float]] = {}
        """The newest certificate of every account, and when it came; the oldest first."""
        self._told: dict[AccountId, int] = {}
        """The seq of the last certificate that the witnesses were given, of each account that lives here."""
        self._gathered = trio.Event()
        door.listen(self._on_happening)

    def beside(self, signed: SignedEntry, to_all: bool) -> tuple[Certificate, ...]:
        """What witnesses need to judge `signed` and may not have yet: it goes along, `to_all` of them or to one.

        Certificates of those it takes from; and of its own account, before too many of its entries wait for one.
        """
        wanted = {op.payer for op in signed.entry.ops if isinstance(op, Recv | Bounce)}
        if signed.seq - self._told.get(signed.account, -1) > UNTOLD_MAX:
            wanted.add(signed.account)
        since = trio.current_time() - FRESH_S
        found = [fresh for fresh in map(self._fresh.get, wanted) if fresh is not None and fresh[1] > since]
        for certificate, _ in found if to_all else ():
            self._tell(certificate)
        return tuple([certificate for certificate, _ in found])

    def _tell(self, certificate: Certificate) -> None:
        if certificate.place.account in self._exchange.hosted:
            self._told[certificate.place.account] = certificate.place.seq

    async def spread(self) -> None:
        """Give the witnesses what was gathered, for as long as the node runs."""
        while True:
            await self._gathered.wait()
            await trio.sleep(TURN_S)
            self._give_certificates(trio.current_time())
            if not self._certificates:
                self._gathered = trio.Event()

    def flush(self) -> None:
        """Send all that was gathered now: the last thing that a node does."""
        self._give_certificates(math.inf)

    def _give_certificates(self, now: float) -> None:
        certificates = tuple([certificate for certificate, due in self._certificates.values() if due <= now])
        for certificate in certificates:
            del self._certificates[certificate.place.account]
        # Only now: a hint that comes before the news itself makes a witness ask for it.
        self._hints.extend(_position(certificate.place) for certificate in certificates)
        witnesses = self._exchange.neighbours.witnesses(self._door.ledger.commons.witnesses)
        for start in range(0, len(certificates), BUNDLE_MAX):
            deliver = Deliver(0, Bundle((), certificates[start : start + BUNDLE_MAX]))
            self._exchange.send_all(witnesses, deliver)
        for certificate in certificates:
            self._tell(certificate)

    async def gossip(self) -> None:
        """Send hints now and then, for as long as the node runs."""
        while True:
            await trio.sleep(HINT_INTERVAL_S)
            if self._hints:
                positions, self._hints = tuple(self._hints), []
                alone = self._enclosed(positions[0]) if len(positions) == 1 else Bundle()
                self._exchange.hint(Hint(positions if len(positions) <= HINTS_MAX else (), alone))

    def _enclosed(self, position: Position) -> Bundle:
        """What a hint brings along, to save a question; on a disk that cannot be read, nothing."""
        try:
            return self._shelf.exactly(position) or Bundle()
        except StoreRefused as error:
            logger.warning("a hint goes without its entry: %s", error.facts)
            return Bundle()

    def _on_happening(self, happening: Happening) -> None:
        match happening:
            case Certified(certificate, settled) if certificate.place.account != COMMONS:
                self._remember(certificate)
                if certificate.place.account in self._exchange.hosted:
                    self._spread(certificate, settled)
                else:
                    self._hint(settled)
                self._tracker.moved(certificate.place.account, certificate.place.seq)
            case Overturned(undone):
                for account in {signed.account for signed in undone} & self._exchange.hosted:
                    self._tracker.moved(account)

    def _remember(self, certificate: Certificate) -> None:
        """Keep the newest certificate of each account while it is fresh."""
        now = trio.current_time()
        self._fresh.pop(certificate.place.account, None)
        self._fresh[certificate.place.account] = certificate, now
        while self._fresh:
            oldest = next(iter(self._fresh))
            if now - self._fresh[oldest][1] < FRESH_S:
                break
            del self._fresh[oldest]

    def _spread(self, certificate: Certificate, settled: tuple[SignedEntry, ...]) -> None:
        neighbours = self._exchange.neighbours
        _, due = self._certificates.get(certificate.place.account, (None, trio.current_time() + GATHER_S))
        self._certificates[certificate.place.account] = certificate, due
        self._gathered.set()
        payees = {payee for signed in settled for payee in payees_of(signed)}
        homes = {peer for payee in payees for peer in neighbours.hosting(payee)}
        if homes:
            self._exchange.send_all(homes, Deliver(0, Bundle(settled, (certificate,))))

    def _hint(self, settled: tuple[SignedEntry, ...]) -> None:
        """A payee's node hints of what is paid here: the payer's node may be gone before it says anything."""
        for signed in settled:
            if payees_of(signed) & self._exchange.hosted:
                self._hints.append(Position(signed.account, signed.entry.incarnation, signed.seq, signed.id))


def _position(place: Place) -> Position:
    return Position(place.account, place.incarnation, place.seq, place.id)
