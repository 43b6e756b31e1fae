"""Checking the books again from their bytes: right ones pass, and each kind of damage is found."""

from pathlib import Path

import pytest

from node.journal import Journal
from node.rebuilding import rebuild
from node.records import CertificateRecord, EntryRecord, Record
from node.verifying import verify_fully, verify_quickly
from protocol.entry import SignedEntry
from protocol.ledger import Ledger
from protocol.ops import Send
from protocol.statements import Certificate
from tests.builders import Town, found


def books(town: Town) -> list[Record]:
    """A founding entry, and two members who opened their accounts and paid one another."""
    records: list[Record] = [EntryRecord(town.founding)]
    for name, other in (("ana", "ben"), ("ben", "ana")):
        for signed in (town.open(name), town.write(name, Send(town[other], 5))):  # type: ignore[arg-type]
            records += [EntryRecord(signed), CertificateRecord(town.certificate(signed))]
    return records


def journal_of(folder: Path, records: list[Record]) -> Journal:
    journal = Journal.open(folder / "journal", create=True)
    journal.append(records)
    return journal


@pytest.fixture
def town() -> Town:
    return found("ana", "ben")


async def test_right_books_are_found_right(tmp_path: Path, town: Town) -> None:
    journal = journal_of(tmp_path, books(town))
    try:
        ledger = rebuild(journal)
        found_fully = await verify_fully(journal, ledger)
        assert (found_fully.entries, found_fully.sum, found_fully.faults) == (5, 0, ())
        assert verify_quickly(journal, ledger) == found_fully
    finally:
        journal.close()


async def faults(tmp_path: Path, records: list[Record], used: Ledger) -> tuple[str, ...]:
    journal = journal_of(tmp_path, records)
    try:
        return (await verify_fully(journal, used)).faults
    finally:
        journal.close()


def ledger_of(records: list[Record]) -> Ledger:
    """A ledger that took these records without looking at signatures."""
    ledger = Ledger(verify=lambda *_: True)
    for record in records:
        if isinstance(record, EntryRecord):
            ledger.apply(ledger.judge(record.signed))  # type: ignore[arg-type]  # they are valid
        elif isinstance(record, CertificateRecord):
            ledger.certify(record.certificate)
    return ledger


async def test_an_entry_with_a_wrong_signature_is_found(tmp_path: Path, town: Town) -> None:
    records = books(town)
    right = records[-2]
    assert isinstance(right, EntryRecord)
    signed = right.signed
    wrong = SignedEntry(signed.body, signed.entry, signed.id, ((0, bytes(64)),))  # type: ignore[arg-type]
    records[-2] = EntryRecord(wrong)
    assert "is not valid" in (await faults(tmp_path, records, ledger_of(records)))[0]


async def test_a_certificate_with_a_wrong_vote_is_found(tmp_path: Path, town: Town) -> None:
    records = books(town)
    right = records[-1]
    assert isinstance(right, CertificateRecord)
    witness, number, _ = right.certificate.votes[0]
    wrong = Certificate(right.certificate.place, ((witness, number, bytes(64)),))  # type: ignore[arg-type]
    records[-1] = CertificateRecord(wrong)
    assert "the certificate for entry 1 of account 2" in (await faults(tmp_path, records, ledger_of(records)))[0]


async def test_a_ledger_that_says_otherwise_is_found(tmp_path: Path, town: Town) -> None:
    other = found("ana", "ben")
    different = [EntryRecord(other.founding), EntryRecord(other.open("ana", Send(other["ben"], 1)))]  # type: ignore[arg-type]
    different.append(CertificateRecord(other.certificate(different[-1].signed)))  # type: ignore[arg-type]
    told = await faults(tmp_path, books(town), ledger_of(different))  # type: ignore[arg-type]
    assert any("account 1 has another entry" in fault for fault in told)
