"""Ed25519 signatures over tagged bytes, and the authority that an account answers to.

Libsodium's single verification is the rule of the protocol (batch or cofactored checks differ on crafted
keys). Secret keys come in as bytes and are never kept here.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

from nacl.bindings import (
    crypto_core_ed25519_is_valid_point,
    crypto_sign,
    crypto_sign_open,
    crypto_sign_seed_keypair,
)
from nacl.exceptions import BadSignatureError

from . import codec
from .base import (
    KEY_BYTES,
    KEYS_MAX,
    SIGNATURE_BYTES,
    CommunityId,
    Malformed,
    PublicKey,
    Signature,
    digest,
)


class Tag(Enum):
    """What a signature is about. The value is the first part of the signed bytes, so none stands for another."""

    ENTRY = b"tallystick entry\0"
    BALLOT = b"tallystick ballot\0"
    VOTE = b"tallystick vote\0"
    COMMIT = b"tallystick commit\0"
    NACK = b"tallystick nack\0"
    MARK = b"tallystick mark\0"
    ACCEPT = b"tallystick accept\0"
    INSTANCE = b"tallystick instance\0"
    HELLO = b"tallystick hello\0"
    RECORD = b"tallystick record\0"
    INVITE = b"tallystick invite\0"
    REQUEST = b"tallystick request\0"
    KNOCK = b"tallystick knock\0"
    # Reserved: later issues give them a body, nothing else may use them.
    OPEN = b"tallystick open\0"
    ASK_SEAL = b"tallystick ask_seal\0"
    SEAL = b"tallystick seal\0"
    SEAL_ALL = b"tallystick seal_all\0"
    REFUSE = b"tallystick refuse\0"
    CHECKPOINT = b"tallystick checkpoint\0"
    VOUCHER = b"tallystick voucher\0"
    CARD = b"tallystick card\0"


Signatures = tuple[tuple[int, Signature], ...]
"""(index of the key, signature), indices ascending."""


@dataclass(frozen=True, slots=True)
class SecretKey:
    """An Ed25519 key pair made from a 32-byte seed. Never printed: its repr shows the public half only."""

    seed_and_public: bytes
    public: PublicKey

    @classmethod
    def from_seed(cls, seed: bytes) -> "SecretKey":
        """Make the pair that belongs to `seed` (32 bytes, from a keystore or an identity file)."""
        public, secret = crypto_sign_seed_keypair(seed)
        return cls(secret, PublicKey(public))

    def __repr__(self) -> str:
        return f"SecretKey(public={self.public.hex()})"


def sign(key: SecretKey, tag: Tag, community: CommunityId, body: bytes) -> Signature:
    """Sign `tag || community || body`; 64 bytes."""
    return Signature(crypto_sign(tag.value + community + body, key.seed_and_public)[:SIGNATURE_BYTES])


def verify(public: PublicKey, tag: Tag, community: CommunityId, body: bytes, signature: Signature) -> bool:
    """Tell whether `signature` is by `public` over `tag || community || body`."""
    try:
        # `_value_`, because `value` of an Enum is a slow descriptor and this is the busiest line there is.
        crypto_sign_open(b"".join((signature, tag._value_, community, body)), public)
    except (BadSignatureError, ValueError):
        return False
    return True


Verify = Callable[[PublicKey, Tag, CommunityId, bytes, Signature], bool]
"""Shaped as `verify`. A simulator may put something cheaper in its place."""


class RememberingVerify:
    """`verify` that knows what `remember` found valid, so that votes gathered one by one are not verified again when
    their certificate is judged. Holds `size` signatures, the oldest leaving first; each is good for one question."""

    def __init__(self, size: int = 1_024) -> None:
        self._size = size
        self._valid: dict[tuple[bytes, bytes, bytes], None] = {}

    def __call__(self, public: PublicKey, tag: Tag, community: CommunityId, body: bytes, signature: Signature) -> bool:
        if self._valid and self._valid.pop((signature, public, tag.value + community + body), _UNKNOWN) is None:
            return True
        return verify(public, tag, community, body, signature)

    def remember(self, public: PublicKey, tag: Tag, community: CommunityId, body: bytes, signature: Signature) -> bool:
        """Verify, and remember it if it is valid."""
        if not verify(public, tag, community, body, signature):
            return False
        self.know(public, tag, community, body, signature)
        return True

    def know(self, public: PublicKey, tag: Tag, community: CommunityId, body: bytes, signature: Signature) -> None:
        """Remember a signature that was just made here."""
        self._valid[signature, public, tag.value + community + body] = None
        if len(self._valid) > self._size:
            del self._valid[next(iter(self._valid))]


_UNKNOWN = object()


def is_usable_key(public: bytes) -> bool:
    """Tell whether `public` may stand in an authority: on the curve, of the prime order, not of small order."""
    return len(public) == KEY_BYTES and bool(crypto_core_ed25519_is_valid_point(public))


@dataclass(frozen=True, slots=True)
class Authority:
    """Who signs for an account: any `threshold` of `keys` (PROTOCOL section 1)."""

    threshold: int
    keys: tuple[PublicKey, ...]

    def fault(self, *, strict_majority: bool = True) -> str | None:
        """Say what is wrong with it, or None. Stewards may choose a threshold of half or less."""
        if not 1 <= len(self.keys) <= KEYS_MAX:
            return f"{len(self.keys)} keys, 1 to {KEYS_MAX} allowed"
        if not 1 <= self.threshold <= len(self.keys):
            return f"threshold {self.threshold} of {len(self.keys)} keys"
        if strict_majority and 2 * self.threshold <= len(self.keys):
            return f"threshold {self.threshold} is not more than half of {len(self.keys)} keys"
        if len(set(self.keys)) != len(self.keys):
            return "a key stands twice"
        if not all(is_usable_key(key) for key in self.keys):
            return "a key is not a valid Ed25519 point"
        return None

    def plain(self) -> tuple[int, tuple[PublicKey, ...]]:
        """The two fields as they stand in an op."""
        return self.threshold, self.keys

    def hash(self) -> bytes:
        """What `open` and `rotate` announce of the *next* authority; 32 bytes."""
        return digest(b"tally authority", codec.encode(self.plain()))

    def is_met(
        self,
        tag: Tag,
        community: CommunityId,
        body: bytes,
        signatures: Sequence[tuple[int, Signature]],
    ) -> bool:
        """Tell whether exactly valid signatures of at least `threshold` keys, indices ascending, are here."""
        if len(signatures) < self.threshold:
            return False
        previous = -1
        for index, signature in signatures:
            if not previous < index < len(self.keys):
                return False
            if not verify(self.keys[index], tag, community, body, signature):
                return False
            previous = index
        return True


def read_authority(threshold: codec.Plain, keys: codec.Plain) -> Authority:
    """Read the two fields of an authority. Raises Malformed on wrong types; `fault` judges the rest."""
    listed = codec.items(keys)
    if len(listed) > KEYS_MAX:
        raise Malformed(f"at most {KEYS_MAX} keys were expected")
    return Authority(codec.uint(threshold, KEYS_MAX), tuple(PublicKey(codec.binary(key, KEY_BYTES)) for key in listed))


def read_signatures(value: codec.Plain) -> Signatures:
    """Read a list of (key index, signature). Raises Malformed unless indices ascend."""
    pairs = []
    previous = -1
    for item in codec.items(value):
        index, signature = codec.items(item, 2)
        if codec.uint(index, 2 * KEYS_MAX) <= previous:
            raise Malformed("signatures must be listed by ascending key index")
        previous = index
        pairs.append((index, Signature(codec.binary(signature, SIGNATURE_BYTES))))
    return tuple(pairs)
