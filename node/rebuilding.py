"""From the journal back to the ledger, at every start and after a failed commit.

Signatures were verified before they were written, so they are taken as they are here; `verify` checks them all again.
"""

from collections.abc import Iterable

from protocol import signing
from protocol.base import COMMONS, AccountId
from protocol.entry import SignedEntry
from protocol.ledger import Effects, Ledger

from .journal import Journal
from .records import CertificateRecord, EntryRecord, Record


class JournalContradicts(Exception):
    """The journal holds something that cannot have been accepted: it was damaged or altered."""


def rebuild(journal: Journal, verify: signing.Verify = signing.verify) -> Ledger:
    """Fold the journal into a new ledger, which checks what comes next by `verify`. Raises JournalContradicts."""
    ledger = Ledger(verify=lambda *_: True)
    fold(ledger, journal.replay(EntryRecord, CertificateRecord))
    ledger.verify = verify
    ledger.lookup = lambda account, incarnation, seq: _held(ledger, journal, account, incarnation, seq)
    return ledger


def _held(ledger: Ledger, journal: Journal, account: AccountId, incarnation: int, seq: int) -> SignedEntry | None:
    id = ledger.id_at(account, incarnation, seq)
    return next((signed for signed in journal.entry(account, incarnation, seq) if signed.id == id), None)


def fold(ledger: Ledger, rows: Iterable[tuple[int, Record]]) -> None:
    """Apply journal rows in their order; an entry that attaches below the head shows that the tail was displaced."""
    for row, record in rows:
        match record:
            case EntryRecord(signed):
                chain = ledger.chain(signed.account)
                if chain is not None and signed.seq <= chain.seq and signed.account != COMMONS:
                    ledger.rewind(signed.account, signed.seq - 1)
                effects = ledger.judge(signed)
                if not isinstance(effects, Effects):
                    raise JournalContradicts(f"row {row}: {effects}")
                ledger.apply(effects)
            case CertificateRecord(certificate):
                ledger.certify(certificate)
