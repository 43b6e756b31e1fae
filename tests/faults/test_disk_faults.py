"""The disk fails at its k-th operation, for every k of a short life of a node: writes, syncs and truncations.

Whatever fails, `append` says so, nothing that it acknowledged before is missing afterwards, and it takes nothing more.
"""

import random
from pathlib import Path

import pytest

from node.filesystem import StoreRefused
from node.journal import Journal, JournalFailed
from node.records import Record
from tests.node.journal_records import Chains

from .vfs import Failure, FaultyDisk, Forgets, faulty_disk

BATCHES = (1, 3, 1, 20, 2, 1)
WORDS = {
    Failure.FULL: "the disk is full",
    Failure.ERROR: "the disk reported an error",
    Failure.SHORT_WRITE: "the disk reported an error",
    Failure.READ_ONLY: "the disk may only be read",
}


def live(journal: Journal, batches: list[list[Record]], acknowledged: list[Record]) -> None:
    """Append the batches; `acknowledged` grows with what was taken."""
    for batch in batches:
        journal.append(batch)
        acknowledged += batch


def operations_of_a_life(disk: FaultyDisk, folder: Path) -> int:
    journal = Journal.open(folder, create=True, vfs=disk.name)
    before = disk.operations
    live(journal, [Chains().payments(count) for count in BATCHES], [])
    after = disk.operations
    journal.close()
    return after - before


@pytest.fixture(autouse=True)
def _small_wal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Checkpoints are part of the life."""
    monkeypatch.setattr("node.journal.store.CHECKPOINT_PAGES", 12)


@pytest.mark.parametrize("fails_once", [False, True], ids=["for good", "once"])
@pytest.mark.parametrize("failure", Failure)
def test_whatever_operation_fails_it_is_said_and_nothing_acknowledged_is_missing(
    tmp_path: Path, failure: Failure, fails_once: bool
) -> None:
    with faulty_disk() as disk:
        total = operations_of_a_life(disk, tmp_path / "counted")
        assert total > 40
        for at in range(1, total + 1):
            fail_at(disk, tmp_path / f"{at}", at, failure, fails_once)


def fail_at(disk: FaultyDisk, folder: Path, at: int, failure: Failure, fails_once: bool) -> None:
    """Live on a disk whose operation `at` fails, then lose power, then look at what is left."""
    batches = [Chains().payments(count) for count in BATCHES]
    acknowledged: list[Record] = []
    journal = Journal.open(folder, create=True, vfs=disk.name)
    disk.fail_at, disk.failure, disk.fails_once = disk.operations + at, failure, fails_once
    with pytest.raises(JournalFailed, match=WORDS[failure]):
        live(journal, batches, acknowledged)
    with pytest.raises(JournalFailed):
        journal.append(Chains(2).payment())
    assert [record for _, record in journal.replay()][: len(acknowledged)] == acknowledged, "it can still be read"
    survivors = disk.survivors(folder, Forgets.ALL, random.Random(at))
    journal.close()
    disk.fail_at = None
    disk.restore(folder, survivors)
    assert_kept(disk, folder, acknowledged, [record for batch in batches for record in batch])


def assert_kept(disk: FaultyDisk, folder: Path, acknowledged: list[Record], offered: list[Record]) -> None:
    """All that was acknowledged is there; beyond it at most the batch that failed, whole."""
    journal = Journal.open(folder, create=False, vfs=disk.name)
    kept = [record for _, record in journal.replay()]
    assert kept == offered[: len(kept)]
    batch_ends = [2 * sum(BATCHES[:count]) for count in range(len(BATCHES) + 1)]
    assert len(kept) in batch_ends and len(acknowledged) <= len(kept)
    assert journal.append(Chains(3).payment()) == len(kept) + 2
    journal.close()


@pytest.mark.parametrize("failure", [Failure.FULL, Failure.READ_ONLY])
def test_a_disk_that_takes_nothing_refuses_the_founding(tmp_path: Path, failure: Failure) -> None:
    with faulty_disk() as disk:
        disk.fail_at, disk.failure = 1, failure
        with pytest.raises(StoreRefused, match=WORDS[failure]):
            Journal.open(tmp_path / "journal", create=True, vfs=disk.name)
        disk.fail_at = None
        Journal.open(tmp_path / "journal", create=True, vfs=disk.name).close()


def test_a_full_disk_leaves_everything_readable(tmp_path: Path) -> None:
    with faulty_disk() as disk:
        journal = Journal.open(tmp_path / "journal", create=True, vfs=disk.name)
        written = Chains().payments(5)
        journal.append(written)
        disk.fail_at, disk.failure = disk.operations + 1, Failure.FULL
        with pytest.raises(JournalFailed, match="the disk is full"):
            journal.append(Chains(2).payments(5))
        assert journal.failed is not None
        assert journal.since(0, 100) == list(enumerate(written, 1))
        assert journal.last_row == 10
        journal.close()


def test_a_flipped_bit_is_found_or_harmless(tmp_path: Path) -> None:
    written = Chains().payments(60)
    journal = Journal.open(tmp_path / "journal", create=True)
    journal.append(written)
    journal.close()
    whole = (journal.folder / "journal.db").read_bytes()
    rng, found = random.Random(1), 0
    for _ in range(1_000):
        at, bit = rng.randrange(len(whole)), 1 << rng.randrange(8)
        flipped = whole[:at] + bytes([whole[at] ^ bit]) + whole[at + 1 :]
        (journal.folder / "journal.db").write_bytes(flipped)
        found += is_found(journal.folder, written)
    assert found > 300


def is_found(folder: Path, written: list[Record]) -> bool:
    """Tell whether a damaged journal is refused; if it is not, it must give back exactly what was written."""
    try:
        journal = Journal.open(folder, create=False)
    except StoreRefused:
        return True
    try:
        assert [record for _, record in journal.replay()] == written
    except StoreRefused:
        return True
    finally:
        journal.close()
    return False
