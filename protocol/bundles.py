"""What messages are made of: bundles of entries and certificates; positions, spans and ranges of chains."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from . import codec
from .base import ACCOUNT_MAX, COMMONS, INCARNATION_MAX, AccountId, EntryId
from .entry import SIGNED_BYTES_MAX, SignedEntry, read_signed
from .statements import CERTIFICATE_BYTES_MAX, Certificate


@dataclass(frozen=True, slots=True)
class Bundle:
    """Entries in an order in which each can be judged after the one before it, and certificates for them."""

    entries: tuple[SignedEntry, ...] = ()
    certificates: tuple[Certificate, ...] = ()

    def plain(self) -> tuple[codec.Plain, codec.Plain]:
        return (
            tuple([signed.encode() for signed in self.entries]),
            tuple([certificate.encode() for certificate in self.certificates]),
        )

    @classmethod
    def read(cls, entries: codec.Plain, certificates: codec.Plain) -> Self:
        return cls(
            tuple([read_signed(codec.blob(raw, SIGNED_BYTES_MAX)) for raw in codec.items(entries)]),
            tuple([Certificate.decode(codec.blob(raw, CERTIFICATE_BYTES_MAX)) for raw in codec.items(certificates)]),
        )


NOTHING = Bundle()
"""No evidence, and nothing beside what is said."""


@dataclass(frozen=True, slots=True)
class Position:
    """One place in one chain, with what stands there."""

    account: AccountId
    incarnation: int
    seq: int
    id: EntryId

    def plain(self) -> codec.Plain:
        return self.account, self.incarnation, self.seq, self.id

    @classmethod
    def read(cls, value: codec.Plain) -> Self:
        account, incarnation, seq, id = codec.items(value, 4)
        return cls(
            AccountId(codec.uint(account, ACCOUNT_MAX)),
            codec.uint(incarnation, INCARNATION_MAX),
            codec.uint(seq),
            EntryId(codec.binary(id)),
        )


@dataclass(frozen=True, slots=True)
class Span:
    """The entries `first` .. `last` of a chain; `last` may lie beyond its head."""

    account: AccountId
    incarnation: int
    first: int
    last: int

    def plain(self) -> codec.Plain:
        return self.account, self.incarnation, self.first, self.last

    @classmethod
    def read(cls, value: codec.Plain) -> Self:
        account, incarnation, first, last = codec.items(value, 4)
        return cls(
            AccountId(codec.uint(account, ACCOUNT_MAX)),
            codec.uint(incarnation, INCARNATION_MAX),
            codec.uint(first),
            codec.uint(last),
        )


@dataclass(frozen=True, slots=True)
class Range:
    """The chains of accounts `first` .. `last`: how many there are, and the fingerprint of their heads (32 bytes)."""

    first: int
    last: int
    count: int
    fingerprint: bytes

    def plain(self) -> codec.Plain:
        return self.first, self.last, self.count, self.fingerprint

    @classmethod
    def read(cls, value: codec.Plain) -> Self:
        first, last, count, fingerprint = codec.items(value, 4)
        return cls(
            codec.uint(first, ACCOUNT_MAX), codec.uint(last, ACCOUNT_MAX), codec.uint(count), codec.binary(fingerprint)
        )


def positions_of(certificates: Sequence[Certificate]) -> tuple[Position, ...]:
    """The heads that certificates make final. (For account 0 a place names the round; its incarnation is 0.)"""
    return tuple(
        [
            Position(place.account, 0 if place.account == COMMONS else place.incarnation, place.seq, place.id)
            for place in (certificate.place for certificate in certificates)
        ]
    )
