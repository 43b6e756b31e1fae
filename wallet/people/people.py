"""People's words: what members call themselves, what they offer and want. Records on the node's board, signed here.

They are advice for the eye: nobody is found or paid by a display name, and no balance knows of them. Names that look
alike are told in every listing. Reading works locked; what is published is signed by the account's key.
"""

import secrets
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from node import wallclock
from protocol.base import AccountId, Malformed
from protocol.bodies import Body, Offer, Profile
from protocol.commons import FROZEN
from protocol.ledger import Ledger
from protocol.record import Kind, SignedRecord, Slot, read_body
from protocol.signing import SecretKey

from ..errors import BadRequest, NotFound, NotPublished
from ..refusals import stopped
from .lookalikes import lookalikes, resembling
from .recording import signed_record

KEY_BYTES = 4
"""Of an offer's key: eight hex digits, which people can read out to one another."""


class Noticeboard(Protocol):
    """What is read of the node's board."""

    def get(self, slot: Slot) -> SignedRecord | None: ...
    def of_kind(self, kind: Kind) -> list[SignedRecord]: ...


class Names(Protocol):
    """What listings ask of `People`."""

    def called(self) -> "dict[AccountId, Called]": ...


class PublishingNode(Protocol):
    """A node that keeps and spreads records."""

    @property
    def ledger(self) -> Ledger: ...
    @property
    def board(self) -> Noticeboard: ...
    async def publish(self, signed: SignedRecord) -> str | None:
        """Keep and spread a record; durable when this returns None, else the words say why it was not taken."""
        ...


@dataclass(frozen=True, slots=True)
class Called:
    """What a member is called: by the community, by itself, and who could be taken for it."""

    handle: str
    name: str | None
    about: str | None
    alike: tuple[str, ...]
    """Handles of others with a name that looks like one of its own."""


@dataclass(frozen=True, slots=True)
class Listed:
    """An offer or a want as it is listed. `price` is in smallest units, 0: to be agreed."""

    key: str
    kind: Kind
    author: AccountId
    offer: Offer


class People:
    """Names, offers and wants of the community. `key_of` gives an own account's key, or raises Locked or NotFound."""

    def __init__(self, node: PublishingNode, key_of: Callable[[AccountId], SecretKey]) -> None:
        self._node = node
        self._key_of = key_of

    # Names

    def called(self) -> dict[AccountId, Called]:
        """Everybody by number: handle, display name if there is one, and who looks alike."""
        profiles, members = self._profiles(), self._node.ledger.commons.members
        names = {number: self._names(number, profiles) for number in members}
        alike = lookalikes(names)
        return {
            number: Called(
                member.handle,
                profiles[number].name if number in profiles else None,
                (profiles[number].about or None) if number in profiles else None,
                tuple(members[other].handle for other in alike.get(number, ())),
            )
            for number, member in sorted(members.items())
        }

    def resembling(self, name: str) -> list[str]:
        """The handles of members whose handle or display name looks like `name`."""
        profiles, members = self._profiles(), self._node.ledger.commons.members
        names = {number: self._names(number, profiles) for number in members}
        return [members[number].handle for number in resembling(name, names)]

    def _names(self, account: AccountId, profiles: dict[AccountId, Profile]) -> list[str]:
        handle = self._node.ledger.commons.members[account].handle
        return [handle, profiles[account].name] if account in profiles else [handle]

    def _profiles(self) -> dict[AccountId, Profile]:
        members = self._node.ledger.commons.members
        read = ((signed.record.author, _body(signed)) for signed in self._node.board.of_kind(Kind.PROFILE))
        return {author: body for author, body in read if isinstance(body, Profile) and author in members}

    async def rename(self, account: AccountId, name: str, about: str = "") -> None:
        """Publish what this account's owner is called; an empty name takes it back. Raises BadRequest, NotPublished."""
        body = Profile(name, about).body() if name else b""
        await self._publish(account, Kind.PROFILE, b"", body)

    # Offers and wants

    def offers(self, kinds: Iterable[Kind] = (Kind.OFFER, Kind.WANT)) -> list[Listed]:
        """What is offered or wanted now, by author; what is over, or by a member who may not trade, is left out."""
        now_s, commons = wallclock.now_s(), self._node.ledger.commons
        found = []
        for kind in kinds:
            for signed in self._node.board.of_kind(kind):
                body, author = _body(signed), signed.record.author
                if isinstance(body, Offer) and body.until > now_s and commons.level(author) == 0:
                    found.append(Listed(signed.record.key.hex(), kind, author, body))
        return found

    async def offer(self, account: AccountId, kind: Kind, offer: Offer) -> str:
        """Publish an offer or want; returns its key. Raises BadRequest, NotPublished."""
        key = secrets.token_bytes(KEY_BYTES)
        await self._publish(account, kind, key, offer.body())
        return key.hex()

    async def withdraw(self, account: AccountId, key: str) -> None:
        """Take an offer or want of this account back. Raises NotFound, NotPublished."""
        for listed in self.offers():
            if listed.author == account and listed.key == key.lower():
                await self._publish(account, listed.kind, bytes.fromhex(listed.key), b"")
                return
        raise NotFound("This account has no offer or want with that key.", {"key": key[:40]})

    async def _publish(self, account: AccountId, kind: Kind, key: bytes, body: bytes) -> None:
        level = self._node.ledger.commons.level(account)
        if body and (level == FROZEN or (level and kind in (Kind.OFFER, Kind.WANT))):
            raise stopped(level, "publish that")
        if body:
            try:
                read_body(kind, body)  # what the sender would find wrong with it is said before anything is signed
            except Malformed as error:
                raise BadRequest(f"That cannot be published: {error}.") from None
        held = self._node.board.get((account, kind, key))
        signed = signed_record(
            self._key_of(account), self._node.ledger.commons.community, account, kind, key, body,
            held=held, now_s=wallclock.now_s(),
        )  # fmt: skip
        await published(self._node.publish(signed))


async def published(done: Awaitable[str | None]) -> None:
    """Wait for what became of a record. Raises NotPublished with the node's words."""
    words = await done
    if words is not None:
        raise NotPublished(f"It was not published: {words}.")


def _body(signed: SignedRecord) -> Body | None:
    """What a record on the board says; it was judged when it came, so what cannot be read is only left out."""
    try:
        return read_body(signed.record.kind, signed.record.body)
    except Malformed:
        return None
