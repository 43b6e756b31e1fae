"""A crash between any two steps of signing an act: no steward ever signs two acts for one round, and the wish goes on.

The process is ended by an exception that nothing here catches, at each step in turn; then the home is opened again as
its book lies on the disk, over a node that has forgotten all open acts.
"""

from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from protocol.base import AccountId
from protocol.entry import SignedEntry
from tests.builders import charge
from wallet.books.acts import ActPages, WishState
from wallet.books.book import Book
from wallet.errors import BookFailed
from wallet.stewards import ballots, stewarding

from .council import Hall, HallNode, quiet, settle_hall, sitting, unthreaded

ANA, BEN, COMMONS = AccountId(1), AccountId(2), AccountId(0)
DUES, FEE = charge(ANA, COMMONS, 5), charge(BEN, COMMONS, 7)
STEPS = (
    "before composing", "after composing", "before signing", "after signing", "before the commit", "after the commit",
    "before it is told", "before it leaves", "after it left",
)  # fmt: skip


class Crash(BaseException):
    """The process is gone."""


class Saboteur:
    """Ends the process the n-th time that it comes to a step."""

    def __init__(self, step: str, countdown: int) -> None:
        self.step, self.countdown = step, countdown

    def at(self, step: str) -> None:
        if step == self.step:
            self.countdown -= 1
            if self.countdown == 0:
                raise Crash(step)


def sabotage(patch: pytest.MonkeyPatch, saboteur: Saboteur) -> None:
    """Put the steps inside the wallet under the saboteur's hand."""

    def around(owner: object, name: str, before: str | None, after: str | None = None) -> None:
        really: Callable[..., object] = getattr(owner, name)

        def step(*arguments: object, **named: object) -> object:
            if before is not None:
                saboteur.at(before)
            result = really(*arguments, **named)
            if after is not None:
                saboteur.at(after)
            return result

        patch.setattr(owner, name, step)

    around(stewarding, "composed", "before composing", "after composing")
    around(ballots, "sign", "before signing", "after signing")
    around(Book, "commit", "before the commit", "after the commit")
    around(ActPages, "note", "before it is told")
    around(HallNode, "offer", "before it leaves", "after it left")


async def life(folder: Path, hall: Hall, wanted: list[SignedEntry] | None = None) -> bool:
    """Ana wishes for dues, and signs what Ben shows; tells whether the process lived through it."""
    try:
        async with sitting(folder, "ana", hall) as ana:
            await quiet()
            if not ana.pages.wishes:
                await ana.acts.propose([DUES])
            for signed in wanted or ():
                ana.node.place.take(signed)
                await ana.acts.agree(signed.id)
            await quiet()
    except BaseExceptionGroup as group:
        # Who waited for the clerk is told that nothing can be kept; all else would be a fault.
        crashes, others = group.split(Crash)
        if crashes is None or (others is not None and others.split(BookFailed)[1] is not None):
            raise
        return False
    except Crash:
        return False
    return True


@pytest.mark.parametrize("countdown", [1, 2, 3])
@pytest.mark.parametrize("step", STEPS)
async def test_after_a_crash_at_any_step_no_round_has_two_acts_and_the_wish_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, countdown: int
) -> None:
    unthreaded(monkeypatch)
    ticks = count(1_800_000_000)  # so that an act that was composed twice is never the same by chance
    monkeypatch.setattr("node.wallclock.now_s", lambda: next(ticks))
    hall = settle_hall(tmp_path, ["ana", "ben", "cem"], stewards=2, threshold=2)
    async with sitting(tmp_path, "ben", hall) as ben:
        hall.is_carrying = False
        await ben.propose(FEE)
        fee = ben.shown
    with monkeypatch.context() as patch:
        sabotage(patch, Saboteur(step, countdown))
        await life(tmp_path, hall, fee)
    hall.nodes.clear()
    hall.is_carrying = True
    assert await life(tmp_path, hall)
    assert hall.doubles() == []
    hall.nodes.clear()
    async with sitting(tmp_path, "ana", hall) as ana, sitting(tmp_path, "ben", hall) as ben:
        await quiet()
        mine = [wish for wish in ana.pages.open_wishes() if wish.own]
        for wish in mine:
            await ben.acts.agree(wish.id)
            await quiet()
        assert {wish.state for wish in ana.pages.wishes.values() if wish.own} == {WishState.IN_FORCE}
        assert ana.node.ledger.commons.adjust(ANA) == -5
    assert hall.doubles() == []
