"""Tokens for programs: made, listed, revoked, and found again when a call comes.

A token is 32 random bytes, shown once; the book keeps only its hash. What it opens is a scope (`node.web.scopes`); one
that spends has a daily cap (`book_tokens`). Dates are those of the wallet's clock, which here never goes back.
May not sign; the owner alone may call `create` and `revoke`, which the API sees to.
"""

import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import trio

from node.web.scopes import Grant, Scope

from ..books import tokens as book_tokens
from ..books.book import Book
from ..books.clerk import Clerk
from ..books.tokens import DAY_S, Revoked, TokenRow, Used
from ..errors import BadRequest, BookFailed, NameTaken, NotFound

if TYPE_CHECKING:
    from trio_typing import TaskStatus

TOKEN_BYTES = 32
TOKENS_MAX = 64
EXPIRES_S_MAX = 10 * 366 * DAY_S
PREFIX = "tly_"
"""How tokens begin, so that who finds one somewhere knows what it is."""
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,31}", re.ASCII)


def hash_of(token: str) -> bytes:
    """What the book knows a token by. It is random enough that a quick hash does."""
    return hashlib.blake2b(token.encode(), digest_size=32, person=b"tally token").digest()


def check_name(name: str, what: str) -> str:
    """Raise BadRequest unless `name` can name a token or webhook."""
    if _NAME.fullmatch(name) is None:
        raise BadRequest(
            f"The name of a {what} is 1 to 32 small letters, digits, dots, dashes and underscores.",
            {"given": name[:40]}, "Choose a name such as till.",
        )  # fmt: skip
    return name


@dataclass(frozen=True, slots=True)
class Shown:
    """A token as its owner sees it: all but the token."""

    row: TokenRow
    spent: int
    """Smallest units that it paid within the last 24 hours."""
    is_expired: bool


class Tokens:
    """The tokens of one wallet. `run` must be running for the days of use to be written."""

    def __init__(self, book: Book, clerk: Clerk, clock: Callable[[], float] = time.time) -> None:
        self._book, self._clerk, self._wall_clock = book, clerk, clock
        self._rows = {row.hash: row for row in book_tokens.tokens(book)}
        self._latest = 0
        self._unwritten: dict[bytes, int] = {}
        """Hashes of tokens that were used on a day that the book does not know."""
        self._used = trio.Event()

    def _now(self) -> int:
        """Seconds since 1970, never less than this said before or than what the book holds."""
        known = (max(row.created, row.used * DAY_S) for row in self._rows.values())
        self._latest = max(self._latest, int(self._wall_clock()), *known)
        return self._latest

    def find(self, token: str) -> Grant | None:
        """What a token opens; None for one that was never made, is revoked or has expired.

        Compares with every hash there is, so that the time it takes tells nothing of any of them.
        """
        hash = hash_of(token)
        (found,) = [row for row in self._rows.values() if hmac.compare_digest(row.hash, hash)] or (None,)
        if found is None or self._is_expired(found):
            return None
        self._note_use(found)
        return Grant(found.name, found.scope, found.hash, found.cap)

    def holds(self, grant: Grant) -> bool:
        """Tell whether what `find` gave still opens what it opened then."""
        row = self._rows.get(grant.hash)
        return row is not None and not self._is_expired(row)

    def _is_expired(self, row: TokenRow) -> bool:
        return 0 < row.expires <= self._now()

    def _note_use(self, row: TokenRow) -> None:
        today = self._now() // DAY_S
        if row.used < today:
            self._rows[row.hash] = replace(row, used=today)
            self._unwritten[row.hash] = today
            self._used.set()

    async def run(self, *, task_status: "TaskStatus[None]" = trio.TASK_STATUS_IGNORED) -> None:
        """Write down on which day a token was last used, until cancelled or until the book takes nothing more."""
        task_status.started()
        while True:
            await self._used.wait()
            self._used = trio.Event()
            while self._unwritten:
                try:
                    await self._clerk.keep(Used(*self._unwritten.popitem()))
                except BookFailed:
                    return  # the wallet tells of it itself

    def listed(self) -> list[Shown]:
        """All tokens, by name."""
        rows = sorted(self._rows.values(), key=lambda row: row.name)
        now = self._now()
        return [Shown(row, book_tokens.spent(self._book, row.hash, now), self._is_expired(row)) for row in rows]

    async def create(self, name: str, scope: Scope, cap: int, lasts_s: int) -> tuple[Shown, str]:
        """Make a token; the text is returned this once. `cap` in smallest units; `lasts_s` 0: until it is revoked.

        Raises BadRequest, NameTaken, BookFailed.
        """
        self._check(check_name(name, "token"), scope, cap, lasts_s)
        token, now = PREFIX + secrets.token_urlsafe(TOKEN_BYTES), self._now()
        row = TokenRow(hash_of(token), name, scope, cap, now, now + lasts_s if lasts_s else 0)
        self._rows[row.hash] = row  # holds the name while it is written; nobody has the token yet
        try:
            with trio.CancelScope(shield=True):
                await self._clerk.keep(row)
        except BookFailed:
            del self._rows[row.hash]
            raise
        return Shown(row, 0, False), token

    def _check(self, name: str, scope: Scope, cap: int, lasts_s: int) -> None:
        if scope is Scope.OWNER:
            raise BadRequest("A token's scope is read, request or spend.")
        if scope is Scope.SPEND and cap <= 0:
            raise BadRequest("A token that spends needs a daily cap.", next="Name one with --cap.")
        if scope is not Scope.SPEND and cap:
            raise BadRequest("Only a token that spends has a cap.")
        if not 0 <= lasts_s <= EXPIRES_S_MAX:
            raise BadRequest("A token lasts ten years at most.")
        if any(row.name == name for row in self._rows.values()):
            raise NameTaken("There is a token of that name already.", {"name": name})
        if len(self._rows) >= TOKENS_MAX:
            raise BadRequest(f"There may be {TOKENS_MAX} tokens at most.", next="Revoke one with `tally token revoke`.")

    async def revoke(self, name: str) -> Shown:
        """Have a token open nothing any more, from now on and after a crash. Raises NotFound, BookFailed."""
        found = next((row for row in self._rows.values() if row.name == name), None)
        if found is None:
            raise NotFound("There is no token of that name.", {"name": name[:40]}, "See `tally token list`.")
        shown = Shown(found, book_tokens.spent(self._book, found.hash, self._now()), self._is_expired(found))
        del self._rows[found.hash]  # at once, whatever becomes of the book
        self._unwritten.pop(found.hash, None)
        with trio.CancelScope(shield=True):
            await self._clerk.keep(Revoked(found.hash))
        return shown
