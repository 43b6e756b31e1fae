"""A power cut takes back every write that was not synced; no record that `append` acknowledged may be among them.

kill -9 cannot show this, because the operating system keeps what a process wrote. The same cuts with weaker syncs
must lose records, or the test would see nothing.
"""

import random
from pathlib import Path

import pytest

from node.journal import Journal
from tests.node.journal_records import Chains

from .vfs import FaultyDisk, Forgets, faulty_disk

CUTS = 100


def cut_after_appends(disk: FaultyDisk, folder: Path, forgets: Forgets, cuts: int, seed: int = 1) -> tuple[int, int]:
    """Append a little, cut the power, open again, `cuts` times. Returns the records (acknowledged, lost)."""
    rng, chains = random.Random(seed), Chains(seed)
    journal = Journal.open(folder, create=True, vfs=disk.name)
    acknowledged = lost = 0
    for _ in range(cuts):
        expected = list(journal.replay())
        for _ in range(rng.randint(1, 6)):
            batch = chains.payments(rng.randint(1, 3))
            last = journal.append(batch)
            expected += enumerate(batch, last - len(batch) + 1)
            acknowledged += len(batch)
        journal = power_cut(disk, journal, forgets, rng)
        kept = list(journal.replay())
        assert kept == expected[: len(kept)]
        lost += len(expected) - len(kept)
    journal.close()
    return acknowledged, lost


def power_cut(disk: FaultyDisk, journal: Journal, forgets: Forgets, rng: random.Random) -> Journal:
    """Cut the power under an open journal, and open what is left (which checks every page)."""
    survivors = disk.survivors(journal.folder, forgets, rng)
    journal.close()
    disk.restore(journal.folder, survivors)
    return Journal.open(journal.folder, create=False, vfs=disk.name)


@pytest.mark.parametrize("forgets", Forgets)
def test_no_acknowledged_record_is_lost_in_a_power_cut(
    tmp_path: Path, forgets: Forgets, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("node.journal.store.CHECKPOINT_PAGES", 25)
    with faulty_disk() as disk:
        acknowledged, lost = cut_after_appends(disk, tmp_path / "journal", forgets, CUTS)
    assert acknowledged > 10 * CUTS
    assert lost == 0


def test_with_weaker_syncs_the_same_power_cuts_lose_records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with faulty_disk() as disk:
        Journal.open(tmp_path / "journal", create=True, vfs=disk.name).close()
        monkeypatch.setattr("node.journal.connection.SYNCHRONOUS_FULL", 1)  # NORMAL
        acknowledged, lost = cut_after_appends(disk, tmp_path / "journal", Forgets.ALL, 10)
    assert lost > acknowledged / 2


def test_on_a_disk_that_lies_about_syncs_records_are_lost(tmp_path: Path) -> None:
    with faulty_disk() as disk:
        Journal.open(tmp_path / "journal", create=True, vfs=disk.name).close()
        disk.lies = True
        acknowledged, lost = cut_after_appends(disk, tmp_path / "journal", Forgets.ALL, 1)
    assert lost == acknowledged > 0


@pytest.mark.parametrize("forgets", Forgets)
def test_a_power_cut_at_any_moment_of_the_founding_leaves_a_journal_that_can_be_made(
    tmp_path: Path, forgets: Forgets
) -> None:
    rng = random.Random(1)
    with faulty_disk() as disk:
        for at in range(1, operations_of_founding(disk, tmp_path / "counted") + 1):
            folder = tmp_path / f"cut at {at}"
            disk.fail_at = disk.operations + at
            with pytest.raises(Exception, match="cannot be used|IOError"):
                Journal.open(folder, create=True, vfs=disk.name)
            disk.fail_at = None
            disk.restore(folder, disk.survivors(folder, forgets, rng))
            journal = Journal.open(folder, create=True, vfs=disk.name)
            assert list(journal.replay()) == []
            journal.close()


def operations_of_founding(disk: FaultyDisk, folder: Path) -> int:
    """How many operations it takes to make a journal."""
    before = disk.operations
    journal = Journal.open(folder, create=True, vfs=disk.name)
    after = disk.operations
    journal.close()
    return after - before
