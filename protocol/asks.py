"""The messages to and from witnesses: submissions, answers, heads and leases, marks, and the rounds of account 0."""

from dataclasses import dataclass
from typing import ClassVar, Self

from . import codec
from .base import ACCOUNT_MAX, KEY_BYTES, SIGNATURE_BYTES, AccountId, Malformed, PublicKey, Signature
from .bundles import NOTHING, Bundle, Position, Span
from .entry import SIGNED_BYTES_MAX, SignedEntry, read_signed
from .statements import CERTIFICATE_BYTES_MAX, Certificate, Mark, Nack, Vote

INSTANCE_BYTES = 16


@dataclass(frozen=True, slots=True)
class Submit:
    """Asks a witness for its vote on the last entry of the bundle. `instance`: who signed it, or empty."""

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
    evidence: Bundle = NOTHING

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
class AskHead:
    """A signer asks a witness what it holds of its account, and for the lease to sign.

    The account's key signs it with the key of the witness that is asked, so no witness can show it to another one.
    """

    TAG: ClassVar[int] = 15
    serial: int
    account: AccountId
    instance: bytes
    previous: bytes
    """The nonce of the same home before its last restart, or empty."""
    signature: Signature

    @staticmethod
    def content(witness: PublicKey, account: AccountId, instance: bytes, previous: bytes) -> bytes:
        """The bytes under the signature (Tag.INSTANCE)."""
        return codec.encode((witness, account, instance, previous))

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
