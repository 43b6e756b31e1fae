"""An account's chain as the ledger holds it: a head, a final place at or below it, and the tail between them.

A chain is a fold of its own entries (PROTOCOL-RULES 2). Ids of all entries are kept, 32 bytes each; entries are kept
only in the tail, which is all that can still be taken back. Read by everybody, written by `Ledger` alone.
"""

from dataclasses import dataclass

from .base import HASH_BYTES, AccountId, EntryId
from .commons import Act
from .entry import Entry, SignedEntry
from .ops import Found, Open
from .pairs import Parcel
from .signing import Authority


@dataclass(frozen=True, slots=True)
class Take:
    """What one `recv` or `bounce` does to a pair that pays this account."""

    payer: AccountId
    incarnation: int
    upto: int
    """The new watermark; of a bounce the seq of the parcel that goes back."""
    total: int
    """The new gross total taken; of a bounce the amount that goes back."""
    amount: int
    """What leaves the flight towards this account."""


@dataclass(frozen=True, slots=True)
class Effects:
    """All that a valid entry does, judged and not yet applied; kept in the tail as the record of it."""

    signed: SignedEntry
    own_after: int
    levy_due_after: int
    spends: bool
    """Whether it contains a send: then it must not end below the limit."""
    puts: tuple[tuple[AccountId, Parcel], ...] = ()
    recvs: tuple[Take, ...] = ()
    bounces: tuple[Take, ...] = ()
    act: Act | None = None
    """Account 0 only."""

    @property
    def height(self) -> int:
        return self.signed.entry.height


class Chain:
    """Read view of one account's chain: its head, and with `final_` the same of its final part."""

    __slots__ = (
        "account", "authority", "final_height", "final_levy_due", "final_own", "final_seq", "height", "id", "ids",
        "incarnation", "levy_due", "next_hash", "own", "seq", "tail",
    )  # fmt: skip

    def __init__(self, account: AccountId, authority: Authority, next_hash: bytes) -> None:
        self.account = account
        self.incarnation = 0
        self.authority = authority
        self.next_hash = next_hash
        self.seq = self.final_seq = -1
        self.id = EntryId(bytes(HASH_BYTES))
        self.height = self.final_height = 0
        self.own = self.final_own = 0
        """Signed: what the chain itself says; adjust and parcels in flight are not in it."""
        self.levy_due = self.final_levy_due = 0
        """Millionths of a unit, 0 .. 999,999."""
        self.ids = bytearray()
        self.tail: list[Effects] = []
        """The entries above `final_seq`, ascending."""

    def id_at(self, seq: int) -> EntryId | None:
        """Id of the entry at `seq`, or None above the head."""
        if not 0 <= seq <= self.seq:
            return None
        return EntryId(bytes(self.ids[seq * HASH_BYTES : (seq + 1) * HASH_BYTES]))

    def append(self, effects: Effects) -> None:
        """Move the head to a judged entry."""
        signed = effects.signed
        entry = signed.entry
        self.seq, self.id, self.height = entry.seq, signed.id, entry.height
        self.own, self.levy_due = effects.own_after, effects.levy_due_after
        self.ids += signed.id
        self.tail.append(effects)

    def settle(self, seq: int) -> list[Effects]:
        """Move the final place up to `seq`; returns the entries that became final."""
        count = seq - self.final_seq
        settled, self.tail = self.tail[:count], self.tail[count:]
        last = settled[-1]
        self.final_seq, self.final_height = seq, last.height
        self.final_own, self.final_levy_due = last.own_after, last.levy_due_after
        return settled

    def retreat(self, seq: int) -> list[Effects]:
        """Move the head down to `seq`, not below the final place; returns the entries taken back, ascending."""
        count = seq - self.final_seq
        undone, self.tail = self.tail[count:], self.tail[:count]
        del self.ids[(seq + 1) * HASH_BYTES :]
        self.seq = seq
        self.id = EntryId(bytes(self.ids[-HASH_BYTES:])) if seq >= 0 else EntryId(bytes(HASH_BYTES))
        if self.tail:
            last = self.tail[-1]
            self.height, self.own, self.levy_due = last.height, last.own_after, last.levy_due_after
        else:
            self.height, self.own, self.levy_due = self.final_height, self.final_own, self.final_levy_due
        return undone


def begin(entry: Entry) -> Chain:
    """The empty chain that an account's first entry is appended to."""
    match entry.ops[0]:
        case Open(authority, next_hash):
            return Chain(entry.account, authority, next_hash)
        case Found(stewards=stewards):
            return Chain(entry.account, stewards, bytes(HASH_BYTES))
        case _:
            raise ValueError("a chain begins with open, that of account 0 with found")
