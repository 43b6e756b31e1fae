"""The text forms of ids: a payment is "pay1...", a community "com1...", in bech32m (BIP-350).

A payment is one `send`: the entry's id (32 bytes) and the op's index in it (1 byte). The checksum finds any four wrong
characters; text in one case only is read, written is lower case. May not know what an id stands for.
"""

import binascii
from base64 import b32decode, b32encode
from dataclasses import dataclass
from functools import reduce
from operator import xor

from .base import HASH_BYTES, OPS_MAX, CommunityId, EntryId, Malformed

_CHARSET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_BECH32M = 0x2BC830A3
_CHECKSUM = 6
TEXT_MAX = 90
TEXT_MAX_LONG = 2000
"""Characters of an invite or a host's card; ids keep to the 90 of the standard."""
# The standard library cuts bytes into fives for base32, with letters of its own.
_BASE32 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_FIVE_OF = bytes.maketrans(_BASE32, bytes(range(32)))
_LETTER_OF = bytes.maketrans(bytes(range(32)), _BASE32)
_CHARSET_OF = bytes.maketrans(bytes(range(32)), _CHARSET.encode())


@dataclass(frozen=True, slots=True)
class PaymentId:
    """Names one op of one entry; for a payment that op is a `send`."""

    entry: EntryId
    op: int

    def __str__(self) -> str:
        return write_bech32m("pay", self.entry + bytes([self.op]))


def read_payment_id(text: str) -> PaymentId:
    """Read "pay1..." as 33 bytes. Raises Malformed."""
    content = read_bech32m("pay", text)
    if len(content) != HASH_BYTES + 1 or content[-1] >= OPS_MAX:
        raise Malformed("a payment id is an entry's id and the number of an op")
    return PaymentId(EntryId(content[:-1]), content[-1])


def community_text(community: CommunityId) -> str:
    """Write a community's id as "com1..."."""
    return write_bech32m("com", community)


def read_community(text: str) -> CommunityId:
    """Read "com1...". Raises Malformed."""
    content = read_bech32m("com", text)
    if len(content) != HASH_BYTES:
        raise Malformed("a community's id has 32 bytes")
    return CommunityId(content)


def write_bech32m(prefix: str, content: bytes, *, most: int = TEXT_MAX) -> str:
    """Write bytes with a prefix and a checksum. Raises ValueError when the whole has more than `most` characters."""
    fives = _fives(content)
    check = _polymod([*_expand(prefix), *fives, *bytes(_CHECKSUM)]) ^ _BECH32M
    tail = bytes([(check >> 5 * (_CHECKSUM - 1 - place)) & 31 for place in range(_CHECKSUM)])
    text = prefix + "1" + (fives + tail).translate(_CHARSET_OF).decode()
    if len(text) > most:
        raise ValueError(f"{len(text)} characters, at most {most} are read back")
    return text


def read_bech32m(prefix: str, text: str, *, most: int = TEXT_MAX) -> bytes:
    """Read what `write_bech32m` wrote. Raises Malformed on any other prefix, character, checksum or padding."""
    if len(text) > most or (text != text.lower() and text != text.upper()):
        raise Malformed("too long, or in mixed case")
    head, separator, tail = text.lower().rpartition("1")
    if not separator or head != prefix or len(tail) < _CHECKSUM:
        raise Malformed(f"an id that starts with {prefix}1 was expected")
    fives = [_CHARSET.find(letter) for letter in tail]
    if -1 in fives or _polymod(_expand(prefix) + fives) != _BECH32M:
        raise Malformed("the checksum is wrong: a character was mistyped or is missing")
    return _content(bytes(fives[:-_CHECKSUM]))


def _expand(prefix: str) -> list[int]:
    return [ord(letter) >> 5 for letter in prefix] + [0] + [ord(letter) & 31 for letter in prefix]


def _polymod(values: list[int]) -> int:
    check = 1
    for value in values:
        check = (check & 0x1FFFFFF) << 5 ^ value ^ _REMAINDERS[check >> 25]
    return check


def _remainder(top: int) -> int:
    """What the generator adds for the five bits that leave at the top."""
    factors = [factor for place, factor in enumerate(_GENERATOR) if top >> place & 1]
    return reduce(xor, factors, 0)


_REMAINDERS = tuple(_remainder(top) for top in range(32))


def _fives(content: bytes) -> bytes:
    """The bits of `content` in groups of five, a byte each, filled up with zeros at the end."""
    return b32encode(content).rstrip(b"=").translate(_FIVE_OF)


def _content(fives: bytes) -> bytes:
    """What `_fives` made these of. Raises Malformed."""
    try:
        content = b32decode(fives.translate(_LETTER_OF) + b"=" * (-len(fives) % 8))
    except binascii.Error:
        raise Malformed("there is one character too many") from None
    if _fives(content) != fives:
        raise Malformed("the bits that fill the last character must be zero")
    return content
