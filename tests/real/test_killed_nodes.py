"""Real nodes are killed with SIGKILL under traffic, a third of them witnesses in the middle of a vote.

What was acknowledged is kept here, outside the processes. At the end nothing of it is missing anywhere, no payment was
made twice, no witness voted for two things, and all nodes agree to the last unit.
"""

import random
import signal
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import trio

from devnet.pipe import ChildRefused, PipeClosed
from node.journal import Journal
from node.records import CertificateRecord, EntryRecord, VoteRecord
from protocol.statements import certificate_tag

from .town import RealTown, journal_of, open_town
from .town_child import MOMENTS_OF_WITNESSES

WITNESSES = ("ana", "ben", "cleo", "dan")
MEMBERS = ("eva", "fay")
NAMES = WITNESSES + MEMBERS
AIMED_AT_VOTES = 14
AIMED_AT_PAYERS = 10
AT_ANY_TIME = 10
AIM_S = 6.0
"""If the moment aimed at does not come in this time, the node is killed where it is."""
PAUSE_S = 0.05
"""Between two payments of one member; the rest of the processors' time is for starting again."""
PASSING = {"timeout", "unreachable", "witnesses_unreachable", "busy", "read_only"}
"""What a payer may be told while nodes die around it; anything else is a fault."""


@dataclass
class Traffic:
    """Payments without end, and what became of them: refs that were asked for, and those acknowledged."""

    town: RealTown
    rng: random.Random
    asked: dict[str, tuple[str, str, int]] = field(default_factory=dict)
    """By ref: payer, payee, amount."""
    recorded: dict[str, str] = field(default_factory=dict)
    """By ref: the id that a `recorded` or more was acknowledged for."""
    final: dict[str, str] = field(default_factory=dict)
    stopped: bool = False

    async def trade(self, payer: str) -> None:
        """Have one member pay others one after the other; a ref that failed is tried again first."""
        number = 0
        while not self.stopped:
            number += 1
            ref = f"{payer} {number}"
            payee = self.rng.choice([name for name in NAMES if name != payer])
            self.asked[ref] = payer, payee, self.rng.randint(1, 500)
            while not self.stopped and ref not in self.final:
                await self.attempt(ref, "recorded" if self.rng.random() < 0.3 else "final")
                if ref in self.recorded and self.rng.random() < 0.5:
                    break  # goes on before it is final, so that tails have several entries
            await trio.sleep(PAUSE_S)

    async def attempt(self, ref: str, wait: str, timeout_s: float = 3.0) -> None:
        """Ask for one payment, for the first time or again, and remember what was acknowledged."""
        payer, payee, amount = self.asked[ref]
        try:
            made = await self.town.pay(payer, payee, amount, ref=ref, wait=wait, timeout_s=timeout_s)
        except (ChildRefused, PipeClosed) as refusal:
            self.check_refusal(refusal)
            await trio.sleep(0.02)
            return
        assert self.recorded.setdefault(ref, made["id"]) == made["id"], "the same ref is the same payment"
        if made["state"] in ("final", "seen"):
            self.final[ref] = made["id"]

    def check_refusal(self, refusal: ChildRefused | PipeClosed) -> None:
        """Only what a payer may be told while nodes die."""
        if isinstance(refusal, ChildRefused):
            assert refusal.code in PASSING, (refusal.code, refusal.message)

    async def finish(self) -> None:
        """Ask again for all that was asked until all of it is final."""
        self.stopped = True
        with trio.fail_after(30):
            while missing := [ref for ref in self.asked if ref not in self.final]:
                async with trio.open_nursery() as nursery:
                    for ref in missing:
                        nursery.start_soon(self.attempt, ref, "final", 10.0)

    def balances(self) -> dict[str, int]:
        """What everybody must have in the end, by plain arithmetic."""
        total = Counter(dict.fromkeys(NAMES, 0))
        for payer, payee, amount in self.asked.values():
            total[payer] -= amount
            total[payee] += amount
        return dict(total)


async def kill_aimed(town: RealTown, rng: random.Random, name: str, moments: tuple[str, ...]) -> bool:
    """Have a node die at a moment of its own work, and start it again; tells whether that moment came."""
    delay_s = rng.choice((0.0, 0.0, 0.0005, 0.003))
    with suppress(PipeClosed):  # it may be dead before it can say that it will be
        await town.ask(name, "die", moment=rng.choice(moments), k=rng.randint(1, 3), delay_s=delay_s)
    hit = await town.ended(name, AIM_S)
    await town.kill(name)
    assert town.exit_code(name) == -signal.SIGKILL, "it ended by a fault of its own"
    await back_up(town, rng, name)
    return hit


async def kill_at_any_time(town: RealTown, rng: random.Random, name: str) -> None:
    await trio.sleep(rng.uniform(0, 0.2))
    await town.kill(name)
    await back_up(town, rng, name)


async def back_up(town: RealTown, rng: random.Random, name: str) -> None:
    """Start a killed node again, sometimes only after the others went on without it."""
    await trio.sleep(rng.choice((0.0, 0.0, 0.3)))
    await town.start(name)
    if name in WITNESSES and rng.random() < 0.7:
        await town.until_voting(name)


@pytest.mark.parametrize("seed", [1])
async def test_nothing_acknowledged_is_lost_when_nodes_are_killed_under_traffic(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    async with open_town(tmp_path, NAMES) as town:
        await town.start()
        await town.until_voting(*WITNESSES)
        traffic = Traffic(town, random.Random(seed + 1))
        async with trio.open_nursery() as nursery:
            for name in NAMES:
                nursery.start_soon(traffic.trade, name)
            hits = await kill_many(town, rng)
            traffic.stopped = True
        await town.until_voting(*WITNESSES)
        await traffic.finish()
        await check_all_hold(town, traffic)
        await town.stop()
    homes = {name: resident.home for name, resident in town.residents.items()}
    check_no_double_vote(homes)
    assert hits["votes"] >= 10, "a third of all kills hit a witness in the middle of a vote"
    assert len(traffic.asked) > 100


async def kill_many(town: RealTown, rng: random.Random) -> Counter[str]:
    """Kill and restart one node after the other; counts the kills that came at the moment aimed at."""
    kinds = ["votes"] * AIMED_AT_VOTES + ["payer"] * AIMED_AT_PAYERS + ["any"] * AT_ANY_TIME
    rng.shuffle(kinds)
    hits: Counter[str] = Counter()
    for kind in kinds:
        match kind:
            case "votes":
                hits[kind] += await kill_aimed(town, rng, rng.choice(WITNESSES), MOMENTS_OF_WITNESSES)
            case "payer":
                hits[kind] += await kill_aimed(town, rng, rng.choice(NAMES), ("after submission", "after a commit"))
            case _:
                await kill_at_any_time(town, rng, rng.choice(NAMES))
    return hits


async def check_all_hold(town: RealTown, traffic: Traffic) -> None:
    """Every node has the same state, in which all that was acknowledged is final, once."""
    assert traffic.recorded.items() <= traffic.final.items()
    agreed = await town.until_agreed(NAMES, within_s=60)
    assert agreed["balances"] == traffic.balances()
    for name in NAMES:
        facts = await town.facts(name)
        assert facts["sum"] == 0
        assert facts["problems"] == []
        held = await town.ask(name, "states", ids=list(traffic.final.values()))
        assert all(held["final"].values()), name


def check_no_double_vote(homes: dict[str, Path]) -> None:
    """No witness ever voted for two entries at one place, or used a number twice, in any journal or certificate."""
    chosen: dict[tuple[int, int, int, int], bytes] = {}
    numbered: dict[tuple[int, int], object] = {}
    votes = 0

    def check(witness: int, number: int, tag: object, place: object, id: bytes, at: tuple[int, int, int]) -> None:
        assert chosen.setdefault((witness, *at), id) == id, "a witness voted for two branches"
        assert numbered.setdefault((witness, number), (tag, place)) == (tag, place), "a number was used twice"

    for home in homes.values():
        with journal_of(home) as journal:
            for tag, place, witness, number in all_votes(journal):
                votes += 1
                check(witness, number, tag, place, place.id, (place.account, place.incarnation, place.seq))
    assert votes > 100


def all_votes(journal: Journal):  # type: ignore[no-untyped-def]
    """(tag, place, witness, number) of every vote in a journal, its own and those in certificates."""
    for _, record in journal.replay(EntryRecord, CertificateRecord, VoteRecord):
        match record:
            case VoteRecord(vote):
                yield vote.tag, vote.place, vote.witness, vote.number
            case CertificateRecord(certificate):
                for witness, number, _ in certificate.votes:
                    yield certificate_tag(certificate.place), certificate.place, witness, number
