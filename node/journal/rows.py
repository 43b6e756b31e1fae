"""Between records and rows: exact both ways, and as small as that allows.

`Rows` takes a batch of records apart into one list of rows a table; the `read_` functions put rows together again.
May not run any SQL. The signatures of most entries are one signature by key 0: those 64 bytes stand alone;
otherwise the list of (key index, signature) and the round, as codec bytes, which never are 64.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any
from zlib import crc32

from protocol import codec
from protocol.base import (
    COMMONS,
    KEY_BYTES,
    SIGNATURE_BYTES,
    EntryId,
    PublicKey,
    Signature,
)
from protocol.entry import SignedEntry, entry_id, read_entry, read_signed
from protocol.messages import Position
from protocol.signing import Tag, read_signatures
from protocol.statements import Certificate, ForkProof, Mark, Place, Vote

from ..records import (
    BallotRecord,
    CertificateRecord,
    DeadRecord,
    EntryRecord,
    ForkRecord,
    MarkRecord,
    Record,
    RivalRecord,
    RoundRecord,
    VoteRecord,
    WitnessRecord,
)

Row = tuple[Any, ...]
SIGNATURES_BYTES_MAX = 1 << 14
NOTE_BYTES_MAX = 1 << 15


class RowDamaged(Exception):
    """A row is not what was written."""


FindEntry = Callable[[Place], int | None]
"""Looks up the newest row of the entry that stands at a place."""


def id6(id: bytes) -> int:
    """The first 6 bytes of an id: enough to look for it by, in a width that SQLite knows. Many ids may begin alike."""
    return int.from_bytes(id[:6], "big", signed=True)


ENTRY_FORM = b"%d %d %d %d %d %b %b"
CERTIFICATE_FORM = b"%d %d %d %d %b %b"
VOTE_FORM = b"%d %d %d %d %d %b"
NOTE_FORM = b"%d %d %b"
"""What the checksum of a row covers: all its fields but itself."""


def checksum(form: bytes, *fields: int | bytes) -> int:
    """CRC-32 of a row's fields, as a signed integer that fits 4 bytes. It guards against disks, not against people."""
    return crc32(form % fields) - (1 << 31)


def _require(form: bytes, row: Row, *covered: int | bytes) -> None:
    try:
        is_as_written = row[-1] == checksum(form, *covered)
    except TypeError:  # a damaged page may even have changed what kind of value a field is
        is_as_written = False
    if not is_as_written:
        raise RowDamaged(f"row {row[0]} is not as it was written")


def _pack_signatures(signed: SignedEntry) -> bytes:
    listed = signed.signatures
    if len(listed) == 1 and listed[0][0] == 0 and signed.round == 0:
        return listed[0][1]
    return codec.encode((listed, signed.round))


def _unpack_signatures(raw: bytes) -> tuple[tuple[tuple[int, Signature], ...], int]:
    if len(raw) == SIGNATURE_BYTES:
        return ((0, Signature(raw)),), 0
    listed, round = codec.items(codec.decode(raw, SIGNATURES_BYTES_MAX), 2)
    return read_signatures(listed), codec.uint(round)


def read_entry_row(row: Row) -> tuple[int, EntryRecord]:
    """Put (n, account, incarnation, seq, id6, body, signatures, checksum) together."""
    n, account, incarnation, seq, short, body, packed, _ = row
    _require(ENTRY_FORM, row, n, account, incarnation, seq, short, body, packed)
    signatures, round = _unpack_signatures(packed)
    return n, EntryRecord(SignedEntry(body, read_entry(body), entry_id(body), signatures, round))


def read_place_row(row: Row) -> tuple[int, Position]:
    """Put (n, account, incarnation, seq, body) together."""
    n, account, incarnation, seq, body = row
    return n, Position(account, incarnation, seq, entry_id(body))


def read_certificate_row(row: Row) -> tuple[int, CertificateRecord]:
    """Put a certificate and what its entry's row knows together."""
    n, account, incarnation, seq, body, entry, epoch, round, numbers, signatures, _ = row
    _require(CERTIFICATE_FORM, row, n, entry, epoch, round, numbers, signatures)
    place = Place(epoch, account, round if account == COMMONS else incarnation, seq, entry_id(body))
    flat = codec.items(codec.decode(numbers, SIGNATURES_BYTES_MAX))
    votes = tuple(
        (flat[2 * at], flat[2 * at + 1], Signature(signatures[SIGNATURE_BYTES * at : SIGNATURE_BYTES * (at + 1)]))
        for at in range(len(flat) // 2)
    )
    return n, CertificateRecord(Certificate(place, votes))


def read_vote_row(row: Row) -> tuple[int, VoteRecord]:
    """Put a vote for a member's entry and what that entry's row knows together."""
    n, account, incarnation, seq, body, entry, epoch, witness, number, signature, _ = row
    _require(VOTE_FORM, row, n, entry, epoch, witness, number, signature)
    place = Place(epoch, account, incarnation, seq, entry_id(body))
    return n, VoteRecord(Vote(Tag.VOTE, place, witness, number, signature))


@dataclass(frozen=True, slots=True)
class NoteForm:
    """How one kind of record lies in the table of notes. `kind` is in the file: it never changes its meaning."""

    kind: int
    record: type
    write: Callable[[Any], bytes]
    read: Callable[[bytes], Record]


def _read_mark(raw: bytes) -> MarkRecord:
    own, mark = codec.items(codec.decode(raw, NOTE_BYTES_MAX), 2)
    return MarkRecord(Mark.decode(mark), bool(codec.uint(own, 1)))


NOTE_FORMS = (
    NoteForm(1, WitnessRecord, lambda r: r.key, lambda raw: WitnessRecord(PublicKey(codec.binary(raw, KEY_BYTES)))),
    NoteForm(2, MarkRecord, lambda r: codec.encode((int(r.own), r.mark.encode())), _read_mark),
    NoteForm(3, BallotRecord, lambda r: r.signed.encode(), lambda raw: BallotRecord(read_signed(raw))),
    NoteForm(4, RoundRecord, lambda r: r.evidence.encode(), lambda raw: RoundRecord(Certificate.decode(raw))),
    NoteForm(5, VoteRecord, lambda r: r.vote.encode(), lambda raw: VoteRecord(Vote.decode(raw))),
    NoteForm(6, ForkRecord, lambda r: r.proof.encode(), lambda raw: ForkRecord(ForkProof.decode(raw))),
    NoteForm(7, RivalRecord, lambda r: r.signed.encode(), lambda raw: RivalRecord(read_signed(raw))),
    NoteForm(8, DeadRecord, lambda r: r.reason.encode(), lambda raw: DeadRecord(raw.decode())),
)
KINDS: tuple[type[Record], ...] = (EntryRecord, CertificateRecord, *(form.record for form in NOTE_FORMS))
FORM_OF = {form.record: form for form in NOTE_FORMS}
_FORM_BY_KIND = {form.kind: form for form in NOTE_FORMS}


def read_note_row(row: Row) -> tuple[int, Record]:
    """Put (n, kind, content, checksum) together."""
    n, kind, content, _ = row
    _require(NOTE_FORM, row, n, kind, content)
    return n, _FORM_BY_KIND[kind].read(content)


@dataclass(slots=True)
class Rows:
    """The rows of one batch, by table, numbered in the order of the records."""

    entries: list[Row] = field(default_factory=list)
    certificates: list[Row] = field(default_factory=list)
    votes: list[Row] = field(default_factory=list)
    notes: list[Row] = field(default_factory=list)

    @classmethod
    def of(cls, records: Iterable[Record], first: int, find: FindEntry) -> "Rows":
        """Take `records` apart. Raises KeyError for a certificate whose entry is neither among them nor found."""
        rows = cls()
        fresh: dict[EntryId, int] = {}
        for n, record in enumerate(records, first):
            if type(record) is EntryRecord:
                rows._entry(n, record.signed)
                fresh[record.signed.id] = n
            elif type(record) is CertificateRecord:
                place = record.certificate.place
                rows._certificate(n, fresh.get(place.id) or find(place), record.certificate)
            elif type(record) is VoteRecord:
                place = record.vote.place
                rows._vote(n, fresh.get(place.id) or find(place), record)
            else:
                rows._note(n, record)
        return rows

    def _entry(self, n: int, signed: SignedEntry) -> None:
        entry = signed.entry
        row = (n, entry.account, entry.incarnation, entry.seq, id6(signed.id), signed.body, _pack_signatures(signed))
        self.entries.append((*row, checksum(ENTRY_FORM, *row)))

    def _certificate(self, n: int, entry: int | None, certificate: Certificate) -> None:
        place = certificate.place
        if entry is None:
            raise KeyError(f"the entry of a certificate is not in the journal: {place}")
        flat: list[int] = []
        for witness, number, _ in certificate.votes:
            flat += (witness, number)
        signatures = b"".join([signature for _, _, signature in certificate.votes])
        round = place.incarnation if place.account == COMMONS else 0
        row = (n, entry, place.epoch, round, codec.encode(tuple(flat)), signatures)
        self.certificates.append((*row, checksum(CERTIFICATE_FORM, *row)))

    def _vote(self, n: int, entry: int | None, record: VoteRecord) -> None:
        vote = record.vote
        if entry is None or vote.tag is not Tag.VOTE or vote.place.account == COMMONS:
            return self._note(n, record)  # what is voted on in account 0 is no entry of the ledger yet
        row = (n, entry, vote.place.epoch, vote.witness, vote.number, vote.signature)
        self.votes.append((*row, checksum(VOTE_FORM, *row)))

    def _note(self, n: int, record: Record) -> None:
        form = FORM_OF[type(record)]
        row = (n, form.kind, form.write(record))
        self.notes.append((*row, checksum(NOTE_FORM, *row)))
