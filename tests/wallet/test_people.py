"""What members say of themselves: published by their own key, read back by everybody, and never more than words."""

from dataclasses import dataclass

import pytest

from node.board.board import Board
from protocol.base import AccountId
from protocol.bodies import Offer
from protocol.commons import FROZEN, SUSPENDED
from protocol.ledger import Ledger
from protocol.ops import Reinstate, Suspend
from protocol.record import SLOTS_MAX, Kind, SignedRecord
from protocol.signing import SecretKey
from tests.builders import Town, decide, found, key, opened
from tests.node.boards import board_of
from tests.papers import DAY_S, NOW_S
from wallet.errors import BadRequest, Frozen, Locked, NotFound, NotPublished, Suspended
from wallet.people.people import People

BREAD = Offer("Rye bread", "food", "baked on Fridays", 250, NOW_S + DAY_S)


@dataclass
class BoardNode:
    """A node that has a real ledger and a real board, and nobody to talk to."""

    ledger: Ledger
    board: Board

    async def publish(self, signed: SignedRecord) -> str | None:
        words = self.board.fault(signed, NOW_S)
        self.board.take([signed], NOW_S)
        return words


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("node.wallclock.now_s", lambda: NOW_S)


@pytest.fixture
def town() -> Town:
    return found("bob", "b0b", "cem")


@pytest.fixture
def node(town: Town) -> BoardNode:
    ledger = opened(town)
    return BoardNode(ledger, board_of(ledger))


@pytest.fixture
def people(town: Town, node: BoardNode) -> People:
    def key_of(account: AccountId) -> SecretKey:
        return key(town.members[account - 1])

    return People(node, key_of)


async def test_a_name_is_published_changed_and_taken_back(town: Town, people: People) -> None:
    await people.rename(town["cem"], "Cem's bikes", "repairs on Saturdays")
    await people.rename(town["cem"], "Cem", "repairs on Sundays")
    called = people.called()[town["cem"]]
    assert (called.handle, called.name, called.about, called.alike) == ("cem", "Cem", "repairs on Sundays", ())
    await people.rename(town["cem"], "")
    assert people.called()[town["cem"]].name is None


async def test_names_that_look_alike_are_told_to_both(town: Town, people: People) -> None:
    assert people.called()[town["bob"]].alike == ("b0b",)
    await people.rename(town["cem"], "Воb")  # the first letters are Cyrillic
    assert people.called()[town["bob"]].alike == ("b0b", "cem")
    assert people.called()[town["cem"]].alike == ("bob", "b0b")
    assert people.resembling("BOB") == ["bob", "b0b", "cem"]


async def test_offers_are_listed_until_they_are_over_or_taken_back(town: Town, people: People) -> None:
    bread = await people.offer(town["bob"], Kind.OFFER, BREAD)
    await people.offer(town["bob"], Kind.OFFER, Offer("Cake", "food", "", 0, NOW_S))
    wanted = await people.offer(town["cem"], Kind.WANT, Offer("A ladder", "", "", 0, NOW_S + DAY_S))
    assert [(one.key, one.author, one.offer.title) for one in people.offers()] == [
        (bread, town["bob"], "Rye bread"),
        (wanted, town["cem"], "A ladder"),
    ]
    await people.withdraw(town["bob"], bread.upper())
    assert [one.key for one in people.offers()] == [wanted]


async def test_nobody_takes_back_what_is_not_his(town: Town, people: People) -> None:
    bread = await people.offer(town["bob"], Kind.OFFER, BREAD)
    for account, named in ((town["cem"], bread), (town["bob"], "00000000"), (town["bob"], "bread")):
        with pytest.raises(NotFound):
            await people.withdraw(account, named)
    assert [one.key for one in people.offers()] == [bread]


@pytest.mark.parametrize("name", [" ", "x" * 65, "left\u202eright", "two\nlines", "bell\x07"])
async def test_a_name_that_no_record_may_hold_is_refused_before_it_is_signed(people: People, name: str) -> None:
    with pytest.raises(BadRequest):
        await people.rename(AccountId(1), name)
    assert people.called()[AccountId(1)].name is None


@pytest.mark.parametrize(
    "offer",
    [
        Offer("", "", "", 0, NOW_S + 1),
        Offer("x" * 81, "", "", 0, NOW_S + 1),
        Offer("x", "y" * 33, "", 0, NOW_S + 1),
        Offer("x", "", "z" * 513, 0, NOW_S + 1),
        Offer("x", "", "\u200b", 0, NOW_S + 1),
        Offer("x", "", "", 10**12 + 1, NOW_S + 1),
    ],
)
async def test_an_offer_that_no_record_may_hold_is_refused(people: People, offer: Offer) -> None:
    with pytest.raises(BadRequest):
        await people.offer(AccountId(1), Kind.OFFER, offer)
    assert people.offers() == []


async def test_what_the_node_does_not_take_is_said(town: Town, people: People) -> None:
    for _ in range(SLOTS_MAX[Kind.OFFER]):
        await people.offer(town["bob"], Kind.OFFER, BREAD)
    with pytest.raises(NotPublished, match="no more are kept"):
        await people.offer(town["bob"], Kind.OFFER, BREAD)
    assert len(people.offers()) == SLOTS_MAX[Kind.OFFER]


async def test_who_is_suspended_offers_nothing_and_who_is_frozen_says_nothing(
    town: Town, people: People, node: BoardNode
) -> None:
    bob = town["bob"]
    key_of_bread = await people.offer(bob, Kind.OFFER, BREAD)
    decide(node.ledger, town, Suspend(bob, SUSPENDED))
    with pytest.raises(Suspended, match="The stewards suspended this account: it may not publish that"):
        await people.offer(bob, Kind.OFFER, BREAD)
    await people.rename(bob, "Bob")
    decide(node.ledger, town, Suspend(bob, FROZEN))
    with pytest.raises(Frozen, match="The stewards froze this account"):
        await people.rename(bob, "Bobby")
    assert people.called()[bob].name == "Bob" and people.offers() == []
    decide(node.ledger, town, Reinstate(bob))
    assert [listed.key for listed in people.offers()] == [key_of_bread]


async def test_a_locked_wallet_publishes_nothing(node: BoardNode) -> None:
    def locked(_: AccountId) -> SecretKey:
        raise Locked("The wallet is locked, so nothing can be signed.")

    people = People(node, locked)
    with pytest.raises(Locked):
        await people.rename(AccountId(1), "Bob")
    assert people.called()[AccountId(1)].name is None


async def test_a_wallet_whose_clock_is_behind_still_replaces_its_own_words(
    town: Town, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    await people.rename(town["cem"], "Cem")
    monkeypatch.setattr("node.wallclock.now_s", lambda: NOW_S - 400 * DAY_S)
    await people.rename(town["cem"], "Cem the second")
    assert people.called()[town["cem"]].name == "Cem the second"
