"""What peers, the API and the submitter may read: entries, certificates and pages of the durable record.

The answers to replication's questions (protocol/replication.py `Shelf`). Reads only.
"""

from collections.abc import Iterable, Sequence

from protocol.base import COMMONS, AccountId
from protocol.entry import SignedEntry
from protocol.messages import Bundle, Index, Moved, Position, Span
from protocol.statements import Certificate

from .bookkeeper import Bookkeeper
from .records import CertificateRecord, EntryRecord


class Shelf:
    """Reading access to the door's ledger and journal."""

    def __init__(self, door: Bookkeeper) -> None:
        self._door = door

    # One thing

    def entry(self, position: Position) -> SignedEntry | None:
        """The entry at this place with this id, if it is part of the ledger."""
        if not self.is_held(position):
            return None
        for signed in self._door.journal.entry(position.account, position.incarnation, position.seq):
            if signed.id == position.id:
                return signed
        return None

    def certificate(self, account: AccountId, seq: int) -> Certificate | None:
        """The certificate of the lowest certified entry at or above `seq`."""
        return self._door.journal.certificate_at(account, seq)

    def exactly(self, position: Position) -> Bundle | None:
        """One entry with the certificate that covers it, if both are here."""
        signed = self.entry(position)
        certificate = self.certificate(position.account, position.seq)
        if signed is None or certificate is None:
            return None
        return Bundle((signed,), (certificate,))

    # Heads

    def is_held(self, position: Position) -> bool:
        return self._door.ledger.id_at(position.account, position.incarnation, position.seq) == position.id

    def is_final(self, position: Position) -> bool:
        return position.seq <= self.final_seq(position.account) and self.is_held(position)

    def final_seq(self, account: AccountId) -> int:
        """The newest final seq of an account; -1 for none."""
        chain = self._door.ledger.chain(account)
        return -1 if chain is None else chain.final_seq

    def final_heads(self, first: int, last: int) -> list[Position]:
        """The newest final entry of every chain of the accounts `first` .. `last`, ascending."""
        ledger = self._door.ledger
        heads = []
        for account in ledger.accounts() if first != last else (AccountId(first),):
            if not first <= account <= last:
                continue
            seq = self.final_seq(account)
            id = None if seq < 0 else ledger.id_at(account, 0, seq)
            if id is not None:
                heads.append(Position(account, 0, seq, id))
        return heads

    # Many things

    def page(self, row: int, limit: int) -> Index:
        """The next rows of the journal above `row`."""
        rows = self._door.journal.index(row, limit)
        newest = self._door.journal.last_row
        last = rows[-1][0] if len(rows) == limit else newest
        return Index(tuple(rows), last, last < newest)

    def moved(self, row: int, limit: int) -> Moved:
        """The newest final heads of the accounts that certificates above `row` moved."""
        accounts, newest = self._door.journal.moved_since(row, limit + 1)
        heads = [head for account in accounts[:limit] for head in self.final_heads(account, account)]
        return Moved(tuple(heads), newest, len(accounts) > limit)

    def records(self, rows: Sequence[int]) -> Bundle:
        """The records at these rows of the journal."""
        entries: list[SignedEntry] = []
        certificates: list[Certificate] = []
        for record in self._door.journal.at_rows(rows):
            match record:
                case EntryRecord(signed):
                    entries.append(signed)
                case CertificateRecord(certificate):
                    certificates.append(certificate)
        return Bundle(tuple(entries), tuple(certificates))

    def span(self, span: Span, entries_max: int) -> Bundle:
        """The entries of a span that are part of the ledger, at most `entries_max`, and what certifies them."""
        last = min(span.last, span.first + entries_max - 1)
        rows = self._door.journal.entries(span.account, span.incarnation, span.first, last)
        entries = tuple(
            signed
            for signed in rows
            if self._door.ledger.id_at(span.account, span.incarnation, signed.seq) == signed.id
        )
        return Bundle(entries, tuple(self._certificates(span.account, entries)))

    def _certificates(self, account: AccountId, entries: Iterable[SignedEntry]) -> list[Certificate]:
        """Every certificate that one of `entries` needs: for account 0 one each, else those met on the way up."""
        found: list[Certificate] = []
        covered = -1
        for signed in entries:
            if signed.seq <= covered:
                continue
            certificate = self._door.journal.certificate_at(account, signed.seq)
            if certificate is None:
                break
            found.append(certificate)
            covered = certificate.place.seq
        return found if account != COMMONS else [c for c in found if c.place.seq > 0]
