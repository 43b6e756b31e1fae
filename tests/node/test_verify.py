"""Checking the books finds whatever the journal or the ledger in use has wrong, and says where first."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import apsw
import pytest

from node.journal import Journal
from node.rebuilding import rebuild
from node.records import CertificateRecord, EntryRecord, ForkRecord, MarkRecord, Record, VoteRecord
from node.verify import check_books, first_difference, verify
from protocol.base import AccountId, Amount, PublicKey, Signature
from protocol.entry import SignedEntry
from protocol.ledger import Ledger
from protocol.ops import Limits, Send
from protocol.signing import Tag
from protocol.statements import Certificate, ForkProof, Mark
from tests.builders import Town, accept, found

WRONG = Signature(bytes(64))


def settled(town: Town, signed: SignedEntry) -> list[Record]:
    return [EntryRecord(signed), CertificateRecord(town.certificate(signed))]


def life(town: Town) -> list[Record]:
    """Two members open their accounts, one pays, account 0 decides something, one has a tail."""
    records: list[Record] = [EntryRecord(town.founding)]
    records += settled(town, town.open("ana")) + settled(town, town.open("ben"))
    records += settled(town, town.write("ana", Send(town["ben"], Amount(10))))
    decided, commits = town.decide(Limits(((town["ana"], 50),)))
    records += [EntryRecord(decided), CertificateRecord(commits)]
    records.append(EntryRecord(town.write("ben", Send(town["ana"], Amount(3)))))
    return records


@pytest.fixture
def town() -> Town:
    return found("ana", "ben", witnesses=4, quorum=3)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    opened = Journal.open(tmp_path / "journal", create=True)
    yield opened
    opened.close()


def test_books_that_are_right_have_no_faults(town: Town, journal: Journal) -> None:
    written = life(town)
    journal.append(written)
    ledger = rebuild(journal)
    quick, full = verify(journal, ledger, full=False), verify(journal, ledger, full=True)
    assert quick.faults == full.faults == ()
    assert quick.is_compared and full.is_compared
    assert (full.rows, full.entries, full.certificates, full.sum) == (len(written), 6, 4, 0)
    assert full.root == quick.root == ledger.state_root()
    assert quick.signatures == 0 and full.signatures >= 6 + 4 * 3


async def test_a_running_nodes_books_are_checked_beside_it(town: Town, journal: Journal) -> None:
    journal.append(life(town))
    report = await check_books(journal, rebuild(journal), full=True)
    assert report.faults == () and report.is_compared


def test_a_ledger_that_is_ahead_of_the_journal_is_no_fault(town: Town, journal: Journal) -> None:
    journal.append(life(town))
    ledger = rebuild(journal)
    accept(ledger, town.write("ben", Send(town["ana"], Amount(1))))
    report = verify(journal, ledger, full=False)
    assert report.faults == () and not report.is_compared


def unsigned(signed: SignedEntry) -> SignedEntry:
    return replace(signed, signatures=((0, WRONG),))


def wrong_votes(certificate: Certificate) -> Certificate:
    (witness, number, _), *others = certificate.votes
    return replace(certificate, votes=((witness, number, WRONG), *others))


def test_an_entry_with_a_wrong_signature_is_found_by_a_full_check(town: Town, journal: Journal) -> None:
    written = life(town)
    journal.append([*written, EntryRecord(unsigned(town.write("ben", Send(town["ana"], Amount(1)))))])
    assert verify(journal, full=False).faults == ()
    (fault,) = verify(journal, full=True).faults
    assert fault.startswith(f"row {len(written) + 1}: entry 2 of account 2 is not valid") and "SIGNATURE" in fault


@pytest.mark.parametrize("at", [2, 8], ids=["of a member", "of account 0"])
def test_a_certificate_with_a_wrong_signature_is_found_by_a_full_check(town: Town, journal: Journal, at: int) -> None:
    written = life(town)
    record = written[at]
    assert isinstance(record, CertificateRecord)
    written[at] = CertificateRecord(wrong_votes(record.certificate))
    journal.append(written)
    assert verify(journal, full=False).faults == ()
    (fault,) = verify(journal, full=True).faults
    assert fault.startswith(f"row {at + 1}: the certificate of entry")


def test_a_certificate_of_too_few_is_found_by_a_quick_check(town: Town, journal: Journal) -> None:
    signed = town.open("ana")
    few = CertificateRecord(town.certificate(signed, by=[0, 1]))
    journal.append([EntryRecord(town.founding), EntryRecord(signed), few])
    (fault,) = verify(journal, full=False).faults
    assert fault.startswith("row 3: the certificate of entry 0 of account 1 is not valid")


def test_an_entry_of_account_0_that_nothing_decides_is_found(town: Town, journal: Journal) -> None:
    decided, _ = town.decide(Limits(((town["ana"], 50),)))
    journal.append([EntryRecord(town.founding), EntryRecord(decided)])
    assert verify(journal, full=False).faults == ("nothing decides entry 1 of account 0",)


def test_an_entry_that_breaks_a_rule_is_found_by_a_quick_check(town: Town, journal: Journal) -> None:
    written = life(town)
    journal.append([*written, EntryRecord(town.write("ben", Send(town["ana"], Amount(1_000))))])
    (fault,) = verify(journal, full=False).faults
    assert fault.startswith(f"row {len(written) + 1}: entry 2 of account 2 is not valid") and "LIMIT" in fault


def test_an_entry_in_the_place_of_a_final_one_is_found(town: Town, journal: Journal) -> None:
    rival = town.draft("ana", Send(town["ben"], Amount(1)))
    journal.append([*life(town), EntryRecord(rival)])
    (fault,) = verify(journal, full=False).faults
    assert "entry 0 of account 1 stands in the place of a final one" in fault


def test_a_branch_that_displaced_the_tail_is_right(town: Town, journal: Journal) -> None:
    records = [EntryRecord(town.founding), *settled(town, town.open("ana"))]
    tail = town.draft("ana", Send(town["ben"], Amount(1)))
    certified = town.write("ana", Send(town["ben"], Amount(2)))
    journal.append([*records, EntryRecord(tail), *settled(town, certified)])
    report = verify(journal, rebuild(journal), full=True)
    assert report.faults == () and report.is_compared


def test_a_vote_or_mark_that_its_witness_did_not_sign_is_found_by_a_full_check(town: Town, journal: Journal) -> None:
    opened = town.open("ana")
    vote = replace(town.vote(town.place(opened), 1, Tag.VOTE), signature=WRONG)
    journal.append([EntryRecord(town.founding), EntryRecord(opened), VoteRecord(vote)])
    (fault,) = verify(journal, full=True).faults
    assert fault == f"row 3: vote {vote.number} is not signed by witness 1"


def test_a_mark_that_its_witness_did_not_sign_is_found_by_a_full_check(town: Town, journal: Journal) -> None:
    mark = Mark(PublicKey(town.witnesses[0].public), 64, WRONG)
    journal.append([EntryRecord(town.founding), MarkRecord(mark, own=True)])
    assert verify(journal, full=True).faults == ("row 2: the mark below 64 is not signed by its witness",)


@pytest.mark.parametrize("is_forged", [False, True])
def test_a_fork_proof_that_its_account_did_not_sign_is_found_by_a_full_check(
    town: Town, journal: Journal, is_forged: bool
) -> None:
    opened = town.open("ana")
    one, other = (town.draft("ana", Send(town["ben"], Amount(amount))) for amount in (1, 2))
    proof = ForkProof(one, unsigned(other) if is_forged else other)
    journal.append([EntryRecord(town.founding), EntryRecord(opened), EntryRecord(one), ForkRecord(proof)])
    said = "row 4: a fork proof names account 1, which did not sign both of its entries"
    assert verify(journal, full=True).faults == ((said,) if is_forged else ())


def test_a_damaged_row_is_found_by_a_quick_check(town: Town, journal: Journal) -> None:
    journal.append(life(town))
    with apsw.Connection(str(journal.folder / "journal.db")) as other:
        other.execute("DROP TRIGGER entries_no_UPDATE")
        other.execute("UPDATE entries SET seq = 7 WHERE n = 6")
    (fault,) = verify(journal, full=False).faults
    assert "row 6 is not as it was written" in fault


def test_a_ledger_that_lacks_what_is_final_is_found(town: Town, journal: Journal) -> None:
    written = life(town)
    journal.append(written)
    ledger = Ledger()
    accept(ledger, town.founding)
    assert verify(journal, ledger, full=False).faults == (
        "account 0: final up to entry 1 by the journal, up to 0 in memory",
    )


def test_the_first_difference_is_that_of_the_lowest_account(town: Town, journal: Journal) -> None:
    journal.append(life(town))
    again, used = rebuild(journal), rebuild(journal)
    assert first_difference(again, used) is None
    chain = used.chain(AccountId(2))
    assert chain is not None
    chain.own += 5
    assert first_difference(again, used) == (
        "account 2: its own part is -3 by the journal, 2 in memory (smallest units)"
    )
