"""What follows when an entry becomes final: who is told at once, who acknowledges, and what is gossiped.

The author's node gives entries and certificate to the payees' nodes at once. The witnesses, who hold the entry, get a
certificate a tenth of a second later, or a higher one of that account, which covers those below it; what they need
earlier goes along with the entry that needs it. Everybody else gets a hint. A payee's node acknowledges to the payer's.
Works after commits only, from what the door tells.
"""

import logging
import math
from collections.abc import Collection

import trio

from protocol.base import COMMONS, TAIL_MAX, AccountId, EntryId
from protocol.entry import SignedEntry
from protocol.messages import Bundle, Deliver, Hint, Position, Seen
from protocol.ops import Bounce, Recv, Send
from protocol.statements import Certificate, Place

from .bookkeeper import Bookkeeper
from .exchange import Exchange
from .filesystem import StoreRefused
from .happenings import Certified, Happening, Overturned, SeenByPayee
from .shelf import Shelf
from .tracking import Tracker

logger = logging.getLogger("tallystick.spreading")

GATHER_S = 0.1
"""A certificate for the witnesses waits this long for a higher one. If the node dies meanwhile, they pull it later."""
TURN_S = 0.02
"""Those that have waited go out this often: a witness that gets many at a time keeps payments waiting for it."""
ACKNOWLEDGE_S = 0.02
"""Acknowledgements are gathered this long."""
FRESH_S = 0.3
"""A certificate that came earlier than this is taken to be with the witnesses."""
UNTOLD_MAX = TAIL_MAX // 2
"""Entries of one account above the last certificate that the witnesses were given: with more, the next goes along."""
BUNDLE_MAX = 200
"""Certificates, or acknowledgements, in one message."""
UNSEEN_MAX = 4_096
"""Entries whose payees are kept in mind."""
UNHEARD_MAX = 4_096
"""Acknowledgements that wait for a link with the payer's node; the oldest give way."""
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
        self._seen: dict[str, list[Position]] = {}
        self._unseen: dict[EntryId, set[AccountId]] = {}
        self._unheard: dict[Position, None] = {}
        """What payees see here of payers whose node is not linked; the oldest first."""
        self._fresh: dict[AccountId, tuple[Certificate, float]] = {}
        """The newest certificate of every account, and when it came; the oldest first."""
        self._told: dict[AccountId, int] = {}
        """The seq of the last certificate that the witnesses were given, of each account that lives here."""
        self._gathered = trio.Event()
        self._to_acknowledge = trio.Event()
        exchange.answer(Seen, self._on_seen)
        exchange.on_hosting(self._on_hosting)
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

    async def acknowledge(self) -> None:
        """Tell payers' nodes what was gathered, for as long as the node runs."""
        while True:
            await self._to_acknowledge.wait()
            await trio.sleep(ACKNOWLEDGE_S)
            self._to_acknowledge = trio.Event()
            self._send_acknowledgements()

    def flush(self) -> None:
        """Send all that was gathered now: the last thing that a node does."""
        self._give_certificates(math.inf)
        self._send_acknowledgements()

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

    def _send_acknowledgements(self) -> None:
        seen, self._seen = self._seen, {}
        for peer, positions in seen.items():
            for start in range(0, len(positions), BUNDLE_MAX):
                self._exchange.send(peer, Seen(tuple(positions[start : start + BUNDLE_MAX])))

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
                self._acknowledge(certificate, settled)
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
        payees = {signed.id: _payees(signed) for signed in settled}
        homes = {peer for each in payees.values() for payee in each for peer in neighbours.hosting(payee)}
        self._expect(payees)
        if homes:
            self._exchange.send_all(homes, Deliver(0, Bundle(settled, (certificate,))))

    def _expect(self, payees: dict[EntryId, set[AccountId]]) -> None:
        """Keep in mind whose nodes may acknowledge these entries; the oldest are forgotten, and looked up then."""
        self._unseen.update(payees)
        while len(self._unseen) > UNSEEN_MAX:
            del self._unseen[next(iter(self._unseen))]

    def _acknowledge(self, certificate: Certificate, settled: tuple[SignedEntry, ...]) -> None:
        """Tell the payer's node what its payees see here; of a lone vote, also that a second node holds it."""
        hosted = self._exchange.hosted
        account, is_lone = certificate.place.account, len(certificate.votes) == 1
        homes = self._exchange.neighbours.hosting(account)
        seen: list[Position] = []
        for signed in settled:
            is_payee_here = any(payee in hosted for payee in _payees(signed))
            position = Position(account, signed.entry.incarnation, signed.seq, signed.id)
            if is_lone or is_payee_here:
                seen.append(position)
            if is_payee_here and account not in hosted:
                self._hints.append(position)  # the payer's node may be gone before it says anything
                if not homes:
                    self._keep_unheard(position)
            if is_payee_here and account in hosted:
                self._tracker.acknowledge(position, by_payee=True, elsewhere=False)
        if not seen:
            return
        for peer in homes:
            self._seen.setdefault(peer, []).extend(seen)
            self._to_acknowledge.set()

    def _keep_unheard(self, position: Position) -> None:
        self._unheard[position] = None
        if len(self._unheard) > UNHEARD_MAX:
            del self._unheard[next(iter(self._unheard))]

    def _on_hosting(self, peer: str, accounts: frozenset[AccountId]) -> None:
        """A payer's node is linked again: tell it what was seen meanwhile."""
        heard = [position for position in self._unheard if position.account in accounts]
        for position in heard:
            del self._unheard[position]
        if heard:
            self._seen.setdefault(peer, []).extend(heard)
            self._to_acknowledge.set()

    def _on_seen(self, peer: str, seen: Seen) -> None:
        neighbour = self._exchange.neighbours.get(peer)
        for position in seen.positions:
            if neighbour is None or position.account not in self._exchange.hosted:
                continue
            if not self._tracker.is_final(position.account, position.seq, position.id):
                continue
            by_payee = any(payee in neighbour.hosts for payee in self._payees_at(position))
            self._tracker.acknowledge(position, by_payee=by_payee)
            if by_payee:
                self._door.tell(SeenByPayee(position))

    def _payees_at(self, position: Position) -> Collection[AccountId]:
        """Whom an entry pays: known if it became final here lately, else looked up."""
        payees = self._unseen.pop(position.id, None)
        if payees is not None:
            return payees
        signed = self._door.ledger.entry_at(position.account, position.incarnation, position.seq)
        return () if signed is None else _payees(signed)


def _position(place: Place) -> Position:
    return Position(place.account, place.incarnation, place.seq, place.id)


def _payees(signed: SignedEntry) -> set[AccountId]:
    return {op.to for op in signed.entry.ops if isinstance(op, Send)}
