"""Hosts of a running wallet: a card lets one in, who was away is told, and what cannot be let in changes nothing."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from errno import ENOSPC
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing

from node import wallclock
from node.config import read_config
from node.hosting.home import new_card
from node.rebuilding import rebuild
from node.store import has_community, open_store
from protocol.addresses import peer_key
from protocol.base import COMMONS, AccountId
from protocol.host_card import HostCard
from protocol.knocks import Turned, encode_reply
from protocol.record import Kind, SignedRecord, slots_max
from protocol.signing import SecretKey
from tests.builders import key
from tests.node.boards import board_of
from wallet import keystore
from wallet.accounts import Keyring
from wallet.errors import BadRequest, HostRefused, Locked, NotPublished, NotSteward
from wallet.founding import Terms
from wallet.home import Home
from wallet.hosts import keeping
from wallet.hosts.founding import Wish, found_with_hosts
from wallet.hosts.keeping import LAST_WAIT_S, HostKeeper
from wallet.hosts.kept import card_record, keep_hosts, read_hosts

from .hosts import EXPIRES, NOW, Asker, Street, WaitingHost


class Running:
    """A founder's home that is up, as far as hosts are concerned: node and wallet in one."""

    def __init__(self, root: Path, street: Street) -> None:
        self.home = Home(root)
        self.store = open_store(root)
        self.journal = self.store.journal
        self.ledger = rebuild(self.journal)
        self.board = board_of(self.ledger)
        self.config = read_config(root)
        self.peer_id = self.store.identity.peer_id
        self.transport = Asker(street, self.peer_id)
        self.is_witness = True
        self.locked = False
        self.linked: list[str] = []
        self._keys = Keyring(keystore.load(self.home, None).entropy)
        self.keeper = HostKeeper(self.home, self, self)  # type: ignore[arg-type]  # what it needs of both

    async def publish(self, signed: SignedRecord) -> str | None:
        await trio.lowlevel.checkpoint()
        fault = self.board.fault(signed, wallclock.now_s())
        self.board.take([signed], wallclock.now_s())
        return fault

    def connected(self) -> list[str]:
        return self.linked

    async def wait_unlocked(self) -> None:
        await trio.lowlevel.checkpoint()

    def accounts(self) -> Sequence[AccountId]:
        return (AccountId(1),)

    def steward_key(self, account: AccountId) -> SecretKey:
        if self.locked:
            raise Locked("The wallet is locked.")
        return self._keys.steward_key(0)

    def facts(self) -> Any:
        """All that letting a host in could change."""
        return read_hosts(self.home), self.board.of_kind(Kind.CARD), read_config(self.home.root)


@pytest.fixture
def street(monkeypatch: pytest.MonkeyPatch) -> Iterator[Street]:
    made = Street()
    monkeypatch.setattr(wallclock, "now_s", lambda: made.now)
    yield made
    made.close()


@pytest.fixture
def witness(street: Street, tmp_path: Path) -> WaitingHost:
    return street.settle(tmp_path / "witness")


@pytest.fixture
def archive(street: Street, tmp_path: Path) -> WaitingHost:
    return street.settle(tmp_path / "archive", witness=False)


@pytest.fixture
async def ana(street: Street, witness: WaitingHost, tmp_path: Path) -> AsyncIterator[Running]:
    """Has founded with one host, which went away before it could be told."""
    answer = witness.vacant.answer

    async def signs_and_goes(client: str, frame: bytes) -> bytes | None:
        witness.away = "no answer"
        return await answer(client, frame)

    witness.vacant.answer = signs_and_goes  # type: ignore[method-assign]
    wish = Wish(Terms("Elm", "hours", 2, 2000), "ana", (witness.card,))
    await found_with_hosts(tmp_path / "ana", wish, street.knock_from)
    witness.vacant.answer = answer  # type: ignore[method-assign]
    running = Running(tmp_path / "ana", street)
    yield running
    running.journal.close()


@asynccontextmanager
async def up(ana: Running) -> AsyncIterator[None]:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(ana.keeper.run)
        await trio.testing.wait_all_tasks_blocked()
        yield
        nursery.cancel_scope.cancel()


async def test_a_host_that_was_away_is_told_once_it_is_there(
    ana: Running, witness: WaitingHost, autojump_clock: trio.testing.MockClock
) -> None:
    assert [(host.card.peer, host.is_told) for host in ana.keeper.listed()] == []
    async with up(ana):
        assert [(host.card.peer, host.is_told) for host in ana.keeper.listed()] == [(witness.card.peer, False)]
        witness.away = ""
        await trio.sleep(LAST_WAIT_S)
    assert has_community(witness.store.journal)
    assert [host.is_told for host in ana.keeper.listed()] == [True]
    assert not ana.home.hosts.exists(), "nothing is left to be done, and no key to be kept"


async def test_a_host_that_links_knows_and_is_not_asked(
    ana: Running, witness: WaitingHost, autojump_clock: trio.testing.MockClock
) -> None:
    asked, ana.linked = witness.asked, [witness.card.peer]
    async with up(ana):
        await trio.sleep(LAST_WAIT_S)
    assert witness.asked == asked and not ana.home.hosts.exists()


async def test_a_card_lets_an_archive_in(
    ana: Running, witness: WaitingHost, archive: WaitingHost, autojump_clock: trio.testing.MockClock
) -> None:
    async with up(ana):
        host = await ana.keeper.add(archive.card)
    assert host.is_told and has_community(archive.store.journal)
    assert archive.card.peer in {card.peer for author, card in ana.board.cards(NOW) if author == COMMONS}
    assert f"{archive.card.addresses[0]}/p2p/{archive.card.peer}" in read_config(ana.home.root).peers
    assert f"{witness.card.addresses[0]}/p2p/{witness.card.peer}" in read_config(archive.home).peers
    assert [card.peer for card in read_hosts(ana.home).untold] == [witness.card.peer]


async def test_an_archive_that_is_away_is_let_in_and_told_later(
    ana: Running, archive: WaitingHost, autojump_clock: trio.testing.MockClock
) -> None:
    archive.away = "refused"
    async with up(ana):
        assert not (await ana.keeper.add(archive.card)).is_told
        archive.away = ""
        await trio.sleep(LAST_WAIT_S)
    assert has_community(archive.store.journal)


async def test_who_was_away_is_still_told_after_a_restart(
    ana: Running, archive: WaitingHost, street: Street, autojump_clock: trio.testing.MockClock
) -> None:
    archive.away = "refused"
    await ana.keeper.add(archive.card)
    archive.away = ""
    ana.keeper = HostKeeper(ana.home, ana, ana)  # type: ignore[arg-type]
    async with up(ana):
        await trio.sleep(LAST_WAIT_S)
    assert has_community(archive.store.journal)


async def test_a_host_of_another_community_is_said_to_be_one_and_nothing_changes(
    ana: Running, archive: WaitingHost
) -> None:
    archive.answers = lambda *_: encode_reply(Turned("founded"))
    before = ana.facts()
    with pytest.raises(HostRefused, match="serves another community"):
        await ana.keeper.add(archive.card)
    assert ana.facts() == before


async def test_a_host_for_whose_card_the_board_has_no_room_is_refused_and_nothing_changes(
    ana: Running, archive: WaitingHost, autojump_clock: trio.testing.MockClock
) -> None:
    community, steward = ana.ledger.commons.community, ana.steward_key(AccountId(1))
    for number in range(slots_max(COMMONS, Kind.CARD)):
        other = replace(archive.card, transport_key=key(f"host {number}").public)
        await ana.publish(card_record(other, community, steward, 0, None, NOW))
    async with up(ana):
        before, asked = ana.facts(), archive.asked
        with pytest.raises(NotPublished, match="no more are kept"):
            await ana.keeper.add(archive.card)
        assert (ana.facts(), archive.asked) == (before, asked)


async def test_a_card_that_cannot_be_put_up_keeps_no_other_from_the_board(
    ana: Running, archive: WaitingHost, autojump_clock: trio.testing.MockClock
) -> None:
    kept = read_hosts(ana.home)
    stale = card_record(archive.card, ana.ledger.commons.community, key("no steward"), 0, None, NOW)
    keep_hosts(ana.home, replace(kept, records=(stale, *kept.records)))
    ana.keeper = HostKeeper(ana.home, ana, ana)  # type: ignore[arg-type]
    async with up(ana):
        assert [ana.board.get(signed.slot) for signed in kept.records] == list(kept.records)
        assert read_hosts(ana.home).records == (stale,)


async def test_a_full_disk_ends_nothing_and_hosts_are_told_once_there_is_room(
    ana: Running, witness: WaitingHost, autojump_clock: trio.testing.MockClock
) -> None:
    witness.away = ""

    def is_full(*_: Any) -> None:
        raise OSError(ENOSPC, "No space left on device")

    disk = pytest.MonkeyPatch()
    disk.setattr(keeping, "keep_hosts", is_full)
    async with up(ana):
        assert not has_community(witness.store.journal)
        disk.undo()
        await trio.sleep(2 * LAST_WAIT_S)
    assert has_community(witness.store.journal) and not ana.home.hosts.exists()


async def test_a_host_that_moved_is_reached_where_its_new_card_says(
    ana: Running, archive: WaitingHost, autojump_clock: trio.testing.MockClock
) -> None:
    async with up(ana):
        await ana.keeper.add(archive.card)
        asked = archive.asked
        host = await ana.keeper.add(replace(archive.card, addresses=("/dns/oak.example/tcp/80",), seed=bytes(32)))
    assert host.card.addresses == ("/dns/oak.example/tcp/80",) and host.is_told and archive.asked == asked
    assert f"/dns/oak.example/tcp/80/p2p/{archive.card.peer}" in read_config(ana.home.root).peers


async def test_a_witness_that_moved_may_show_its_card_but_no_other_key(
    ana: Running, witness: WaitingHost, autojump_clock: trio.testing.MockClock
) -> None:
    ana.linked = [witness.card.peer]
    async with up(ana):
        moved = replace(witness.card, addresses=("/dns/oak.example/tcp/80",), seed=bytes(32))
        assert (await ana.keeper.add(moved)).card.addresses == moved.addresses
        with pytest.raises(BadRequest, match="offers a witness"):
            await ana.keeper.add(replace(moved, witness=key("mallory").public))


async def test_a_new_card_of_a_host_that_was_not_told_takes_the_place_of_the_old_one(
    ana: Running, archive: WaitingHost
) -> None:
    archive.away = "refused"
    await ana.keeper.add(archive.card)
    fresh = new_card(archive.home, EXPIRES)
    await ana.keeper.add(fresh)
    assert [card for card in read_hosts(ana.home).untold if card.peer == fresh.peer] == [fresh]


def _card(case: str, witness: HostCard, archive: HostCard, own: str) -> HostCard:
    match case:
        case "a witness's card":
            return replace(witness, expires=EXPIRES)
        case "an expired card":
            return replace(archive, expires=NOW)
        case "its own card":
            return replace(archive, transport_key=peer_key(own))
    return archive


@pytest.mark.parametrize(
    ("case", "error", "words"),
    [
        ("a witness's card", BadRequest, "offers a witness"),
        ("an expired card", BadRequest, "has expired"),
        ("its own card", BadRequest, "this node's own"),
        ("a locked wallet", Locked, "locked"),
        ("no steward", NotSteward, "Only a steward"),
    ],
)
async def test_what_cannot_be_let_in_changes_nothing(
    ana: Running, witness: WaitingHost, archive: WaitingHost, case: str, error: type[Exception], words: str
) -> None:
    ana.locked = case == "a locked wallet"
    if case == "no steward":
        ana.accounts = lambda: ()  # type: ignore[method-assign]
    before, asked = ana.facts(), (witness.asked, archive.asked)
    with pytest.raises(error, match=words):
        await ana.keeper.add(_card(case, witness.card, archive.card, ana.peer_id))
    assert (ana.facts(), (witness.asked, archive.asked)) == (before, asked)
