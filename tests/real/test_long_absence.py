"""A node that was away for a month, or for longer than its card is good, catches up by itself.

The calendar of all homes in this process is moved; everything else is real.
"""

from dataclasses import dataclass
from pathlib import Path

import pytest
import trio

from node import wallclock
from protocol.base import AccountId
from protocol.ops import Admit
from tests.builders import authority
from tests.real.joiners import Founders, ask, founded, order, running, standing, until
from wallet.home import Home
from wallet.hosts import publishing
from wallet.joining.kept import begin_joining

DAY_S = 86_400


@dataclass
class Calendar:
    """What day it is for every home."""

    days: int = 0


@pytest.fixture
def calendar(monkeypatch: pytest.MonkeyPatch) -> Calendar:
    made, today = Calendar(), wallclock.now_s
    monkeypatch.setattr(wallclock, "now_s", lambda: today() + made.days * DAY_S)
    monkeypatch.setattr(publishing, "LOOK_AGAIN_S", 0.5)
    monkeypatch.setattr(publishing, "REST_S", 0.1)
    return made


async def join(town: Founders, eve: Home, *through: str) -> None:
    """Have eve become a member who knows everybody's cards."""
    begin_joining(eve, town.invite(*through), "eve", "", None)
    async with running(eve):
        await standing(eve, "asked")
        (request,) = await town.requests()
        await town.admit(request)
        await standing(eve, "open")
        with trio.fail_after(20):
            while len((await ask(eve, "status"))["peers"]) < len(town.ups):
                await trio.sleep(0.1)
        await order(eve, "pay", payee="@bob", amount="1.00", wait="final")


async def live_on(town: Founders) -> None:
    """The others pay one another, and somebody else is admitted."""
    for _ in range(5):
        await order(town.homes["bob"], "pay", payee="@cem", amount="0.50", wait="final")
    number = AccountId(len(town.steward.node.ledger.commons.members) + 1)
    await town.decide(Admit(number, "zoe", authority("zoe"), 0))


async def caught_up(town: Founders, eve: Home) -> None:
    """Wait until eve's books are as full as bob's, and pay."""
    with trio.fail_after(30):
        while (found := await ask(eve, "status"))["members"] < 5 or found["entries"] < entries(town):
            await trio.sleep(0.1)
    assert (await order(eve, "pay", payee="@cem", amount="0.25", wait="final"))["state"] in ("final", "seen")
    assert (await ask(eve, "status"))["problems"] == []


def entries(town: Founders) -> int:
    return town.ups["bob"].node.journal.counts()["entries"]


async def test_after_a_month_it_finds_the_others_also_when_who_invited_it_is_away(
    tmp_path: Path, calendar: Calendar
) -> None:
    eve = Home(tmp_path / "eve")
    async with founded(tmp_path, "ana", "bob", "cem") as town:
        await join(town, eve, "ana")
        calendar.days = 30
        await live_on(town)
        town.ups["ana"].stop.set()
        await until(lambda: not (town.homes["ana"].run / "api.json").exists())
        async with running(eve):
            await caught_up(town, eve)


async def test_after_longer_than_its_card_is_good_it_signs_a_new_one_and_is_known_again(
    tmp_path: Path, calendar: Calendar
) -> None:
    eve = Home(tmp_path / "eve")
    async with founded(tmp_path, "ana", "bob", "cem") as town:
        await join(town, eve, "ana")
        for days in (46, 92, 120):
            calendar.days = days
            await until(lambda: all(card_lasts(town, name) for name in town.ups))
        await live_on(town)
        async with running(eve):
            await caught_up(town, eve)


def card_lasts(town: Founders, name: str) -> bool:
    """Tell whether everybody holds a card of that member's node that is good for more than 40 days."""
    peer, least = town.ups[name].node.peer_id, wallclock.now_s() + 40 * DAY_S
    boards = [up.node.board for up in town.ups.values()]
    return all(any(card.expires > least for _, card in board.cards_of(peer)) for board in boards)
