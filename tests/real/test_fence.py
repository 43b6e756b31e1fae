"""The fence of real witnesses: a kill or a renamed folder never trips it, an old or copied store never votes again."""

import shutil
from pathlib import Path

import pytest

from devnet.pipe import ChildRefused
from node.records import DeadRecord, VoteRecord
from node.store import journal_folder

from .town import NotStarted, RealTown, journal_of, open_town

WITNESSES = ("ana", "ben", "cleo", "dan")
NAMES = (*WITNESSES, "eva")


def votes_of(home: Path) -> list[VoteRecord]:
    """The own votes in the journal of a node that has ended."""
    with journal_of(home) as journal:
        return [record for _, record in journal.replay(VoteRecord) if isinstance(record, VoteRecord)]


async def pay_often(town: RealTown, count: int) -> None:
    for _ in range(count):
        await town.pay("eva", "ben", 1)


async def started(town: RealTown) -> None:
    await town.start()
    await town.until_voting(*WITNESSES)


async def test_neither_kills_nor_a_renamed_home_trip_the_fence(tmp_path: Path) -> None:
    async with open_town(tmp_path, NAMES) as town:
        await started(town)
        for life in range(4):
            await pay_often(town, 3)
            await town.kill("ana")
            town["ana"].home = town["ana"].home.rename(tmp_path / f"ana in life {life}")
            await town.start("ana")
            await town.until_voting("ana")
        await town.kill("ben")  # so that the vote of ana is needed
        await pay_often(town, 2)
        assert (await town.facts("ana"))["problems"] == []


async def test_an_old_copy_of_a_witness_never_votes_again_and_says_why(tmp_path: Path) -> None:
    async with open_town(tmp_path, NAMES) as town:
        await started(town)
        await pay_often(town, 3)
        await town.stop("ana")
        shutil.copytree(town["ana"].home / "node", tmp_path / "backup")
        await town.start("ana")
        await town.until_voting("ana")
        await pay_often(town, 1)
        await town.until_agreed(NAMES)
        await town.kill("ana")
        shutil.rmtree(town["ana"].home / "node")
        shutil.copytree(tmp_path / "backup", town["ana"].home / "node")
        before = votes_of(town["ana"].home)
        for _ in range(2):  # also after a restart
            await town.start("ana")
            facts = await town.until("ana", lambda facts: facts["dead"])
            assert "old or copied" in facts["problems"][0] and not facts["voting"]
            await pay_often(town, 3)  # the others carry on
            await town.kill("ana")
        assert "dead for good" in (town["ana"].home / "run" / "tally.log").read_text()
        assert votes_of(town["ana"].home) == before


async def test_a_lone_witness_from_an_old_copy_stops_at_what_a_member_shows_it(tmp_path: Path) -> None:
    async with open_town(tmp_path, ("ana", "eva"), witnesses=1, quorum=1) as town:
        await town.start()
        await town.until_voting("ana")
        await town.pay("eva", "ana", 1)
        await town.stop("ana")
        shutil.copytree(town["ana"].home / "node", tmp_path / "backup")
        await town.start("ana")
        await town.until_voting("ana")
        await town.pay("eva", "ana", 1)
        await town.until_agreed(["ana", "eva"])
        await town.kill("ana")
        shutil.rmtree(town["ana"].home / "node")
        shutil.copytree(tmp_path / "backup", town["ana"].home / "node")
        await town.start("ana")
        await town.until("ana", lambda facts: facts["dead"])
        await town.kill("ana")
        with journal_of(town["ana"].home) as journal:
            assert len(journal.notes(DeadRecord)) == 1
        await town.start("ana")
        facts = await town.facts("ana")
        assert facts["dead"] and not facts["voting"]
        with pytest.raises(ChildRefused):
            await town.pay("eva", "ana", 1, timeout_s=2)


async def test_a_copy_of_a_witness_that_runs_beside_it_never_votes_and_stops(tmp_path: Path) -> None:
    async with open_town(tmp_path, NAMES) as town:
        await started(town)
        await pay_often(town, 2)
        await town.stop("ana")
        twin = town.copy_home("ana", "twin")
        before = votes_of(twin.home)
        await town.start("ana")
        await town.until_voting("ana")
        await pay_often(town, 1)
        await town.start("twin")  # of two links with one peer one stays: it may be alone until the other ends
        for _ in range(10):
            await pay_often(town, 1)
            assert not (await town.facts("twin"))["voting"]
        await town.kill("ana")
        facts = await town.until("twin", lambda facts: facts["dead"])  # it is shown what it never signed
        assert "old or copied" in facts["problems"][0] and not facts["voting"]
        await pay_often(town, 2)
        await town.kill("twin")
        await town.start("ana")
        await town.until_voting("ana")
        assert votes_of(twin.home) == before


async def test_a_key_without_its_journal_is_refused(tmp_path: Path) -> None:
    async with open_town(tmp_path, NAMES) as town:
        shutil.rmtree(journal_folder(town["ana"].home))
        with pytest.RaisesGroup(NotStarted, flatten_subgroups=True) as refused:
            await town.start("ana")
        said = refused.value.exceptions[0].args[0]
        assert said["code"] == "store_refused" and "journal" in said["message"] and said["exit_status"] == 1
        assert not journal_folder(town["ana"].home).exists()
