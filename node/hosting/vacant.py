"""A host that has no community yet: it answers its founder, once, and nobody else.

Whoever proves the one-time key of the host's card may ask for the witness's signature under a founding entry
(AskAcceptance), as often as it takes, and hand over the founded community (BeFounded): that one is for good. Signing
binds to nothing: the witness key votes only in the community whose journal this home keeps. All other questions are
hung up on. Keeps the founding durably before it says Welcome; does not run the node that follows.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import trio

from protocol.base import COMMONS, NO_COMMUNITY, Malformed, Signature
from protocol.entry import Entry, SignedEntry, read_entry
from protocol.host_card import HostCard
from protocol.knocks import (
    FOUNDING_BYTES_MAX,
    Acceptance,
    AskAcceptance,
    BeFounded,
    Reply,
    Turned,
    Welcome,
    decode_knock,
    encode_reply,
    is_proof,
)
from protocol.ledger import Effects, Ledger
from protocol.ops import Found
from protocol.record import SignedRecord
from protocol.signing import Tag, sign

from ..config import PEERS_MAX, read_config, write_config
from ..store import Store, give_community
from ..transport import Transport
from .home import read_card, void_card

logger = logging.getLogger("tallystick.vacant")

LAST_WORD_S = 0.3
"""How long the answer to the founder has to leave before the node begins to listen anew."""

FOUNDED, EXPIRED, UNPROVEN, NOT_NAMED, NO_FOUNDING = "founded", "expired", "unproven", "not_named", "no_founding"
"""Why a founder is turned away: another community is here; the card's time is over; the proof is not by the card's key;
the entry does not name this host's witness key, or names it though the card does not offer it; it is no valid founding.
"""


@dataclass(frozen=True, slots=True)
class Founding:
    """What a founder handed over, as far as it was not kept yet."""

    founding: SignedEntry
    records: tuple[SignedRecord, ...] = ()
    """To be judged by the board, when there is one."""


class Vacant:
    """Answers for one home. `clock` gives seconds since 1970; `keep` is told what was taken and makes it durable."""

    def __init__(
        self, store: Store, peer_id: str, card: Callable[[], HostCard | None], clock: Callable[[], float],
        keep: Callable[[BeFounded, str], None],
    ) -> None:  # fmt: skip
        self._witness_key = store.identity.witness_key
        self._peer_id = peer_id
        self._card = card
        self._clock = clock
        self._keep = keep
        self.founding: Founding | None = None
        self.founded = trio.Event()

    async def answer(self, client: str, frame: bytes) -> bytes | None:
        """Answer one question of `client`; None hangs up on whoever is no founder."""
        try:
            knock = decode_knock(frame)
        except Malformed as error:
            logger.info("%s asked what cannot be read: %s", client, error)
            return None
        if not isinstance(knock, AskAcceptance | BeFounded):
            return None
        reply = self._turned(client, knock.proof) or self._reply(client, knock)
        if isinstance(reply, Turned):
            logger.info("%s, who wants to found with this host, was turned away: %s", client, reply.code)
        return encode_reply(reply)

    def _turned(self, client: str, proof: Signature) -> Turned | None:
        """Why this client is no founder, or None."""
        if self.founding is not None:
            return Turned(FOUNDED)
        card = self._card()
        if card is None or not is_proof(card.key.public, NO_COMMUNITY, self._peer_id, client, proof):
            return Turned(UNPROVEN)
        return Turned(EXPIRED) if card.expires <= self._clock() else None

    def _reply(self, client: str, knock: AskAcceptance | BeFounded) -> Reply:
        return self._accept(knock.body) if isinstance(knock, AskAcceptance) else self._be_founded(client, knock)

    def _accept(self, body: bytes) -> Reply:
        """Sign a founding entry's body as the witness that it names."""
        try:
            found = found_in(read_entry(body))
        except Malformed:
            return Turned(NO_FOUNDING)
        if found is None:
            return Turned(NO_FOUNDING)
        if not self._offers_witness() or self._witness_key.public not in found.witnesses:
            return Turned(NOT_NAMED)
        return Acceptance(sign(self._witness_key, Tag.ENTRY, NO_COMMUNITY, body))

    def _be_founded(self, client: str, knock: BeFounded) -> Reply:
        entries = knock.bundle.entries
        if len(entries) != 1 or knock.bundle.certificates or not isinstance(Ledger().judge(entries[0]), Effects):
            return Turned(NO_FOUNDING)
        found = found_in(entries[0].entry)
        if found is None:
            return Turned(NO_FOUNDING)
        if self._offers_witness() != (self._witness_key.public in found.witnesses):
            return Turned(NOT_NAMED)
        self._keep(knock, client)
        self.founding = Founding(entries[0], knock.records)
        self.founded.set()
        return Welcome()

    def _offers_witness(self) -> bool:
        card = self._card()
        return card is not None and card.witness != b""


def found_in(entry: Entry) -> Found | None:
    """The founding op of an entry that founds a community, or None."""
    first = entry.ops[0] if entry.ops else None
    is_first = entry.account == COMMONS and entry.seq == 0
    return first if is_first and isinstance(first, Found) else None


def keep_founding(home: Path, store: Store, knock: BeFounded, founder: str) -> None:
    """Make a founding durable: whom to dial, then the journal, last the end of the card. Raises StoreRefused, OSError.

    Cut short before the journal has it, nothing happened; after that the next start goes on.
    """
    config = read_config(home)
    peers = tuple(dict.fromkeys((*config.peers, *knock.peers, f"/p2p/{founder}")))
    write_config(replace(config, peers=peers[:PEERS_MAX]))
    give_community(store, knock.bundle.entries[0])
    void_card(home)


async def wait_for_founder(
    home: Path, store: Store, transport: Transport, clock: Callable[[], float], ready: Callable[[], None]
) -> Founding:
    """Answer at the doorstep of a home with a card until a community is founded with it and durable here.

    `transport` is open and knows no peer; whoever opened it closes it then. Calls `ready` when founders are answered.
    """
    vacant = Vacant(
        store, transport.peer_id, lambda: read_card(home), clock,
        lambda knock, founder: keep_founding(home, store, knock, founder),
    )  # fmt: skip
    transport.serve_knocks(vacant.answer, FOUNDING_BYTES_MAX)
    ready()
    await vacant.founded.wait()
    await trio.sleep(LAST_WORD_S)
    assert vacant.founding is not None
    return vacant.founding
