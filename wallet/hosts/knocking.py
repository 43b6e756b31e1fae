"""Asks a host at its doorstep, with the one-time key of its card: for its witness's signature, and to be founded.

Used while a community is founded and, for hosts that were away then, by the running wallet. Keeps nothing.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import Protocol

import trio

from node.addresses import plain
from node.transport import NotReached, open_transport
from protocol.base import NO_COMMUNITY, Malformed, PublicKey, Signature
from protocol.bundles import Bundle
from protocol.entry import SignedEntry
from protocol.host_card import HostCard
from protocol.knocks import (
    Acceptance,
    AskAcceptance,
    BeFounded,
    Knock,
    Reply,
    Turned,
    Welcome,
    decode_reply,
    encode_knock,
    knock_content,
)
from protocol.record import SignedRecord
from protocol.signing import Tag, sign, verify

from ..errors import HostRefused, HostUnreachable, WalletError

TIMEOUT_S = 10.0
NO_TOPIC = "founding"

_LOOPBACK = ("/ip4/127.", "/ip6/::1/")
_ONLY_THERE = (
    "Its card names an address that only its own computer reaches. If it is another one, its owner runs "
    "`tally-node run --announce HOST:PORT` and sends its card again; else have it started. Nothing was founded."
)

_WORDS = {
    "founded": ("serves another community already", "Ask its owner for the card of another host."),
    "expired": ("says that its card has expired", "Ask its owner for a new one: `tally-node card --new`."),
    "unproven": ("does not know this card", "It was altered, or there is a newer one: ask its owner for its card."),
    "not_named": ("does not serve in the part that it is named for", "Ask its owner for its card as it is now."),
    "no_founding": ("does not take this founding", "Both sides need the same version of tallystick."),
}
"""By the code of a reply: what the host says, and what to do next."""


class Door(Protocol):
    """One conversation; `node.transport.Doorstep` fits it."""

    server_peer: str

    async def ask(self, frame: bytes) -> bytes: ...


class Knocker(Protocol):
    """Who asks; `node.transport.Transport` fits it."""

    peer_id: str

    def knock(self, address: str, timeout_s: float) -> AbstractAsyncContextManager[Door]: ...


@asynccontextmanager
async def knocking(seed: bytes) -> AsyncIterator[Knocker]:
    """A transport that only asks, with the node's own key, where no node runs. `seed`: of the transport key."""
    failure: WalletError | None = None
    async with trio.open_nursery() as nursery:
        transport = await nursery.start(partial(open_transport, seed, "", [], NO_TOPIC))
        try:
            yield transport
        except WalletError as error:
            failure = error  # so that it leaves as it is, and not in a group
        nursery.cancel_scope.cancel()
    if failure is not None:
        raise failure


async def ask_acceptance(knocker: Knocker, card: HostCard, body: bytes) -> Signature:
    """The signature of the host's witness under a founding body. Raises HostUnreachable, HostRefused."""
    reply = await _ask(knocker, card, lambda proof: AskAcceptance(body, proof))
    match reply:
        case Acceptance(signature) if verify(PublicKey(card.witness), Tag.ENTRY, NO_COMMUNITY, body, signature):
            return signature
        case Turned(code):
            raise _refused(card, code)
    raise _refused(card, "")


async def be_founded(
    knocker: Knocker, card: HostCard, founding: SignedEntry, records: tuple[SignedRecord, ...], peers: tuple[str, ...]
) -> None:
    """Hand a host its community. Raises HostUnreachable, HostRefused.

    A host that has this community already says that it was founded, as one of another community does: who asked may
    see by the link which it is.
    """
    others = tuple(peer for peer in peers if not peer.endswith(f"/p2p/{card.peer}"))
    reply = await _ask(knocker, card, lambda proof: BeFounded(Bundle((founding,)), records, others, proof))
    match reply:
        case Welcome():
            return
        case Turned(code):
            raise _refused(card, code)
    raise _refused(card, "")


async def _ask(knocker: Knocker, card: HostCard, question: Callable[[Signature], Knock]) -> Reply:
    """Ask at the first of the card's addresses where the host answers."""
    reason = ""
    for address in card.addresses:
        try:
            async with knocker.knock(f"{address}/p2p/{card.peer}", TIMEOUT_S) as door:
                content = knock_content(door.server_peer, knocker.peer_id)
                proof = sign(card.key, Tag.KNOCK, NO_COMMUNITY, content)
                return decode_reply(await door.ask(encode_knock(question(proof))))
        except NotReached as error:
            reason = str(error)
        except Malformed:
            reason = "it answers with what is no answer"
    message = f"The host at {where(card)} was not reached: {reason}."
    raise HostUnreachable(message, {"peer": card.peer}, _next_step(card))


def _next_step(card: HostCard) -> str | None:
    """What to do about a host that was not reached, when it is not simply that it is not running."""
    return _ONLY_THERE if all(address.startswith(_LOOPBACK) for address in card.addresses) else None


def where(card: HostCard) -> str:
    """Where a host is reached, for people."""
    return " or ".join(map(plain, card.addresses))


def _refused(card: HostCard, code: str) -> HostRefused:
    words, next_step = _WORDS.get(code, ("gives an answer that is none", "Both sides need the same version."))
    return HostRefused(f"The host at {where(card)} {words}.", {"peer": card.peer, "answer": code}, next_step)
