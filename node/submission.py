"""The author's side: brings entries of wallets that live here to the witnesses, and certificates to everybody.

One request a head; asked again until there is a certificate or too many refuse for good, always with the same bytes.
What is recorded, final, seen, in conflict or refused is answered from here, in the words of PROTOCOL section 5.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

import trio

from protocol.base import COMMONS, AccountId, EntryId
from protocol.entry import SignedEntry
from protocol.gathering import Gathering
from protocol.messages import Answer, Bundle, Deliver, Hint, Missing, Position, Seen, Submit
from protocol.ops import Send
from protocol.statements import Certificate, Nack, Place
from protocol.verdict import Code

from .bookkeeper import Bookkeeper
from .exchange import Exchange
from .happenings import Certified, Happening, Overturned, SeenByPayee
from .shelf import Shelf
from .standing import Standing

logger = logging.getLogger("tallystick.submission")

RETRY_S = 2.0
"""Witnesses that gave no answer are asked again after this long, and as soon as a link to them comes up."""
HINT_INTERVAL_S = 1.0
"""Hints of what became final are gossiped together this often."""
HINTS_MAX = 16
"""Positions that fit a hint; when more became final, the hint says only that there is much news."""


@dataclass(eq=False, slots=True)
class Outstanding:
    """One head on its way to a certificate."""

    signed: SignedEntry
    instance: bytes
    gathering: Gathering
    asked: dict[str, float] = field(default_factory=dict)
    changed: trio.Event = field(default_factory=trio.Event)


class Submitter:
    """Keeps what is under way, by account and seq."""

    def __init__(
        self,
        door: Bookkeeper,
        exchange: Exchange,
        shelf: Shelf,
        own_witness: bytes,
        vote_here: Callable[[Submit], None],
    ) -> None:
        self._door = door
        self._exchange = exchange
        self._shelf = shelf
        self._own_witness = own_witness
        self._vote_here = vote_here
        self._outstanding: dict[tuple[AccountId, int], Outstanding] = {}
        self._serials: dict[int, tuple[AccountId, int]] = {}
        self._serial = 0
        self._seen: dict[tuple[AccountId, int], EntryId] = {}
        self._held_elsewhere: set[tuple[AccountId, int]] = set()
        self._conflicts: set[AccountId] = set()
        self._hints: list[Position] = []
        self._moved = trio.Event()
        exchange.answer(Missing, self._on_missing)
        exchange.answer(Seen, self._on_seen)
        exchange.on_link(self._on_link_up)
        door.listen(self._on_happening)

    # For the wallet

    def submit(self, signed: SignedEntry, instance: bytes) -> None:
        """Bring a durable entry to the witnesses; `instance` is the nonce under whose lease it was signed."""
        key = signed.account, signed.seq
        if key in self._outstanding or self._is_certified(signed.account, signed.seq, signed.id):
            return
        commons = self._door.ledger.commons
        place = Place(commons.epoch, signed.account, signed.entry.incarnation, signed.seq, signed.id)
        gathering = Gathering(commons.community, place, commons.witnesses, commons.quorum)
        self._serial += 1
        self._serials[self._serial] = key
        self._outstanding[key] = Outstanding(signed, instance, gathering)
        self._ask(self._serial, self._outstanding[key])

    def state_of(self, account: AccountId, seq: int, id: EntryId) -> Standing:
        """Say what has become of an entry that was recorded here."""
        held = self._door.ledger.id_at(account, 0, seq)
        if self._is_certified(account, seq, id) and self._is_held_elsewhere(account, seq):
            return Standing.SEEN if self._seen.get((account, seq)) == id else Standing.FINAL
        if held != id or account in self._conflicts:
            return Standing.CONFLICT
        outstanding = self._outstanding.get((account, seq))
        if outstanding is None or not outstanding.gathering.is_hopeless:
            return Standing.RECORDED
        return Standing.CONFLICT if Code.CONFLICT in outstanding.gathering.reasons else Standing.REFUSED

    async def wait_for(self, account: AccountId, seq: int, id: EntryId, wanted: Standing, timeout_s: float) -> Standing:
        """Wait until the entry is `wanted` or further, or will never be, or the time is over; returns its state."""
        done = {Standing.CONFLICT, Standing.REFUSED, Standing.SEEN, wanted}
        with trio.move_on_after(timeout_s):
            while self.state_of(account, seq, id) not in done:
                await self._moved.wait()
        return self.state_of(account, seq, id)

    def refusals(self, account: AccountId, seq: int) -> list[Nack]:
        """The nacks that witnesses gave to the entry at this place, for the facts of an error."""
        outstanding = self._outstanding.get((account, seq))
        return [] if outstanding is None else list(outstanding.gathering.nacks.values())

    # Asking

    def _ask(self, serial: int, outstanding: Outstanding, only: str | None = None) -> None:
        signed = outstanding.signed
        submit = Submit(serial, outstanding.instance, self._suffix(signed))
        keys = self._door.ledger.commons.witnesses
        answered = {keys[witness] for witness in range(len(keys))} - {
            keys[witness] for witness in outstanding.gathering.unanswered
        }
        now = trio.current_time()
        for peer in self._exchange.neighbours.witnesses(keys) if only is None else [only]:
            if not self._exchange.neighbours.is_witness(peer, answered) and self._exchange.send(peer, submit):
                outstanding.asked[peer] = now
        if only is None and self._own_witness in keys and self._own_witness not in answered:
            self._vote_here(submit)

    def _suffix(self, signed: SignedEntry) -> Bundle:
        """The uncertified entries up to `signed`: a witness may lack those before it."""
        chain = self._door.ledger.chain(signed.account)
        tail = [] if chain is None else [held.signed for held in chain.tail if held.signed.seq < signed.seq]
        return Bundle((*tail, signed))

    async def ask_again(self) -> None:
        """Ask witnesses again that did not answer, and gossip hints, for as long as the node runs."""
        while True:
            await trio.sleep(HINT_INTERVAL_S)
            self._flush_hints()
            due = trio.current_time() - RETRY_S
            for serial, key in list(self._serials.items()):
                outstanding = self._outstanding.get(key)
                if outstanding is None:
                    del self._serials[serial]
                elif not outstanding.gathering.is_hopeless and max(outstanding.asked.values(), default=0.0) <= due:
                    self._ask(serial, outstanding)

    def _on_link_up(self, peer: str) -> None:
        if not self._exchange.neighbours.is_witness(peer, self._door.ledger.commons.witnesses):
            return
        for serial, key in list(self._serials.items()):
            if key in self._outstanding:
                self._ask(serial, self._outstanding[key], only=peer)

    # Answers

    def hear(self, answer: Answer) -> None:
        """Take a vote or nack, from a peer or from the witness of this node."""
        if answer.evidence.entries or answer.evidence.certificates:
            self._door.take(answer.evidence)
        key = self._serials.get(answer.serial)
        outstanding = None if key is None else self._outstanding.get(key)
        if outstanding is None:
            return
        certificate = outstanding.gathering.hear(answer.statement)
        if certificate is not None:
            self._door.take(Bundle((), (certificate,)))
        elif outstanding.gathering.is_hopeless:
            reasons = ", ".join(getattr(code, "word", str(code)) for code in outstanding.gathering.reasons)
            logger.warning("account %s seq %s: the witnesses refuse (%s)", *key, reasons)  # type: ignore[misc]
            self._wake()

    def _on_missing(self, peer: str, missing: Missing) -> None:
        """Give the witness what it lacks, then ask again."""
        key = self._serials.get(missing.serial)
        outstanding = None if key is None else self._outstanding.get(key)
        if outstanding is None:
            return
        for span in missing.spans:
            self._exchange.send(peer, Deliver(0, self._shelf.span(span, 100)))
        self._ask(missing.serial, outstanding, only=peer)

    def _on_seen(self, peer: str, seen: Seen) -> None:
        for position in seen.positions:
            if not self._is_certified(position.account, position.seq, position.id):
                continue
            self._held_elsewhere.add((position.account, position.seq))
            if self._pays_somebody_at(peer, position):
                self._seen[position.account, position.seq] = position.id
                self._door.tell(SeenByPayee(position))
        self._wake()

    def _pays_somebody_at(self, peer: str, position: Position) -> bool:
        neighbour = self._exchange.neighbours.get(peer)
        signed = self._shelf.entry(position)
        if neighbour is None or signed is None:
            return False
        return any(isinstance(op, Send) and op.to in neighbour.hosts for op in signed.entry.ops)

    # What became true

    def _on_happening(self, happening: Happening) -> None:
        match happening:
            case Certified(certificate):
                self._on_certified(certificate)
                self._wake()
            case Overturned(undone):
                hosted = {signed.account for signed in undone} & self._exchange.hosted
                self._conflicts |= {AccountId(account) for account in hosted}
                self._wake()
            case SeenByPayee():
                self._wake()

    def _on_certified(self, certificate: Certificate) -> None:
        place = certificate.place
        mine = [key for key in self._outstanding if key[0] == place.account and key[1] <= place.seq]
        for key in mine:
            del self._outstanding[key]
        if place.account in self._exchange.hosted and mine:
            self._spread(certificate)
        self._acknowledge(certificate)

    def _spread(self, certificate: Certificate) -> None:
        """Give the certificate to the witnesses, entry and certificate to the payees' nodes, and a hint to the rest."""
        place = certificate.place
        position = Position(place.account, place.incarnation, place.seq, place.id)
        neighbours = self._exchange.neighbours
        witnesses = set(neighbours.witnesses(self._door.ledger.commons.witnesses))
        self._exchange.send_all(witnesses, Deliver(0, Bundle((), (certificate,))))
        signed = self._shelf.entry(position)
        if signed is not None:
            payees = {op.to for op in signed.entry.ops if isinstance(op, Send)}
            peers = {peer for payee in payees for peer in neighbours.hosting(payee)} - witnesses
            self._exchange.send_all(peers, Deliver(0, Bundle((signed,), (certificate,))))
        self._hints.append(position)

    def _acknowledge(self, certificate: Certificate) -> None:
        """Tell the payer's node that the payee sees the payment here; of a lone vote, that a second node holds it."""
        place = certificate.place
        if place.account == COMMONS:
            return
        position = Position(place.account, place.incarnation, place.seq, place.id)
        signed = self._shelf.entry(position)
        if signed is None:
            return
        payees = {op.to for op in signed.entry.ops if isinstance(op, Send)}
        pays_here = bool(payees & self._exchange.hosted)
        if place.account in self._exchange.hosted and pays_here:
            self._seen[place.account, place.seq] = place.id
        if pays_here or len(certificate.votes) == 1:
            self._exchange.send_all(self._exchange.neighbours.hosting(place.account), Seen((position,)))

    def _flush_hints(self) -> None:
        if not self._hints:
            return
        positions, self._hints = tuple(self._hints), []
        bundle = Bundle()
        if len(positions) == 1:
            span = self._shelf.exactly(positions[0])
            bundle = span if span is not None else bundle
        self._exchange.hint(Hint(positions if len(positions) <= HINTS_MAX else (), bundle))

    # Facts

    def _is_certified(self, account: AccountId, seq: int, id: EntryId) -> bool:
        chain = self._door.ledger.chain(account)
        return chain is not None and chain.final_seq >= seq and self._door.ledger.id_at(account, 0, seq) == id

    def _is_held_elsewhere(self, account: AccountId, seq: int) -> bool:
        """A witness of another node voted for it, or another node said that it holds it."""
        if (account, seq) in self._held_elsewhere:
            return True
        certificate = self._shelf.certificate(account, seq)
        keys = self._door.ledger.commons.witnesses
        return certificate is not None and any(keys[vote[0]] != self._own_witness for vote in certificate.votes)

    def _wake(self) -> None:
        self._moved.set()
        self._moved = trio.Event()
