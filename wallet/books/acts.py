"""The book's pages about acts of the community: ballots, wishes, invites, and requests that were dealt with.

They lie in the same file as payments and go to the disk in the same transactions (`Clerk.keep`). A ballot is here
before it leaves, so that no crash makes a steward sign two acts for one round. A *wish* is what the person wants
decided: it stays until it is in force, withdrawn, or refused by the rules, whatever became of the entry for it.
May not sign or compose.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import trio

from protocol.base import EntryId, PublicKey, Signature

from .jotting import Readable, Run, Scribe, Value

TABLES = (
    """CREATE TABLE ballot (steward BLOB, seq INTEGER, round INTEGER, id BLOB NOT NULL, body BLOB NOT NULL,
       signature BLOB NOT NULL, PRIMARY KEY (steward, seq, round)) STRICT, WITHOUT ROWID""",
    """CREATE TABLE wish (n INTEGER PRIMARY KEY, ops BLOB NOT NULL, own INTEGER NOT NULL, since INTEGER NOT NULL,
       state TEXT NOT NULL, reason TEXT NOT NULL, seq INTEGER NOT NULL, id BLOB NOT NULL) STRICT""",
    "CREATE TABLE invite (key BLOB PRIMARY KEY, voucher BLOB NOT NULL, issued INTEGER NOT NULL) STRICT, WITHOUT ROWID",
    """CREATE TABLE dealt (request BLOB PRIMARY KEY, invite BLOB NOT NULL, how TEXT NOT NULL, expires INTEGER NOT NULL)
       STRICT, WITHOUT ROWID""",
)
WISHES_KEPT = 50
"""Wishes that are settled, the newest; older ones leave the book."""
_PUT_BALLOT = "INSERT INTO ballot VALUES (?, ?, ?, ?, ?, ?)"
_DROP_BALLOTS = "DELETE FROM ballot WHERE seq < ?"
_PUT_WISH = "INSERT OR REPLACE INTO wish VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
_DROP_WISHES = "DELETE FROM wish WHERE state <> 'open' AND n <= (SELECT max(n) FROM wish) - ?"
_PUT_INVITE = "INSERT INTO invite VALUES (?, ?, ?)"
_PUT_DEALT = "INSERT OR REPLACE INTO dealt VALUES (?, ?, ?, ?)"


class WishState(StrEnum):
    """What became of a wish."""

    OPEN = "open"
    IN_FORCE = "in force"
    WITHDRAWN = "withdrawn"
    REFUSED = "refused"


class Dealt(StrEnum):
    """What this wallet did with a request."""

    ADMITTED = "admitted"
    """Made into an `admit` by itself, on a voucher of this wallet: it counts as one use."""
    DECLINED = "declined"


@dataclass(frozen=True, slots=True)
class BallotRow:
    """One ballot that a steward of this wallet gave, with the body that it is for: it can be shown again any time."""

    steward: PublicKey
    seq: int
    round: int
    id: EntryId
    body: bytes
    signature: Signature

    def put(self, run: Run) -> None:
        """Write it; those of places before it are decided and serve nothing any more."""
        run(_DROP_BALLOTS, (self.seq,))
        run(_PUT_BALLOT, (self.steward, self.seq, self.round, self.id, self.body, self.signature))


@dataclass(frozen=True, slots=True)
class WishRow:
    """One wish. `ops` are encoded, with 0 for the number of an `admit`, which each place gives anew."""

    n: int
    ops: bytes
    own: bool
    """Wished for here; else another steward's, to which this one agreed."""
    since: int
    state: WishState = WishState.OPEN
    reason: str = ""
    """Why the rules refuse it, in words."""
    seq: int = -1
    """The place that it was composed (or signed) for last; in force: where it stands."""
    id: EntryId = EntryId(b"")

    def put(self, run: Run) -> None:
        """Write it in the place of its earlier state."""
        run(_PUT_WISH, (
            self.n, self.ops, int(self.own), self.since, self.state.value, self.reason, self.seq, self.id,
        ))  # fmt: skip
        run(_DROP_WISHES, (WISHES_KEPT,))


@dataclass(frozen=True, slots=True)
class InviteRow:
    """A voucher that this wallet issued, encoded. The one-time seed is in the invite alone, never here."""

    key: PublicKey
    voucher: bytes
    issued: int

    def put(self, run: Run) -> None:
        """Write it."""
        run(_PUT_INVITE, (self.key, self.voucher, self.issued))


@dataclass(frozen=True, slots=True)
class DealtRow:
    """A request that was dealt with here, and the key of its invite."""

    request: bytes
    invite: PublicKey
    how: Dealt
    expires: int

    def put(self, run: Run) -> None:
        """Write it."""
        run(_PUT_DEALT, (self.request, self.invite, self.how.value, self.expires))


Row = BallotRow | WishRow | InviteRow | DealtRow


@dataclass(frozen=True, slots=True)
class Deed:
    """Rows that go to the disk together or not at all."""

    rows: tuple[Row, ...]

    def put(self, run: Run) -> None:
        """Write all of them."""
        for row in self.rows:
            row.put(run)


class ActPages:
    """What these pages say, in memory: never more, and once `keep` returns never less, than what is on the disk."""

    def __init__(self, book: Readable) -> None:
        self.ballots: dict[tuple[PublicKey, int, int], BallotRow] = {}
        """By steward, place and round."""
        self.wishes: dict[int, WishRow] = {}
        self.invites: dict[PublicKey, InviteRow] = {}
        self.dealt: dict[bytes, DealtRow] = {}
        """By request."""
        self.note([BallotRow(*_ballot(row)) for row in book.rows("SELECT * FROM ballot")])
        self.note([_wish(row) for row in book.rows("SELECT * FROM wish ORDER BY n")])
        self.note([InviteRow(PublicKey(row[0]), row[1], row[2]) for row in book.rows("SELECT * FROM invite")])
        self.note([DealtRow(row[0], row[1], Dealt(row[2]), row[3]) for row in book.rows("SELECT * FROM dealt")])

    async def keep(self, clerk: Scribe, *rows: Row) -> None:
        """Write rows together, and show them; whoever stops waiting meanwhile, both is done. Raises BookFailed."""
        with trio.CancelScope(shield=True):
            await clerk.keep(Deed(rows))
            self.note(rows)

    def note(self, rows: Sequence[Row]) -> None:
        """Show rows that are on the disk."""
        for row in rows:
            match row:
                case BallotRow():
                    for passed in [key for key in self.ballots if key[1] < row.seq]:
                        del self.ballots[passed]
                    self.ballots[row.steward, row.seq, row.round] = row
                case WishRow():
                    self.wishes[row.n] = row
                case InviteRow():
                    self.invites[row.key] = row
                case DealtRow():
                    self.dealt[row.request] = row

    def ballots_at(self, seq: int) -> list[BallotRow]:
        """What was signed here for one place."""
        return [row for row in self.ballots.values() if row.seq == seq]

    def new_wish(self, ops: bytes, *, own: bool, now_s: int) -> WishRow:
        """A wish that is not written yet."""
        return WishRow(max(self.wishes, default=0) + 1, ops, own, now_s)

    def open_wishes(self) -> list[WishRow]:
        """What is still wanted, the oldest first."""
        return [row for _, row in sorted(self.wishes.items()) if row.state is WishState.OPEN]

    def uses(self, invite: PublicKey) -> int:
        """How many requests on a voucher were made into admissions here."""
        return sum(row.invite == invite and row.how is Dealt.ADMITTED for row in self.dealt.values())


def _ballot(row: tuple[Value, ...]) -> tuple[PublicKey, int, int, EntryId, bytes, Signature]:
    return row  # type: ignore[return-value]  # the table is STRICT and all of it NOT NULL


def _wish(row: tuple[Value, ...]) -> WishRow:
    n, ops, own, since, state, reason, seq, id = row
    plain = WishRow(n, ops, bool(own), since)  # type: ignore[arg-type]  # the table is STRICT
    return replace(plain, state=WishState(str(state)), reason=str(reason), seq=seq, id=id)  # type: ignore[arg-type]
