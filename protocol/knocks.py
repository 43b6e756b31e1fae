"""The doorstep: what somebody who is not known may ask a node, and the answers (/tallystick/knock/1).

A question and its answer are arrays [tag, field, ...], one frame each. `proof` is a signature by the one-time key of an
invite or a host's card over both peer ids, so that a proof heard by one node is no use at another. Who gets which
answer is not known here.
"""

import re
from dataclasses import dataclass
from typing import ClassVar, Self

from . import codec
from .addresses import ADDRESS_CHARS_MAX, check_address
from .base import ENTRY_BYTES_MAX, HASH_BYTES, SIGNATURE_BYTES, CommunityId, Malformed, PublicKey, Signature
from .bundles import Bundle
from .invite import Voucher
from .messages import FRAME_BYTES_MAX
from .notices import some
from .record import SignedRecord
from .request import Request
from .signing import Tag, verify

QUESTION_BYTES_MAX = 16_384
FOUNDING_BYTES_MAX = 262_144
SHOWN_MAX = 8
"""Records that one question shows."""
FOUNDING_PEERS_MAX = 64
CODE_BYTES_MAX = 32
_CODE = re.compile(r"[a-z_]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class ShowRecords:
    """Shows the asker's own cards, so that it may be known. Answered by Welcome or Turned."""

    TAG: ClassVar[int] = 1
    community: CommunityId
    records: tuple[SignedRecord, ...]

    def plain(self) -> codec.Plain:
        return self.community, tuple([signed.plain() for signed in self.records])

    @classmethod
    def read(cls, fields: codec.Plain) -> Self:
        community, records = codec.items(fields, 2)
        return cls(_community(community), tuple([SignedRecord.read(item) for item in some(records, SHOWN_MAX)]))


@dataclass(frozen=True, slots=True)
class ReadCommons:
    """An invited asker wants account 0 from `first_seq` on. Answered by CommonsPage or Turned."""

    TAG: ClassVar[int] = 2
    community: CommunityId
    voucher: Voucher
    proof: Signature
    first_seq: int

    def plain(self) -> codec.Plain:
        return self.community, self.voucher.plain(), self.proof, self.first_seq

    @classmethod
    def read(cls, fields: codec.Plain) -> Self:
        community, voucher, proof, first_seq = codec.items(fields, 4)
        return cls(_community(community), Voucher.read(voucher), _proof(proof), codec.uint(first_seq))


@dataclass(frozen=True, slots=True)
class LeaveRequest:
    """An invited asker leaves its request. Answered by Welcome or Turned."""

    TAG: ClassVar[int] = 3
    community: CommunityId
    request: Request
    proof: Signature

    def plain(self) -> codec.Plain:
        return self.community, self.request.plain(), self.proof

    @classmethod
    def read(cls, fields: codec.Plain) -> Self:
        community, request, proof = codec.items(fields, 3)
        return cls(_community(community), Request.read(request), _proof(proof))


@dataclass(frozen=True, slots=True)
class AskAcceptance:
    """A founder asks a host for its witness's signature on this founding body. Answered by Acceptance or Turned."""

    TAG: ClassVar[int] = 4
    body: bytes
    proof: Signature

    def plain(self) -> codec.Plain:
        return self.body, self.proof

    @classmethod
    def read(cls, fields: codec.Plain) -> Self:
        body, proof = codec.items(fields, 2)
        return cls(codec.blob(body, ENTRY_BYTES_MAX), _proof(proof))


@dataclass(frozen=True, slots=True)
class BeFounded:
    """A founder gives a host the community: first entries, cards, whom to dial. Answered by Welcome or Turned."""

    TAG: ClassVar[int] = 5
    bundle: Bundle
    records: tuple[SignedRecord, ...]
    peers: tuple[str, ...]
    """Multiaddrs with /p2p/."""
    proof: Signature

    def plain(self) -> codec.Plain:
        return *self.bundle.plain(), tuple([signed.plain() for signed in self.records]), self.peers, self.proof

    @classmethod
    def read(cls, fields: codec.Plain) -> Self:
        entries, certificates, records, peers, proof = codec.items(fields, 5)
        addresses = [codec.text(peer, 2 * ADDRESS_CHARS_MAX) for peer in some(peers, FOUNDING_PEERS_MAX)]
        return cls(
            Bundle.read(entries, certificates),
            tuple([SignedRecord.read(item) for item in some(records, FOUNDING_PEERS_MAX)]),
            tuple([check_address(address, with_peer=True) for address in addresses]),
            _proof(proof),
        )


@dataclass(frozen=True, slots=True)
class Welcome:
    """It was taken."""

    TAG: ClassVar[int] = 17

    def plain(self) -> codec.Plain:
        return ()

    @classmethod
    def read(cls, fields: codec.Plain) -> Self:
        codec.items(fields, 0)
        return cls()


@dataclass(frozen=True, slots=True)
class Turned:
    """It was not taken; the code says why."""

    TAG: ClassVar[int] = 18
    code: str

    def plain(self) -> codec.Plain:
        return (self.code,)

    @classmethod
    def read(cls, fields: codec.Plain) -> Self:
        (code,) = codec.items(fields, 1)
        if not _CODE.fullmatch(codec.text(code, CODE_BYTES_MAX)):
            raise Malformed("a code is lower-case letters and underscores")
        return cls(code)


@dataclass(frozen=True, slots=True)
class CommonsPage:
    """Entries of account 0 with their certificates, from the seq asked for on; `height` is the newest here."""

    TAG: ClassVar[int] = 19
    bundle: Bundle
    height: int

    def plain(self) -> codec.Plain:
        return *self.bundle.plain(), self.height

    @classmethod
    def read(cls, fields: codec.Plain) -> Self:
        entries, certificates, height = codec.items(fields, 3)
        return cls(Bundle.read(entries, certificates), codec.uint(height))


@dataclass(frozen=True, slots=True)
class Acceptance:
    """The host's witness key signed the founding body (Tag.ENTRY)."""

    TAG: ClassVar[int] = 20
    signature: Signature

    def plain(self) -> codec.Plain:
        return (self.signature,)

    @classmethod
    def read(cls, fields: codec.Plain) -> Self:
        (signature,) = codec.items(fields, 1)
        return cls(_proof(signature))


Knock = ShowRecords | ReadCommons | LeaveRequest | AskAcceptance | BeFounded
Reply = Welcome | Turned | CommonsPage | Acceptance

KNOCKS: dict[int, type[Knock]] = {
    kind.TAG: kind for kind in (ShowRecords, ReadCommons, LeaveRequest, AskAcceptance, BeFounded)
}
REPLIES: dict[int, type[Reply]] = {kind.TAG: kind for kind in (Welcome, Turned, CommonsPage, Acceptance)}


def encode_knock(knock: Knock) -> bytes:
    """Write a question as one frame's content."""
    return codec.encode((knock.TAG, *knock.plain()))


def decode_knock(frame: bytes) -> Knock:
    """Read a question: at most 16 KiB, a founding 256 KiB. Raises Malformed."""
    tag, *fields = codec.items(codec.decode(frame, FOUNDING_BYTES_MAX)) or (0,)
    kind = KNOCKS.get(codec.uint(tag))
    if kind is None:
        raise Malformed("not a question of this protocol version")
    if kind is not BeFounded and len(frame) > QUESTION_BYTES_MAX:
        raise Malformed(f"{len(frame)} bytes, at most {QUESTION_BYTES_MAX} allowed")
    return kind.read(tuple(fields))


def encode_reply(reply: Reply) -> bytes:
    """Write an answer as one frame's content."""
    return codec.encode((reply.TAG, *reply.plain()))


def decode_reply(frame: bytes) -> Reply:
    """Read an answer, at most 1 MiB. Raises Malformed."""
    tag, *fields = codec.items(codec.decode(frame, FRAME_BYTES_MAX)) or (0,)
    kind = REPLIES.get(codec.uint(tag))
    if kind is None:
        raise Malformed("not an answer of this protocol version")
    return kind.read(tuple(fields))


def knock_content(server_peer: str, client_peer: str) -> bytes:
    """The bytes under a proof (Tag.KNOCK): this client speaks to this server."""
    return codec.encode((server_peer, client_peer))


def is_proof(key: PublicKey, community: CommunityId, server_peer: str, client_peer: str, proof: Signature) -> bool:
    """Tell whether the one-time key signed for these two peers; `community` is NO_COMMUNITY before a founding."""
    return verify(key, Tag.KNOCK, community, knock_content(server_peer, client_peer), proof)


def _community(value: codec.Plain) -> CommunityId:
    return CommunityId(codec.binary(value, HASH_BYTES))


def _proof(value: codec.Plain) -> Signature:
    return Signature(codec.binary(value, SIGNATURE_BYTES))
