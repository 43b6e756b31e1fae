"""The 24 recovery words: English list of BIP-39, 32 bytes of entropy and a checksum, no 25th word.

A 25th word is left out on purpose: a wrong one silently opens an empty wallet. May not keep or print anything.
"""

import secrets

from mnemonic import Mnemonic

from protocol.derivation import words_to_seed

ENTROPY_BYTES = 32
WORDS = 24


def new_entropy() -> bytes:
    """32 bytes of the system's randomness, from which all keys of a wallet follow."""
    return secrets.token_bytes(ENTROPY_BYTES)


def to_words(entropy: bytes) -> list[str]:
    """The 24 words that stand for 32 bytes of entropy."""
    if len(entropy) != ENTROPY_BYTES:
        raise ValueError(f"{ENTROPY_BYTES} bytes stand for {WORDS} words, not {len(entropy)}")
    return Mnemonic("english").to_mnemonic(entropy).split()


def seed_of(entropy: bytes) -> bytes:
    """The 64-byte seed of the words that stand for `entropy`."""
    return words_to_seed(" ".join(to_words(entropy)))
