"""What the tests of the wallet share."""

from collections.abc import Iterator
from functools import cache

import pytest

from wallet import keystore


@pytest.fixture(scope="session", autouse=True)
def stretched_once() -> Iterator[None]:
    """Remember what Argon2id makes of each passphrase, salt and cost: it takes a tenth of a second each time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keystore, "crypto_pwhash_alg", cache(keystore.crypto_pwhash_alg))
        yield
