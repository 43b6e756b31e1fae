"""The journal itself: one writer appends, everybody else reads.

`append` may run in a worker thread, one call at a time; all other methods belong to the main thread and read over a
second connection. A failed append is never tried again here: which part of it is on the disk is only known to
whoever opens the file anew.
"""

import secrets
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import cast

import apsw

from protocol.base import COMMONS
from protocol.entry import entry_id
from protocol.statements import Place

from ..filesystem import StoreRefused, check_private, make_private_folder, network_file_system
from ..records import Record
from ..storelock import StoreLock
from . import rows, schema
from .connection import (
    WAL_PAGES_BUSY,
    JournalFailed,
    check_header,
    check_pages,
    connect,
    damaged,
    explain,
    is_empty,
    lay_out,
    lengthen_wal,
    make_file,
)
from .reading import Reader

FILE = "journal.db"
GENERATION_BYTES = 16
CHECKPOINT_PAGES = 1_000
"""Pages in the WAL file (4 MiB) from which an append moves them into the main file before it returns."""


class Journal(Reader):
    """An open journal. Holds the folder's lock until `close`."""

    def __init__(
        self, folder: Path, lock: StoreLock, writer: apsw.Connection, reader: apsw.Connection, vfs: str | None
    ) -> None:
        super().__init__(folder / FILE, reader)
        self.folder = folder
        self.failed: str | None = None
        """Why nothing can be appended any more."""
        self._lock, self._writer, self._vfs = lock, writer, vfs
        self._wal_pages = 0
        self._is_wal_long = False
        writer.set_wal_hook(self._on_commit)

    @classmethod
    def open(cls, folder: Path, *, create: bool, vfs: str | None = None) -> "Journal":
        """Open the journal in `folder` (HOME/node/journal); with `create`, make it when there is none.

        Raises StoreRefused when there is none, when it is damaged, by newer software or open elsewhere, when others
        may open the folder, or when it lies on a network file system.
        """
        try:
            return cls._open(folder, create, vfs)
        except apsw.Error as error:
            raise damaged(folder / FILE, explain(error)) from error
        except OSError as error:
            raise StoreRefused(
                f"{folder} cannot be used: {error.strerror}", "Check the disk and whom the folder belongs to"
            ) from error

    @classmethod
    def _open(cls, folder: Path, create: bool, vfs: str | None) -> "Journal":
        if create:
            make_private_folder(folder)
        elif not (folder / FILE).exists():
            raise StoreRefused(f"There is no journal in {folder}", "Found a community or join one first")
        check_private(folder)
        network = network_file_system(folder)
        if network is not None:
            raise StoreRefused(
                f"{folder} lies on a network file system ({network})", "Keep it on a disk of this computer"
            )
        lock = StoreLock(folder)
        with ExitStack() as undo:
            undo.callback(lock.release)
            journal = cls(folder, lock, *_connections(folder / FILE, create, vfs), vfs)
            undo.pop_all()
        return journal

    def append(self, records: Sequence[Record]) -> int:
        """Put `records` on the disk in one durable transaction; returns the number of the last row.

        Raises JournalFailed, and from then on always, when the disk did not take them; and KeyError, with nothing
        changed, for a certificate whose entry was never appended.
        """
        if self.failed is not None:
            raise JournalFailed(self.failed)
        try:
            self._commit(rows.Rows.of(records, self.last_row + 1, self._row_of))
            self.last_row += len(records)
            if self._wal_pages >= CHECKPOINT_PAGES:
                self._writer.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
            if self._wal_pages >= WAL_PAGES_BUSY and not self._is_wal_long:
                self._is_wal_long = True
                if self._vfs is None:  # a test's own disk does its own writing
                    lengthen_wal(self.file)
        except apsw.Error as error:
            raise self._failure(error) from error
        return self.last_row

    def checkpoint(self) -> None:
        """Move all of the WAL file into the main file and empty it; for measuring, and before a copy."""
        try:
            self._writer.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
        except apsw.Error as error:
            raise self._failure(error) from error

    def second_reader(self) -> Reader:
        """Another reader, of what is durable now, for another thread. Close it. Raises StoreRefused."""
        try:
            return Reader(self.file, connect(self.file, self._vfs, write=False))
        except apsw.Error as error:
            raise damaged(self.file, explain(error)) from error

    def close(self) -> None:
        """Give the folder free. After a failure nothing more is written, not even by SQLite's own tidying."""
        if self.failed is not None:
            self._writer.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
            self._reader.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
        super().close()
        self._writer.close()
        self._lock.release()

    def _commit(self, batch: rows.Rows) -> None:
        with self._writer:  # one transaction, rolled back when anything in it fails
            for table, put in schema.PUT.items():
                self._writer.executemany(put, getattr(batch, table))

    def _failure(self, error: apsw.Error) -> JournalFailed:
        self.failed = explain(error)
        return JournalFailed(self.failed)

    def _on_commit(self, _connection: apsw.Connection, _database: str, pages: int) -> int:
        self._wal_pages = pages
        return apsw.SQLITE_OK

    def _row_of(self, place: Place) -> int | None:
        incarnation = 0 if place.account == COMMONS else place.incarnation
        key = (place.account, incarnation, place.seq, rows.id6(place.id))
        found = self._writer.execute(schema.ROWS_OF_ENTRY, key)
        # An author can find two bodies for one place whose ids begin alike: only the whole id tells them apart.
        return next((cast(int, n) for n, body in found if entry_id(cast(bytes, body)) == place.id), None)


def _connections(file: Path, create: bool, vfs: str | None) -> tuple[apsw.Connection, apsw.Connection]:
    """The writer and the reader, of a file that passed all checks."""
    if create and not file.exists():
        make_file(file)
    check_private(file)
    with ExitStack() as undo:
        writer = connect(file, vfs, write=True)
        undo.callback(writer.close)
        if create and is_empty(writer):
            lay_out(writer, secrets.token_bytes(GENERATION_BYTES))
        check_header(writer, file)
        check_pages(writer, file, full=False)
        reader = connect(file, vfs, write=False)
        undo.callback(reader.close)
        undo.pop_all()
    return writer, reader
