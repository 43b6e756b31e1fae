"""Acknowledgements: a payee's node tells the payer's that a payment is there and is shown to its payee.

When the two are not linked, as when both only dial out, the payee's node tells a few others, and who of them is linked
with the payer's node passes it on; it is kept as well, in case that node links up later. None of it is signed: that a
payment was seen rests on linked nodes' own word. Works after commits only, from what the door tells.
"""

import logging
from collections.abc import Collection, Iterable

import trio

from protocol.base import COMMONS, AccountId, EntryId
from protocol.entry import SignedEntry
from protocol.messages import Position, Seen, SeenThere
from protocol.ops import Send
from protocol.statements import Certificate

from .bookkeeper import Bookkeeper
from .exchange import Exchange
from .happenings import Certified, Happening, SeenByPayee
from .neighbours import Neighbour
from .tracking import Tracker

logger = logging.getLogger("tallystick.acknowledging")

ACKNOWLEDGE_S = 0.02
"""Acknowledgements are gathered this long."""
BUNDLE_MAX = 200
"""Acknowledgements in one message; of more the first are heard, since each may ask for a look at the disk."""
UNSEEN_MAX = 4_096
"""Entries whose payees are kept in mind."""
UNHEARD_MAX = 4_096
"""Acknowledgements that wait for a link with the payer's node; the oldest give way."""
GO_BETWEENS_MAX = 6
"""Linked peers that are asked to pass on what the payer's node cannot be told; witnesses first."""


class Acknowledger:
    """Listens to the door, tells payers' nodes, hears payees' nodes, and passes on between others."""

    def __init__(self, door: Bookkeeper, exchange: Exchange, tracker: Tracker) -> None:
        self._door = door
        self._exchange = exchange
        self._tracker = tracker
        self._seen: dict[str, list[Position]] = {}
        self._seen_there: dict[str, list[Position]] = {}
        self._unseen: dict[EntryId, set[AccountId]] = {}
        self._unheard: dict[Position, None] = {}
        """What payees see here of payers whose node is not linked; the oldest first."""
        self._work = trio.Event()
        exchange.answer(Seen, self._on_seen)
        exchange.answer(SeenThere, self._on_seen_there)
        exchange.on_hosting(self._on_hosting)
        door.listen(self._on_happening)

    async def run(self) -> None:
        """Tell what was gathered, for as long as the node runs."""
        while True:
            await self._work.wait()
            await trio.sleep(ACKNOWLEDGE_S)
            self._work = trio.Event()
            self.flush()

    def flush(self) -> None:
        """Send all that was gathered now."""
        seen, self._seen = self._seen, {}
        seen_there, self._seen_there = self._seen_there, {}
        for peer, positions in seen.items():
            for start in range(0, len(positions), BUNDLE_MAX):
                self._exchange.send(peer, Seen(tuple(positions[start : start + BUNDLE_MAX])))
        for peer, positions in seen_there.items():
            for start in range(0, len(positions), BUNDLE_MAX):
                self._exchange.send(peer, SeenThere(tuple(positions[start : start + BUNDLE_MAX])))

    # The payee's node

    def _on_happening(self, happening: Happening) -> None:
        match happening:
            case Certified(certificate, settled) if certificate.place.account != COMMONS:
                if certificate.place.account in self._exchange.hosted:
                    self._expect(settled)
                self._acknowledge(certificate, settled)

    def _acknowledge(self, certificate: Certificate, settled: tuple[SignedEntry, ...]) -> None:
        """Tell the payer's node what its payees see here; of a lone vote, also that a second node holds it."""
        hosted, account = self._exchange.hosted, certificate.place.account
        here = [_position(signed) for signed in settled if payees_of(signed) & hosted]
        if account in hosted:
            for position in here:
                self._tracker.acknowledge(position, by_payee=True, elsewhere=False)
        if homes := self._exchange.neighbours.hosting(account):
            seen = list(map(_position, settled)) if len(certificate.votes) == 1 else here
            self._gather(self._seen, homes, seen)
        elif here and account not in hosted:
            self._gather(self._seen, self._go_betweens(), here)
            for position in here:
                self._keep_unheard(position)

    def _go_betweens(self) -> list[str]:
        """A few linked peers who may be linked with a node that this one is not."""
        neighbours = self._exchange.neighbours
        witnesses = neighbours.witnesses(self._door.ledger.commons.witnesses)
        return [*witnesses, *sorted(set(neighbours) - set(witnesses))][:GO_BETWEENS_MAX]

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
            self._gather(self._seen, [peer], heard)

    def _gather(self, what: dict[str, list[Position]], peers: Iterable[str], positions: list[Position]) -> None:
        for peer in peers if positions else ():
            what.setdefault(peer, []).extend(positions)
            self._work.set()

    # The payer's node, and those between

    def _expect(self, settled: tuple[SignedEntry, ...]) -> None:
        """Keep in mind whose nodes may acknowledge these entries; the oldest are forgotten, and looked up then."""
        self._unseen.update({signed.id: payees_of(signed) for signed in settled})
        while len(self._unseen) > UNSEEN_MAX:
            del self._unseen[next(iter(self._unseen))]

    def _on_seen(self, peer: str, seen: Seen) -> None:
        neighbour = self._exchange.neighbours.get(peer)
        if neighbour is None:
            return
        for position in seen.positions[:BUNDLE_MAX]:
            if position.account in self._exchange.hosted:
                if self._is_final(position):
                    self._hear(position, self._is_of_payee(neighbour, position))
            elif others := set(self._exchange.neighbours.hosting(position.account)) - {peer}:
                if self._is_of_payee(neighbour, position):
                    self._gather(self._seen_there, others, [position])

    def _on_seen_there(self, _peer: str, seen: SeenThere) -> None:
        for position in seen.positions[:BUNDLE_MAX]:
            if position.account in self._exchange.hosted and self._is_final(position):
                self._hear(position, by_payee=True)

    def _hear(self, position: Position, by_payee: bool) -> None:
        self._tracker.acknowledge(position, by_payee=by_payee)
        if by_payee:
            self._door.tell(SeenByPayee(position))

    def _is_final(self, position: Position) -> bool:
        return self._tracker.is_final(position.account, position.seq, position.id)

    def _is_of_payee(self, neighbour: Neighbour, position: Position) -> bool:
        return any(payee in neighbour.hosts for payee in self._payees_at(position))

    def _payees_at(self, position: Position) -> Collection[AccountId]:
        """Whom an entry pays: known if it became final here lately, else looked up."""
        payees = self._unseen.pop(position.id, None)
        if payees is not None:
            return payees
        signed = self._door.ledger.entry_at(position.account, position.incarnation, position.seq)
        return () if signed is None or signed.id != position.id else payees_of(signed)


def _position(signed: SignedEntry) -> Position:
    return Position(signed.account, signed.entry.incarnation, signed.seq, signed.id)


def payees_of(signed: SignedEntry) -> set[AccountId]:
    """Whom an entry pays."""
    return {op.to for op in signed.entry.ops if isinstance(op, Send)}
