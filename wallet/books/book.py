"""The book: the wallet's own store of what it has signed, and the only SQL on this side.

Before anything leaves, the signed entry, its payments and their refs are in the book, in one durable transaction. So
the same ref is the same payment, and what is sent again is the same bytes, also after a crash between any two steps.
An entry's bytes are dropped once the node has it and its certificate on the disk, not before: a crash may take what is
final in the node's memory alone. Its place and id stay as the account's head.
May not sign, compose or wait; `commit` may run in a worker thread, one call at a time, all else is the main thread's.
"""

import secrets
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apsw

from node.filesystem import check_private
from node.journal.connection import WAL_PAGES_BUSY, connect, explain, lengthen_wal, make_file, require_setting
from node.storelock import StoreLock
from protocol.base import AccountId, CommunityId, EntryId
from protocol.entry import SignedEntry, read_signed
from protocol.messages import INSTANCE_BYTES, Position

from ..errors import BookFailed, HomeRefused
from ..home import refusing
from . import acts as book_acts
from . import keys as book_keys
from . import tokens as book_tokens
from . import webhooks as book_webhooks
from .instance import fingerprint
from .jotting import Jotting, Value

APPLICATION_ID = 0x74616C77
"""The letters "talw" in the header of the file."""
VERSION = 2
NONCES_KEPT = 4
CHECKPOINT_PAGES = 1_000

_TABLES = (
    "CREATE TABLE community (id BLOB NOT NULL) STRICT",
    "CREATE TABLE instance (n INTEGER PRIMARY KEY, nonce BLOB NOT NULL, fingerprint BLOB NOT NULL) STRICT",
    """CREATE TABLE account (number INTEGER PRIMARY KEY, ordinal INTEGER NOT NULL UNIQUE,
       incarnation INTEGER NOT NULL DEFAULT 0, seq INTEGER NOT NULL DEFAULT -1, id BLOB NOT NULL DEFAULT x'') STRICT""",
    """CREATE TABLE entry (account INTEGER, incarnation INTEGER, seq INTEGER, signed BLOB NOT NULL,
       PRIMARY KEY (account, incarnation, seq)) STRICT, WITHOUT ROWID""",
    """CREATE TABLE payment (account INTEGER, incarnation INTEGER, seq INTEGER, op INTEGER, entry BLOB NOT NULL,
       payee INTEGER NOT NULL, amount INTEGER NOT NULL, memo TEXT, sealed INTEGER NOT NULL, ref TEXT,
       time INTEGER NOT NULL, PRIMARY KEY (account, incarnation, seq, op)) STRICT, WITHOUT ROWID""",
    "CREATE UNIQUE INDEX payment_by_ref ON payment (account, ref) WHERE ref IS NOT NULL",
    f"PRAGMA application_id = {APPLICATION_ID}",
)
_LATER_TABLES = (*book_acts.TABLES, *book_tokens.TABLES, *book_webhooks.TABLES, *book_keys.TABLES)
"""What version 2 has and version 1 had not."""
_MARK_VERSION = f"PRAGMA user_version = {VERSION}"
_PAYMENT = "SELECT account, incarnation, seq, op, entry, payee, amount, memo, sealed, ref, time FROM payment"
_PUT_PAYMENT = "INSERT INTO payment VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_PUT_ENTRY = "INSERT INTO entry VALUES (?, ?, ?, ?)"
_PUT_HEAD = "UPDATE account SET incarnation = ?, seq = ?, id = ? WHERE number = ?"
_DROP_FINAL = "DELETE FROM entry WHERE account = ? AND incarnation = ? AND seq <= ?"


@dataclass(frozen=True, slots=True)
class PaymentRow:
    """One payment that this wallet signed: a `send`, or a `bounce` as the refund of one. `memo` is in clear text."""

    account: AccountId
    incarnation: int
    seq: int
    op: int
    entry: EntryId
    payee: AccountId
    amount: int
    memo: str | None
    sealed: bool
    ref: str | None
    time: int

    @property
    def place(self) -> Position:
        return Position(self.account, self.incarnation, self.seq, self.entry)


@dataclass(frozen=True, slots=True)
class Signing:
    """What one signature adds to the book, in one transaction with others that are ready at the same time."""

    signed: SignedEntry
    payments: tuple[PaymentRow, ...]
    final_seq: int
    """The account's entries up to here are final on the node's disk, so their bytes need not be kept."""
    spending: book_tokens.Spending | None = None
    """Counted against the cap of the token that asked for it; without room nothing of all this is kept."""


class Book:
    """An open book; holds the lock of its folder until `close`."""

    def __init__(self, file: Path, lock: StoreLock, writer: apsw.Connection, reader: apsw.Connection) -> None:
        self._file, self._lock, self._writer, self._reader = file, lock, writer, reader
        self._wal_pages = 0
        self._is_wal_long = False
        writer.set_wal_hook(self._on_commit)
        self.failed: str | None = None
        """Why nothing can be kept any more, and so nothing signed."""
        self.instance = b""
        """16 bytes that tell this opening of the book from every other."""
        self.previous: tuple[bytes, ...] = ()
        """Those of earlier openings of this very file, newest first; empty when it is a copy."""
        self.community = CommunityId(self._writer.execute("SELECT id FROM community").get)
        self.ordinals: dict[AccountId, int] = {}
        self.heads: dict[AccountId, Position] = {}
        """The last entry ever signed, for each account that has signed any."""
        self.pending: dict[AccountId, list[SignedEntry]] = {}
        """Signed and not known to be final on the node's disk, by account, ascending."""
        self._load()

    @classmethod
    def create(cls, file: Path, community: CommunityId, accounts: Iterable[tuple[AccountId, int]]) -> None:
        """Make the book of a new wallet: its accounts as (number, ordinal of the key). Raises HomeRefused."""
        with refusing():
            lock = StoreLock(file.parent)
        try:
            make_file(file)
            connection = connect(file, None, write=True)
            connection.pragma("journal_mode", "wal")
            with connection:
                for statement in (*_TABLES, *_LATER_TABLES, _MARK_VERSION):
                    connection.execute(statement)
                connection.execute("INSERT INTO community VALUES (?)", (community,))
                connection.executemany("INSERT INTO account (number, ordinal) VALUES (?, ?)", accounts)
            connection.close()
        except (apsw.Error, FileExistsError) as error:
            raise HomeRefused(f"The book could not be made: {error}.") from error
        finally:
            lock.release()

    @classmethod
    def open(cls, file: Path) -> "Book":
        """Open the book, and note this opening in it. Raises HomeRefused when it cannot be used or is in use."""
        if not file.exists():
            raise HomeRefused("The wallet's book is missing.", next="Restore it from your backup.")
        with ExitStack() as undo, refusing():
            lock = StoreLock(file.parent)
            undo.callback(lock.release)
            try:
                check_private(file)
                writer = connect(file, None, write=True)
                undo.callback(writer.close)
                _check_header(writer)
                _bring_up_to_date(writer)
                reader = connect(file, None, write=False)
                undo.callback(reader.close)
                book = cls(file, lock, writer, reader)
                book._begin(fingerprint(file))
            except apsw.Error as error:
                raise HomeRefused(f"The wallet's book cannot be used: {explain(error)}.") from error
            undo.pop_all()
            return book

    def _load(self) -> None:
        for number, ordinal, incarnation, seq, id in self._writer.execute("SELECT * FROM account ORDER BY number"):
            self.ordinals[number] = ordinal
            if seq >= 0:
                self.heads[number] = Position(number, incarnation, seq, id)
        for account, raw in self._writer.execute("SELECT account, signed FROM entry ORDER BY account, seq"):
            self.pending.setdefault(account, []).append(read_signed(raw))

    def _begin(self, place: bytes) -> None:
        """Take a new nonce. Earlier ones count as this home's own only if it is the same file on the same machine."""
        rows = list(self._writer.execute("SELECT nonce, fingerprint FROM instance ORDER BY n DESC"))
        self.previous = tuple(nonce for nonce, found in rows if found == place)
        self.instance = secrets.token_bytes(INSTANCE_BYTES)
        with self._writer:
            self._writer.execute("INSERT INTO instance (nonce, fingerprint) VALUES (?, ?)", (self.instance, place))
            self._writer.execute("DELETE FROM instance WHERE n <= (SELECT max(n) FROM instance) - ?", (NONCES_KEPT,))

    # -- writing ---------------------------------------------------------------------------------------------------

    def commit(self, pieces: Sequence[Signing | Jotting]) -> list[Signing | Jotting]:
        """Put `pieces` on the disk, all or none, and return them, without those that a token's cap has no room for.

        Raises BookFailed, and from then on always.
        """
        if self.failed is not None:
            raise BookFailed(f"The wallet's book takes nothing more: {self.failed}.")
        try:
            with self._writer:
                kept = [piece for piece in pieces if self._keep(piece)]
            if self._wal_pages >= CHECKPOINT_PAGES:
                self._writer.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
            if self._wal_pages >= WAL_PAGES_BUSY and not self._is_wal_long:
                self._is_wal_long = True
                lengthen_wal(self._file)
        except apsw.Error as error:
            self.failed = explain(error)
            raise BookFailed(f"The wallet's book could not be written: {self.failed}.") from error

        return kept

    def _keep(self, piece: Signing | Jotting) -> bool:
        run = self._writer.execute
        if not isinstance(piece, Signing):
            piece.put(run)
        elif piece.spending is not None and not piece.spending.put(run):
            return False
        else:
            self._put(piece)
        return True

    def _on_commit(self, _connection: apsw.Connection, _database: str, pages: int) -> int:
        self._wal_pages = pages
        return apsw.SQLITE_OK

    def _put(self, signing: Signing) -> None:
        entry, id = signing.signed.entry, signing.signed.id
        run = self._writer.execute
        run(_PUT_ENTRY, (entry.account, entry.incarnation, entry.seq, signing.signed.encode()))
        run(_PUT_HEAD, (entry.incarnation, entry.seq, id, entry.account))
        run(_DROP_FINAL, (entry.account, entry.incarnation, signing.final_seq))
        for row in signing.payments:
            run(_PUT_PAYMENT, (
                row.account, row.incarnation, row.seq, row.op, row.entry, row.payee, row.amount, row.memo,
                int(row.sealed), row.ref, row.time,
            ))  # fmt: skip

    def note(self, pieces: Sequence[Signing | Jotting]) -> None:
        """Show in memory what `commit` has made durable; whoever jots something shows it itself."""
        for signing in pieces:
            if not isinstance(signing, Signing):
                continue
            entry = signing.signed.entry
            self.heads[entry.account] = Position(entry.account, entry.incarnation, entry.seq, signing.signed.id)
            kept = [signed for signed in self.pending.get(entry.account, ()) if signed.seq > signing.final_seq]
            self.pending[entry.account] = [*kept, signing.signed]

    # -- reading ---------------------------------------------------------------------------------------------------

    def by_ref(self, account: AccountId, ref: str) -> PaymentRow | None:
        """The payment that this account signed under `ref`."""
        return self._one(f"{_PAYMENT} WHERE account = ? AND ref = ?", (account, ref))

    def payment(self, account: AccountId, incarnation: int, seq: int, op: int) -> PaymentRow | None:
        """The payment at one place, if this wallet signed it."""
        where = "account = ? AND incarnation = ? AND seq = ? AND op = ?"
        return self._one(f"{_PAYMENT} WHERE {where}", (account, incarnation, seq, op))

    def pending_id(self, account: AccountId, incarnation: int, seq: int) -> EntryId | None:
        """The id of what was signed at one place, while its bytes are kept."""
        found = (s.id for s in self.pending.get(account, ()) if (s.entry.incarnation, s.seq) == (incarnation, seq))
        return next(found, None)

    def rows(self, query: str, values: tuple[Value, ...] = ()) -> list[tuple[Any, ...]]:
        """What a query finds. Raises BookFailed."""
        try:
            return list(self._reader.execute(query, values))
        except apsw.Error as error:
            raise BookFailed(f"The wallet's book could not be read: {explain(error)}.") from error

    def _one(self, query: str, values: tuple[int | str, ...]) -> PaymentRow | None:
        found = next(iter(self.rows(query, values)), None)
        if found is None:
            return None
        account, incarnation, seq, op, entry, payee, amount, memo, sealed, ref, time = found
        return PaymentRow(account, incarnation, seq, op, entry, payee, amount, memo, bool(sealed), ref, time)

    def close(self) -> None:
        """Give the folder free. After a failure nothing more is written, not even by SQLite's own tidying."""
        if self.failed is not None:
            for connection in (self._reader, self._writer):
                connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
        self._reader.close()
        self._writer.close()
        self._lock.release()


def _check_header(connection: apsw.Connection) -> None:
    require_setting(connection, "journal_mode", "wal")
    if connection.pragma("application_id") != APPLICATION_ID:
        raise HomeRefused("The wallet's book is not a tallystick book.", next="Restore it from your backup.")
    version = connection.pragma("user_version")
    if not 1 <= version <= VERSION:
        facts = {"version": version, "known": VERSION}
        raise HomeRefused("The wallet's book is of another version.", facts, "Install the newer software.")


def _bring_up_to_date(connection: apsw.Connection) -> None:
    """Give a book of version 1 what version 2 has more; all of it or, cut short, nothing."""
    if connection.pragma("user_version") == VERSION:
        return
    with connection:
        for statement in (*_LATER_TABLES, _MARK_VERSION):
            connection.execute(statement)
