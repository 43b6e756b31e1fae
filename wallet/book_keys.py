"""The book's page about idempotency keys: which body a key was first sent with.

A call that is safe to repeat by its nature (a refund, an act) is simply done again when it comes again; this page only
sees to it that a key is never taken for another body. What is kept is a hash, and the newest few thousand.
"""

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import trio

from .book_acts import Run
from .errors import BadRequest, KeyReused

if TYPE_CHECKING:
    from .book import Book
    from .clerk import Clerk

KEY_MAX = 200
KEYS_KEPT = 10_000

TABLES = ("CREATE TABLE idempotency (n INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, body BLOB NOT NULL) STRICT",)
_PUT = "INSERT INTO idempotency (key, body) VALUES (?, ?)"
_FORGET = "DELETE FROM idempotency WHERE n <= (SELECT max(n) FROM idempotency) - ?"
_FIND = "SELECT body FROM idempotency WHERE key = ?"


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A key and the hash of what it was first sent with."""

    key: str
    body: bytes

    def put(self, run: Run) -> None:
        """Write it, and forget the oldest."""
        run(_PUT, (self.key, self.body))
        run(_FORGET, (KEYS_KEPT,))


class Keys:
    """The keys of one wallet's book."""

    def __init__(self, book: "Book", clerk: "Clerk") -> None:
        self._book, self._clerk = book, clerk
        self._turn = trio.Lock()

    async def claim(self, key: str, call: str, body: bytes) -> None:
        """Hold `key` for this call and body, durably, or find that it is held for just them.

        Raises BadRequest for what is no key, KeyReused, BookFailed.
        """
        if not 1 <= len(key) <= KEY_MAX or not key.isascii() or not key.isprintable():
            raise BadRequest(f"An Idempotency-Key is 1 to {KEY_MAX} printable ASCII characters.")
        hash = hashlib.blake2b(call.encode() + b"\0" + body, digest_size=32, person=b"tally key").digest()
        async with self._turn:
            found = self._book.rows(_FIND, (key,))
            if not found:
                with trio.CancelScope(shield=True):
                    await self._clerk.keep(KeyRow(key, hash))
            elif found[0][0] != hash:
                raise KeyReused("This Idempotency-Key was sent with another body.", {"key": key})
