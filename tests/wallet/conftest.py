"""What the tests of the wallet share."""

from collections.abc import Iterator
from functools import cache

import pytest

from wallet import accounts, keystore

THRIFT = 64
"""Argon2id takes this part of the memory that it is asked to take."""


@pytest.fixture(scope="package", autouse=True)
def stretched_once() -> Iterator[None]:
    """Remember what comes of each passphrase, salt and cost, and of each wallet's words, and let guesses be cheap."""

    @cache
    def thrifty(size: int, typed: bytes, salt: bytes, passes: int, memory: int, kind: int) -> bytes:
        return stretch(size, typed, salt, passes, memory // THRIFT, kind)

    stretch = keystore.crypto_pwhash_alg
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keystore, "crypto_pwhash_alg", thrifty)
        patch.setattr(accounts, "seed_of", cache(accounts.seed_of))
        yield
