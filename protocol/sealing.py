"""Sealed notes: words that only payer and payee can read, in an entry that everybody keeps.

The box is libsodium's crypto_box between the two accounts' keys, taken from Ed25519 to X25519. Its key is the same
from either side, so the payer can open its own note later with nothing but its words. The nonce is a hash of the
payment's place; no place is ever signed twice, so none repeats, and it costs no bytes. Text is padded to a multiple of
32 bytes.
Public: that a note is there, its length in steps of 32, payer, payee and amount.
"""

from dataclasses import dataclass

from nacl.bindings import (
    crypto_box,
    crypto_box_NONCEBYTES,
    crypto_box_open,
    crypto_sign_ed25519_pk_to_curve25519,
    crypto_sign_ed25519_sk_to_curve25519,
    sodium_pad,
    sodium_unpad,
)
from nacl.exceptions import CryptoError

from . import codec
from .base import NOTE_BYTES_MAX, AccountId, CommunityId, PublicKey, digest
from .ops import SealedNote
from .signing import SecretKey

_STEP = 32
_MAC_BYTES = 16
SEALED_TEXT_BYTES_MAX = (NOTE_BYTES_MAX - _MAC_BYTES) // _STEP * _STEP - 1
"""223 bytes of UTF-8: one byte of padding is always there."""


@dataclass(frozen=True, slots=True)
class NotePlace:
    """The one payment that a sealed note belongs to. A note copied to another place does not open there."""

    community: CommunityId
    payer: AccountId
    incarnation: int
    seq: int
    payee: AccountId

    def nonce(self) -> bytes:
        place = codec.encode((self.community, self.payer, self.incarnation, self.seq, self.payee))
        return digest(b"tally note", place)[:crypto_box_NONCEBYTES]


def seal_note(text: str, place: NotePlace, own: SecretKey, other: PublicKey) -> SealedNote:
    """Seal `text` to the payee's key. Raises ValueError when it has more than 223 bytes."""
    content = text.encode()
    if len(content) > SEALED_TEXT_BYTES_MAX:
        raise ValueError(f"{len(content)} bytes, a sealed note has at most {SEALED_TEXT_BYTES_MAX}")
    padded = sodium_pad(content, _STEP)
    return SealedNote(crypto_box(padded, place.nonce(), _public(other), _secret(own)))


def open_note(note: SealedNote, place: NotePlace, own: SecretKey, other: PublicKey) -> str | None:
    """Open a note with the key of payer or payee, `other` being the other one's; None if it is not theirs."""
    try:
        padded = crypto_box_open(note.box, place.nonce(), _public(other), _secret(own))
        return sodium_unpad(padded, _STEP).decode()
    except (CryptoError, UnicodeDecodeError):
        return None


def _public(key: PublicKey) -> bytes:
    return crypto_sign_ed25519_pk_to_curve25519(key)


def _secret(key: SecretKey) -> bytes:
    return crypto_sign_ed25519_sk_to_curve25519(key.seed_and_public)
