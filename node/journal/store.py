"""The journal itself: one writer appends, everybody else reads.

`append` may run in a worker thread, one call at a time; all other methods belong to the main thread and read over a
second connection. A failed append is never tried again here: which part of it is on the disk is only known to
whoever opens the file anew.
"""

import secrets
from collections.abc import Callable, Iterator, Sequence
from heapq import merge
from operator import itemgetter
from pathlib import Path
from typing import Any, TypeVar, cast

import apsw

from protocol.base import COMMONS, AccountId, EntryId, PublicKey
from protocol.entry import SignedEntry
from protocol.messages import Position
from protocol.statements import Certificate, Place

from ..filesystem import StoreRefused, check_private, make_private_folder, network_file_system
from ..records import CertificateRecord, EntryRecord, Record, VoteRecord, WitnessRecord
from ..storelock import StoreLock
from . import rows, schema
from .connection import (
    JournalFailed,
    check_header,
    check_pages,
    connect,
    damaged,
    explain,
    is_empty,
    lay_out,
    make_file,
)

FILE = "journal.db"
GENERATION_BYTES = 16
CHECKPOINT_PAGES = 1_000
"""Pages in the WAL file (4 MiB) from which an append moves them into the main file before it returns."""

T = TypeVar("T")
NO_LIMIT = -1


class Journal:
    """An open journal. Holds the folder's lock until `close`."""

    def __init__(self, folder: Path, lock: StoreLock, writer: apsw.Connection, reader: apsw.Connection) -> None:
        self.folder = folder
        self.failed: str | None = None
        """Why nothing can be appended any more."""
        self._lock, self._writer, self._reader = lock, writer, reader
        self._wal_pages = 0
        writer.set_wal_hook(self._on_commit)
        self.generation: bytes = self._one("SELECT generation FROM store")
        """16 random bytes, made with the file: row numbers that peers remember are worth nothing in another one."""
        self.last_row: int = self._one(schema.LAST_ROW) or 0
        """The newest durable row; rows start at 1 and leave no gaps."""

    @classmethod
    def open(cls, folder: Path, *, create: bool, vfs: str | None = None) -> "Journal":
        """Open the journal in `folder` (for example HOME/node/journal); with `create`, make it when there is none.

        Raises StoreRefused when there is none, when it is damaged, by newer software or open elsewhere, when others
        may open the folder, or when it lies on a network file system.
        """
        if create:
            make_private_folder(folder)
        if not folder.is_dir() or not (create or (folder / FILE).exists()):
            raise StoreRefused(f"There is no journal in {folder}", "Found a community or join one first")
        check_private(folder)
        network = network_file_system(folder)
        if network is not None:
            raise StoreRefused(
                f"{folder} lies on a network file system ({network})", "Keep it on a disk of this computer"
            )
        lock = StoreLock(folder)
        try:
            return cls(folder, lock, *_connections(folder / FILE, create, vfs))
        except apsw.Error as error:
            lock.release()
            raise damaged(folder / FILE, explain(error)) from error
        except BaseException:
            lock.release()
            raise

    # -- writing ---------------------------------------------------------------------------------------------------

    def append(self, records: Sequence[Record]) -> int:
        """Put `records` on the disk in one durable transaction; returns the number of the last row.

        Raises JournalFailed, and from then on always, when the disk did not take them; and KeyError, with nothing
        changed, for a certificate whose entry was never appended.
        """
        if self.failed is not None:
            raise JournalFailed(self.failed)
        try:
            batch = rows.Rows.of(records, self.last_row + 1, self._row_of)
            self._commit(batch)
            self.last_row += len(records)
            if self._wal_pages >= CHECKPOINT_PAGES:
                self._writer.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
        except apsw.Error as error:
            self.failed = explain(error)
            raise JournalFailed(self.failed) from error
        return self.last_row

    def _commit(self, batch: rows.Rows) -> None:
        with self._writer:  # one transaction, rolled back when anything in it fails
            for table, put in schema.PUT.items():
                self._writer.executemany(put, getattr(batch, table))

    def _on_commit(self, _connection: apsw.Connection, _database: str, pages: int) -> int:
        self._wal_pages = pages
        return apsw.SQLITE_OK

    def _row_of(self, place: Place) -> int | None:
        incarnation = 0 if place.account == COMMONS else place.incarnation
        key = (place.account, incarnation, place.seq, rows.id6(place.id))
        found = self._writer.execute(schema.ROW_OF_ENTRY, key).fetchone()
        return None if found is None else cast(int, found[0])

    # -- reading ---------------------------------------------------------------------------------------------------

    def replay(self, *kinds: type[Record]) -> Iterator[tuple[int, Record]]:
        """All records with their rows in the order in which they were appended, or only those of these kinds."""
        span = (0, self.last_row, NO_LIMIT)
        wanted = set(kinds or rows.KINDS)
        streams: list[Iterator[tuple[int, Record]]] = []
        for kind, query, read in (
            (EntryRecord, schema.ENTRIES_IN, rows.read_entry_row),
            (CertificateRecord, schema.CERTIFICATES_IN, rows.read_certificate_row),
            (VoteRecord, schema.VOTES_IN, rows.read_vote_row),
        ):
            if kind in wanted:
                streams.append(self._each(query, span, read))
        if wanted - {EntryRecord, CertificateRecord}:
            notes = self._each(schema.NOTES_IN, span, rows.read_note_row)
            streams.append(found for found in notes if type(found[1]) in wanted)
        return merge(*streams, key=itemgetter(0))

    def since(self, row: int, limit: int) -> list[tuple[int, EntryRecord | CertificateRecord]]:
        """The next entries and certificates above `row`, at most `limit`; what a peer lacks."""
        span = (row, self.last_row, limit)  # the fixed end keeps the two readings of one moment
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

    def at_rows(self, wanted: Sequence[int]) -> list[EntryRecord | CertificateRecord]:
        """The entries and certificates at these rows, in that order; other rows are left out."""
        found: list[EntryRecord | CertificateRecord] = []
        for row in wanted:
            found += [record for _, record in self._each(schema.ENTRY_ROW, (row,), rows.read_entry_row)]
            found += [record for _, record in self._each(schema.CERTIFICATE_ROW, (row,), rows.read_certificate_row)]
        return found

    def entry(self, account: AccountId, incarnation: int, seq: int) -> list[SignedEntry]:
        """What was ever applied at one place, oldest first: more than one after a rewind."""
        return self.entries(account, incarnation, seq, seq)

    def entries(self, account: AccountId, incarnation: int, first: int, last: int) -> list[SignedEntry]:
        """What was ever applied at the places `first` .. `last` of a chain, by seq and then by age."""
        found = self._each(schema.ENTRIES_AT, (account, incarnation, first, last), rows.read_entry_row)
        return [record.signed for _, record in found]

    def certificate_at(self, account: AccountId, seq: int, incarnation: int = 0) -> Certificate | None:
        """The certificate for the lowest entry at or above `seq` that has one: it covers `seq`."""
        found = self._each(schema.CERTIFICATE_OVER, (account, incarnation, seq), rows.read_certificate_row)
        return next((record.certificate for _, record in found), None)

    def by_id(self, id: EntryId) -> SignedEntry | None:
        """The applied entry with this id."""
        found = self._each(schema.ENTRIES_BY_ID, (rows.id6(id),), rows.read_entry_row)
        return next((record.signed for _, record in found if record.signed.id == id), None)

    def notes(self, kind: type[T]) -> list[T]:
        """All records of one of the rare kinds (marks, ballots, proofs and so on), oldest first."""
        key = (rows.FORM_OF[kind].kind,)
        return [cast(T, record) for _, record in self._each(schema.NOTES_OF_KIND, key, rows.read_note_row)]

    def witness(self) -> PublicKey | None:
        """The witness key whose memory this is, or None: then no key may vote from here."""
        made = self.notes(WitnessRecord)
        return made[-1].key if made else None

    def counts(self) -> dict[str, int]:
        """Rows by table."""
        (found,) = self._reader.execute(schema.COUNTS)
        return dict(zip(schema.ROW_TABLES, found, strict=True))

    # -- care ------------------------------------------------------------------------------------------------------

    def check(self, *, full: bool = False) -> None:
        """Let SQLite look at every page, with `full` also at every index. Raises StoreRefused when they do not fit."""
        try:
            check_pages(self._reader, self.folder / FILE, full=full)
        except apsw.Error as error:
            raise damaged(self.folder / FILE, explain(error)) from error

    def checkpoint(self) -> None:
        """Move all of the WAL file into the main file and empty it; for measuring, and before a copy."""
        try:
            self._writer.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
        except apsw.Error as error:
            self.failed = explain(error)
            raise JournalFailed(self.failed) from error

    def close(self) -> None:
        """Give the folder free. After a failure nothing more is written, not even by SQLite's own tidying."""
        if self.failed is not None:
            self._writer.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
            self._reader.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
        self._reader.close()
        self._writer.close()
        self._lock.release()

    def _each(self, query: str, values: tuple[int, ...], read: Callable[[rows.Row], T]) -> Iterator[T]:
        try:
            yield from map(read, self._reader.execute(query, values))
        except apsw.Error as error:
            raise damaged(self.folder / FILE, explain(error)) from error
        except rows.RowDamaged as error:
            raise damaged(self.folder / FILE, str(error)) from error

    def _one(self, query: str) -> Any:
        return self._reader.execute(query).get


def _connections(file: Path, create: bool, vfs: str | None) -> tuple[apsw.Connection, apsw.Connection]:
    if create and not file.exists():
        make_file(file)
    check_private(file)
    writer = connect(file, vfs, write=True)
    try:
        if create and is_empty(writer):
            lay_out(writer, secrets.token_bytes(GENERATION_BYTES))
        check_header(writer, file)
        check_pages(writer, file, full=False)
        return writer, connect(file, vfs, write=False)
    except BaseException:
        writer.close()
        raise
