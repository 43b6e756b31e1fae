"""Cards are signed when they are missing, old or no longer true, and never by a locked wallet."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from node import wallclock
from node.config import NodeConfig
from protocol.base import COMMONS, AccountId
from protocol.bodies import ROLE_ARCHIVE, ROLE_WALLET, ROLE_WITNESS, Card
from protocol.ledger import Ledger
from protocol.record import Kind, SignedRecord, read_body
from protocol.signing import SecretKey
from tests import papers
from tests.builders import Town, found, key, opened
from tests.node.boards import board_of
from wallet.errors import Locked
from wallet.hosts.publishing import CARD_S, DAY_S, Publisher, announced, card_problems

NOW = papers.NOW_S
PEER = papers.peer("own")


class Member:
    """A wallet and its node: account 1 of a town, perhaps a steward."""

    def __init__(self, *, is_steward: bool = False, is_locked: bool = False) -> None:
        self.town: Town = found("ana", "ben", witnesses=1)
        self.ledger: Ledger = opened(self.town)
        self.board = board_of(self.ledger)
        self.config = NodeConfig(Path("/nowhere"), listen_port=4100)
        self.peer_id = PEER
        self.is_witness = False
        self.published: list[SignedRecord] = []
        self.refusal: str | None = None
        self._is_steward = is_steward
        self._unlocked = trio.Event()
        if not is_locked:
            self._unlocked.set()

    # As a node

    async def publish(self, signed: SignedRecord) -> str | None:
        await trio.lowlevel.checkpoint()
        fault = self.refusal or self.board.fault(signed, wallclock.now_s())
        if fault is None:
            self.published.append(signed)
            self.board.take([signed], wallclock.now_s())
        return fault

    # As a wallet

    @property
    def locked(self) -> bool:
        return not self._unlocked.is_set()

    def unlock(self) -> None:
        self._unlocked.set()

    async def wait_unlocked(self) -> None:
        await self._unlocked.wait()

    def accounts(self) -> Sequence[AccountId]:
        return (AccountId(1),)

    def _open(self) -> None:
        if self.locked:
            raise Locked("The wallet is locked.")

    def signing_key(self, account: AccountId) -> SecretKey:
        self._open()
        return key("ana")

    def steward_key(self, account: AccountId) -> SecretKey:
        self._open()
        return key("steward" if self._is_steward else "ana's steward key")

    # For tests

    def card(self, author: int = 1) -> Card:
        signed = self.board.get((AccountId(author), Kind.CARD, PEER.encode()))
        assert signed is not None
        body = read_body(Kind.CARD, signed.record.body)
        assert isinstance(body, Card)
        return body


@dataclass
class Day:
    """The calendar of a test."""

    now: int = NOW

    def pass_days(self, days: float) -> None:
        self.now += int(days * DAY_S)


@pytest.fixture
def day(monkeypatch: pytest.MonkeyPatch) -> Day:
    made = Day()
    monkeypatch.setattr(wallclock, "now_s", lambda: made.now)
    return made


async def test_a_node_without_a_card_gets_one_for_ninety_days(day: Day) -> None:
    member = Member()
    await Publisher.of(member, member).publish_due()
    assert member.card() == Card(PEER, ROLE_WALLET, (), NOW + 90 * DAY_S)
    assert len(member.published) == 1 and member.published[0].record.counter == NOW


async def test_a_good_card_is_left_alone_also_after_a_restart(day: Day) -> None:
    member = Member()
    await Publisher.of(member, member).publish_due()
    day.pass_days(44)
    await Publisher.of(member, member).publish_due()
    assert len(member.published) == 1


async def test_half_way_it_is_signed_anew(day: Day) -> None:
    member = Member()
    publisher = Publisher.of(member, member)
    await publisher.publish_due()
    day.pass_days(45.01)
    await publisher.publish_due()
    assert len(member.published) == 2 and member.card().expires == day.now + CARD_S


async def test_a_changed_address_or_role_is_published_at_once(day: Day) -> None:
    member = Member()
    await Publisher.of(member, member).publish_due()
    member.config = replace(member.config, announce=("/ip4/192.0.2.9/tcp/4100",))
    await Publisher.of(member, member).publish_due()
    assert member.card().addresses == ("/ip4/192.0.2.9/tcp/4100",)
    member.is_witness = True
    await Publisher.of(member, member).publish_due()
    assert member.card().roles == ROLE_WALLET | ROLE_WITNESS
    assert [signed.record.counter for signed in member.published] == [NOW, NOW + 1, NOW + 2]


async def test_a_card_that_the_board_has_lost_is_published_again(day: Day) -> None:
    member = Member()
    await Publisher.of(member, member).publish_due()
    member.board = board_of(member.ledger)
    await Publisher.of(member, member).publish_due()
    assert len(member.published) == 2 and member.card().peer == PEER


async def test_a_clock_that_was_set_back_does_not_stop_a_new_card(day: Day) -> None:
    member = Member()
    await Publisher.of(member, member).publish_due()
    day.pass_days(-300)
    member.config = replace(member.config, announce=("/ip4/192.0.2.9/tcp/4100",))
    await Publisher.of(member, member).publish_due()
    assert member.published[-1].record.counter == NOW + 1


async def test_a_locked_wallet_publishes_nothing_until_it_is_unlocked(day: Day, autojump_clock: MockClock) -> None:
    member = Member(is_locked=True)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(Publisher.of(member, member).run)
        await trio.sleep(600)
        assert member.published == []
        member.unlock()
        await trio.sleep(1)
        assert len(member.published) == 1
        nursery.cancel_scope.cancel()


async def test_it_looks_again_by_itself_and_when_cards_change(day: Day, autojump_clock: MockClock) -> None:
    member = Member()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(Publisher.of(member, member).run)
        await trio.sleep(1)
        day.pass_days(50)
        await trio.sleep(70)
        assert len(member.published) == 2
        nursery.cancel_scope.cancel()


async def test_a_refusal_ends_nothing(day: Day, autojump_clock: MockClock) -> None:
    member = Member()
    member.refusal = "the disk of this node takes nothing more"
    async with trio.open_nursery() as nursery:
        nursery.start_soon(Publisher.of(member, member).run)
        await trio.sleep(1)
        assert member.published == []
        member.refusal = None
        await trio.sleep(70)
        assert len(member.published) == 1
        nursery.cancel_scope.cancel()


def host_card(town: Town, days: int) -> SignedRecord:
    shown = Card(papers.peer("host"), ROLE_ARCHIVE, (papers.ADDRESS,), NOW + days * DAY_S)
    return papers.record(town, COMMONS, Kind.CARD, shown.key, shown.body())


async def test_a_steward_renews_the_cards_of_hosts_when_half_of_their_time_is_over(day: Day) -> None:
    member = Member(is_steward=True)
    member.board.take([host_card(member.town, 90)], NOW)
    publisher = Publisher.of(member, member)
    await publisher.publish_due()
    assert [signed.record.author for signed in member.published] == [1]
    day.pass_days(46)
    await publisher.publish_due()
    (renewed,) = [signed for signed in member.published if signed.record.author == COMMONS]
    card = read_body(Kind.CARD, renewed.record.body)
    assert card == Card(papers.peer("host"), ROLE_ARCHIVE, (papers.ADDRESS,), day.now + CARD_S)


async def test_a_wallet_that_is_locked_between_two_cards_signs_no_further_one(day: Day) -> None:
    class LockingMember(Member):
        async def publish(self, signed: SignedRecord) -> str | None:
            fault = await super().publish(signed)
            if signed.record.author == COMMONS:
                self._unlocked = trio.Event()
            return fault

    member = LockingMember(is_steward=True)
    for name in ("host", "other host"):
        shown = Card(papers.peer(name), ROLE_ARCHIVE, (papers.ADDRESS,), NOW + 20 * DAY_S)
        member.board.take([papers.record(member.town, COMMONS, Kind.CARD, shown.key, shown.body())], NOW)
    with pytest.raises(Locked):
        await Publisher.of(member, member).publish_due()
    assert [signed.record.author for signed in member.published] == [1, COMMONS]


async def test_a_card_that_the_stewards_withdrew_is_not_renewed(day: Day) -> None:
    member = Member(is_steward=True)
    shown = host_card(member.town, 20)
    member.board.take([shown], NOW)
    member.board.take([papers.record(member.town, COMMONS, Kind.CARD, shown.record.key, b"", counter=2)], NOW)
    await Publisher.of(member, member).publish_due()
    assert [signed.record.author for signed in member.published] == [1]


async def test_who_is_no_steward_renews_no_host(day: Day) -> None:
    member = Member()
    member.board.take([host_card(member.town, 20)], NOW)
    await Publisher.of(member, member).publish_due()
    assert [signed.record.author for signed in member.published] == [1]


@pytest.mark.parametrize(
    ("settings", "addresses"),
    [
        ({}, ()),
        ({"announce": ("/ip4/127.0.0.1/tcp/9",)}, ("/ip4/127.0.0.1/tcp/9",)),
        ({"announce": ("/dns/elm.example/tcp/9", "/ip4/192.0.2.1/tcp/9")},
         ("/dns/elm.example/tcp/9", "/ip4/192.0.2.1/tcp/9")),
        ({"listen_host": "192.0.2.4"}, ("/ip4/192.0.2.4/tcp/4100",)),
        ({"listen_host": "::1"}, ()),
        ({"listen_host": ""}, ()),
    ],
)  # fmt: skip
def test_a_card_says_where_others_reach_the_node(settings: dict[str, object], addresses: tuple[str, ...]) -> None:
    config = replace(NodeConfig(Path("/nowhere"), listen_port=4100), **settings)  # type: ignore[arg-type]
    assert announced(config) == addresses


def test_listening_everywhere_means_the_address_of_this_computer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wallet.hosts.publishing.own_address", lambda: "192.0.2.8")
    assert announced(NodeConfig(Path("/nowhere"), "0.0.0.0", 4100)) == ("/ip4/192.0.2.8/tcp/4100",)
    monkeypatch.setattr("wallet.hosts.publishing.own_address", lambda: "127.0.0.1")
    assert announced(NodeConfig(Path("/nowhere"), "0.0.0.0", 4100)) == ()


async def test_what_is_missing_is_told_only_where_a_locked_wallet_leaves_a_node_unknown(day: Day) -> None:
    alone, locked = Member(is_locked=True), Member(is_locked=True)
    assert card_problems(alone, alone) == []
    locked.board.take([host_card(locked.town, 90)], NOW)
    (problem,) = card_problems(locked, locked)
    assert "tally unlock" in problem
    locked.unlock()
    await Publisher.of(locked, locked).publish_due()
    assert card_problems(locked, locked) == []
