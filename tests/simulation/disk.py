"""A journal in memory, shaped as `node.journal.Journal`: what was appended survives a crash, nothing else does."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

from node.records import CertificateRecord, EntryRecord, Record
from protocol.base import AccountId
from protocol.entry import SignedEntry
from protocol.messages import Position, positions_of
from protocol.statements import Certificate

T = TypeVar("T")


class Disk:
    """One peer's records, append-only; an append is one transaction."""

    def __init__(self, generation: bytes) -> None:
        self.generation = generation
        self.log: list[Record] = []
        self._entries: dict[tuple[AccountId, int], list[SignedEntry]] = {}
        self._certificates: dict[AccountId, list[Certificate]] = {}

    def copy(self) -> "Disk":
        """A backup, as somebody would make who copies a folder."""
        made = Disk(self.generation)
        made.append(self.log)
        return made

    @property
    def last_row(self) -> int:
        return len(self.log)

    def append(self, records: Sequence[Record]) -> int:
        """Make these durable, all or none."""
        for record in records:
            match record:
                case EntryRecord(signed):
                    self._entries.setdefault((signed.account, signed.seq), []).append(signed)
                case CertificateRecord(certificate):
                    self._certificates.setdefault(certificate.place.account, []).append(certificate)
            self.log.append(record)
        return self.last_row

    def replay(self, *kinds: type[Record]) -> Iterator[tuple[int, Record]]:
        return iter([row for row in enumerate(self.log, 1) if not kinds or isinstance(row[1], kinds)])

    def notes(self, kind: type[T]) -> list[T]:
        return [record for record in self.log if isinstance(record, kind)]

    def entry(self, account: AccountId, incarnation: int, seq: int) -> list[SignedEntry]:
        return self._entries.get((account, seq), [])

    def entries(self, account: AccountId, incarnation: int, first: int, last: int) -> list[SignedEntry]:
        return [signed for seq in range(first, last + 1) for signed in self.entry(account, incarnation, seq)]

    def certificate_at(self, account: AccountId, seq: int, incarnation: int = 0) -> Certificate | None:
        """The lowest one at or above `seq`."""
        held = [one for one in self._certificates.get(account, []) if one.place.seq >= seq]
        return min(held, key=lambda one: one.place.seq, default=None)

    def index(self, row: int, limit: int) -> list[tuple[int, bool, Position]]:
        listed = []
        for at, record in enumerate(self.log[row:], row + 1):
            match record:
                case EntryRecord(signed):
                    position = Position(signed.account, signed.entry.incarnation, signed.seq, signed.id)
                    listed.append((at, False, position))
                case CertificateRecord(certificate):
                    listed.append((at, True, positions_of([certificate])[0]))
        return listed[:limit]

    def moved_since(self, row: int, limit: int) -> tuple[list[AccountId], int]:
        moved = {one.certificate.place.account for one in self.log[row:] if isinstance(one, CertificateRecord)}
        return sorted(moved)[:limit], self.last_row

    def at_rows(self, rows: Sequence[int]) -> list[Record]:
        return [self.log[row - 1] for row in rows if 0 < row <= len(self.log)]

    def applied(self) -> Iterator[tuple[int, SignedEntry]]:
        """The entries in the order in which the ledger applied them."""
        for row, record in self.replay():
            if isinstance(record, EntryRecord):
                yield row, record.signed
