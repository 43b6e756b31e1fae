"""Metrics 7, 8 and 12: payer, payee and four witnesses as six real processes over loopback.

What is timed is the call of the payer's wallet until a certificate by 3 of 4 witnesses is durable in the payer's
journal, and the entry on other nodes. One `send` an entry.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import trio

from ..community import Community
from ..homes import DevnetHome
from ..launcher import Launcher
from ..places import Place
from ..plan import TRADES, Person
from ..preparing import found
from . import quorum_floor
from .bare_stream import round_trips_ms
from .figures import Figure, median, percentile

WITNESSES = ("north", "east", "south", "west")
PAYER, PAYEE = "payer", "payee"
PAYERS = tuple(f"payer-{number}" for number in range(32))
CHILD = "devnet.child"
TERMS = {"community": "Bench", "unit": "hours", "decimals": 2, "limit": 10**9}
ROUNDS = 5
ONE_BY_ONE = 150
AT_ONCE = 1_500
TRIPS = 300
FLOOR_PAYMENTS = 1_000
WIDTH = 64
WARM_UP = 2 * len(PAYERS)
LINK_S = 30.0
CASHU_SWAP_CPU_MS = 20.0
"""CPU of one swap at a Cashu mint (0.20.2), without HTTP."""
WATTS_A_CORE = 5.0
"""Assumed: no counter of power in most machines. Ratios do not depend on it."""


@dataclass(eq=False, slots=True)
class Six:
    """The six homes while they run."""

    community: Community
    payee: int

    async def one_by_one(self, count: int) -> list[float]:
        """Milliseconds of each of `count` payments, one after the other."""
        answer = await self.community.ask(PAYER, "one-by-one", count=count, payers=PAYERS, payee=self.payee)
        return list(answer["ms"])

    async def at_once(self, count: int) -> float:
        """Final payments a wall second with 64 outstanding from 32 accounts."""
        answer = await self.community.ask(PAYER, "at-once", count=count, width=WIDTH, payers=PAYERS, payee=self.payee)
        return count / float(answer["s"])

    async def cpu_s(self) -> float:
        """CPU seconds of all six processes until now."""
        return sum(float(answer["cpu_s"]) for answer in (await self.community.ask_all("usage")).values())

    async def check(self, payments: int) -> None:
        """Raise AssertionError unless every home agrees on every balance, and the payee got what was paid."""
        views: list[dict[str, int]] = []
        with trio.move_on_after(LINK_S):
            while not views or any(view != views[0] for view in views) or views[0][PAYEE] != payments:
                await trio.sleep(0.2)
                views = [answer["balances"] for answer in (await self.community.ask_all("balances")).values()]
        is_right = all(view == views[0] for view in views) and views[0][PAYEE] == payments
        total: int = sum(views[0].values())
        if not is_right or total:
            raise AssertionError("the six nodes do not agree on the balances: no figure of this run counts")


@asynccontextmanager
async def six_nodes(folder: Path) -> AsyncIterator[Six]:
    """Found the six homes in `folder` and run them."""
    home = DevnetHome(folder)
    home.create()
    names = (*WITNESSES, PAYER, PAYEE)
    people = [Person(name, TRADES[0], is_witness=name in WITNESSES, is_steward=name == WITNESSES[0]) for name in names]
    handles = {**{name: (name,) for name in names}, PAYER: PAYERS}
    places = [
        Place(str(home.member(one.handle)), handles[one.handle], one.is_witness, one.is_steward) for one in people
    ]
    with Launcher("fork", f"{CHILD}:run", preload=[CHILD]) as launcher:
        async with trio.open_nursery() as nursery:
            await found(launcher, places, TERMS, quorum=3)
            community = Community(home, people, launcher, nursery, lambda _: None)
            await community.start_all()
            await _linked(community)
            yield Six(community, payee=len(WITNESSES) + len(PAYERS) + 1)
            await community.stop_all()
            nursery.cancel_scope.cancel()


async def _linked(community: Community) -> None:
    with trio.fail_after(LINK_S):
        while any(answer["peers"] < 5 for answer in (await community.ask_all("status")).values()):
            await trio.sleep(0.1)


async def measure_six(folder: Path, tell: Callable[[str], None]) -> list[Figure]:
    """Run the six and the yardsticks beside them, in turns."""
    rounds: list[tuple[float, list[float]]] = []
    rates: list[float] = []
    floors: list[float] = []
    cpu_s, payments = 0.0, WARM_UP
    async with six_nodes(folder) as six:
        await six.at_once(WARM_UP)
        for number in range(ROUNDS):
            tell(f"six nodes, one payment after the other, {number + 1} of {ROUNDS}")
            before = await round_trips_ms(TRIPS)
            began = await six.cpu_s()
            latencies = await six.one_by_one(ONE_BY_ONE)
            cpu_s += await six.cpu_s() - began
            rounds.append((median(before + await round_trips_ms(TRIPS)), latencies))
            tell(f"six nodes, {WIDTH} payments outstanding, {number + 1} of {ROUNDS}")
            floor = await trio.to_thread.run_sync(quorum_floor.payments_per_s, FLOOR_PAYMENTS)
            rates.append(await six.at_once(AT_ONCE))
            after = await trio.to_thread.run_sync(quorum_floor.payments_per_s, FLOOR_PAYMENTS)
            floors.append((floor + after) / 2)
            payments += ONE_BY_ONE + AT_ONCE
        await six.check(payments)
    return [*_latency(rounds), _throughput(rates, floors), _cpu(1_000 * cpu_s / (ROUNDS * ONE_BY_ONE))]


def _latency(rounds: Sequence[tuple[float, list[float]]]) -> list[Figure]:
    p50s = [median(ms) for _, ms in rounds]
    p99s = [percentile(ms, 0.99) for _, ms in rounds]
    raw = {"round_trip_ms": [trip for trip, _ in rounds], "p50_ms": p50s, "p99_ms": p99s}
    trips = median([p50 / trip for p50, (trip, _) in zip(p50s, rounds, strict=True)])
    tails = median([p99 / p50 for p50, p99 in zip(p50s, p99s, strict=True)])
    return [
        Figure(7, "latency, p50", median(p50s), "ms to a certificate of 3 of 4", "libp2p round trip", trips, 8.0,
               more_is_better=False, raw=raw),
        Figure(7, "latency, p99", median(p99s), "ms to a certificate of 3 of 4", "its p50", tails, 3.0,
               more_is_better=False, raw=raw),
    ]  # fmt: skip


def _throughput(rates: list[float], floors: list[float]) -> Figure:
    ratios = [rate / floor for rate, floor in zip(rates, floors, strict=True)]
    return Figure(
        8, "throughput, 64 outstanding", median(rates), "final payments a second", "floor of six nodes, no network",
        median(ratios), 0.5, raw={"payments_per_s": rates, "floor_per_s": floors},
    )  # fmt: skip


def _cpu(cpu_ms: float) -> Figure:
    raw = {"joule_at_assumed_watts": cpu_ms / 1_000 * WATTS_A_CORE, "watts_a_core": WATTS_A_CORE}
    return Figure(
        12, "CPU of all six a payment", cpu_ms, "ms, one after the other", f"a Cashu swap, {CASHU_SWAP_CPU_MS:.0f} ms",
        cpu_ms / CASHU_SWAP_CPU_MS, 1.0, more_is_better=False, raw=raw,
    )  # fmt: skip
