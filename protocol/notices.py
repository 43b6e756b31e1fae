"""The messages about what stands beside the chains: open acts of account 0, records, and requests to join."""

from dataclasses import dataclass
from typing import ClassVar, Self

from . import codec
from .base import ACCOUNT_MAX, COMMONS, AccountId, Malformed
from .entry import SIGNED_BYTES_MAX, SignedEntry, read_signed
from .record import SignedRecord
from .request import Request

RECORDS_MAX = 64
BOARD_AUTHORS_MAX = 500
REQUESTS_MAX = 32


def some(value: codec.Plain, most: int) -> tuple[codec.Plain, ...]:
    """Return `value` as an array of at most `most` items. Raises Malformed."""
    listed = codec.items(value)
    if len(listed) > most:
        raise Malformed(f"{len(listed)} items, at most {most} allowed")
    return listed


@dataclass(frozen=True, slots=True)
class Propose:
    """An open act: an entry for the next place of account 0, with the ballots of one round that the sender holds."""

    TAG: ClassVar[int] = 25
    signed: SignedEntry

    def plain(self) -> codec.Plain:
        return (self.signed.encode(),)

    @classmethod
    def read(cls, fields: codec.Plain) -> Self:
        (raw,) = codec.items(fields, 1)
        signed = read_signed(codec.blob(raw, SIGNED_BYTES_MAX))
        if signed.account != COMMONS or not signed.signatures:
            raise Malformed("an open act is an entry of account 0 with at least one ballot")
        return cls(signed)


@dataclass(frozen=True, slots=True)
class Records:
    """Records that are news to the receiver, or that it asked for; at most 64."""

    TAG: ClassVar[int] = 26
    records: tuple[SignedRecord, ...]

    def plain(self) -> codec.Plain:
        return (tuple([signed.plain() for signed in self.records]),)

    @classmethod
    def read(cls, fields: codec.Plain) -> Self:
        (records,) = codec.items(fields, 1)
        return cls(tuple([SignedRecord.read(item) for item in some(records, RECORDS_MAX)]))


@dataclass(frozen=True, slots=True)
class BoardState:
    """What the sender's board holds: a fingerprint of all, and of each author; `more`: not all authors are listed."""

    TAG: ClassVar[int] = 27
    fingerprint: bytes
    authors: tuple[tuple[AccountId, bytes], ...]
    more: bool

    def plain(self) -> codec.Plain:
        return self.fingerprint, self.authors, int(self.more)

    @classmethod
    def read(cls, fields: codec.Plain) -> Self:
        fingerprint, authors, more = codec.items(fields, 3)
        pairs = [codec.items(pair, 2) for pair in some(authors, BOARD_AUTHORS_MAX)]
        return cls(
            codec.binary(fingerprint),
            tuple([(AccountId(codec.uint(author, ACCOUNT_MAX)), codec.binary(mark)) for author, mark in pairs]),
            bool(codec.uint(more, 1)),
        )


@dataclass(frozen=True, slots=True)
class AskBoard:
    """Asks for all records of these authors, at most 500."""

    TAG: ClassVar[int] = 28
    authors: tuple[AccountId, ...]

    def plain(self) -> codec.Plain:
        return (self.authors,)

    @classmethod
    def read(cls, fields: codec.Plain) -> Self:
        (authors,) = codec.items(fields, 1)
        return cls(tuple([AccountId(codec.uint(item, ACCOUNT_MAX)) for item in some(authors, BOARD_AUTHORS_MAX)]))


@dataclass(frozen=True, slots=True)
class Requests:
    """Requests to join that are news to the receiver; at most 32."""

    TAG: ClassVar[int] = 29
    requests: tuple[Request, ...]

    def plain(self) -> codec.Plain:
        return (tuple([request.plain() for request in self.requests]),)

    @classmethod
    def read(cls, fields: codec.Plain) -> Self:
        (requests,) = codec.items(fields, 1)
        return cls(tuple([Request.read(item) for item in some(requests, REQUESTS_MAX)]))
