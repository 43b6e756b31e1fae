"""What records say: cards of nodes, names, offers and wants, and how stewards are found.

One frozen dataclass a body, each with its bytes, its own limits and the key of the slot that it may stand in. Who may
write it is asked in `record`; whether people see it is not known here.
"""

from dataclasses import dataclass
from typing import Self

from . import codec
from .addresses import peer_key, read_addresses
from .base import (
    ACCOUNT_MAX,
    AMOUNT_MAX,
    COMMONS,
    KEY_BYTES,
    KEYS_MAX,
    SIGNATURE_BYTES,
    AccountId,
    CommunityId,
    Malformed,
    PublicKey,
    Signature,
)
from .shapes import words_fault
from .signing import Authority, Tag, Verify, is_usable_key, read_authority, verify
from .statements import acceptance_content

BODY_BYTES_MAX = 1024
PEER_CHARS_MAX = 64
NAME_MAX, ABOUT_MAX = 64, 512
TITLE_MAX, CATEGORY_MAX, TEXT_MAX = 80, 32, 512

ROLE_WALLET = 1
ROLE_WITNESS = 2
ROLE_ARCHIVE = 4
ROLE_RELAY = 8
ROLES_MAX = ROLE_WALLET | ROLE_WITNESS | ROLE_ARCHIVE | ROLE_RELAY


def words(value: codec.Plain, bytes_max: int, *, least: int = 0) -> str:
    """Return `value` as words that people will read. Raises Malformed, also for nothing but spaces if least is 1."""
    text = codec.text(value, bytes_max)
    fault = words_fault(text, bytes_max)
    if fault is not None:
        raise Malformed(fault)
    if len(text.strip()) < least:
        raise Malformed("words were expected and there are none")
    return text


@dataclass(frozen=True, slots=True)
class Card:
    """Whose node a peer is: its peer id, what it does, where it is reached (nowhere: it only dials), until when."""

    peer: str
    roles: int
    addresses: tuple[str, ...]
    """Multiaddrs without /p2p, at most 4."""
    expires: int
    """Seconds since 1970."""

    def body(self) -> bytes:
        return codec.encode((self.peer, self.roles, self.addresses, self.expires))

    @property
    def key(self) -> bytes:
        """Of the slot."""
        return self.peer.encode()

    def may_stand_at(self, key: bytes) -> bool:
        return key == self.key

    @classmethod
    def read(cls, raw: bytes) -> Self:
        peer, roles, addresses, expires = codec.items(codec.decode(raw, BODY_BYTES_MAX), 4)
        peer_key(codec.text(peer, PEER_CHARS_MAX))
        listed = read_addresses(addresses, least=0, with_peer=False)
        return cls(peer, codec.uint(roles, ROLES_MAX), listed, codec.uint(expires))


@dataclass(frozen=True, slots=True)
class Profile:
    """What a member is called, for people: nobody is found or paid by it."""

    name: str
    about: str = ""

    def body(self) -> bytes:
        return codec.encode((self.name, self.about))

    def may_stand_at(self, key: bytes) -> bool:
        return key == b""

    @classmethod
    def read(cls, raw: bytes) -> Self:
        name, about = codec.items(codec.decode(raw, BODY_BYTES_MAX), 2)
        return cls(words(name, NAME_MAX, least=1), words(about, ABOUT_MAX))


@dataclass(frozen=True, slots=True)
class Offer:
    """Something offered, or in a record of kind WANT something wanted."""

    title: str
    category: str
    text: str
    price: int
    """In smallest units; 0: to be agreed."""
    until: int
    """Seconds since 1970."""

    def body(self) -> bytes:
        return codec.encode((self.title, self.category, self.text, self.price, self.until))

    def may_stand_at(self, key: bytes) -> bool:
        return True

    @classmethod
    def read(cls, raw: bytes) -> Self:
        title, category, text, price, until = codec.items(codec.decode(raw, BODY_BYTES_MAX), 5)
        return cls(
            words(title, TITLE_MAX, least=1),
            words(category, CATEGORY_MAX),
            words(text, TEXT_MAX),
            codec.uint(price, AMOUNT_MAX),
            codec.uint(until),
        )


@dataclass(frozen=True, slots=True)
class Serve:
    """Says: I would be a steward, with this key."""

    key: PublicKey

    def body(self) -> bytes:
        return codec.encode((self.key,))

    def may_stand_at(self, key: bytes) -> bool:
        return key == b""

    @classmethod
    def read(cls, raw: bytes) -> Self:
        (key,) = codec.items(codec.decode(raw, BODY_BYTES_MAX), 1)
        if not is_usable_key(codec.binary(key, KEY_BYTES)):
            raise Malformed("the key is not a valid Ed25519 point")
        return cls(PublicKey(key))


@dataclass(frozen=True, slots=True)
class Call:
    """Says: let these members be the stewards, that many of them to sign. Asks each of them to accept."""

    threshold: int
    accounts: tuple[AccountId, ...]

    def body(self) -> bytes:
        return codec.encode((self.threshold, self.accounts))

    def may_stand_at(self, key: bytes) -> bool:
        return True

    @classmethod
    def read(cls, raw: bytes) -> Self:
        threshold, listed = codec.items(codec.decode(raw, BODY_BYTES_MAX), 2)
        accounts = tuple([AccountId(codec.uint(item, ACCOUNT_MAX)) for item in codec.items(listed)])
        if not 1 <= len(accounts) <= KEYS_MAX or len(set(accounts)) != len(accounts) or COMMONS in accounts:
            raise Malformed(f"1 to {KEYS_MAX} different members were expected")
        if not 1 <= codec.uint(threshold, KEYS_MAX) <= len(accounts):
            raise Malformed(f"{threshold} of {len(accounts)} stewards cannot sign")
        return cls(threshold, accounts)


@dataclass(frozen=True, slots=True)
class Accept:
    """One new steward's signed acceptance of a `stewards` act (tag accept), for who composes it."""

    threshold: int
    keys: tuple[PublicKey, ...]
    signature: Signature

    def body(self) -> bytes:
        return codec.encode((self.threshold, self.keys, self.signature))

    def may_stand_at(self, key: bytes) -> bool:
        return True

    def signer(self, community: CommunityId, verify: Verify = verify) -> int | None:
        """Index of the key that signed it, or None."""
        content = acceptance_content(self.threshold, self.keys)
        signed = (verify(key, Tag.ACCEPT, community, content, self.signature) for key in self.keys)
        return next((index for index, holds in enumerate(signed) if holds), None)

    @classmethod
    def read(cls, raw: bytes) -> Self:
        threshold, keys, signature = codec.items(codec.decode(raw, BODY_BYTES_MAX), 3)
        named: Authority = read_authority(threshold, keys)
        fault = named.fault(strict_majority=False)
        if fault is not None:
            raise Malformed(fault)
        return cls(named.threshold, named.keys, Signature(codec.binary(signature, SIGNATURE_BYTES)))


Body = Card | Profile | Offer | Serve | Call | Accept
