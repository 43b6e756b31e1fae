"""Connections to the journal's file, set up so that a commit that returned is on the disk.

Every connection, read or write, is made here and nowhere else, and is checked to be what was asked for: a driver's
default or a forgotten setting would not show until the first power cut.
"""

import os
from contextlib import ExitStack, suppress
from pathlib import Path

import apsw

from ..filesystem import FILE_MODE, StoreRefused, sync_folder
from . import schema

SQLITE_LEAST = (3, 51, 3)
"""Before this, two connections that write and checkpoint at once could corrupt a WAL file (sqlite.org/wal.html)."""
SYNCHRONOUS_FULL = 2
BUSY_MS = 5_000
WRITER_CACHE_KIB = 8_192
READER_CACHE_KIB = 4_096

FAILURES: dict[type[apsw.Error], str] = {
    apsw.FullError: "the disk is full",
    apsw.IOError: "the disk reported an error",
    apsw.ReadOnlyError: "the disk may only be read",
    apsw.CorruptError: "the journal's file is damaged",
    apsw.NotADBError: "the file is not a journal",
    apsw.CantOpenError: "the journal's file cannot be opened",
    apsw.BusyError: "another program holds the journal's file",
    apsw.NoMemError: "the computer is out of memory",
}


class JournalFailed(Exception):
    """A record may not be on the disk: stop signing, drop what is in memory, and open the journal anew."""


WAL_BYTES = 5 << 20
"""A little more than the WAL grows to before it is moved into the main file and begun anew."""
WAL_PAGES_BUSY = 50
"""From so many pages on, a store is in use for more than a moment, and its WAL file is worth lengthening."""


def explain(error: apsw.Error) -> str:
    """Say in plain words what the disk did, with SQLite's own name for it in brackets."""
    words = FAILURES.get(type(error), "the journal refused a record")
    name = apsw.mapping_extended_result_codes.get(getattr(error, "extendedresult", -1)) or type(error).__name__
    return f"{words} ({name}: {error})"


def damaged(file: Path, reason: str) -> StoreRefused:
    """The refusal of a file that cannot be trusted."""
    return StoreRefused(
        f"{file} cannot be used: {reason}",
        "Keep the folder as it is. A member's account can be restored from its words; a witness key without its "
        "whole journal never votes again, so the stewards name a new one",
    )


def make_file(file: Path) -> None:
    """Make the empty file for its owner alone; SQLite gives its companions the same permissions."""
    file.touch(mode=FILE_MODE, exist_ok=False)
    sync_folder(file.parent)


def connect(file: Path, vfs: str | None, *, write: bool) -> apsw.Connection:
    """Open `file`, which exists. Raises StoreRefused unless every setting took effect, and apsw.Error."""
    if tuple(int(part) for part in apsw.sqlite_lib_version().split(".")) < SQLITE_LEAST:
        raise StoreRefused(f"SQLite {apsw.sqlite_lib_version()} can damage its file", "Install apsw 3.51.3 or newer")
    flags = apsw.SQLITE_OPEN_READWRITE if write else apsw.SQLITE_OPEN_READONLY
    with ExitStack() as undo:
        connection = apsw.Connection(str(file), flags=flags, vfs=vfs)
        undo.callback(connection.close)
        _set_up(connection, write)
        undo.pop_all()
    return connection


def _set_up(connection: apsw.Connection, write: bool) -> None:
    connection.set_busy_timeout(BUSY_MS)
    wanted: dict[str, int | str] = {
        "trusted_schema": 0, "cell_size_check": 1, "recursive_triggers": 1, "fullfsync": 1, "checkpoint_fullfsync": 1,
        "synchronous": SYNCHRONOUS_FULL, "query_only": int(not write),
        "cache_size": -(WRITER_CACHE_KIB if write else READER_CACHE_KIB),
    }  # fmt: skip
    if write:
        wanted["wal_autocheckpoint"] = 0  # the journal does it itself, because SQLite would keep its errors quiet
    for name, value in wanted.items():
        connection.pragma(name, value)
        require_setting(connection, name, value)


def lengthen_wal(file: Path, size: int = WAL_BYTES) -> None:
    """Fill the WAL file of an open database with zeros up to `size` bytes, once.

    A commit then overwrites blocks that the disk has already, and its sync need not also record a longer file; that
    saves about half of it, and more when several nodes share a disk. SQLite takes zeros for the end of the log.
    Without room for it the file stays short, and commits are slower: no more than that.
    """
    wal = file.with_name(file.name + "-wal")
    with suppress(OSError), wal.open("r+b") as opened:
        missing = size - opened.seek(0, os.SEEK_END)
        if missing > 0:
            opened.write(bytes(missing))
            opened.flush()
            os.fsync(opened.fileno())


def require_setting(connection: apsw.Connection, name: str, value: int | str) -> None:
    """Refuse a connection that does not have this setting."""
    found = connection.pragma(name)
    if found != value:
        raise StoreRefused(f"SQLite has set {name} to {found}, not to {value}", "Use a file system that can do so")


def check_header(connection: apsw.Connection, file: Path) -> None:
    """Refuse a database that is not a journal, or one by newer software. Reads only."""
    if connection.pragma("application_id") != schema.APPLICATION_ID:
        raise damaged(file, "it is not a tallystick journal")
    version = connection.pragma("user_version")
    if version > schema.VERSION:
        raise StoreRefused(
            f"{file} was written by a newer tallystick (version {version}, known here: {schema.VERSION})",
            "Install the newer version",
        )
    if version != schema.VERSION:
        raise damaged(file, f"its version {version} is unknown")
    require_setting(connection, "journal_mode", "wal")


def is_empty(connection: apsw.Connection) -> bool:
    """Tell whether nothing was ever made in the file: new, or made by a start that was cut short."""
    return connection.execute("SELECT count(*) FROM sqlite_schema").fetchone() == (0,) and (
        connection.pragma("application_id") == 0
    )


def lay_out(connection: apsw.Connection, generation: bytes) -> None:
    """Make an empty file a journal. Cut short, it leaves a file that `is_empty` still recognises."""
    connection.pragma("journal_mode", "wal")
    with connection:
        for statement in schema.statements():
            connection.execute(statement)
        connection.execute("INSERT INTO store VALUES (?)", (generation,))


def check_pages(connection: apsw.Connection, file: Path, *, full: bool) -> None:
    """Refuse a file whose pages do not fit together; with `full`, also one whose indexes do not fit the tables."""
    found = connection.pragma("integrity_check" if full else "quick_check", 1)
    if found != "ok":
        raise damaged(file, str(found))
