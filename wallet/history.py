"""The history of an account, read from the chains: what it paid, what it took in, what came back, what is in flight.

Each line is one payment. Lines of the final part are kept in memory once they were read, and only what is newer is
read again.
Reads only; sealed memos are opened by the caller, who knows the keys.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from protocol.base import AccountId
from protocol.chain import Chain
from protocol.entry import SignedEntry
from protocol.messages import Position
from protocol.ops import Bounce, Recv, Send

from .port import NodePort
from .results import Kind

PAGE = 200
ACCOUNTS_KEPT = 64
"""Accounts whose rows are kept; when there are more, the one that was read first is read anew."""


@dataclass(frozen=True, slots=True)
class Line:
    """One payment as it touches the account: which op of which entry, and what it moves."""

    kind: Kind
    place: Position
    op: int
    other: AccountId
    amount: int
    """Signed as it moves the balance."""
    time: int
    send: Send | None
    signed: SignedEntry


@dataclass(frozen=True, slots=True)
class Lines:
    """All payments of an account: those its chain tells of, oldest first, and those in flight to it."""

    account: AccountId
    settled: tuple[Line, ...]
    in_flight: tuple[Line, ...]


@dataclass(slots=True)
class _Reading:
    """How far an account was read: its lines, its watermarks, and what it sent back."""

    upto: int = -1
    lines: list[Line] = field(default_factory=list)
    taken: dict[tuple[AccountId, int], int] = field(default_factory=dict)
    returned: set[tuple[AccountId, int, int]] = field(default_factory=set)

    def copy(self) -> "_Reading":
        return _Reading(self.upto, list(self.lines), dict(self.taken), set(self.returned))


class Histories:
    """Reads and keeps the histories of accounts."""

    def __init__(self, node: NodePort) -> None:
        self._node = node
        self._kept: dict[AccountId, _Reading] = {}

    def lines(self, account: AccountId) -> Lines:
        """All lines."""
        chain = self._node.ledger.chain(account)
        reading = self._kept.setdefault(account, _Reading())
        if len(self._kept) > ACCOUNTS_KEPT:
            del self._kept[next(iter(self._kept))]
        if chain is None:
            return Lines(account, (), tuple(self._in_flight(account)))
        self._read(reading, chain, chain.final_seq)
        latest = reading.copy()
        self._read(latest, chain, chain.seq)
        return Lines(account, tuple(latest.lines), tuple(self._in_flight(account)))

    def _read(self, reading: _Reading, chain: Chain, upto: int) -> None:
        for signed in self._entries(chain.account, chain.incarnation, reading.upto + 1, upto):
            for op, what in enumerate(signed.entry.ops):
                match what:
                    case Send():
                        reading.lines.append(_paid(signed, op, what))
                    case Bounce():
                        reading.returned.add((what.payer, what.incarnation, what.seq))
                        reading.lines += self._returned(signed, op, what)
                    case Recv():
                        reading.lines += self._taken(chain.account, reading, what)
            reading.upto = signed.seq

    def _taken(self, account: AccountId, reading: _Reading, recv: Recv) -> Iterator[Line]:
        """The payments that one `recv` takes: those of the payer above the watermark before."""
        first = reading.taken.get((recv.payer, recv.incarnation), -1) + 1
        reading.taken[recv.payer, recv.incarnation] = recv.upto
        for signed in self._entries(recv.payer, recv.incarnation, first, recv.upto):
            if (recv.payer, recv.incarnation, signed.seq) not in reading.returned:
                yield from _to(account, signed, "received")
                yield from self._came_back(account, signed)

    def _returned(self, own: SignedEntry, op: int, bounce: Bounce) -> Iterator[Line]:
        """A payment that was sent back: it came, and it went."""
        for signed in self._entries(bounce.payer, bounce.incarnation, bounce.seq, bounce.seq):
            for came in _to(own.account, signed, "received"):
                yield came
                yield _line("returned", own, op, bounce.payer, -came.amount, None)

    def _in_flight(self, account: AccountId) -> Iterator[Line]:
        for incoming in self._node.ledger.incoming(account):
            for seq in incoming.seqs:
                for signed in self._entries(incoming.payer, incoming.incarnation, seq, seq):
                    yield from _to(account, signed, "incoming")
                    yield from self._came_back(account, signed)

    def _came_back(self, account: AccountId, signed: SignedEntry) -> Iterator[Line]:
        """What a payee's entry sent back to this account."""
        for op, what in enumerate(signed.entry.ops):
            if isinstance(what, Bounce) and what.payer == account:
                amount = self._amount_of(account, what, signed.account)
                yield _line("came_back", signed, op, signed.account, amount, None)

    def _amount_of(self, payer: AccountId, bounce: Bounce, payee: AccountId) -> int:
        for signed in self._entries(payer, bounce.incarnation, bounce.seq, bounce.seq):
            return sum(op.amount for op in signed.entry.ops if isinstance(op, Send) and op.to == payee)
        return 0

    def _entries(self, account: AccountId, incarnation: int, first: int, last: int) -> Iterator[SignedEntry]:
        """The entries of a span that are part of the ledger, in pages, ascending."""
        for start in range(first, last + 1, PAGE):
            stop = min(start + PAGE - 1, last)
            for signed in self._node.journal.entries(account, incarnation, start, stop):
                if self._node.ledger.id_at(account, incarnation, signed.seq) == signed.id:
                    yield signed


def _line(kind: Kind, signed: SignedEntry, op: int, other: AccountId, amount: int, send: Send | None) -> Line:
    place = Position(signed.account, signed.entry.incarnation, signed.seq, signed.id)
    return Line(kind, place, op, other, amount, signed.entry.time, send, signed)


def _paid(signed: SignedEntry, op: int, send: Send) -> Line:
    return _line("paid", signed, op, send.to, -send.amount, send)


def _to(account: AccountId, signed: SignedEntry, kind: Kind) -> Iterator[Line]:
    for op, what in enumerate(signed.entry.ops):
        if isinstance(what, Send) and what.to == account:
            yield _line(kind, signed, op, signed.account, what.amount, what)
