"""Entries: what an account's one writer appends to its chain, and the signed form that travels.

body = [version, account, incarnation, seq, prev, height, time, ops]; id = hash of the body alone, so a second
signature on one body is nothing new. The signed form is [body, signatures] for a member and
[body, signatures, round] for account 0, whose signatures are ballots of that round (PROTOCOL-RULES 8, 14).
"""

from dataclasses import dataclass

from . import codec
from .base import (
    ACCOUNT_MAX,
    COMMONS,
    ENTRY_BYTES_MAX,
    HASH_BYTES,
    INCARNATION_MAX,
    KEYS_MAX,
    SIGNATURE_BYTES,
    AccountId,
    EntryId,
    Malformed,
    Signature,
    digest,
)
from .ops import Op, read_op
from .signing import read_signatures

SIGNED_BYTES_MAX = ENTRY_BYTES_MAX + 2 * KEYS_MAX * (SIGNATURE_BYTES + 5) + 32
"""A body of the largest size with the most signatures there can be: stewards and witnesses of a founding."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry without its signatures. `height` is the seq of account 0 that the author judged by."""

    version: int
    account: AccountId
    incarnation: int
    seq: int
    prev: bytes
    """Id of the entry before it; the community's id at a member's seq 0; 32 zero bytes in the founding entry."""
    height: int
    time: int
    """Seconds since 1970 by the author's clock. Advice for people; no rule reads it."""
    ops: tuple[Op, ...]

    def encode(self) -> bytes:
        """Write the body."""
        return codec.encode(
            (
                self.version, self.account, self.incarnation, self.seq, self.prev, self.height, self.time,
                tuple([op.plain() for op in self.ops]),
            )
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class SignedEntry:
    """An entry as received: the exact body bytes, what they say, their id, and who signed."""

    body: bytes
    entry: Entry
    id: EntryId
    signatures: tuple[tuple[int, Signature], ...]
    round: int = 0
    """Account 0 only: the round that the ballots are for. No part of the id."""

    @property
    def account(self) -> AccountId:
        return self.entry.account

    @property
    def seq(self) -> int:
        return self.entry.seq

    def encode(self) -> bytes:
        """Write the signed form."""
        if self.entry.account == COMMONS:
            return codec.encode((self.body, self.signatures, self.round))
        return codec.encode((self.body, self.signatures))


def entry_id(body: bytes) -> EntryId:
    """Hash a body to its id."""
    return EntryId(digest(b"tally entry", body))


def read_entry(body: bytes) -> Entry:
    """Read a body. Raises Malformed; limits that have a refusal code of their own are left to the judge."""
    version, account, incarnation, seq, prev, height, time, ops = codec.items(codec.decode(body, ENTRY_BYTES_MAX), 8)
    return Entry(
        codec.uint(version),
        AccountId(codec.uint(account, ACCOUNT_MAX)),
        codec.uint(incarnation, INCARNATION_MAX),
        codec.uint(seq),
        codec.binary(prev, HASH_BYTES),
        codec.uint(height),
        codec.uint(time),
        tuple([read_op(op) for op in codec.items(ops)]),
    )


def sealed(entry: Entry, signatures: tuple[tuple[int, Signature], ...], round: int = 0) -> SignedEntry:
    """Put an entry that was just composed together with its signatures."""
    body = entry.encode()
    return SignedEntry(body, entry, entry_id(body), signatures, round)


def read_signed(raw: bytes) -> SignedEntry:
    """Read the signed form. Raises Malformed."""
    fields = codec.items(codec.decode(raw, SIGNED_BYTES_MAX))
    if len(fields) not in (2, 3):
        raise Malformed("a signed entry is [body, signatures] or [body, signatures, round]")
    body = codec.blob(fields[0], ENTRY_BYTES_MAX)
    entry = read_entry(body)
    if (len(fields) == 3) != (entry.account == COMMONS):
        raise Malformed("a round belongs to account 0 and to no other")
    round = codec.uint(fields[2]) if len(fields) == 3 else 0
    return SignedEntry(body, entry, entry_id(body), read_signatures(fields[1]), round)
