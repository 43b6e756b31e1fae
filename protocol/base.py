"""The ground everything stands on: ids, amounts, caps and the one hash.

May not import anything of ours. Every number that the protocol fixes is named here once;
spec sections are cited as in protocol/README.md.
"""

from hashlib import blake2b
from typing import NewType

AccountId = NewType("AccountId", int)
"""An account's number, 0 .. 2^32-1, given in order by `admit`."""
EntryId = NewType("EntryId", bytes)
"""BLAKE2b-256 of an entry's body, 32 bytes."""
CommunityId = NewType("CommunityId", bytes)
"""The id of the founding entry, 32 bytes."""
PublicKey = NewType("PublicKey", bytes)
"""An Ed25519 public key, 32 bytes."""
Signature = NewType("Signature", bytes)
"""An Ed25519 signature, 64 bytes."""
Amount = NewType("Amount", int)
"""A positive number of the currency's smallest units."""

COMMONS = AccountId(0)
"""The community's own account: charter, membership, limits and common fund."""
NO_COMMUNITY = CommunityId(bytes(32))
"""What stands for the community in the signatures of the entry that founds it."""

HASH_BYTES = 32
KEY_BYTES = 32
SIGNATURE_BYTES = 64

ENTRY_VERSION = 1
ENTRY_BYTES_MAX = 4096
OPS_MAX = 64
NOTE_BYTES_MAX = 256
KEYS_MAX = 16
NAME_BYTES_MAX = 64
UNIT_BYTES_MAX = 16
DECIMALS_MAX = 6

ACCOUNT_MAX = 2**32 - 1
AMOUNT_MAX = 10**12
BALANCE_MAX = 10**15
GROSS_MAX = 2**62
NUMBER_MAX = 2**63 - 1
"""The largest height, seq, round, vote number or time."""
INCARNATION_MAX = 65_535
PPM = 1_000_000
"""A levy's rate and what is due of it are counted in millionths."""

TAIL_MAX = 8
"""Entries that a witness votes for, and a node keeps, above the highest certificate."""
MARK_BLOCK = 64
"""Vote numbers are fenced in blocks of this many."""


class Malformed(ValueError):
    """Bytes that no correct node would have written. They never become a noun."""


def digest(person: bytes, content: bytes) -> bytes:
    """Hash `content` with BLAKE2b-256, personalised by what it is (at most 16 bytes, RFC 7693)."""
    return blake2b(content, digest_size=HASH_BYTES, person=person).digest()
