"""Replays the history of a real currency: makes its members, pays every row through the real path, compares the end.

Four homes, each a witness, hold the members' accounts in turn. `schedule` says which rows may go together; each goes to
the home of its payer, and counts as done when it is final and the payee's home knows it. An interrupted replay goes on
where it was: outcomes are kept, and a row that was signed already is found by its ref.
"""

import resource
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import trio

from .board import Event
from .community import Community
from .csv_rows import Row, Table
from .outcomes import PAID, Outcomes
from .outlook import steps_of
from .pipe import ChildRefused
from .report import Report
from .schedule import Schedule, foresee, plain_sums

OUTSTANDING = 64
"""Rows under way at once."""
ROW_S = 10.0
"""How long one attempt at a row may take before it is looked into."""
PATIENCE_S = 300.0
"""How long a row may be tried again before the replay gives up."""
PAUSE_S = 0.2
AGREE_S = 60.0
"""How long the nodes may take at the end until they hold the same."""

REFUSALS = frozenset({"limit", "self_payment", "bad_amount", "overflow"})
"""Codes by which the rules refuse a row of a replay. Any other failure is no outcome and ends the replay."""
PASSING = frozenset({"timeout", "unreachable", "witnesses_unreachable", "read_only", "busy", "backlog"})
"""Codes that say "not now": the row is tried again, with the same ref."""


class ReplayFailed(Exception):
    """The replay cannot go on. What was paid is kept, and starting it again goes on from there."""


@dataclass(frozen=True, slots=True)
class Cast:
    """Where everybody's account lies: place in `Table.members` -> account number and home."""

    numbers: tuple[int, ...]
    homes: tuple[str, ...]


@dataclass(slots=True)
class Progress:
    """How far a replay has come."""

    paid: list[bool]
    refusals: Counter[str] = field(default_factory=Counter)
    """Rows refused, by the code of the rule."""
    times_s: list[float] = field(default_factory=list)
    """Of the payments made in this run."""

    @property
    def refused(self) -> int:
        return self.refusals.total()


class Replay:
    """One run over one table. `tell` hears each refusal, `moved` after every row how many are done."""

    def __init__(
        self, community: Community, table: Table, cast: Cast, limit: int, outcomes: Outcomes,
        tell: Callable[[Event], None], moved: Callable[[int, str], None],
    ) -> None:  # fmt: skip
        self._community = community
        self._table = table
        self._cast = cast
        self._outcomes = outcomes
        self._tell = tell
        self._moved = moved
        self._steps = steps_of(table)
        self._limit = limit
        self._schedule = Schedule(self._steps, limit)
        self._progress = Progress([False] * len(table.rows))
        self._done = 0
        self._turns = trio.Semaphore(OUTSTANDING)
        self._advanced = trio.Event()

    async def run(self, decimals: int) -> Report:
        """Pay every row and compare. Raises ReplayFailed, PipeClosed when a home ends."""
        began_s, began_cpu_s = trio.current_time(), await self._cpu_s()
        await self._pay_all()
        wall_s, cpu_s = trio.current_time() - began_s, await self._cpu_s() - began_cpu_s
        nodes_agree = await self._nodes_agree()
        balances = await self._balances()
        table, progress = self._table, self._progress
        return Report(
            rows=len(table.rows) + len(table.unreadable),
            paid=sum(progress.paid),
            refused=progress.refused,
            unreadable=len(table.unreadable),
            members=len(table.members),
            sum_minor=sum(balances[0].values()),
            decimals=decimals,
            nodes_agree=nodes_agree,
            csv_agrees=self._csv_agrees(balances),
            times_s=tuple(progress.times_s),
            wall_s=wall_s,
            cpu_s=cpu_s,
            refusals=tuple(progress.refusals.most_common()),
        )

    # Paying

    async def _pay_all(self) -> None:
        async with trio.open_nursery() as nursery:
            while self._schedule.left:
                index = self._schedule.take()
                if index is None:
                    await self._advanced.wait()
                    continue
                known = self._outcomes.known.get(self._table.rows[index].line)
                if known is not None:
                    self._settle(index, known)
                    continue
                await self._turns.acquire()
                nursery.start_soon(self._make, index)

    async def _make(self, index: int) -> None:
        row = self._table.rows[index]
        start = trio.current_time()
        try:
            await self._pay_until_settled(index, row)
        except ChildRefused as refusal:
            if refusal.code not in REFUSALS:
                raise ReplayFailed(f"line {row.line}: {refusal.message}") from None
            self._tell({"event": "refused", "line": row.line, "code": refusal.code, "message": refusal.message})
            outcome = refusal.code
        else:
            self._progress.times_s.append(trio.current_time() - start)
            outcome = PAID
        self._outcomes.note(row.line, outcome)
        self._settle(index, outcome)
        self._turns.release()

    def _settle(self, index: int, outcome: str) -> None:
        """Count a row that is final or refused, and let those that wait for it start."""
        if outcome == PAID:
            self._progress.paid[index] = True
        else:
            self._progress.refusals[outcome] += 1
        self._done += 1
        self._schedule.done(index)
        self._advanced.set()
        self._advanced = trio.Event()
        self._moved(self._done, f"{self._progress.refused} refused" if self._progress.refused else "")

    async def _pay_until_settled(self, index: int, row: Row) -> None:
        """Pay one row, again with the same ref while it only takes time. Raises ChildRefused, ReplayFailed."""
        with trio.move_on_after(PATIENCE_S):
            while True:
                try:
                    made = await self._pay(index, row)
                    if made["seen"] or await self._has_arrived(index, made["id"]):
                        return
                except ChildRefused as refusal:
                    if refusal.code not in PASSING:
                        raise
                await trio.sleep(PAUSE_S)
        raise ReplayFailed(f"the payment of line {row.line} was not final within {PATIENCE_S:.0f} seconds")

    async def _pay(self, index: int, row: Row) -> dict[str, Any]:
        step = self._steps[index]
        return await self._community.ask(
            self._cast.homes[step.payer], "row", payer=self._cast.numbers[step.payer],
            payee=self._cast.numbers[step.payee], amount=row.amount, memo=row.memo, ref=self._table.ref(row),
            timeout_s=ROW_S,
        )  # fmt: skip

    async def _has_arrived(self, index: int, id: str) -> bool:
        """Ask the payee's home itself: after a restart nobody acknowledges again what was acknowledged before."""
        home = self._cast.homes[self._steps[index].payee]
        return bool((await self._community.ask(home, "holds", id=id))["final"])

    # Comparing

    async def _cpu_s(self) -> float:
        """CPU time of all homes and of this process."""
        own = resource.getrusage(resource.RUSAGE_SELF)
        homes = await self._community.ask_all("usage")
        return own.ru_utime + own.ru_stime + sum(float(answer["cpu_s"]) for answer in homes.values())

    async def _nodes_agree(self) -> bool:
        """Tell whether all nodes come to hold the same, and all sums are nothing."""
        with trio.move_on_after(AGREE_S):
            while True:
                answers = list((await self._community.ask_all("agreement")).values())
                if len({answer["root"] for answer in answers}) == 1:
                    return len(answers) == len(self._community.members) and not any(one["sum"] for one in answers)
                await trio.sleep(PAUSE_S)
        return False

    async def _balances(self) -> list[dict[int, int]]:
        answers = await self._community.ask_all("all-balances")
        return [dict(answer["balances"]) for answer in answers.values()]

    def _csv_agrees(self, balances: Sequence[dict[int, int]]) -> bool:
        """Compare every balance at every node with plain sums over the paid rows, and the refusals with theirs."""
        paid = self._progress.paid
        wanted = {self._cast.numbers[who]: sum for who, sum in plain_sums(self._steps, paid).items() if sum}
        found = [{number: sum for number, sum in each.items() if sum} for each in balances]
        return all(each == wanted for each in found) and foresee(self._steps, self._limit) == paid
