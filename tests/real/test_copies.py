"""Copies of a wallet's home: an old backup, and a second copy that runs at the same time, sign nothing and say why."""

import shutil
import time
from pathlib import Path

import apsw
import pytest
import trio

from devnet.pipe import ChildRefused

from .homes import tally
from .town import RealTown, open_town

WITNESSES = ("ana", "ben", "cleo", "dan")
NAMES = (*WITNESSES, "eva")


async def started(town: RealTown) -> None:
    await town.start()
    await town.until_voting(*WITNESSES)


def signed_places(*homes: Path) -> dict[tuple[int, int, int], set[bytes]]:
    """Every entry id that the wallets of these homes ever signed a payment with, by place."""
    places: dict[tuple[int, int, int], set[bytes]] = {}
    for home in homes:
        connection = apsw.Connection(str(home / "wallet" / "book.db"), flags=apsw.SQLITE_OPEN_READONLY)
        for account, incarnation, seq, id in connection.execute("SELECT account, incarnation, seq, entry FROM payment"):
            places.setdefault((account, incarnation, seq), set()).add(id)
        connection.close()
    return places


async def test_an_old_backup_is_read_only_and_says_why(tmp_path: Path) -> None:
    async with open_town(tmp_path, NAMES) as town:
        await started(town)
        await town.pay("eva", "ben", 1)
        await town.stop("eva")
        home, backup, last = town["eva"].home, tmp_path / "backup", tmp_path / "last"
        shutil.copytree(home, backup)
        await town.start("eva")
        for _ in range(2):
            await town.pay("eva", "ben", 1)
        await town.stop("eva")
        home.rename(last)
        backup.rename(home)
        await town.start("eva")
        for _ in range(2):
            with pytest.raises(ChildRefused) as refusal:
                await town.pay("eva", "ben", 5, ref="again")
            assert refusal.value.code == "read_only" and refusal.value.facts["exit"] == 3
        assert "old copy" in refusal.value.message
        said = await trio.to_thread.run_sync(tally, home, "pay", "@ben", "0.05", "--yes")
        assert said.returncode == 3 and "old copy" in said.stdout
        agreed = await town.until_agreed(NAMES)
        assert agreed["balances"]["eva"] == -3, "and it shows what was paid after the backup"
        await town.stop()
        assert all(len(ids) == 1 for ids in signed_places(home, last).values())


async def test_a_second_copy_that_runs_at_once_signs_nothing_and_says_why(tmp_path: Path) -> None:
    async with open_town(tmp_path, NAMES) as town:
        await started(town)
        await town.pay("eva", "ben", 1)
        await town.stop("eva")
        twin = town.copy_home("eva", "twin")
        await town.start("eva")
        await town.pay("eva", "ben", 1)
        await town.start("twin")
        for _ in range(3):
            with pytest.raises(ChildRefused) as refusal:
                await town.pay("twin", "cleo", 7, timeout_s=3)
            assert refusal.value.code in ("read_only", "witnesses_unreachable"), refusal.value.message
        await town.kill("twin")
        await town.pay("eva", "ben", 1)
        agreed = await town.until_agreed(NAMES)
        assert (agreed["balances"]["eva"], agreed["balances"]["cleo"]) == (-3, 0)
        await town.stop()
        assert all(len(ids) == 1 for ids in signed_places(town["eva"].home, twin.home).values())


async def test_a_copy_of_all_there_is_waits_for_the_lease_of_the_other(tmp_path: Path) -> None:
    async with open_town(tmp_path, NAMES) as town:
        await started(town)
        await town.pay("eva", "ben", 1)
        await town.kill("eva")
        twin = town.copy_home("eva", "twin")
        await town.start("twin")
        with pytest.raises(ChildRefused) as refusal:
            await town.pay("twin", "cleo", 7)
        assert refusal.value.code == "read_only" and "another copy" in refusal.value.message
        await town.kill("twin")
        await town.start("eva")
        await town.pay("eva", "ben", 1)
        agreed = await town.until_agreed(NAMES)
        assert (agreed["balances"]["eva"], agreed["balances"]["cleo"]) == (-2, 0)
        await town.stop()
        assert all(len(ids) == 1 for ids in signed_places(town["eva"].home, twin.home).values())


async def test_two_copies_that_start_together_never_sign_two_entries_for_one_place(tmp_path: Path) -> None:
    async with open_town(tmp_path, NAMES) as town:
        await started(town)
        await town.pay("eva", "ben", 1)
        await town.stop("eva")
        twin = town.copy_home("eva", "twin")
        await town.start("eva", "twin")
        async with trio.open_nursery() as nursery:
            for name, payee in (("eva", "ben"), ("twin", "cleo")):
                nursery.start_soon(pay_or_be_refused, town, name, payee)
        await town.stop()
        places = signed_places(town["eva"].home, twin.home)
        assert all(len(ids) == 1 for ids in places.values()), places


async def pay_or_be_refused(town: RealTown, payer: str, payee: str) -> None:
    for _ in range(5):
        try:
            await town.pay(payer, payee, 1, timeout_s=2)
        except ChildRefused as refusal:
            assert refusal.code in ("read_only", "witnesses_unreachable", "timeout", "conflict"), refusal.message


async def test_a_killed_home_pays_at_once_when_it_is_back(tmp_path: Path) -> None:
    async with open_town(tmp_path, NAMES) as town:
        await started(town)
        for number in range(3):
            await town.pay("eva", "ben", 1, ref=str(number))
            await town.kill("eva")
            before = time.monotonic()
            await town.start("eva")
            await town.pay("eva", "ben", 1)
            assert time.monotonic() - before < 10, "no lease of 60 s was waited for"
