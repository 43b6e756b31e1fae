"""What nodes say to one another: one frozen dataclass a message, and the table of their tags.

A message is the array [tag, field, ...] in one frame of at most 1 MiB. Entries, certificates, votes and nacks travel
inside as the exact bytes that were signed. A peer that sends a message which cannot be read is at fault (Malformed);
a message that is no use any more is simply ignored. Nothing here may know who is asked or when.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

from . import codec
from .base import (
    ACCOUNT_MAX,
    INCARNATION_MAX,
    KEY_BYTES,
    SIGNATURE_BYTES,
    AccountId,
    CommunityId,
    EntryId,
    Malformed,
    PublicKey,
    Signature,
)
from .entry import SIGNED_BYTES_MAX, SignedEntry, read_signed
from .statements import CERTIFICATE_BYTES_MAX, Certificate, ForkProof, Mark, Nack, Vote

FRAME_BYTES_MAX = 1 << 20
PROTOCOL_VERSION = 1
GENERATION_BYTES = 16
INSTANCE_BYTES = 16
PAGE_ROWS = 500
"""Rows of a journal that one index page lists; below codec.ITEMS_MAX."""


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
            tuple(
                [
                    Certificate.decode(codec.blob(raw, CERTIFICATE_BYTES_MAX))
                    for raw in codec.items(certificates)
                ]
            ),
        )


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
            b"" if witness == b"" else codec.binary(proof, SIGNATURE_BYTES),
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
class Submit:
    """Asks a witness for its vote on the last entry of the bundle. Also extends the lease of `instance`."""

    TAG: ClassVar[int] = 3
    serial: int
    instance: bytes
    bundle: Bundle

    def plain(self) -> codec.Plain:
        return self.serial, self.instance, *self.bundle.plain()

    @classmethod
    def read(cls, fields: codec.Plain) -> Self:
        serial, instance, entries, certificates = codec.items(fields, 4)
        bundle = Bundle.read(entries, certificates)
        if not bundle.entries:
            raise Malformed("a submission without an entry")
        return cls(codec.uint(serial), codec.blob(instance, INSTANCE_BYTES), bundle)


@dataclass(frozen=True, slots=True)
class Answer:
    """A witness's answer to Submit, Ballot or AskCommit: its vote or its nack, with evidence."""

    TAG: ClassVar[int] = 4
    serial: int
    statement: Vote | Nack
    evidence: Bundle = Bundle()

    def plain(self) -> codec.Plain:
        is_vote = isinstance(self.statement, Vote)
        return self.serial, int(is_vote), self.statement.encode(), *self.evidence.plain()

    @classmethod
    def read(cls, fields: codec.Plain) -> Self:
        serial, is_vote, raw, entries, certificates = codec.items(fields, 5)
        raw = codec.blob(raw, CERTIFICATE_BYTES_MAX)
        statement: Vote | Nack = Vote.decode(raw) if codec.uint(is_vote, 1) else Nack.decode(raw)
        return cls(codec.uint(serial), statement, Bundle.read(entries, certificates))


@dataclass(frozen=True, slots=True)
class Missing:
    """A witness cannot judge a submission yet: it lacks these spans (with their certificates)."""

    TAG: ClassVar[int] = 5
    serial: int
    spans: tuple[Span, ...]

    def plain(self) -> codec.Plain:
        return self.serial, tuple([span.plain() for span in self.spans])

    @classmethod
    def read(cls, fields: codec.Plain) -> Self:
        serial, spans = codec.items(fields, 2)
        return cls(codec.uint(serial), tuple([Span.read(span) for span in codec.items(spans)]))


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
class Hint:
    """There is news: final heads, and the news itself when it is a single entry. The only thing that is gossiped.

    Without positions it says that there is more news than fits: ask what came since.
    """

    TAG: ClassVar[int] = 8
    positions: tuple[Position, ...]
    bundle: Bundle = Bundle()

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
    """Asks what the peer's journal holds above its row `row`, in the order in which it came there."""

    TAG: ClassVar[int] = 10
    row: int

    def plain(self) -> codec.Plain:
        return (self.row,)

    @classmethod
    def read(cls, fields: codec.Plain) -> Self:
        (row,) = codec.items(fields, 1)
        return cls(codec.uint(row))


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
class AskHead:
    """A signer asks a witness what it holds of its account, and for the lease to sign (signed by the account's key)."""

    TAG: ClassVar[int] = 15
    serial: int
    account: AccountId
    instance: bytes
    previous: bytes
    """The nonce of the same home before its last restart, or empty."""
    signature: Signature

    @staticmethod
    def content(account: AccountId, instance: bytes, previous: bytes) -> bytes:
        """The bytes under the signature (Tag.INSTANCE)."""
        return codec.encode((account, instance, previous))

    def plain(self) -> codec.Plain:
        return self.serial, self.account, self.instance, self.previous, self.signature

    @classmethod
    def read(cls, fields: codec.Plain) -> Self:
        serial, account, instance, previous, signature = codec.items(fields, 5)
        return cls(
            codec.uint(serial),
            AccountId(codec.uint(account, ACCOUNT_MAX)),
            codec.binary(instance, INSTANCE_BYTES),
            codec.blob(previous, INSTANCE_BYTES),
            Signature(codec.binary(signature, SIGNATURE_BYTES)),
        )


@dataclass(frozen=True, slots=True)
class Head:
    """What a witness holds of an account. `head` is None when it holds no entry; `granted` is the lease."""

    TAG: ClassVar[int] = 16
    serial: int
    granted: bool
    head: Position | None
    final_seq: int
    """Highest final seq + 1; 0 when nothing is final."""

    def plain(self) -> codec.Plain:
        return self.serial, int(self.granted), () if self.head is None else self.head.plain(), self.final_seq

    @classmethod
    def read(cls, fields: codec.Plain) -> Self:
        serial, granted, head, final_seq = codec.items(fields, 4)
        return cls(
            codec.uint(serial),
            bool(codec.uint(granted, 1)),
            None if head == () else Position.read(head),
            codec.uint(final_seq),
        )


@dataclass(frozen=True, slots=True)
class AskMark:
    """A witness that starts asks the others for its own highest mark and vote (PROTOCOL-RULES 11)."""

    TAG: ClassVar[int] = 17
    witness: PublicKey

    def plain(self) -> codec.Plain:
        return (self.witness,)

    @classmethod
    def read(cls, fields: codec.Plain) -> Self:
        (witness,) = codec.items(fields, 1)
        return cls(PublicKey(codec.binary(witness, KEY_BYTES)))


@dataclass(frozen=True, slots=True)
class Marked:
    """The highest mark and the highest vote that the sender holds of `witness`, each None if it holds none."""

    TAG: ClassVar[int] = 18
    witness: PublicKey
    mark: Mark | None
    vote: Vote | None

    def plain(self) -> codec.Plain:
        return (
            self.witness,
            b"" if self.mark is None else self.mark.encode(),
            b"" if self.vote is None else self.vote.encode(),
        )

    @classmethod
    def read(cls, fields: codec.Plain) -> Self:
        witness, mark, vote = codec.items(fields, 3)
        return cls(
            PublicKey(codec.binary(witness, KEY_BYTES)),
            None if mark == b"" else Mark.decode(codec.blob(mark, 256)),
            None if vote == b"" else Vote.decode(codec.blob(vote, CERTIFICATE_BYTES_MAX)),
        )


@dataclass(frozen=True, slots=True)
class KeepMark:
    """A witness asks another to keep its new mark before it uses the numbers below it."""

    TAG: ClassVar[int] = 19
    mark: Mark

    def plain(self) -> codec.Plain:
        return (self.mark.encode(),)

    @classmethod
    def read(cls, fields: codec.Plain) -> Self:
        (mark,) = codec.items(fields, 1)
        return cls(Mark.decode(codec.blob(mark, 256)))


@dataclass(frozen=True, slots=True)
class MarkKept:
    """The sender has stored a mark of `witness` that reaches to `below` or further."""

    TAG: ClassVar[int] = 20
    witness: PublicKey
    below: int

    def plain(self) -> codec.Plain:
        return self.witness, self.below

    @classmethod
    def read(cls, fields: codec.Plain) -> Self:
        witness, below = codec.items(fields, 2)
        return cls(PublicKey(codec.binary(witness, KEY_BYTES)), codec.uint(below))


@dataclass(frozen=True, slots=True)
class Ballot:
    """Asks a witness for its vote on an entry of account 0 in its round; `evidence` is q votes that move a lock."""

    TAG: ClassVar[int] = 21
    serial: int
    signed: SignedEntry
    evidence: Certificate | None

    def plain(self) -> codec.Plain:
        return self.serial, self.signed.encode(), b"" if self.evidence is None else self.evidence.encode()

    @classmethod
    def read(cls, fields: codec.Plain) -> Self:
        serial, signed, evidence = codec.items(fields, 3)
        return cls(
            codec.uint(serial),
            read_signed(codec.blob(signed, SIGNED_BYTES_MAX)),
            None if evidence == b"" else Certificate.decode(codec.blob(evidence, CERTIFICATE_BYTES_MAX)),
        )


@dataclass(frozen=True, slots=True)
class AskCommit:
    """Asks a witness to commit on q votes for an entry of account 0."""

    TAG: ClassVar[int] = 22
    serial: int
    signed: SignedEntry
    votes: Certificate

    def plain(self) -> codec.Plain:
        return self.serial, self.signed.encode(), self.votes.encode()

    @classmethod
    def read(cls, fields: codec.Plain) -> Self:
        serial, signed, votes = codec.items(fields, 3)
        return cls(
            codec.uint(serial),
            read_signed(codec.blob(signed, SIGNED_BYTES_MAX)),
            Certificate.decode(codec.blob(votes, CERTIFICATE_BYTES_MAX)),
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


Message = (
    Hello | Hosts | Submit | Answer | Missing | Deliver | Seen | Hint | Want | Since | Index | Fetch | Compare | Heads
    | AskHead | Head | AskMark | Marked | KeepMark | MarkKept | Ballot | AskCommit | Proof
)  # fmt: skip

MESSAGES: dict[int, type[Message]] = {
    kind.TAG: kind
    for kind in (
        Hello, Hosts, Submit, Answer, Missing, Deliver, Seen, Hint, Want, Since, Index, Fetch, Compare, Heads,
        AskHead, Head, AskMark, Marked, KeepMark, MarkKept, Ballot, AskCommit, Proof,
    )
}  # fmt: skip


def encode_message(message: Message) -> bytes:
    """Write a message as one frame's content."""
    return codec.encode((message.TAG, *message.plain()))


def decode_message(frame: bytes) -> Message:
    """Read one frame's content. Raises Malformed, also for a tag that is not in the table."""
    fields = codec.items(codec.decode(frame, FRAME_BYTES_MAX))
    kind = MESSAGES.get(codec.uint(fields[0])) if fields else None
    if kind is None:
        raise Malformed("not a message of this protocol version")
    return kind.read(fields[1:])


def positions_of(certificates: Sequence[Certificate]) -> tuple[Position, ...]:
    """The heads that certificates make final."""
    return tuple(
        [
            Position(place.account, 0 if place.account == 0 else place.incarnation, place.seq, place.id)
            for place in (certificate.place for certificate in certificates)
        ]
    )
