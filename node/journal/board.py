"""The board's own small database, beside the journal: people's records and requests, the newest of each alone.

Not the truth and not append-only: every row is signed by its author, others hold it too, and it comes back from them.
So a file that is missing or damaged never keeps a node from starting: it is put aside and begun anew. `write` may run
in a worker thread, one call at a time; all else belongs to the main thread.
"""

import logging
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import apsw

from ..filesystem import StoreRefused, check_private
from .connection import JournalFailed, check_pages, connect, damaged, explain, is_empty, make_file

logger = logging.getLogger("tallystick.board")

FILE = "board.db"
ASIDE = ".damaged"
COMPANIONS = ("-wal", "-shm")
APPLICATION_ID = 0x74616C62
"""The letters "talb" in the header of the file."""
VERSION = 1
PASSING = apsw.FullError, apsw.CantOpenError, apsw.ReadOnlyError, apsw.BusyError, apsw.LockedError, apsw.NoMemError
"""What says nothing against a file: it may be opened another time."""
CHECKPOINT_PAGES = 1_000
"""Pages in the WAL file (4 MiB) from which a write moves them into the main file before it returns."""

TABLES = {
    "records": """
        author INTEGER NOT NULL,
        kind INTEGER NOT NULL,
        key BLOB NOT NULL,
        content BLOB NOT NULL,
        checksum INTEGER NOT NULL,
        PRIMARY KEY (author, kind, key)""",
    "requests": """
        id BLOB PRIMARY KEY NOT NULL,
        content BLOB NOT NULL,
        checksum INTEGER NOT NULL""",
}
KEEP_RECORD = "INSERT OR REPLACE INTO records VALUES (?, ?, ?, ?, ?)"
DROP_RECORD = "DELETE FROM records WHERE author = ? AND kind = ? AND key = ?"
KEEP_REQUEST = "INSERT OR REPLACE INTO requests VALUES (?, ?, ?)"
DROP_REQUEST = "DELETE FROM requests WHERE id = ?"

Slot = tuple[int, int, bytes]
"""Author, kind and key of a record."""


@dataclass(frozen=True, slots=True)
class KeepRecord:
    """Have `content` in this slot, in the place of what is there."""

    slot: Slot
    content: bytes


@dataclass(frozen=True, slots=True)
class DropRecord:
    """Have this slot empty."""

    slot: Slot


@dataclass(frozen=True, slots=True)
class KeepRequest:
    """Have this request."""

    id: bytes
    content: bytes


@dataclass(frozen=True, slots=True)
class DropRequest:
    """Forget this request."""

    id: bytes


Change = KeepRecord | DropRecord | KeepRequest | DropRequest


class BoardStore:
    """An open board.db. Its folder is locked by the journal that lies in it."""

    def __init__(self, file: Path, connection: apsw.Connection) -> None:
        self.file = file
        self._connection = connection
        self._wal_pages = 0
        connection.set_wal_hook(self._on_commit)

    @classmethod
    def open(cls, folder: Path) -> "BoardStore":
        """Open board.db in `folder` (HOME/node/journal), making it when there is none that can be used.

        Raises StoreRefused when others may open the file, when the disk refuses it for now, or takes no new one.
        """
        file = folder / FILE
        try:
            return cls._open(file)
        except PASSING as error:
            raise StoreRefused(f"{file} cannot be opened now: {explain(error)}", "Check the disk") from error
        except (apsw.Error, _Unusable) as error:
            logger.warning("%s cannot be used and is begun anew; peers will send what was in it: %s", file, error)
        try:
            _put_aside(file)
            return cls._open(file)
        except (apsw.Error, _Unusable) as error:
            raise damaged(file, str(error)) from error
        except OSError as error:
            raise StoreRefused(f"{file} cannot be made: {error.strerror}", "Check the disk") from error

    @classmethod
    def _open(cls, file: Path) -> "BoardStore":
        if not file.exists():
            make_file(file)
        check_private(file)
        with ExitStack() as undo:
            connection = connect(file, None, write=True)
            undo.callback(connection.close)
            if is_empty(connection):
                _lay_out(connection)
            _check(connection, file)
            store = cls(file, connection)
            undo.pop_all()
        return store

    def records(self) -> list[bytes]:
        """The content of all records."""
        return self._contents("records")

    def requests(self) -> list[bytes]:
        """The content of all requests."""
        return self._contents("requests")

    def write(self, changes: Sequence[Change]) -> None:
        """Make `changes` in their order, in one durable transaction. Raises JournalFailed, with nothing changed."""
        try:
            with self._connection:
                for change in changes:
                    self._connection.execute(*_statement(change))
            if self._wal_pages >= CHECKPOINT_PAGES:
                self._connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
        except apsw.Error as error:
            raise JournalFailed(explain(error)) from error

    def close(self) -> None:
        """Give the file free."""
        self._connection.close()

    def _contents(self, table: str) -> list[bytes]:
        return [content for content, _ in self._connection.execute(f"SELECT content, checksum FROM {table}")]

    def _on_commit(self, _connection: apsw.Connection, _database: str, pages: int) -> int:
        self._wal_pages = pages
        return apsw.SQLITE_OK


class _Unusable(Exception):
    """The file is no board, or not as it was written."""


def _lay_out(connection: apsw.Connection) -> None:
    connection.pragma("journal_mode", "wal")
    with connection:
        for name, columns in TABLES.items():
            connection.execute(f"CREATE TABLE {name} ({columns}) STRICT")
        connection.pragma("application_id", APPLICATION_ID)
        connection.pragma("user_version", VERSION)


def _check(connection: apsw.Connection, file: Path) -> None:
    """Raise _Unusable unless the file is a board of this version whose every row is as it was written."""
    if (connection.pragma("application_id"), connection.pragma("user_version")) != (APPLICATION_ID, VERSION):
        raise _Unusable("it is not a board of this version")
    try:
        check_pages(connection, file, full=True)
    except StoreRefused as refused:
        raise _Unusable(refused.facts) from refused
    for table in TABLES:
        for content, checksum in connection.execute(f"SELECT content, checksum FROM {table}"):
            if crc32(content) != checksum:
                raise _Unusable(f"a row of {table} is not as it was written")


def _put_aside(file: Path) -> None:
    """Rename the file, in the place of one that was put aside before; nothing of it may be read with the new one."""
    for companion in COMPANIONS:
        file.with_name(file.name + companion).unlink(missing_ok=True)
    file.replace(file.with_name(file.name + ASIDE))


def _statement(change: Change) -> tuple[str, tuple[int | bytes, ...]]:
    match change:
        case KeepRecord(slot, content):
            return KEEP_RECORD, (*slot, content, crc32(content))
        case DropRecord(slot):
            return DROP_RECORD, slot
        case KeepRequest(id, content):
            return KEEP_REQUEST, (id, content, crc32(content))
        case DropRequest(id):
            return DROP_REQUEST, (id,)
