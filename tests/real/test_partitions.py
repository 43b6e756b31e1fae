"""Partitions of real nodes by the transport's deny list: a minority decides nothing, and all agree once healed."""

import random
from pathlib import Path

import pytest
import trio

from devnet.pipe import ChildRefused

from .test_killed_nodes import Traffic
from .town import RealTown, open_town

WITNESSES = ("ana", "ben", "cleo", "dan")
NAMES = (*WITNESSES, "eva", "fay")


async def started(town: RealTown) -> None:
    await town.start()
    await town.until_voting(*WITNESSES)
    for name in ("eva", "fay"):
        await town.pay(name, "ana", 1)


async def is_not_final(town: RealTown, payer: str, ref: str) -> None:
    with pytest.raises(ChildRefused) as refusal:
        await town.pay(payer, "ben", 10, ref=ref, timeout_s=2)
    assert refusal.value.code in ("timeout", "witnesses_unreachable") and refusal.value.facts["exit"] in (4, 7)


async def test_the_side_of_a_minority_of_witnesses_makes_nothing_final(tmp_path: Path) -> None:
    async with open_town(tmp_path, NAMES) as town:
        await started(town)
        await town.part(("ana", "eva"), ("ben", "cleo", "dan", "fay"))
        await is_not_final(town, "eva", "alone")
        assert (await town.pay("fay", "dan", 10))["state"] in ("final", "seen")
        with pytest.raises(AssertionError):
            await town.until("ana", lambda facts: facts["balances"]["dan"] == 10, within_s=1)
        await town.heal()
        assert (await town.pay("eva", "ben", 10, ref="alone"))["state"] in ("final", "seen")
        agreed = await town.until_agreed(NAMES)
        assert agreed["balances"] == {"ana": 2, "ben": 10, "cleo": 0, "dan": 10, "eva": -11, "fay": -11}


async def test_between_two_halves_nobody_makes_anything_final_until_they_meet(tmp_path: Path) -> None:
    async with open_town(tmp_path, NAMES) as town:
        await started(town)
        await town.part(("ana", "ben", "eva"), ("cleo", "dan", "fay"))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(is_not_final, town, "eva", "half")
            nursery.start_soon(is_not_final, town, "fay", "half")
        await town.heal()
        for name in ("eva", "fay"):
            assert (await town.pay(name, "ben", 10, ref="half"))["state"] in ("final", "seen")
        agreed = await town.until_agreed(NAMES)
        assert agreed["balances"]["ben"] == 20


@pytest.mark.parametrize("seed", [1])
async def test_all_agree_after_many_partitions_under_traffic(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    async with open_town(tmp_path, NAMES) as town:
        await started(town)
        before = (await town.until_agreed(NAMES))["balances"]
        traffic = Traffic(town, random.Random(seed + 1))
        async with trio.open_nursery() as nursery:
            for name in NAMES:
                nursery.start_soon(traffic.trade, name)
            for _ in range(10):
                cut = rng.randint(1, 3)
                shuffled = rng.sample(NAMES, len(NAMES))
                await town.part(shuffled[:cut], shuffled[cut:])
                await trio.sleep(rng.uniform(0.1, 0.8))
                if rng.random() < 0.5:
                    await town.heal()
                    await trio.sleep(rng.uniform(0, 0.3))
            traffic.stopped = True
        await town.heal()
        await traffic.finish()
        agreed = await town.until_agreed(NAMES)
        assert agreed["sum"] == 0
        assert agreed["balances"] == {name: before[name] + change for name, change in traffic.balances().items()}
