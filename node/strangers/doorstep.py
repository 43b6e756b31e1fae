"""Answers whoever knocks: who shows a card becomes known, who was invited reads account 0 and leaves a request.

Nothing else can be read by a stranger, and all strangers together get a small share of the node's time: they are
answered one after the other, with a rest after each that grows with what the answer cost, so a swarm of them slows
nobody's payment. Founding questions have their place in a home without a community; here they are turned.
"""

import logging
from dataclasses import dataclass, field

import trio

from protocol.base import COMMONS, Malformed, PublicKey, Signature
from protocol.bundles import Bundle, Span
from protocol.entry import SignedEntry
from protocol.invite import voucher_fault
from protocol.knocks import (
    CommonsPage,
    Knock,
    LeaveRequest,
    ReadCommons,
    Reply,
    ShowRecords,
    Turned,
    Welcome,
    decode_knock,
    encode_reply,
    is_proof,
)
from protocol.record import Kind, SignedRecord
from protocol.statements import Certificate

from .. import wallclock
from ..board import Board
from ..bookkeeper import Bookkeeper
from ..shelf import Shelf
from ..transport import Pace
from .requests import BUSY, RequestBox

logger = logging.getLogger("tallystick.doorstep")

WAITING_MAX = 32
"""Questions that wait for their turn; further ones are told to come again."""
PATIENCE_S = 5.0
"""How long one waits before it is told so."""
REST = 9.0
"""After an answer no stranger is answered for so many times as long as it took: a tenth of the time is theirs."""
PAGE_BYTES = 512 << 10
PAGE_ENTRIES_MAX = 512
STEP_ENTRIES = 8
"""Entries of account 0 that are read before all else has a turn."""
LINES_MAX, LINES_WITHIN_S = 10, 60.0
"""Log lines about strangers within so many seconds."""

FOREIGN, UNKNOWN, RECORD, PROOF, FOUNDED, QUESTION = "foreign", "unknown", "record", "proof", "founded", "question"
"""Codes: another community; the author of the card is not known here, come again; the card is no good; the one-time
key did not sign for this link; there is a community here already; the question cannot be read."""


@dataclass(eq=False)
class Doorstep:
    """What `Transport.serve_knocks` calls. `peer` is this node's own peer id."""

    peer: str
    door: Bookkeeper
    shelf: Shelf
    board: Board
    box: RequestBox
    _waiting: int = 0
    _turn: trio.Lock = field(default_factory=trio.Lock)
    _rested_at: float = float("-inf")
    _lines: Pace = field(default_factory=lambda: Pace(LINES_MAX, LINES_WITHIN_S))

    async def answer(self, client: str, frame: bytes) -> bytes | None:
        """The reply to one question of `client`, whose peer id is proven."""
        reply: Reply = Turned(BUSY)
        if self._waiting < WAITING_MAX:
            self._waiting += 1
            try:
                with trio.move_on_after(PATIENCE_S):
                    reply = await self._in_turn(client, frame)
            finally:
                self._waiting -= 1
        self._note(client, reply)
        return encode_reply(reply)

    async def _in_turn(self, client: str, frame: bytes) -> Reply:
        async with self._turn:
            await trio.sleep_until(self._rested_at)
            began_at = trio.current_time()
            try:
                reply = await self._reply(client, frame)
            finally:  # also when patience ended in the middle of it
                now = trio.current_time()
                self._rested_at = now + REST * (now - began_at)
        return await self._once_durable() if isinstance(reply, Welcome) else reply

    async def _reply(self, client: str, frame: bytes) -> Reply:
        try:
            knock = decode_knock(frame)
        except Malformed:
            return Turned(QUESTION)
        if self.door.unreadable is not None:
            return Turned(BUSY)
        if _community_of(knock) not in (None, self.door.ledger.commons.community):
            return Turned(FOREIGN)
        match knock:
            case ShowRecords(records=records):
                return self._look_at_card(client, records)
            case ReadCommons():
                code = self._invite_fault(client, knock.voucher.key, knock.proof) or self._voucher_fault(knock)
                return await self._page(knock.first_seq) if code is None else Turned(code)
            case LeaveRequest():
                code = self._invite_fault(client, knock.request.voucher.key, knock.proof)
                code = code or self.box.take(knock.request, wallclock.now_s())
                return Welcome() if code is None else Turned(code)
            case _:
                return Turned(FOUNDED)

    async def _once_durable(self) -> Reply:
        """Nobody is told that something was taken before it is on the disk, and known to who must know it."""
        return Welcome() if await self.board.durable() is None else Turned(BUSY)

    def _look_at_card(self, client: str, records: tuple[SignedRecord, ...]) -> Reply:
        """Take the cards of the asking peer itself; it is welcome when one of them is good."""
        now_s = wallclock.now_s()
        own = [signed for signed in records if signed.record.kind is Kind.CARD and signed.record.key == client.encode()]
        if any(signed.record.body for signed in own):
            self.board.take(own, now_s)
        if any(card.peer == client for _, card in self.board.cards(now_s)):
            return Welcome()
        is_behind = bool(own) and not all(self.board.knows(signed.record.author) for signed in own)
        return Turned(UNKNOWN if is_behind else RECORD)

    # Whoever was invited

    def _invite_fault(self, client: str, key: PublicKey, proof: Signature) -> str | None:
        community = self.door.ledger.commons.community
        return None if is_proof(key, community, self.peer, client, proof) else PROOF

    def _voucher_fault(self, knock: ReadCommons) -> str | None:
        """Why nobody reads on this voucher. Who was admitted on it while he was away may still find that out."""
        if self.box.has_admitted(knock.voucher.key):
            return None
        fault = voucher_fault(self.door.ledger, knock.voucher, wallclock.now_s())
        return None if fault is None else fault.code

    async def _page(self, first_seq: int) -> CommonsPage:
        """Account 0 from `first_seq` on, as much as one answer holds."""
        entries: list[SignedEntry] = []
        certificates: list[Certificate] = []
        height, size = self.door.final_on_disk(COMMONS), 0
        while size < PAGE_BYTES and len(entries) < PAGE_ENTRIES_MAX:
            first = first_seq + len(entries)
            bundle = self.shelf.span(Span(COMMONS, 0, first, min(height, first + STEP_ENTRIES - 1)), STEP_ENTRIES)
            if not bundle.entries:
                break
            entries += bundle.entries
            certificates += bundle.certificates
            size += sum(len(signed.encode()) for signed in bundle.entries)
            size += sum(len(certificate.encode()) for certificate in bundle.certificates)
            await trio.lowlevel.checkpoint()
        return CommonsPage(Bundle(tuple(entries), tuple(certificates)), max(0, height))

    def _note(self, client: str, reply: Reply) -> None:
        """Write a line about what was not a matter of course, but not more than somebody will read."""
        if not isinstance(reply, CommonsPage) and self._lines.allows(trio.current_time()):
            said = reply.code if isinstance(reply, Turned) else "welcome"
            logger.info("%s knocked: %s", client, said)


def _community_of(knock: Knock) -> bytes | None:
    match knock:
        case ShowRecords() | ReadCommons() | LeaveRequest():
            return knock.community
        case _:
            return None
