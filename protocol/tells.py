"""The messages by which nodes greet one another, tell news, and find out what one lacks of the other."""

from dataclasses import dataclass
from typing import ClassVar, Self

from . import codec
from .base import ACCOUNT_MAX, KEY_BYTES, SIGNATURE_BYTES, AccountId, CommunityId, Malformed
from .bundles import NOTHING, Bundle, Position, Range, Span
from .entry import SIGNED_BYTES_MAX
from .statements import ForkProof

PROTOCOL_VERSION = 1
GENERATION_BYTES = 16
PAGE_ROWS = 500
"""Rows of a journal that one index page lists; below codec.ITEMS_MAX."""
HEADS_MAX = 500
"""Heads that one message tells of."""


@dataclass(frozen=True, slots=True)
class Hello:
    """First on every link: who is here. `witness` is this node's witness key, or empty; `proof` its signature."""

    TAG: ClassVar[int] = 1
    community: CommunityId
    generation: bytes
    """Names the sender's journal; `row` is the newest row of it."""
    row: int
    witness: bytes
    proof: bytes

    @staticmethod
    def content(peer: str, generation: bytes) -> bytes:
        """The bytes under `proof` (Tag.HELLO): this libp2p peer id speaks for the witness key."""
        return codec.encode((peer, generation))

    def plain(self) -> codec.Plain:
        return PROTOCOL_VERSION, self.community, self.generation, self.row, self.witness, self.proof

    @classmethod
    def read(cls, fields: codec.Plain) -> Self:
        version, community, generation, row, witness, proof = codec.items(fields, 6)
        if codec.uint(version) != PROTOCOL_VERSION:
            raise Malformed(f"speaks version {version} of the protocol, here is {PROTOCOL_VERSION}")
        return cls(
            CommunityId(codec.binary(community)),
            codec.binary(generation, GENERATION_BYTES),
            codec.uint(row),
            b"" if witness == b"" else codec.binary(witness, KEY_BYTES),
            codec.binary(proof, 0 if witness == b"" else SIGNATURE_BYTES),
        )


@dataclass(frozen=True, slots=True)
class Hosts:
    """The accounts whose wallets live with the sender: payments to them are shown there, and answered by Seen."""

    TAG: ClassVar[int] = 2
    accounts: tuple[AccountId, ...]

    def plain(self) -> codec.Plain:
        return (self.accounts,)

    @classmethod
    def read(cls, fields: codec.Plain) -> Self:
        (accounts,) = codec.items(fields, 1)
        return cls(tuple([AccountId(codec.uint(account, ACCOUNT_MAX)) for account in codec.items(accounts)]))


@dataclass(frozen=True, slots=True)
class Deliver:
    """News, or what was asked for. `serial` is that of the Want or Fetch it answers, 0 for unasked news."""

    TAG: ClassVar[int] = 6
    serial: int
    bundle: Bundle

    def plain(self) -> codec.Plain:
        return self.serial, *self.bundle.plain()

    @classmethod
    def read(cls, fields: codec.Plain) -> Self:
        serial, entries, certificates = codec.items(fields, 3)
        return cls(codec.uint(serial), Bundle.read(entries, certificates))


@dataclass(frozen=True, slots=True)
class Seen:
    """The payee's node holds these entries and their certificates durably and shows them to the payee."""

    TAG: ClassVar[int] = 7
    positions: tuple[Position, ...]

    def plain(self) -> codec.Plain:
        return (tuple([position.plain() for position in self.positions]),)

    @classmethod
    def read(cls, fields: codec.Plain) -> Self:
        (positions,) = codec.items(fields, 1)
        return cls(tuple([Position.read(position) for position in codec.items(positions)]))


@dataclass(frozen=True, slots=True)
class SeenThere:
    """A node to which the sender is linked, and which hosts the payees, said that it has `Seen` these entries."""

    TAG: ClassVar[int] = 30
    positions: tuple[Position, ...]

    def plain(self) -> codec.Plain:
        return (tuple([position.plain() for position in self.positions]),)

    @classmethod
    def read(cls, fields: codec.Plain) -> Self:
        (positions,) = codec.items(fields, 1)
        return cls(tuple([Position.read(position) for position in codec.items(positions)]))


@dataclass(frozen=True, slots=True)
class Hint:
    """There is news: final heads, and the news itself when it is a single entry. The only thing that is gossiped.

    Without positions it says that there is more news than fits: ask what came since.
    """

    TAG: ClassVar[int] = 8
    positions: tuple[Position, ...]
    bundle: Bundle = NOTHING

    def plain(self) -> codec.Plain:
        return tuple([position.plain() for position in self.positions]), *self.bundle.plain()

    @classmethod
    def read(cls, fields: codec.Plain) -> Self:
        positions, entries, certificates = codec.items(fields, 3)
        listed = tuple([Position.read(position) for position in codec.items(positions)])
        return cls(listed, Bundle.read(entries, certificates))


@dataclass(frozen=True, slots=True)
class Want:
    """Asks for spans of chains, each with the certificate that covers most of it."""

    TAG: ClassVar[int] = 9
    serial: int
    spans: tuple[Span, ...]

    def plain(self) -> codec.Plain:
        return self.serial, tuple([span.plain() for span in self.spans])

    @classmethod
    def read(cls, fields: codec.Plain) -> Self:
        serial, spans = codec.items(fields, 2)
        return cls(codec.uint(serial), tuple([Span.read(span) for span in codec.items(spans)]))


@dataclass(frozen=True, slots=True)
class Since:
    """Asks what came above a row of the peer's journal: `briefly` the heads that moved (Moved), else rows (Index)."""

    TAG: ClassVar[int] = 10
    row: int
    briefly: bool

    def plain(self) -> codec.Plain:
        return self.row, int(self.briefly)

    @classmethod
    def read(cls, fields: codec.Plain) -> Self:
        row, briefly = codec.items(fields, 2)
        return cls(codec.uint(row), bool(codec.uint(briefly, 1)))


@dataclass(frozen=True, slots=True)
class Index:
    """One page of a journal: (row, is a certificate, position). `more`: there are rows beyond `last`."""

    TAG: ClassVar[int] = 11
    rows: tuple[tuple[int, bool, Position], ...]
    last: int
    more: bool

    def plain(self) -> codec.Plain:
        listed = tuple([(row, int(is_cert), *position.plain()) for row, is_cert, position in self.rows])
        return listed, self.last, int(self.more)

    @classmethod
    def read(cls, fields: codec.Plain) -> Self:
        listed, last, more = codec.items(fields, 3)
        rows = []
        for item in codec.items(listed):
            row, is_cert, *position = codec.items(item, 6)
            rows.append((codec.uint(row), bool(codec.uint(is_cert, 1)), Position.read(tuple(position))))
        return cls(tuple(rows), codec.uint(last), bool(codec.uint(more, 1)))


@dataclass(frozen=True, slots=True)
class Moved:
    """The newest final heads of the accounts that moved since a row, up to row `last`; at most HEADS_MAX of them.

    `more`: there are others, so that rows have to be asked for.
    """

    TAG: ClassVar[int] = 24
    heads: tuple[Position, ...]
    last: int
    more: bool

    def plain(self) -> codec.Plain:
        return tuple([head.plain() for head in self.heads]), self.last, int(self.more)

    @classmethod
    def read(cls, fields: codec.Plain) -> Self:
        heads, last, more = codec.items(fields, 3)
        listed = tuple([Position.read(head) for head in codec.items(heads)])
        return cls(listed, codec.uint(last), bool(codec.uint(more, 1)))


@dataclass(frozen=True, slots=True)
class Fetch:
    """Asks for the records at these rows of the peer's journal."""

    TAG: ClassVar[int] = 12
    serial: int
    rows: tuple[int, ...]

    def plain(self) -> codec.Plain:
        return self.serial, self.rows

    @classmethod
    def read(cls, fields: codec.Plain) -> Self:
        serial, rows = codec.items(fields, 2)
        return cls(codec.uint(serial), tuple([codec.uint(row) for row in codec.items(rows)]))


@dataclass(frozen=True, slots=True)
class Compare:
    """Asks the peer to answer, for each range that differs from its own, with smaller ranges or with heads."""

    TAG: ClassVar[int] = 13
    ranges: tuple[Range, ...]

    def plain(self) -> codec.Plain:
        return (tuple([part.plain() for part in self.ranges]),)

    @classmethod
    def read(cls, fields: codec.Plain) -> Self:
        (ranges,) = codec.items(fields, 1)
        return cls(tuple([Range.read(part) for part in codec.items(ranges)]))


@dataclass(frozen=True, slots=True)
class Heads:
    """The sender's final heads in ranges that differ. `reply`: the receiver answers with its own."""

    TAG: ClassVar[int] = 14
    ranges: tuple[tuple[int, int], ...]
    heads: tuple[Position, ...]
    reply: bool

    def plain(self) -> codec.Plain:
        return self.ranges, tuple([head.plain() for head in self.heads]), int(self.reply)

    @classmethod
    def read(cls, fields: codec.Plain) -> Self:
        ranges, heads, reply = codec.items(fields, 3)
        pairs = [codec.items(pair, 2) for pair in codec.items(ranges)]
        return cls(
            tuple([(codec.uint(first, ACCOUNT_MAX), codec.uint(last, ACCOUNT_MAX)) for first, last in pairs]),
            tuple([Position.read(head) for head in codec.items(heads)]),
            bool(codec.uint(reply, 1)),
        )


@dataclass(frozen=True, slots=True)
class Proof:
    """An account's owner signed two entries for one place."""

    TAG: ClassVar[int] = 23
    proof: ForkProof

    def plain(self) -> codec.Plain:
        return (self.proof.encode(),)

    @classmethod
    def read(cls, fields: codec.Plain) -> Self:
        (raw,) = codec.items(fields, 1)
        return cls(ForkProof.decode(codec.blob(raw, 2 * SIGNED_BYTES_MAX + 16)))
