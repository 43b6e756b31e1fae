"""The author's side: brings the entries of wallets that live here to the witnesses until there is a certificate.

One question a head; asked again until the votes suffice or too many witnesses refuse for good, always with the same
bytes. What follows when an entry is final is in `spreading`, what people are told in `tracking`.
"""

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import trio

from protocol.base import COMMONS, AccountId, EntryId
from protocol.entry import SignedEntry
from protocol.gathering import Gathering
from protocol.messages import Answer, Bundle, Deliver, Missing, Span, Submit
from protocol.signing import RememberingVerify, Verify
from protocol.statements import Certificate, Place
from protocol.verdict import Code

from .bookkeeper import Bookkeeper
from .exchange import Exchange
from .happenings import Certified, Entered, Happening, Overturned
from .settling import once_settled
from .shelf import Shelf
from .standing import Standing
from .tracking import Tracker

logger = logging.getLogger("tallystick.submission")

RETRY_S = 2.0
"""Witnesses that gave no answer are asked again after this long, and as soon as a link to them comes up."""
SECOND_THOUGHT_S = 20.0
"""Witnesses that refused for good are asked again this often: what stood against the entry may have changed."""
SPAN_ENTRIES = 100
HELP_MAX = 16
"""So many times a witness is given what it says it lacks, before it has to wait for the next try."""


@dataclass(eq=False, slots=True)
class Outstanding:
    """One head on its way to a certificate."""

    serial: int
    signed: SignedEntry
    instance: bytes
    gathering: Gathering
    asked: dict[str, float] = field(default_factory=dict)
    """When each peer was asked last."""
    tried_at: float = field(default_factory=trio.current_time)
    """When this try began: all that gave no vote are asked again after SECOND_THOUGHT_S."""
    given: set[tuple[str, Span]] = field(default_factory=set)
    """What each peer said it lacked in this try, and was given: the same is not given twice, or it would never end."""
    helped: Counter[str] = field(default_factory=Counter)
    """How often each peer was given something in this try."""


class Submitter:
    """Keeps what is under way.

    `vote_here` asks the witness of this node, which answers by `hear`; `beside` names the certificates that witnesses
    need for an entry and may lack.
    """

    def __init__(
        self,
        door: Bookkeeper,
        exchange: Exchange,
        shelf: Shelf,
        tracker: Tracker,
        own_witness: bytes,
        vote_here: Callable[[Submit], None],
        beside: Callable[[SignedEntry, bool], tuple[Certificate, ...]],
    ) -> None:
        self._door = door
        self._exchange = exchange
        self._shelf = shelf
        self._tracker = tracker
        self._own_witness = own_witness
        self._vote_here = vote_here
        self._beside = beside
        self._serial = 0
        self._by_serial: dict[int, Outstanding] = {}
        self._by_account: dict[AccountId, dict[int, Outstanding]] = {}
        tracker.refused_at = self._refused_at
        exchange.answer(Missing, self._on_missing)
        exchange.on_link(self._on_link_up)
        door.listen(self._on_happening)

    def submit(self, signed: SignedEntry, instance: bytes) -> None:
        """Bring an entry to the witnesses; `instance` is the nonce under whose lease it was signed."""
        held = self._by_account.get(signed.account, {}).get(signed.seq)
        if held is not None and held.signed.id != signed.id:
            self._drop(held)
        elif held is not None or self._tracker.is_final(signed.account, signed.seq, signed.id):
            return
        commons = self._door.ledger.commons
        place = Place(commons.epoch, signed.account, signed.entry.incarnation, signed.seq, signed.id)
        gathering = Gathering(commons.community, place, commons.witnesses, commons.quorum, verify=self._verify())
        self._serial += 1
        fresh = Outstanding(self._serial, signed, instance, gathering)
        self._by_serial[fresh.serial] = fresh
        self._by_account.setdefault(signed.account, {})[signed.seq] = fresh
        self._ask(fresh, gathering.unanswered)

    def _verify(self) -> Verify:
        """Votes are verified here and then, within their certificate, at the door: once is enough."""
        verify = self._door.ledger.verify
        return verify.remember if isinstance(verify, RememberingVerify) else verify

    # Asking

    def _ask(self, outstanding: Outstanding, whom: Sequence[int], only: str | None = None) -> None:
        """Ask the witnesses at these indices, or of them only the peer `only`."""
        signed = outstanding.signed
        submit = Submit(outstanding.serial, outstanding.instance, self._suffix(signed, to_all=only is None))
        keys = [self._door.ledger.commons.witnesses[witness] for witness in whom]
        asked = [peer for peer in self._exchange.neighbours.witnesses(keys) if only in (None, peer)]
        self._exchange.send_all(asked, submit)
        outstanding.asked.update(dict.fromkeys(asked, trio.current_time()))
        if only is None and self._own_witness in keys:
            self._vote_here(submit)

    def _suffix(self, signed: SignedEntry, *, to_all: bool) -> Bundle:
        """`signed`, and what a witness may lack below it: uncertified entries, and what certifies those before.

        Entries that are asked for themselves went the same way before; a witness that lacks one all the same says so.
        """
        chain = self._door.ledger.chain(signed.account)
        asked_for = self._by_account.get(signed.account, {})
        tail = [] if chain is None else [held.signed for held in chain.tail if held.signed.seq < signed.seq]
        lacked = [held for held in tail if held.seq not in asked_for]
        return Bundle((*lacked, signed), self._beside(signed, to_all))

    async def ask_again(self) -> None:
        """Ask witnesses again that did not answer, for as long as their answers can be recorded."""
        self._take_up()
        while True:
            await trio.sleep(RETRY_S / 2)
            if self._door.failed is not None:
                return
            now = trio.current_time()
            for outstanding in list(self._by_serial.values()):
                if now - outstanding.tried_at >= SECOND_THOUGHT_S:
                    outstanding.tried_at = now
                    outstanding.given.clear()
                    outstanding.helped.clear()
                    self._ask(outstanding, outstanding.gathering.unvoted)
                elif now - max(outstanding.asked.values(), default=0.0) >= RETRY_S:
                    self._ask(outstanding, outstanding.gathering.unanswered)

    def _take_up(self) -> None:
        """After a restart, ask for what is held here without a certificate, whoever handed it in."""
        ledger = self._door.ledger
        chains = [ledger.chain(account) for account in ledger.accounts() if account != COMMONS]
        for tail in [chain.tail for chain in chains if chain is not None and chain.tail]:
            self.submit(tail[-1].signed, b"")

    def _on_link_up(self, peer: str) -> None:
        for outstanding in list(self._by_serial.values()):
            self._ask(outstanding, outstanding.gathering.unanswered, only=peer)

    # Answers

    def hear(self, answer: Answer) -> None:
        """Take a vote or nack, from a peer or from the witness of this node."""
        outstanding = self._by_serial.get(answer.serial)
        if outstanding is None or outstanding.gathering.certificate is not None:
            return
        if answer.evidence.entries or answer.evidence.certificates:
            self._door.take(answer.evidence)
        certificate = outstanding.gathering.hear(answer.statement)
        if certificate is not None:
            self._door.take(Bundle((), (certificate,)))
            self._door.hasten()  # the payer waits for it
        elif outstanding.gathering.is_hopeless:
            signed, reasons = outstanding.signed, outstanding.gathering.reasons
            words = ", ".join(code.word if isinstance(code, Code) else str(code) for code in reasons)
            logger.warning("account %d seq %d: the witnesses refuse (%s)", signed.account, signed.seq, words)
            self._tracker.moved(signed.account)

    def _on_missing(self, peer: str, missing: Missing) -> None:
        """What the witness lacks may be on its way to the disk still."""
        once_settled(self._door, partial(self._help, peer, missing))

    def _help(self, peer: str, missing: Missing) -> None:
        """Give the witness what it lacks, then ask again."""
        outstanding = self._by_serial.get(missing.serial)
        if outstanding is None or outstanding.helped[peer] >= HELP_MAX:
            return
        outstanding.helped[peer] += 1
        lacked = [span for span in missing.spans if (peer, span) not in outstanding.given]
        for span in lacked:
            outstanding.given.add((peer, span))
            self._exchange.send(peer, Deliver(0, self._shelf.span(span, SPAN_ENTRIES)))
        if lacked:
            self._ask(outstanding, outstanding.gathering.unanswered, only=peer)

    def _refused_at(self, account: AccountId, seq: int, id: EntryId) -> Standing | None:
        """What the refusals of witnesses make of an entry: a split vote is a conflict. None while votes may come."""
        outstanding = self._by_account.get(account, {}).get(seq)
        if outstanding is None or outstanding.signed.id != id or not outstanding.gathering.is_hopeless:
            return None
        return Standing.CONFLICT if Code.CONFLICT in outstanding.gathering.reasons else Standing.REFUSED

    def _on_happening(self, happening: Happening) -> None:
        match happening:
            case Certified(certificate):
                place = certificate.place
                for held in list(self._by_account.get(place.account, {}).values()):
                    if held.signed.seq <= place.seq:
                        self._drop(held)
            case Overturned(undone):
                for signed in undone:
                    displaced = self._by_account.get(signed.account, {}).get(signed.seq)
                    if displaced is not None and displaced.signed.id == signed.id:
                        self._drop(displaced)
            case Entered(signed) if signed.account in self._exchange.hosted and signed.account != COMMONS:
                self.submit(signed, b"")  # it may have had to wait for what it refers to

    def _drop(self, outstanding: Outstanding) -> None:
        """Ask for this one no more."""
        account, seq = outstanding.signed.account, outstanding.signed.seq
        del self._by_serial[outstanding.serial], self._by_account[account][seq]
        if not self._by_account[account]:
            del self._by_account[account]
