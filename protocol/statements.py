"""What witnesses and stewards say with a signature: votes, commits, certificates, nacks, marks, ballots; fork proofs.

Each has `content()`, the bytes under the signature (PROTOCOL-RULES 6 to 8, 11, 14), and a form that travels.
Whether a statement counts (is the key a witness of that epoch?) is asked where it is used.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from . import codec
from .base import (
    ACCOUNT_MAX,
    COMMONS,
    HASH_BYTES,
    INCARNATION_MAX,
    KEY_BYTES,
    KEYS_MAX,
    NUMBER_MAX,
    SIGNATURE_BYTES,
    AccountId,
    CommunityId,
    EntryId,
    Malformed,
    PublicKey,
    Signature,
)
from .entry import SIGNED_BYTES_MAX, SignedEntry, read_signed
from .signing import Tag, Verify, verify

ARRAY_OF_SIX = b"\x96"
CERTIFICATE_BYTES_MAX = 128 + KEYS_MAX * (SIGNATURE_BYTES + 16)


@dataclass(frozen=True, slots=True)
class Place:
    """What a vote, commit or certificate is about. For account 0 the round stands in the incarnation's place."""

    epoch: int
    account: AccountId
    incarnation: int
    seq: int
    id: EntryId

    def plain(self) -> codec.Plain:
        return self.epoch, self.account, self.incarnation, self.seq, self.id

    @classmethod
    def read(cls, fields: codec.Plain) -> Self:
        epoch, account, incarnation, seq, id = codec.items(fields, 5)
        return cls(
            codec.uint(epoch),
            AccountId(codec.uint(account, ACCOUNT_MAX)),
            codec.uint(incarnation, INCARNATION_MAX if account else NUMBER_MAX),
            codec.uint(seq),
            EntryId(codec.binary(id, HASH_BYTES)),
        )

    def content(self, number: int) -> bytes:
        """The bytes that a witness signs with its vote or commit of that number."""
        return self.content_start() + codec.encode(number)

    def content_start(self) -> bytes:
        """What the signed contents of all votes for this place begin with; the number follows.

        An array of six, of which the first five are written: the same bytes as writing all six, once for many votes.
        """
        return ARRAY_OF_SIX + codec.encode(self.plain())[1:]


@dataclass(frozen=True, slots=True)
class Vote:
    """A witness's vote, or with `tag` COMMIT its commit: signed, numbered, never taken back."""

    tag: Tag
    place: Place
    witness: int
    """Index of its key in the epoch's list."""
    number: int
    signature: Signature

    def is_by(self, key: PublicKey, community: CommunityId, verify: Verify = verify) -> bool:
        """Tell whether `key` signed it. Nobody commits to a member's entry, so such a commit is by nobody."""
        if self.tag is Tag.COMMIT and self.place.account != COMMONS:
            return False
        return verify(key, self.tag, community, self.place.content(self.number), self.signature)

    def encode(self) -> bytes:
        kind = 0 if self.tag is Tag.VOTE else 1
        return codec.encode((kind, *self.place.plain(), self.witness, self.number, self.signature))

    @classmethod
    def decode(cls, raw: bytes) -> Self:
        kind, *place, witness, number, signature = codec.items(codec.decode(raw, CERTIFICATE_BYTES_MAX), 9)
        return cls(
            Tag.COMMIT if codec.uint(kind, 1) else Tag.VOTE,
            Place.read(tuple(place)),
            codec.uint(witness, KEYS_MAX - 1),
            codec.uint(number),
            Signature(codec.binary(signature, SIGNATURE_BYTES)),
        )


@dataclass(frozen=True, slots=True)
class Certificate:
    """q or more votes for one entry, witnesses ascending. Any q will do, so no hash may ever cover one.

    For account 0 it holds commits; the same shape with votes is the evidence that moves a lock (section 8).
    """

    place: Place
    votes: tuple[tuple[int, int, Signature], ...]
    """(witness index, vote number, signature)."""

    def is_valid(
        self, tag: Tag, keys: Sequence[PublicKey], quorum: int, community: CommunityId, verify: Verify = verify
    ) -> bool:
        """Tell whether at least `quorum` different witnesses of `keys` signed, and nothing else stands here."""
        if len(self.votes) < quorum:
            return False
        previous, start = -1, self.place.content_start()
        for witness, number, signature in self.votes:
            if not previous < witness < len(keys):
                return False
            if not verify(keys[witness], tag, community, start + codec.encode(number), signature):
                return False
            previous = witness
        return True

    def encode(self) -> bytes:
        return codec.encode((*self.place.plain(), self.votes))

    @classmethod
    def decode(cls, raw: bytes) -> Self:
        *place, listed = codec.items(codec.decode(raw, CERTIFICATE_BYTES_MAX), 6)
        votes = []
        previous = -1
        for item in codec.items(listed):
            witness, number, signature = codec.items(item, 3)
            # Written out, because nothing else is read so often: the functions of `codec` would cost as much again.
            if type(witness) is not int or not previous < witness < KEYS_MAX:
                raise Malformed("votes must be listed by ascending witness")
            if type(number) is not int or not 0 <= number <= NUMBER_MAX:
                raise Malformed("a vote's number is out of bounds")
            if type(signature) is not bytes or len(signature) != SIGNATURE_BYTES:
                raise Malformed("a vote is [witness, number, signature]")
            previous = witness
            votes.append((witness, number, Signature(signature)))
        return cls(Place.read(tuple(place)), tuple(votes))


def gather(votes: Sequence[Vote]) -> Certificate:
    """Make the certificate of votes (or commits) that are all for one place, each already checked."""
    ordered = sorted({vote.witness: vote for vote in votes}.values(), key=lambda vote: vote.witness)
    return Certificate(ordered[0].place, tuple((vote.witness, vote.number, vote.signature) for vote in ordered))


def certificate_tag(place: Place) -> Tag:
    """What the signatures of a certificate are: commits for account 0, votes for everybody else."""
    return Tag.COMMIT if place.account == COMMONS else Tag.VOTE


@dataclass(frozen=True, slots=True)
class Nack:
    """A witness's signed refusal to vote. It binds nobody and proves nothing but itself."""

    place: Place
    witness: int
    code: int
    """A `verdict.Code`."""
    height: int
    """The witness's newest height."""
    signature: Signature

    @staticmethod
    def content(place: Place, code: int, height: int) -> bytes:
        return codec.encode((*place.plain(), code, height))

    def is_by(self, key: PublicKey, community: CommunityId, verify: Verify = verify) -> bool:
        """Tell whether `key` signed it."""
        return verify(key, Tag.NACK, community, self.content(self.place, self.code, self.height), self.signature)

    def encode(self) -> bytes:
        return codec.encode((*self.place.plain(), self.witness, self.code, self.height, self.signature))

    @classmethod
    def decode(cls, raw: bytes) -> Self:
        *place, witness, code, height, signature = codec.items(codec.decode(raw, CERTIFICATE_BYTES_MAX), 9)
        return cls(
            Place.read(tuple(place)),
            codec.uint(witness, KEYS_MAX - 1),
            codec.uint(code, 255),
            codec.uint(height),
            Signature(codec.binary(signature, SIGNATURE_BYTES)),
        )


@dataclass(frozen=True, slots=True)
class Mark:
    """A witness's "I may have used numbers below `below`", kept by the other witnesses (section 11)."""

    witness: PublicKey
    below: int
    signature: Signature

    @staticmethod
    def content(witness: PublicKey, below: int) -> bytes:
        return codec.encode((witness, below))

    def is_genuine(self, community: CommunityId) -> bool:
        """Tell whether the witness named in it signed it."""
        return verify(self.witness, Tag.MARK, community, self.content(self.witness, self.below), self.signature)

    def encode(self) -> bytes:
        return codec.encode((self.witness, self.below, self.signature))

    @classmethod
    def decode(cls, raw: bytes) -> Self:
        witness, below, signature = codec.items(codec.decode(raw, 256), 3)
        return cls(
            PublicKey(codec.binary(witness, KEY_BYTES)),
            codec.uint(below, NUMBER_MAX),
            Signature(codec.binary(signature, SIGNATURE_BYTES)),
        )


def ballot_content(seq: int, round: int, id: EntryId) -> bytes:
    """The bytes under a steward's ballot: body `id` at place `seq` of account 0 in that round (section 8)."""
    return codec.encode((seq, round, id))


def acceptance_content(threshold: int, keys: Sequence[PublicKey]) -> bytes:
    """The bytes that a new steward signs to accept a `stewards` op."""
    return codec.encode((threshold, tuple(keys)))


@dataclass(frozen=True, slots=True)
class ForkProof:
    """Two signed bodies for one place by one authority. It freezes nothing; it names who signed twice (section 9)."""

    first: SignedEntry
    second: SignedEntry

    def encode(self) -> bytes:
        return codec.encode((self.first.encode(), self.second.encode()))

    @classmethod
    def decode(cls, raw: bytes) -> Self:
        first, second = codec.items(codec.decode(raw, 2 * SIGNED_BYTES_MAX + 16), 2)
        return cls(read_signed(codec.blob(first, SIGNED_BYTES_MAX)), read_signed(codec.blob(second, SIGNED_BYTES_MAX)))

    def is_about_one_place(self) -> bool:
        """Tell whether ids differ and account, incarnation and (seq or prev) agree; signatures are judged apart."""
        one, other = self.first.entry, self.second.entry
        return (
            self.first.id != self.second.id
            and one.account == other.account
            and one.incarnation == other.incarnation
            and (one.seq == other.seq or one.prev == other.prev)
        )
