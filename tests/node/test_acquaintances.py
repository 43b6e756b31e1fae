"""Who is known and whom to dial, from cards that anybody may have written; and how a node makes itself known."""

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest
import trio

from node.acquaintances import (
    ADDRESSES_MAX,
    FINDINGS_MAX,
    KNOCK_AFTER_S,
    KNOCK_WAIT_MAX_S,
    OTHERS_MAX,
    REFRESH_S,
    TICK_S,
    WITNESSES_MAX,
    Acquaintances,
)
from node.board import Board
from node.transport import NotReached
from protocol.base import COMMONS, AccountId
from protocol.bodies import ROLE_WALLET, ROLE_WITNESS, Card
from protocol.knocks import Reply, ShowRecords, Turned, Welcome, decode_knock, encode_reply
from protocol.record import Kind, SignedRecord
from tests.builders import Town, found, opened
from tests.node.boards import board_of
from tests.papers import ADDRESS, DAY_S, NOW_S, peer, record

OWN = peer("own")
MEMBERS = [f"member{number}" for number in range(40)]


class Net:
    """Stands for transport, exchange and door of one node."""

    def __init__(self, town: Town, board: Board) -> None:
        self.peer_id = OWN
        self.lists: list[list[str]] = []
        self.hurried: list[str] = []
        self.linked: set[str] = set()
        self.knocks: list[tuple[float, str]] = []
        self.shown: list[ShowRecords] = []
        self.reply: Reply | None = None
        self.on_up: list[Callable[[str], None]] = []
        self.witness = b""
        self.ledger = board._ledger()
        self.neighbours = self

    def allow(self, peers: list[str]) -> None:
        self.lists.append(peers)

    def hurry(self, peer: str) -> None:
        self.hurried.append(peer)

    def connected(self) -> set[str]:
        return self.linked

    def on_link(self, up: Callable[[str], None]) -> None:
        self.on_up.append(up)

    def get(self, peer: str) -> "Net":
        return self

    @property
    def hello(self) -> "Net":
        return self

    @asynccontextmanager
    async def knock(self, address: str, timeout_s: float) -> AsyncIterator["Net"]:
        await trio.lowlevel.checkpoint()
        self.knocks.append((trio.current_time(), address))
        if self.reply is None:
            raise NotReached("no answer")
        yield self

    async def ask(self, frame: bytes) -> bytes:
        question = decode_knock(frame)
        assert isinstance(question, ShowRecords) and self.reply is not None
        self.shown.append(question)
        return encode_reply(self.reply)


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The time of day, which a test may move."""
    now = [NOW_S]
    monkeypatch.setattr("node.wallclock.now_s", lambda: now[0])
    return now


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("node.acquaintances.REFRESH_PAUSE_S", 0.0)


@pytest.fixture
def town() -> Town:
    return found(*MEMBERS)


def a_card(town: Town, author: AccountId, name: str, addresses: Iterable[str] = (ADDRESS,), roles: int = ROLE_WALLET,
           expires: int = NOW_S + DAY_S) -> SignedRecord:  # fmt: skip
    card = Card(peer(name), roles, tuple(addresses), expires)
    return record(town, author, Kind.CARD, card.key, card.body())


def address(number: int) -> str:
    return f"/ip4/192.0.2.{number}/tcp/4001"


def started(town: Town, *cards: SignedRecord, configured: Iterable[str] = ()) -> tuple[Net, Board, Acquaintances]:
    board = board_of(opened(town, town.members[0]))
    assert board.take(cards, NOW_S) == list(cards)
    net = Net(town, board)
    return net, board, Acquaintances(list(configured), cast(Any, net), cast(Any, net), cast(Any, net), board)


def dialled(entries: Iterable[str]) -> list[str]:
    """The peers among entries that have an address."""
    return list(dict.fromkeys(entry.rpartition("/p2p/")[2] for entry in entries if not entry.startswith("/p2p/")))


async def test_without_cards_the_list_is_the_configured_one_and_the_transport_is_left_alone(town: Town) -> None:
    net, _, who = started(town, configured=[f"{ADDRESS}/p2p/{peer('friend')}", f"/p2p/{peer('other')}"])
    who.refresh()
    assert net.lists == [] and list(who.problems()) == []


async def test_whoever_has_a_valid_card_is_known_and_dialled_where_its_card_says(town: Town) -> None:
    net, board, who = started(town, configured=[f"/p2p/{peer('friend')}"])
    board.take([a_card(town, AccountId(1), "node"), a_card(town, AccountId(2), "mute", ())], NOW_S)
    assert net.lists[-1] == [
        f"/p2p/{peer('friend')}", f"{ADDRESS}/p2p/{peer('node')}", f"/p2p/{peer('node')}", f"/p2p/{peer('mute')}"
    ]  # fmt: skip
    again = len(net.lists)
    who.refresh()
    assert len(net.lists) == again, "it is told of changes only"


async def test_a_card_that_expired_or_was_withdrawn_makes_nobody_known(town: Town, clock: list[int]) -> None:
    net, board, who = started(town, a_card(town, AccountId(1), "node", expires=NOW_S + 60))
    assert dialled(net.lists[-1]) == [peer("node")]
    clock[0] += 60
    who.refresh()
    assert net.lists[-1] == []
    board.take([a_card(town, AccountId(2), "other")], NOW_S)
    assert dialled(net.lists[-1]) == [peer("other")]
    gone = record(town, AccountId(2), Kind.CARD, peer("other").encode(), b"", counter=2)
    board.take([gone], NOW_S)
    assert net.lists[-1] == []


async def test_cards_that_change_all_the_time_are_followed_now_and_then(
    town: Town, autojump_clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("node.acquaintances.REFRESH_PAUSE_S", 0.25)
    net, board, who = started(town)
    async with keeping(who):
        for number in range(40):
            await trio.sleep(0.02)
            board.take([a_card(town, AccountId(number + 1), f"node{number}")], NOW_S)
        assert 2 <= len(net.lists) <= 4
        await trio.sleep(TICK_S)
        assert {entry.rpartition("/p2p/")[2] for entry in net.lists[-1]} == {peer(f"node{n}") for n in range(40)}


async def test_this_nodes_own_card_is_never_dialled(town: Town) -> None:
    net, _, _ = started(town, a_card(town, AccountId(1), "own"))
    assert net.lists == []


async def test_all_witnesses_are_dialled_and_some_others_not_the_same_ones_everywhere(town: Town) -> None:
    cards = [a_card(town, AccountId(n + 1), f"node{n}") for n in range(30)]
    cards += [a_card(town, AccountId(n + 1), f"witness{n}", roles=ROLE_WITNESS) for n in range(4)]
    net, board, _ = started(town, *cards)
    chosen = dialled(net.lists[-1])
    assert set(chosen[:4]) == {peer(f"witness{n}") for n in range(4)} and len(chosen) == 4 + OTHERS_MAX
    assert len({entry.rpartition("/p2p/")[2] for entry in net.lists[-1]}) == 34, "all may connect"
    other = Net(town, board)
    other.peer_id = peer("elsewhere")
    Acquaintances([], cast(Any, other), cast(Any, other), cast(Any, other), board)
    assert set(dialled(other.lists[-1])) != set(chosen)


async def test_members_who_call_their_nodes_witnesses_do_not_crowd_out_those_of_the_stewards(town: Town) -> None:
    fakes = [a_card(town, AccountId(n + 1), f"fake{n}-{m}", roles=ROLE_WITNESS) for n in range(40) for m in range(8)]
    real = a_card(town, COMMONS, "real", roles=ROLE_WITNESS)
    net, board, who = started(town, *fakes, real)
    chosen = dialled(net.lists[-1])
    assert len(chosen) == WITNESSES_MAX and chosen[0] == peer("real")
    left_out = next(name for n in range(40) if peer(name := f"fake{n}-0") not in chosen)
    net.witness = bytes(net.ledger.commons.witnesses[0])
    net.on_up[0](peer(left_out))
    who.refresh()
    assert peer(left_out) in dialled(net.lists[-1])[:2], "it proved on a link what it is"


async def test_of_many_addresses_for_one_peer_the_stewards_are_first_and_so_many_are_kept(town: Town) -> None:
    cards = [a_card(town, AccountId(n), "node", map(address, range(4 * n, 4 * n + 4))) for n in range(1, 5)]
    net, _, _ = started(town, *cards, a_card(town, COMMONS, "node", [address(200)]))
    entries = [entry for entry in net.lists[-1] if not entry.startswith("/p2p/")]
    assert len(entries) == ADDRESSES_MAX and entries[0] == f"{address(200)}/p2p/{peer('node')}"


async def test_nobody_crowds_out_the_addresses_of_a_peer_by_claiming_it(town: Town) -> None:
    claimed = [a_card(town, AccountId(n), "node", map(address, range(4 * n, 4 * n + 4))) for n in range(1, 4)]
    net, _, _ = started(town, *claimed, a_card(town, AccountId(9), "node", [address(200)]))
    assert f"{address(200)}/p2p/{peer('node')}" in net.lists[-1], "its owner was admitted after those who claim it"


async def test_an_address_that_nobody_can_dial_is_left_out_and_harms_nobody(town: Town) -> None:
    """Names that the library refuses pass the shape of a card."""
    bad = ["/dns/ab--cd.example/tcp/1", "/dns4/xn--a.example/tcp/1", ADDRESS]
    net, _, _ = started(town, a_card(town, AccountId(1), "node", bad), a_card(town, AccountId(2), "other"))
    assert set(dialled(net.lists[-1])) == {peer("node"), peer("other")}
    assert not any("example" in entry for entry in net.lists[-1])


async def test_a_known_peer_found_nearby_is_dialled_there_and_others_are_not(town: Town, autojump_clock: Any) -> None:
    net, board, who = started(town, a_card(town, AccountId(1), "node", ()))
    who.found_nearby(peer("node"), address(9))
    assert f"{address(9)}/p2p/{peer('node')}" in net.lists[-1]
    before = len(net.lists)
    who.found_nearby(peer("node"), address(9))
    who.found_nearby(peer("stranger"), address(9))
    who.found_nearby(peer("node"), "/dns/ab--cd.example/tcp/1")
    assert len(net.lists) == before
    for number in range(3 * FINDINGS_MAX):
        who.found_nearby(peer("node"), f"/ip4/192.0.2.1/tcp/{number + 1}")
    assert len(net.lists) <= before + FINDINGS_MAX, "anybody on the network may announce anything"


async def test_a_configured_peer_that_moved_is_found_nearby_too(town: Town, autojump_clock: Any) -> None:
    configured = f"{address(1)}/p2p/{peer('friend')}"
    net, _, who = started(town, configured=[configured])
    who.found_nearby(peer("friend"), address(2))
    assert net.lists[-1][:2] == [configured, f"{address(2)}/p2p/{peer('friend')}"]


# Making itself known


@asynccontextmanager
async def keeping(who: Acquaintances) -> AsyncIterator[None]:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(who.keep)
        yield
        nursery.cancel_scope.cancel()


async def test_a_peer_that_does_not_link_is_shown_this_nodes_cards_and_dialled_at_once_when_it_welcomes_them(
    town: Town, autojump_clock: Any
) -> None:
    own = a_card(town, AccountId(1), "own")
    net, _, who = started(town, own, a_card(town, AccountId(2), "node"), a_card(town, AccountId(3), "linked"))
    net.linked, net.reply = {peer("linked")}, Welcome()
    async with keeping(who):
        await trio.sleep(KNOCK_AFTER_S)
        assert net.knocks == []
        await trio.sleep(1)
        assert [where for _, where in net.knocks] == [f"{ADDRESS}/p2p/{peer('node')}"]
        assert net.shown == [ShowRecords(town.community, (own,))] and net.hurried == [peer("node")]
        net.linked.add(peer("node"))
        await trio.sleep(300)
        assert len(net.knocks) == 1


@pytest.mark.parametrize("reply", [Turned("unknown"), None])
async def test_who_turns_or_does_not_answer_is_knocked_at_again_and_less_and_less(
    town: Town, autojump_clock: Any, reply: Reply | None
) -> None:
    net, _, who = started(town, a_card(town, AccountId(1), "own"), a_card(town, AccountId(2), "node"))
    net.reply = reply
    async with keeping(who):
        await trio.sleep(600)
    times = [at for at, _ in net.knocks]
    waits = [after - before for before, after in zip(times, times[1:], strict=False)]
    assert waits == sorted(waits) and waits[0] < 6 and KNOCK_WAIT_MAX_S <= waits[-1] <= KNOCK_WAIT_MAX_S + 1
    assert net.hurried == []


async def test_a_node_without_a_card_knocks_nowhere_and_with_a_new_one_at_once(town: Town, autojump_clock: Any) -> None:
    net, board, who = started(town, a_card(town, AccountId(2), "node"))
    net.reply = Turned("unknown")
    async with keeping(who):
        await trio.sleep(600)
        assert net.knocks == []
        board.take([a_card(town, AccountId(1), "own")], NOW_S)
        await trio.sleep(1)
        assert len(net.knocks) == 1


async def test_every_address_of_a_peer_is_tried(town: Town, autojump_clock: Any) -> None:
    both = [address(1), address(2)]
    net, _, who = started(town, a_card(town, AccountId(1), "own"), a_card(town, AccountId(2), "node", both))
    async with keeping(who):
        await trio.sleep(3)
    assert [where for _, where in net.knocks] == [f"{one}/p2p/{peer('node')}" for one in both]


async def test_cards_that_expire_are_noticed_without_any_news(
    town: Town, autojump_clock: Any, clock: list[int]
) -> None:
    net, _, who = started(town, a_card(town, AccountId(1), "node", expires=NOW_S + 60))
    async with keeping(who):
        clock[0] += 60
        await trio.sleep(REFRESH_S + 1)
        assert net.lists[-1] == []


# What the owner is told


async def test_the_owner_is_told_when_the_nodes_card_has_expired(town: Town, clock: list[int]) -> None:
    net, board, who = started(town, a_card(town, AccountId(1), "own", expires=NOW_S + 60), a_card(town, COMMONS, "w"))
    assert list(who.problems()) == []
    clock[0] += 60
    board.sweep(clock[0])
    who.refresh()
    (words,) = who.problems()
    assert "card expired on 2027-01-15" in words
    net.linked = {peer("w")}
    assert list(who.problems()) == [], "it is linked with all it dials"


async def test_the_owner_is_told_when_others_have_cards_and_this_node_has_none(town: Town) -> None:
    net, board, who = started(town, a_card(town, COMMONS, "w"))
    (words,) = who.problems()
    assert "no card" in words
    board.take([a_card(town, AccountId(1), "own")], NOW_S)
    assert list(who.problems()) == []
    gone = record(town, AccountId(1), Kind.CARD, OWN.encode(), b"", counter=2)
    board.take([gone], NOW_S)
    (words,) = who.problems()
    assert "no card" in words
