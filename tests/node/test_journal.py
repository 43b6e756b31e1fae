"""The journal gives back exactly what it was given, in the order given, and finds things by place, id and row."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from shutil import copytree, ignore_patterns

import apsw
import pytest

from node.filesystem import StoreRefused
from node.journal import Journal, JournalFailed, rows
from node.journal.connection import WAL_BYTES
from node.journal.schema import TABLES
from node.records import CertificateRecord, EntryRecord, ForkRecord, MarkRecord, VoteRecord, WitnessRecord
from protocol.base import AccountId, EntryId
from protocol.messages import Position

from .journal_records import Chains, one_of_each


@pytest.fixture
def chains() -> Chains:
    return Chains()


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    opened = Journal.open(tmp_path / "journal", create=True)
    yield opened
    opened.close()


def reopened(journal: Journal) -> Journal:
    journal.close()
    return Journal.open(journal.folder, create=False)


def test_every_kind_of_record_comes_back_as_it_was_in_the_order_it_was_appended(tmp_path: Path, chains: Chains) -> None:
    written = one_of_each(chains)
    journal = Journal.open(tmp_path / "journal", create=True)
    assert journal.append(written[:7]) == 7
    assert journal.append(written[7:]) == len(written) == journal.last_row
    assert list(journal.replay()) == list(enumerate(written, 1))
    journal = reopened(journal)
    assert list(journal.replay()) == list(enumerate(written, 1))
    assert journal.last_row == len(written)
    journal.close()


def test_only_the_kinds_asked_for_come_back(journal: Journal, chains: Chains) -> None:
    written = one_of_each(chains)
    journal.append(written)
    for kinds in ((VoteRecord,), (VoteRecord, MarkRecord), (EntryRecord,), (EntryRecord, VoteRecord)):
        expected = [(n, record) for n, record in enumerate(written, 1) if isinstance(record, kinds)]
        assert list(journal.replay(*kinds)) == expected


def test_row_numbers_go_on_after_a_restart_and_the_generation_stays(tmp_path: Path, chains: Chains) -> None:
    journal = Journal.open(tmp_path / "journal", create=True)
    generation = journal.generation
    journal.append(chains.payments(2))
    journal = reopened(journal)
    assert journal.append(chains.payment()) == 6
    assert journal.generation == generation and len(generation) == 16
    journal.close()


def test_two_journals_have_different_generations(tmp_path: Path, journal: Journal) -> None:
    other = Journal.open(tmp_path / "other", create=True)
    assert other.generation != journal.generation
    other.close()


def test_appending_nothing_changes_nothing(journal: Journal) -> None:
    assert journal.append([]) == 0
    assert list(journal.replay()) == []


def test_all_branches_ever_applied_at_a_place_are_kept_oldest_first(journal: Journal, chains: Chains) -> None:
    first = chains.entry(7)
    del chains.heads[7]
    second = chains.entry(7)
    journal.append([EntryRecord(first), EntryRecord(second)])
    assert first.seq == second.seq
    assert journal.entry(AccountId(7), 0, first.seq) == [first, second]


def test_entries_of_a_chain_come_by_seq(journal: Journal, chains: Chains) -> None:
    written = [chains.entry(3) for _ in range(5)]
    journal.append([EntryRecord(signed) for signed in [chains.entry(4), *written, chains.entry(5)]])
    assert journal.entries(AccountId(3), 0, 2, 4) == written[1:4]
    assert journal.entries(AccountId(3), 1, 2, 4) == []


def test_an_entry_is_found_by_its_whole_id_only(journal: Journal, chains: Chains) -> None:
    signed = chains.entry()
    journal.append([EntryRecord(signed)])
    assert journal.by_id(signed.id) == signed
    assert journal.by_id(EntryId(signed.id[:31] + bytes([signed.id[31] ^ 1]))) is None


def test_ids_that_begin_alike_are_told_apart_by_the_rest(
    journal: Journal, chains: Chains, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "id6", lambda id: 7)  # as if an author had searched for such bodies
    first = chains.entry(7)
    del chains.heads[7]
    second = chains.entry(7)
    assert first.seq == second.seq
    journal.append([EntryRecord(first), EntryRecord(second), EntryRecord(chains.entry(8))])
    later = [
        CertificateRecord(chains.certificate(first)),
        VoteRecord(chains.vote(second)),
        VoteRecord(chains.vote(first)),
    ]
    journal.append(later)
    assert [record for _, record in journal.replay(CertificateRecord, VoteRecord)] == later
    assert (journal.by_id(first.id), journal.by_id(second.id)) == (first, second)
    with pytest.raises(KeyError):
        journal.append([CertificateRecord(chains.certificate(chains.entry(7)))])


def test_the_certificate_at_a_place_is_the_lowest_one_that_covers_it(journal: Journal, chains: Chains) -> None:
    written = [chains.entry(3) for _ in range(5)]
    low, high = chains.certificate(written[1]), chains.certificate(written[3])
    journal.append([*map(EntryRecord, written), CertificateRecord(high), CertificateRecord(low)])
    first = written[0].seq
    covering = [journal.certificate_at(AccountId(3), first + step) for step in range(5)]
    assert covering == [low, low, high, high, None]


def test_since_pages_through_entries_and_certificates_without_holes(journal: Journal, chains: Chains) -> None:
    written = one_of_each(chains) + chains.payments(5)
    journal.append(written)
    expected = [(n, r) for n, r in enumerate(written, 1) if isinstance(r, EntryRecord | CertificateRecord)]
    paged, row = [], 0
    while page := journal.since(row, 3):
        assert len(page) <= 3
        paged += page
        row = page[-1][0]
    assert paged == expected


def test_readers_see_no_holes_while_another_thread_appends(journal: Journal, chains: Chains) -> None:
    batches = [chains.payments(2) for _ in range(100)]
    seen: list[int] = []
    with ThreadPoolExecutor(1) as thread:
        appended = thread.submit(lambda: [journal.append(batch) for batch in batches])
        while not appended.done():
            seen += [row for row, _ in journal.since(seen[-1] if seen else 0, 7)]
        assert appended.result()[-1] == 400
    while page := journal.since(seen[-1] if seen else 0, 7):
        seen += [row for row, _ in page]
    assert seen == list(range(1, 401))


def test_the_index_names_the_same_rows_as_since(journal: Journal, chains: Chains) -> None:
    journal.append(one_of_each(chains))
    named = journal.index(0, 100)
    assert [row for row, _, _ in named] == [row for row, _ in journal.since(0, 100)]
    for row, is_certificate, position in named:
        (record,) = journal.at_rows([row])
        assert is_certificate == isinstance(record, CertificateRecord)
        if isinstance(record, EntryRecord):
            entry = record.signed.entry
            assert position == Position(entry.account, entry.incarnation, entry.seq, record.signed.id)
        else:
            assert position.id == record.certificate.place.id


def test_rows_are_given_in_the_order_asked_for_and_others_left_out(journal: Journal, chains: Chains) -> None:
    written = [*chains.payment(), *chains.payment(), WitnessRecord(Chains(9).vote(chains.entry()).place.id)]  # type: ignore[arg-type]
    journal.append(written)
    assert journal.at_rows([4, 99, 5, 1]) == [written[3], written[0]]


def test_notes_are_found_by_kind(journal: Journal, chains: Chains) -> None:
    written = one_of_each(chains)
    journal.append(written)
    assert journal.notes(MarkRecord) == [record for record in written if isinstance(record, MarkRecord)]
    assert journal.notes(ForkRecord) == [record for record in written if isinstance(record, ForkRecord)]


def test_a_store_knows_whose_memory_it_is(journal: Journal, chains: Chains) -> None:
    assert journal.witness() is None
    (made, *_) = one_of_each(chains)
    assert isinstance(made, WitnessRecord)
    journal.append([made])
    assert journal.witness() == made.key


def test_a_certificate_for_an_entry_that_was_never_appended_is_refused(journal: Journal, chains: Chains) -> None:
    journal.append(chains.payment())
    with pytest.raises(KeyError):
        journal.append([EntryRecord(chains.entry(1)), CertificateRecord(chains.certificate(chains.entry(2)))])
    assert journal.last_row == 2 and len(list(journal.replay())) == 2
    assert journal.append(chains.payment()) == 4


@pytest.mark.parametrize("table", TABLES)
def test_rows_can_be_neither_changed_nor_deleted_nor_replaced(journal: Journal, chains: Chains, table: str) -> None:
    written = one_of_each(chains)
    journal.append(written)
    column = "generation" if table == "store" else "rowid"
    with apsw.Connection(str(journal.folder / "journal.db")) as other:
        for attempt in (f"DELETE FROM {table}", f"UPDATE {table} SET {column} = {column}"):
            with pytest.raises(apsw.ConstraintError, match="append-only"):
                other.execute(attempt)
        if table != "store":
            other.pragma("recursive_triggers", 1)
            with pytest.raises(apsw.ConstraintError, match="append-only"):
                other.execute(f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}")
    assert list(journal.replay()) == list(enumerate(written, 1))


def test_every_connection_syncs_in_full(journal: Journal) -> None:
    for connection in (journal._writer, journal._reader):
        assert connection.pragma("synchronous") == 2
        assert connection.pragma("fullfsync") == 1 and connection.pragma("checkpoint_fullfsync") == 1
        assert connection.pragma("trusted_schema") == 0 and connection.pragma("cell_size_check") == 1
        assert connection.pragma("journal_mode") == "wal"


def test_a_connection_that_would_not_sync_in_full_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("node.journal.connection.SYNCHRONOUS_FULL", 17)
    with pytest.raises(StoreRefused, match="has set synchronous to 1, not to 17"):
        Journal.open(tmp_path / "journal", create=True)


def test_the_reader_cannot_write(journal: Journal) -> None:
    with pytest.raises(apsw.ReadOnlyError):
        journal._reader.execute("INSERT INTO notes VALUES (1, 1, x'00', 0)")


def test_the_wal_file_is_moved_into_the_main_file_now_and_then(
    journal: Journal, chains: Chains, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("node.journal.store.CHECKPOINT_PAGES", 20)
    for _ in range(100):
        journal.append(chains.payments(3))
    assert (journal.folder / "journal.db").stat().st_size > 100_000
    assert len(list(journal.replay())) == 600


def test_the_wal_file_of_a_busy_journal_is_made_long_once_and_survives_a_crash(
    journal: Journal, chains: Chains, tmp_path: Path
) -> None:
    for _ in range(40):
        journal.append(chains.payments(3))
    assert (journal.folder / "journal.db-wal").stat().st_size == WAL_BYTES
    copy = tmp_path / "left by a crash"
    copytree(journal.folder, copy, ignore=ignore_patterns("lock", "*-shm"))
    left = Journal.open(copy, create=False)
    try:
        assert list(left.replay()) == list(journal.replay())
        assert left.append(chains.payments(1)) == journal.last_row + 2
    finally:
        left.close()


def test_a_payment_takes_at_most_440_bytes_with_its_certificate(journal: Journal, chains: Chains) -> None:
    for _ in range(10):
        journal.append(chains.payments(1_000))
    journal.checkpoint()
    size = (journal.folder / "journal.db").stat().st_size / 10_000
    print(f"{size:.0f} bytes a payment")
    assert size <= 440, f"{size:.0f} bytes a payment"


def test_after_a_failure_nothing_is_appended_any_more(journal: Journal, chains: Chains) -> None:
    journal.append(chains.payment())
    journal._writer.execute(f"INSERT INTO notes VALUES (3, 1, x'{'00' * 32}', 0)")  # takes the number of the next row
    with pytest.raises(JournalFailed):
        journal.append([WitnessRecord(bytes(32))])  # type: ignore[arg-type]
    with pytest.raises(JournalFailed):
        journal.append(chains.payment())
    assert journal.failed is not None and journal.last_row == 2
    assert len(journal.since(0, 10)) == 2
