"""From recovery words to an account's keys: BIP-39 seed, then SLIP-0010 for Ed25519, hardened steps only.

The path is m / 74' / 1' / ordinal' / role' / generation'. `ordinal` counts the accounts of one wallet from 0, `role`
keeps a member's signing key apart from a steward's, `generation` 0 is the first key and 1 the one announced as next.
Witness and transport keys are never made here: they are random, so that nothing can clone them.
May not read or keep anything; secrets stay out of every repr.
"""

import hashlib
import hmac
import unicodedata
from dataclasses import dataclass, field
from enum import IntEnum

from .signing import SecretKey

PURPOSE = 74
LAYOUT = 1
"""Version of the path, so that a later layout can be told apart."""
SEED_BYTES = 64
_HARDENED = 0x8000_0000
_PBKDF2_ROUNDS = 2048


class Role(IntEnum):
    """What a key is for; one branch of the path for each."""

    MEMBER = 0
    STEWARD = 1


@dataclass(frozen=True, slots=True)
class Branch:
    """A node of the tree of keys: 32 secret bytes and the chain code (SLIP-0010)."""

    secret: bytes = field(repr=False)
    chain_code: bytes = field(repr=False)

    def child(self, index: int) -> "Branch":
        """The hardened child number `index`, 0 .. 2^31 - 1."""
        if not 0 <= index < _HARDENED:
            raise ValueError(f"a path's step is 0 .. 2^31 - 1, not {index}")
        step = (index + _HARDENED).to_bytes(4, "big")
        return _split(hmac.digest(self.chain_code, b"\0" + self.secret + step, "sha512"))

    def key(self) -> SecretKey:
        """The key pair at this node."""
        return SecretKey.from_seed(self.secret)


def _split(digest: bytes) -> Branch:
    return Branch(digest[:32], digest[32:])


def words_to_seed(words: str) -> bytes:
    """The BIP-39 seed (64 bytes) of a sentence of recovery words, without a 25th. Takes about a millisecond."""
    sentence = unicodedata.normalize("NFKD", words).encode()
    return hashlib.pbkdf2_hmac("sha512", sentence, b"mnemonic", _PBKDF2_ROUNDS)


def master(seed: bytes) -> Branch:
    """The root m of the tree of keys (SLIP-0010, curve "ed25519 seed")."""
    return _split(hmac.digest(b"ed25519 seed", seed, "sha512"))


def wallet_branch(seed: bytes) -> Branch:
    """m / 74' / 1', from which all accounts of a wallet follow. Worth keeping: it saves two steps a key."""
    return master(seed).child(PURPOSE).child(LAYOUT)


def account_key(wallet: Branch, ordinal: int, generation: int = 0, role: Role = Role.MEMBER) -> SecretKey:
    """The key of one account of the wallet."""
    return wallet.child(ordinal).child(role).child(generation).key()
