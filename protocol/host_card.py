"""A host's card: the text by which a node that serves says who it is, before there is a community that it belongs to.

Founders put it into `tally init --community ... --witness CARD`. Its one-time key lets whoever holds the card, and
nobody else, found a community with this host. Later the host's card on the board (`bodies.Card`) takes its place.
"""

from dataclasses import dataclass, field
from typing import Self

from . import codec
from .addresses import peer_text, read_addresses
from .base import KEY_BYTES, Malformed, PublicKey
from .bodies import ROLE_WITNESS, ROLES_MAX
from .longtext import LongText
from .signing import SecretKey, is_usable_key

SEED_BYTES = 32
_TEXT = LongText("card", "a host's card")


@dataclass(frozen=True, slots=True)
class HostCard:
    """Who a host is, where it is reached, and the key that its founder proves."""

    transport_key: PublicKey
    roles: int
    addresses: tuple[str, ...]
    """1 to 4 multiaddrs without /p2p."""
    witness: bytes
    """Its witness key, or empty; with one it has the role."""
    expires: int
    """Seconds since 1970."""
    seed: bytes = field(repr=False)
    """Of the one-time key, 32 bytes."""

    @property
    def peer(self) -> str:
        """The host's peer id."""
        return peer_text(self.transport_key)

    @property
    def key(self) -> SecretKey:
        """The one-time key."""
        return SecretKey.from_seed(self.seed)

    def __str__(self) -> str:
        return _TEXT.write(self.plain())

    def plain(self) -> codec.Plain:
        return self.transport_key, self.roles, self.addresses, self.witness, self.expires, self.seed

    @classmethod
    def read(cls, fields: codec.Plain) -> Self:
        transport_key, roles, addresses, witness, expires, seed = codec.items(fields, 6)
        if bool(codec.uint(roles, ROLES_MAX) & ROLE_WITNESS) != (witness != b""):
            raise Malformed("a host has a witness key if and only if it is a witness")
        return cls(
            _key(transport_key),
            roles,
            read_addresses(addresses, least=1, with_peer=False),
            witness if witness == b"" else _key(witness),
            codec.uint(expires),
            codec.binary(seed, SEED_BYTES),
        )


def _key(value: codec.Plain) -> PublicKey:
    if not is_usable_key(codec.binary(value, KEY_BYTES)):
        raise Malformed("a host's key is not a valid Ed25519 point")
    return PublicKey(value)


def read_host_card(text: str) -> HostCard:
    """Read "card1..." from its text or a file. Raises Malformed with one sentence, as `read_invite` does."""
    return _TEXT.read(text, HostCard.read)
