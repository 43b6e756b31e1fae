"""From the journal back to the ledger, at every start and, in another thread, after a failed commit.

Signatures were verified before they were written, so they are taken as they are here; `verify` checks them all again.
"""

from collections.abc import Iterable

import trio

from protocol import signing
from protocol.base import COMMONS, AccountId
from protocol.entry import SignedEntry
from protocol.ledger import Effects, Ledger

from .journal import Journal
from .journal.reading import Reader
from .records import CertificateRecord, EntryRecord, Record


class JournalContradicts(Exception):
    """The journal holds something that cannot have been accepted: it was damaged or altered."""


def rebuild(journal: Journal, verify: signing.Verify = signing.verify) -> Ledger:
    """Fold the journal into a new ledger, which checks what comes next by `verify`.

    Raises JournalContradicts, and StoreRefused when the journal cannot be read.
    """
    return _made_from(journal, journal, verify)


async def rebuild_aside(journal: Journal) -> Ledger:
    """As `rebuild`, for a node that is running: its event loop goes on, and may read the journal meanwhile."""
    return await trio.to_thread.run_sync(_rebuild_aside, journal)


def _rebuild_aside(journal: Journal) -> Ledger:
    reader = journal.second_reader()
    try:
        # A commit that failed may be on the disk all the same: it was never said to be.
        reader.last_row = journal.last_row
        return _made_from(reader, journal, signing.verify)
    finally:
        reader.close()


def _made_from(reader: Reader, journal: Journal, verify: signing.Verify) -> Ledger:
    ledger = Ledger(verify=lambda *_: True)
    fold(ledger, reader.replay(EntryRecord, CertificateRecord))
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
