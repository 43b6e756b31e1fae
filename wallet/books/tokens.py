"""The book's pages about tokens for programs: whose hash opens what, and what each paid within a day.

They lie in the same file as payments. A payment by a token and the line that counts it go to the disk in one
transaction, which also compares with the token's cap: so neither a crash nor payments made side by side can pass it.
The time is that of the wallet's clock, but never earlier than the token's latest payment: a clock that is set back
opens nothing.
May not know a token, only its hash; may not wait.
"""

from dataclasses import dataclass

from node.web.scopes import Scope

from .jotting import Readable, Run

DAY_S = 24 * 3600

TABLES = (
    """CREATE TABLE token (hash BLOB PRIMARY KEY, name TEXT NOT NULL UNIQUE, scope INTEGER NOT NULL,
       cap INTEGER NOT NULL, created INTEGER NOT NULL, expires INTEGER NOT NULL, used INTEGER NOT NULL)
       STRICT, WITHOUT ROWID""",
    """CREATE TABLE spending (token BLOB NOT NULL, time INTEGER NOT NULL, amount INTEGER NOT NULL) STRICT""",
    "CREATE INDEX spending_by_time ON spending (token, time)",
)
_PUT = "INSERT INTO token VALUES (?, ?, ?, ?, ?, ?, ?)"
_DROP = "DELETE FROM token WHERE hash = ?"
_DROP_SPENDINGS = "DELETE FROM spending WHERE token = ?"
_USE = "UPDATE token SET used = ? WHERE hash = ?"
_LATEST = "SELECT coalesce(max(time), 0) FROM spending WHERE token = ?"
_CAP = "SELECT coalesce(max(cap), 0) FROM token WHERE hash = ? AND (expires = 0 OR expires > ?)"
_SPENT = "SELECT coalesce(sum(amount), 0) FROM spending WHERE token = ? AND time > ?"
_SPEND = "INSERT INTO spending VALUES (?, ?, ?)"
_FORGET = "DELETE FROM spending WHERE token = ? AND time <= ?"


@dataclass(frozen=True, slots=True)
class TokenRow:
    """One token. Times are seconds since 1970."""

    hash: bytes
    name: str
    scope: Scope
    cap: int
    """Smallest units that it may pay within 24 hours; 0 unless the scope is SPEND."""
    created: int
    expires: int
    """0: never."""
    used: int = 0
    """The day of its last use, in days since 1970; 0: never used."""

    def put(self, run: Run) -> None:
        """Write it."""
        run(_PUT, (self.hash, self.name, int(self.scope), self.cap, self.created, self.expires, self.used))


@dataclass(frozen=True, slots=True)
class Revoked:
    """The token of this hash opens nothing any more."""

    hash: bytes

    def put(self, run: Run) -> None:
        """Take it out, with what it counted."""
        run(_DROP, (self.hash,))
        run(_DROP_SPENDINGS, (self.hash,))


@dataclass(frozen=True, slots=True)
class Used:
    """A token was used on this day."""

    hash: bytes
    day: int

    def put(self, run: Run) -> None:
        """Write it."""
        run(_USE, (self.day, self.hash))


@dataclass(frozen=True, slots=True)
class Spender:
    """The token that a payment is made with, and how much it may pay within 24 hours."""

    token: bytes
    cap: int


@dataclass(frozen=True, slots=True)
class Spending:
    """One payment by a token, to be counted in the transaction that keeps the payment."""

    spender: Spender
    amount: int
    now: int

    def put(self, run: Run) -> bool:
        """Count it if the token is good still and its cap has room; else write nothing and return False."""
        token = self.spender.token
        now = max(self.now, _number(run, _LATEST, token))
        if _number(run, _SPENT, token, now - DAY_S) + self.amount > _number(run, _CAP, token, now):
            return False
        run(_FORGET, (token, now - DAY_S))
        run(_SPEND, (token, now, self.amount))
        return True


def spent(book: Readable, token: bytes, now: int) -> int:
    """What a token has paid in the 24 hours before `now`, smallest units."""
    latest = book.rows(_LATEST, (token,))[0][0]
    return int(book.rows(_SPENT, (token, max(now, latest) - DAY_S))[0][0])


def tokens(book: Readable) -> list[TokenRow]:
    """All tokens, by name."""
    return [
        TokenRow(hash, name, Scope(scope), cap, created, expires, used)
        for hash, name, scope, cap, created, expires, used in book.rows("SELECT * FROM token ORDER BY name")
    ]


def _number(run: Run, query: str, *values: bytes | int) -> int:
    (found,) = next(iter(run(query, values)))
    return int(found)
