"""Reading the journal over one read-only connection: in order, by place, by id, by row.

Every row is checked against its checksum before it becomes a record. What is read was durable when it was read; the
fixed end of each span keeps the readings of several tables to one moment.
"""

from collections.abc import Callable, Iterator, Sequence
from heapq import merge
from operator import itemgetter
from pathlib import Path
from typing import Any, TypeVar, cast

import apsw

from protocol.base import AccountId, EntryId, PublicKey
from protocol.entry import SignedEntry
from protocol.messages import Position
from protocol.statements import Certificate

from ..records import CertificateRecord, EntryRecord, Record, VoteRecord, WitnessRecord
from . import rows, schema
from .connection import check_pages, damaged, explain

T = TypeVar("T")
NO_LIMIT = -1
_STREAMS: tuple[tuple[type[Record], str, Callable[[rows.Row], tuple[int, Record]]], ...] = (
    (EntryRecord, schema.ENTRIES_IN, rows.read_entry_row),
    (CertificateRecord, schema.CERTIFICATES_IN, rows.read_certificate_row),
    (VoteRecord, schema.VOTES_IN, rows.read_vote_row),
)


class Reader:
    """Reads what a journal's file holds. For one thread at a time."""

    def __init__(self, file: Path, connection: apsw.Connection) -> None:
        self.file = file
        self._reader = connection
        self.generation: bytes = self._one("SELECT generation FROM store")
        """16 random bytes, made with the file: row numbers that peers remember are worth nothing in another one."""
        self.last_row: int = self._one(schema.LAST_ROW) or 0
        """The newest durable row; rows start at 1 and leave no gaps."""

    # In order

    def replay(self, *kinds: type[Record]) -> Iterator[tuple[int, Record]]:
        """All records with their rows in the order in which they were appended, or only those of these kinds."""
        span = (0, self.last_row, NO_LIMIT)
        wanted = set(kinds or rows.KINDS)
        streams = [self._each(query, span, read) for kind, query, read in _STREAMS if kind in wanted]
        if wanted - {EntryRecord, CertificateRecord}:
            notes = self._each(schema.NOTES_IN, span, rows.read_note_row)
            streams.append(found for found in notes if type(found[1]) in wanted)
        return merge(*streams, key=itemgetter(0))

    def since(self, row: int, limit: int) -> list[tuple[int, EntryRecord | CertificateRecord]]:
        """The next entries and certificates above `row`, at most `limit`; what a peer lacks."""
        span = (row, self.last_row, limit)
        found: list[tuple[int, EntryRecord | CertificateRecord]] = []
        found += self._each(schema.ENTRIES_IN, span, rows.read_entry_row)
        found += self._each(schema.CERTIFICATES_IN, span, rows.read_certificate_row)
        return sorted(found, key=itemgetter(0))[:limit]

    def index(self, row: int, limit: int) -> list[tuple[int, bool, Position]]:
        """As `since`, but only which ones they are: (row, is a certificate, position)."""
        span = (row, self.last_row, limit)
        entries = self._each(schema.ENTRY_PLACES_IN, span, rows.read_place_row)
        certificates = self._each(schema.CERTIFICATE_PLACES_IN, span, rows.read_place_row)
        found = [(n, False, position) for n, position in entries]
        found += [(n, True, position) for n, position in certificates]
        return sorted(found, key=itemgetter(0))[:limit]

    def moved_since(self, row: int, limit: int) -> tuple[list[AccountId], int]:
        """The accounts (at most `limit`) for which certificates came above `row`, and the newest row."""
        newest = self.last_row
        found = self._each(schema.MOVED_IN, (row, newest, limit), lambda columns: AccountId(cast(int, columns[0])))
        return list(found), newest

    def at_rows(self, wanted: Sequence[int]) -> list[EntryRecord | CertificateRecord]:
        """The entries and certificates at these rows, in that order; other rows are left out."""
        found: list[EntryRecord | CertificateRecord] = []
        for row in wanted:
            found += [record for _, record in self._each(schema.ENTRY_ROW, (row,), rows.read_entry_row)]
            found += [record for _, record in self._each(schema.CERTIFICATE_ROW, (row,), rows.read_certificate_row)]
        return found

    # By place and id

    def entry(self, account: AccountId, incarnation: int, seq: int) -> list[SignedEntry]:
        """What was ever applied at one place, oldest first: more than one after a rewind."""
        return self.entries(account, incarnation, seq, seq)

    def entries(self, account: AccountId, incarnation: int, first: int, last: int) -> list[SignedEntry]:
        """What was ever applied at the places `first` .. `last` of a chain, by seq and then by age."""
        return [signed for _, signed in self.placed(account, incarnation, first, last)]

    def placed(self, account: AccountId, incarnation: int, first: int, last: int) -> list[tuple[int, SignedEntry]]:
        """As `entries`, each with its row."""
        found = self._each(schema.ENTRIES_AT, (account, incarnation, first, last), rows.read_entry_row)
        return [(row, record.signed) for row, record in found]

    def final_below(self, account: AccountId, incarnation: int, seq: int, row: int) -> int:
        """The highest place below `seq` that had a certificate before that row of the journal; -1 for none."""
        found = self._each(schema.FINAL_BELOW, (account, incarnation, seq, row), lambda columns: cast(int, columns[0]))
        return next(iter(found), -1)

    def certificate_at(self, account: AccountId, seq: int, incarnation: int = 0) -> Certificate | None:
        """The certificate for the lowest entry at or above `seq` that has one: it covers `seq`."""
        found = self._each(schema.CERTIFICATE_OVER, (account, incarnation, seq), rows.read_certificate_row)
        return next((record.certificate for _, record in found), None)

    def by_id(self, id: EntryId) -> SignedEntry | None:
        """The applied entry with this id."""
        found = self._each(schema.ENTRIES_BY_ID, (rows.id6(id),), rows.read_entry_row)
        return next((record.signed for _, record in found if record.signed.id == id), None)

    # The rare kinds, and all of it

    def notes(self, kind: type[T]) -> list[T]:
        """All records of one of the rare kinds (marks, ballots, proofs and so on), oldest first."""
        key = (rows.FORM_OF[kind].kind,)
        return [cast(T, record) for _, record in self._each(schema.NOTES_OF_KIND, key, rows.read_note_row)]

    def witness(self) -> PublicKey | None:
        """The witness key whose memory this is, or None: then no key may vote from here."""
        made = self.notes(WitnessRecord)
        return made[-1].key if made else None

    def counts(self) -> dict[str, int]:
        """Rows by table: entries, certificates, votes, notes."""
        (found,) = self._each(schema.COUNTS, (), tuple)
        return dict(zip(schema.ROW_TABLES, found, strict=True))

    def check(self, *, full: bool = False) -> None:
        """Let SQLite look at every page, with `full` also at every index. Raises StoreRefused when they do not fit."""
        try:
            check_pages(self._reader, self.file, full=full)
        except apsw.Error as error:
            raise damaged(self.file, explain(error)) from error

    def close(self) -> None:
        """Give the connection back."""
        self._reader.close()

    def _each(self, query: str, values: tuple[int, ...], read: Callable[[rows.Row], T]) -> Iterator[T]:
        try:
            yield from map(read, self._reader.execute(query, values))
        except apsw.Error as error:
            raise damaged(self.file, explain(error)) from error
        except rows.RowDamaged as error:
            raise damaged(self.file, str(error)) from error

    def _one(self, query: str) -> Any:
        return self._reader.execute(query).get
