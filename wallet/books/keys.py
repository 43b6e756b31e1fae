"""The book's page about idempotency keys: which body a key was first sent with.

A call that is safe to repeat by its nature (a refund) is simply done again when it comes again; here it is only seen to
that a key is never taken for another body. Of a call that is not (an act), the answer is kept too and given again; when
the process was killed in between, nobody can know, and it is not done a second time. The newest few thousand are kept.
"""

import hashlib
from dataclasses import dataclass

import trio

from ..errors import BadRequest, KeyReused, KeyUnfinished
from .jotting import Readable, Run, Scribe

KEY_MAX = 200
KEYS_KEPT = 10_000

TABLES = (
    """CREATE TABLE idempotency (n INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, body BLOB NOT NULL, answer BLOB)
       STRICT""",
)
_PUT = "INSERT INTO idempotency (key, body) VALUES (?, ?)"
_FORGET = "DELETE FROM idempotency WHERE n <= (SELECT max(n) FROM idempotency) - ?"
_FIND = "SELECT body, answer FROM idempotency WHERE key = ?"
_ANSWER = "UPDATE idempotency SET answer = ? WHERE key = ?"
_RELEASE = "DELETE FROM idempotency WHERE key = ?"


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A key and the hash of what it was first sent with."""

    key: str
    body: bytes

    def put(self, run: Run) -> None:
        """Write it, and forget the oldest."""
        run(_PUT, (self.key, self.body))
        run(_FORGET, (KEYS_KEPT,))


@dataclass(frozen=True, slots=True)
class AnswerRow:
    """What was answered to the call under a key."""

    key: str
    answer: bytes

    def put(self, run: Run) -> None:
        """Write it."""
        run(_ANSWER, (self.answer, self.key))


@dataclass(frozen=True, slots=True)
class Released:
    """A key whose call did nothing."""

    key: str

    def put(self, run: Run) -> None:
        """Let it be used again."""
        run(_RELEASE, (self.key,))


class Keys:
    """The keys of one wallet's book."""

    def __init__(self, book: Readable, clerk: Scribe) -> None:
        self._book, self._clerk = book, clerk
        self._turn = trio.Lock()

    async def claim(self, key: str, call: str, body: bytes) -> bool:
        """Hold `key` for this call and body, durably: True; False when it is held for just them already.

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
                return True
            if found[0][0] != hash:
                raise KeyReused("This Idempotency-Key was sent with another body.", {"key": key})
            return False

    def answered(self, key: str) -> bytes:
        """What was answered under a key that is held. Raises KeyUnfinished when that is not known."""
        found = self._book.rows(_FIND, (key,))
        if not found or found[0][1] is None:
            raise KeyUnfinished("The call under this Idempotency-Key is under way, or was cut short.", {"key": key})
        return bytes(found[0][1])

    async def keep_answer(self, key: str, answer: bytes) -> None:
        """Keep what was answered. Raises BookFailed."""
        with trio.CancelScope(shield=True):
            await self._clerk.keep(AnswerRow(key, answer))

    async def release(self, key: str) -> None:
        """Let a key be used again: its call did nothing. Raises BookFailed."""
        with trio.CancelScope(shield=True):
            await self._clerk.keep(Released(key))
