"""Signatures that cost almost nothing, for many communities a second.

A stamp is a hash of the public key and the message: whoever knows the key could forge one, but nobody here does
unless the simulation means it to. Everything else, tags and contents included, is as with Ed25519.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from unittest.mock import patch

from nacl.exceptions import BadSignatureError

from protocol import signing

_STAMP_BYTES = 64


def _stamp(public: bytes, message: bytes) -> bytes:
    return blake2b(message, key=public, digest_size=_STAMP_BYTES).digest()


def _sign(message: bytes, secret: bytes) -> bytes:
    """As libsodium: the second half of a secret key is the public one, and the signature comes first."""
    return _stamp(secret[32:], message) + message


def _open(signed: bytes, public: bytes) -> bytes:
    message = signed[_STAMP_BYTES:]
    if _stamp(public, message) != signed[:_STAMP_BYTES]:
        raise BadSignatureError("a wrong stamp")
    return message


@contextmanager
def stamps() -> Iterator[None]:
    """Within it, every signature made or checked is a stamp."""
    with patch.object(signing, "crypto_sign", _sign), patch.object(signing, "crypto_sign_open", _open):
        yield
