"""Checking the books: judges every entry and certificate of the journal again, from its bytes, into a second ledger.

Unlike `rebuilding`, which folds its own record at each start, this verifies every signature. It reads the journal page
by page and lets other work go on between pages; it changes nothing. What it finds are sentences for people.
"""

from dataclasses import dataclass

import trio

from protocol.base import COMMONS
from protocol.ledger import Effects, Ledger
from protocol.verdict import Accepted, Duplicate

from .filesystem import StoreRefused
from .journal import Journal
from .records import CertificateRecord, EntryRecord

PAGE_ROWS = 50
FAULTS_MAX = 20
"""More than these would only say the same again."""


@dataclass(frozen=True, slots=True)
class Findings:
    """What a check found. No faults: the books are right."""

    entries: int
    sum: int
    """Of all balances and what is in flight, in the smallest units."""
    faults: tuple[str, ...]


def verify_quickly(journal: Journal, ledger: Ledger) -> Findings:
    """Check the file and the sum."""
    faults = _file_faults(journal) + _sum_faults(ledger)
    return Findings(journal.counts()["entries"], ledger.check_sum(), tuple(faults))


async def verify_fully(journal: Journal, ledger: Ledger) -> Findings:
    """Judge the whole journal again and compare the outcome with the ledger in use, which may have moved on since."""
    second = Ledger()
    entries, faults = 0, _file_faults(journal)
    row, newest = 0, journal.last_row
    while row < newest and len(faults) < FAULTS_MAX:
        page = journal.since(row, PAGE_ROWS)
        for row, record in page:
            entries += isinstance(record, EntryRecord)
            if fault := _take(second, record):
                faults.append(f"row {row}: {fault}")
        if len(page) < PAGE_ROWS:
            break
        await trio.sleep(0)
    faults += _sum_faults(second) + _differences(second, ledger)
    return Findings(entries, second.check_sum(), tuple(faults[:FAULTS_MAX]))


def _take(ledger: Ledger, record: EntryRecord | CertificateRecord) -> str | None:
    """Judge one record as if it came from a stranger, and apply it."""
    if isinstance(record, CertificateRecord):
        return _take_certificate(ledger, record)
    signed = record.signed
    chain = ledger.chain(signed.account)
    if chain is not None and chain.final_seq < signed.seq <= chain.seq and signed.account != COMMONS:
        ledger.rewind(signed.account, signed.seq - 1)  # a certificate for this branch displaced the tail
    effects = ledger.judge(signed)
    if not isinstance(effects, Effects):
        return f"entry {signed.seq} of account {signed.account} is not valid: {effects}"
    ledger.apply(effects)
    return None


def _take_certificate(ledger: Ledger, record: CertificateRecord) -> str | None:
    certificate = record.certificate
    judged = ledger.judge_certificate(certificate)
    if not isinstance(judged, Accepted | Duplicate):
        return f"the certificate for entry {certificate.place.seq} of account {certificate.place.account}: {judged}"
    if isinstance(judged, Accepted):
        ledger.certify(certificate)
    return None


def _file_faults(journal: Journal) -> list[str]:
    try:
        journal.check()
    except StoreRefused as error:
        return [error.facts]
    return []


def _sum_faults(ledger: Ledger) -> list[str]:
    total = ledger.check_sum()
    return [] if total == 0 else [f"all balances sum to {total} smallest units instead of 0"]


def _differences(second: Ledger, used: Ledger) -> list[str]:
    """What the ledger in use says otherwise; only final entries can be compared, tails may have moved on."""
    faults = []
    for account in second.accounts():
        checked, held = second.chain(account), used.chain(account)
        assert checked is not None
        final = checked.final_seq
        if final >= 0 and (held is None or held.id_at(final) != checked.id_at(final)):
            faults.append(f"account {account} has another entry {final} in memory than in the journal")
        elif held is not None and held.id == checked.id and held.own != checked.own:
            faults.append(f"account {account} stands at {held.own} in memory and at {checked.own} in the journal")
    return faults
