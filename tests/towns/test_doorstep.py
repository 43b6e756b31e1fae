"""Who knocks gets what is his: a stranger, a requester, members of all kinds, foreigners, and copied proofs."""

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import trio

from node.journal import JournalFailed
from node.strangers.doorstep import LINES_MAX, PAGE_BYTES, PATIENCE_S, REST, WAITING_MAX
from node.strangers.requests import ADMITTED_KEPT_S
from protocol.base import COMMONS, AccountId, CommunityId, Malformed, Signature
from protocol.bodies import Profile
from protocol.bundles import Bundle
from protocol.knocks import (
    AskAcceptance,
    BeFounded,
    CommonsPage,
    Knock,
    LeaveRequest,
    ReadCommons,
    Reply,
    ShowRecords,
    Turned,
    Welcome,
    decode_reply,
    encode_knock,
    knock_content,
)
from protocol.messages import FRAME_BYTES_MAX
from protocol.ops import Suspend
from protocol.record import Kind, SignedRecord
from protocol.request import Request
from protocol.signing import SecretKey, Tag, sign
from tests.builders import Town, charge, found, key
from tests.papers import NOW_S, SEED, card, peer, record, request, signed_request, voucher
from tests.towns.memory_town import MemoryTown, memory_town

SERVER = "w0"


@pytest.fixture(autouse=True)
def _today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("node.wallclock.now_s", lambda: NOW_S)


@dataclass
class Door:
    """The doorstep of one node, and what knocks at it are made of."""

    built: MemoryTown
    town: Town
    client: str

    async def ask(self, knock: Knock | bytes, client: str | None = None) -> Reply:
        frame = knock if isinstance(knock, bytes) else encode_knock(knock)
        answer = self.built.network.ends[SERVER].answer
        assert answer is not None
        reply = await answer(client or self.client, frame)
        assert reply is not None
        return decode_reply(reply)

    def proof(self, seed: bytes = SEED, server: str = SERVER, client: str | None = None) -> Signature:
        content = knock_content(server, client or self.client)
        return sign(SecretKey.from_seed(seed), Tag.KNOCK, self.town.community, content)

    def show(self, *records: SignedRecord, community: CommunityId | None = None) -> ShowRecords:
        return ShowRecords(community or self.town.community, records)

    def read(self, first_seq: int = 0, **changes: Any) -> ReadCommons:
        asked = ReadCommons(self.town.community, voucher(self.town), self.proof(), first_seq)
        return replace(asked, **changes)

    def leave(self, asked: Request | None = None, **changes: Any) -> LeaveRequest:
        asked = asked or request(self.town, voucher(self.town), "eve")
        return replace(LeaveRequest(self.town.community, asked, self.proof()), **changes)

    def untouched(self) -> bool:
        node = self.built.node(SERVER)
        return node.board.authors() == [] and node.requests.live(NOW_S) == []


@asynccontextmanager
async def door_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Door]:
    """A node of a town with members of every kind; sid is suspended, fritz frozen."""
    town = found("ana", "sid", "fritz", limit=1000)
    async with memory_town(town, tmp_path, SERVER, monkeypatch) as built:
        await built.up()
        signed, certificate = town.decide(Suspend(town["sid"], 1), Suspend(town["fritz"], 2))
        await built.node(SERVER).bookkeeper.submit(Bundle((signed,), (certificate,)))
        yield Door(built, town, peer("eve"))


Make = Callable[[Door], Knock | bytes]


def _named_otherwise(door: Door) -> Request:
    asked = request(door.town, voucher(door.town), "eve")
    return signed_request(door.town, replace(asked, handle="ana"), SEED, "eve")


FOREIGN = CommunityId(bytes(32))
TURNED: dict[str, tuple[str, Make]] = {
    "what cannot be read": ("question", lambda door: b"\xc1"),
    "nothing": ("question", lambda door: b""),
    "a card of another community": ("foreign", lambda door: door.show(community=FOREIGN)),
    "no card": ("record", lambda door: door.show()),
    "another peer's card": ("record", lambda door: door.show(card(door.town, door.town["ana"], "mallory"))),
    "an expired card": ("record", lambda door: door.show(card(door.town, door.town["ana"], "eve", NOW_S))),
    "a card signed by somebody else": ("record", lambda door: door.show(forged_card(door))),
    "a card of somebody who was not admitted": ("unknown", lambda door: door.show(strangers_card(door))),
    "a record that is no card": ("record", lambda door: door.show(profile(door))),
    "reading of another community": ("foreign", lambda door: door.read(community=FOREIGN)),
    "reading with another client's proof": ("proof", lambda door: door.read(proof=door.proof(client=peer("mallory")))),
    "reading with a proof for another server": ("proof", lambda door: door.read(proof=door.proof(server="w1"))),
    "reading with a proof by another key": ("proof", lambda door: door.read(proof=door.proof(bytes(32)))),
    "reading on an expired invite": ("expired", lambda door: door.read(voucher=voucher(door.town, expires=NOW_S))),
    "reading on an altered invite": (
        "altered", lambda door: door.read(voucher=replace(voucher(door.town), limit=9_999)),
    ),
    "reading on an invite of nobody's": ("altered", lambda door: door.read(voucher=voucher(door.town, by=key("eve")))),
    "reading on a suspended member's invite": (
        "suspended", lambda door: door.read(voucher=voucher(door.town, door.town["sid"])),
    ),
    "reading on a frozen member's invite": (
        "suspended", lambda door: door.read(voucher=voucher(door.town, door.town["fritz"])),
    ),
    "a request to another community": ("foreign", lambda door: door.leave(community=FOREIGN)),
    "a request with a copied proof": ("proof", lambda door: door.leave(proof=door.proof(client=peer("mallory")))),
    "a request under a member's handle": ("handle_taken", lambda door: door.leave(_named_otherwise(door))),
    "a request that was altered": (
        "signature", lambda door: door.leave(replace(request(door.town, voucher(door.town), "eve"), greeting="!")),
    ),
    "an expired request": (
        "expired", lambda door: door.leave(request(door.town, voucher(door.town), "eve", expires=NOW_S)),
    ),
    "a founding": ("founded", lambda door: BeFounded(Bundle(), (), (), door.proof())),
    "a question for a witness's acceptance": ("founded", lambda door: AskAcceptance(b"", door.proof())),
}  # fmt: skip


def forged_card(door: Door) -> SignedRecord:
    good = card(door.town, door.town["ana"], "eve")
    return SignedRecord(good.record, card(door.town, door.town["sid"], "eve").signatures)


def strangers_card(door: Door) -> SignedRecord:
    good = card(door.town, door.town["ana"], "eve")
    return SignedRecord(replace(good.record, author=AccountId(99)), good.signatures)


def profile(door: Door) -> SignedRecord:
    return record(door.town, door.town["ana"], Kind.PROFILE, b"", Profile("Ana").body())


@pytest.mark.parametrize("case", TURNED)
async def test_who_asks_for_what_is_not_his_is_told_why_and_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: Any, case: str
) -> None:
    code, make = TURNED[case]
    async with door_of(tmp_path, monkeypatch) as door:
        assert await door.ask(make(door)) == Turned(code)
        assert door.untouched()


@pytest.mark.parametrize("author", ["ana", "sid", "fritz", "commons"])
async def test_a_card_of_any_member_or_of_a_steward_makes_its_peer_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: Any, author: str
) -> None:
    async with door_of(tmp_path, monkeypatch) as door:
        by = COMMONS if author == "commons" else door.town[author]
        shown = card(door.town, by, "eve")
        assert await door.ask(door.show(profile(door), shown, card(door.town, by, "mallory"))) == Welcome()
        board = door.built.node(SERVER).board
        assert [(found_by, found.peer) for found_by, found in board.cards(NOW_S)] == [(by, peer("eve"))]
        assert board.all_of(by) == [shown], "and nothing else is taken from who shows it"
        assert await door.ask(door.show(shown)) == Welcome(), "also when it is known already"


async def test_who_was_invited_reads_account_0_from_any_place_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: Any
) -> None:
    async with door_of(tmp_path, monkeypatch) as door:
        opened = door.town.open("ana")
        await door.built.node(SERVER).bookkeeper.submit(Bundle((opened,), (door.town.certificate(opened),)))
        page = await door.ask(door.read())
        assert isinstance(page, CommonsPage) and page.height == 1
        assert [(signed.account, signed.seq) for signed in page.bundle.entries] == [(0, 0), (0, 1)]
        assert [certificate.place.seq for certificate in page.bundle.certificates] == [1]
        rest = await door.ask(door.read(1))
        assert isinstance(rest, CommonsPage) and [signed.seq for signed in rest.bundle.entries] == [1]
        assert await door.ask(door.read(2)) == CommonsPage(Bundle(), 1)
        members = await door.ask(door.read(voucher=voucher(door.town, door.town["ana"])))
        assert members == page, "on a member's invite, too"


async def test_who_was_admitted_while_away_hears_of_it_on_an_invite_that_has_ended_since(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: Any
) -> None:
    async with door_of(tmp_path, monkeypatch) as door:
        assert await door.ask(door.leave()) == Welcome()
        signed, certificate = door.town.decide(door.town.admit("eve"))
        await door.built.node(SERVER).bookkeeper.submit(Bundle((signed,), (certificate,)))
        ended = voucher(door.town).expires
        monkeypatch.setattr("node.wallclock.now_s", lambda: ended)
        other = voucher(door.town, seed=bytes(32))
        assert await door.ask(door.read(voucher=other, proof=door.proof(bytes(32)))) == Turned("expired")
        page = await door.ask(door.read())
        assert isinstance(page, CommonsPage) and page.height == 2
        monkeypatch.setattr("node.wallclock.now_s", lambda: ended + ADMITTED_KEPT_S)
        door.built.node(SERVER).requests.sweep(ended + ADMITTED_KEPT_S)
        assert await door.ask(door.read()) == Turned("expired"), "but not for ever"


async def test_much_is_read_page_by_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: Any) -> None:
    async with door_of(tmp_path, monkeypatch) as door:
        door_of_it = door.built.node(SERVER).bookkeeper
        for _ in range(200):
            charges = [charge(door.town["ana"], COMMONS, 1, "x" * 60) for _ in range(40)]
            signed, certificate = door.town.decide(*charges)
            await door_of_it.submit(Bundle((signed,), (certificate,)))
        read, pages = 0, 0
        while True:
            page = await door.ask(door.read(read))
            assert isinstance(page, CommonsPage)
            if not page.bundle.entries:
                break
            assert [signed.seq for signed in page.bundle.entries] == list(range(read, read + len(page.bundle.entries)))
            assert sum(len(signed.encode()) for signed in page.bundle.entries) < PAGE_BYTES + 65_536 < FRAME_BYTES_MAX
            read, pages = read + len(page.bundle.entries), pages + 1
        assert read == page.height + 1 == 202 and pages > 1


async def test_a_request_is_left_once_and_leaving_it_again_is_no_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: Any
) -> None:
    async with door_of(tmp_path, monkeypatch) as door:
        asked = request(door.town, voucher(door.town), "eve")
        assert await door.ask(door.leave(asked)) == Welcome()
        assert await door.ask(door.leave(asked)) == Welcome()
        assert door.built.node(SERVER).requests.live(NOW_S) == [asked]
        other = request(door.town, voucher(door.town), "fay")
        assert await door.ask(door.leave(other)) == Turned("used_up")
        await door.built.crash(SERVER)
        await door.built.up(SERVER)
        assert door.built.node(SERVER).requests.live(NOW_S) == [asked], "it survives a crash"


async def test_nobody_is_welcomed_before_it_is_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: Any
) -> None:
    async with door_of(tmp_path, monkeypatch) as door:
        keeper = door.built.node(SERVER)._keeper

        def failing(changes: object) -> None:
            raise JournalFailed("the disk is full")

        monkeypatch.setattr(keeper._store, "write", failing)
        assert await door.ask(door.leave()) == Turned("busy")
        monkeypatch.undo()


# Swarms


async def test_strangers_have_a_tenth_of_the_time_however_many_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: Any
) -> None:
    async with door_of(tmp_path, monkeypatch) as door:
        times: list[float] = []

        def slowly(*_: object) -> None:
            times.append(trio.current_time())
            autojump_clock.jump(0.02)
            raise Malformed("for a test")

        monkeypatch.setattr("node.strangers.doorstep.decode_knock", slowly)
        replies: list[Reply] = []

        async def ask(number: int) -> None:
            replies.append(await door.ask(b"", peer(f"stranger {number}")))

        async with trio.open_nursery() as nursery:
            for number in range(2 * WAITING_MAX):
                nursery.start_soon(ask, number)
        assert all(after - before > 0.02 * (1 + REST) - 1e-6 for before, after in zip(times, times[1:], strict=False))
        assert Turned("busy") in replies and len(replies) == 2 * WAITING_MAX
        monkeypatch.undo()
        monkeypatch.setattr("node.wallclock.now_s", lambda: NOW_S)
        await trio.sleep(1)
        assert await door.ask(door.leave()) == Welcome(), "and who comes after them is answered"


async def test_an_answer_that_was_cut_short_is_paid_for_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: Any
) -> None:
    async with door_of(tmp_path, monkeypatch) as door:
        shelf = door.built.node(SERVER).doorstep.shelf
        read = shelf.span

        def slowly(*asked: Any) -> Bundle:
            autojump_clock.jump(1 + PATIENCE_S)
            return read(*asked)

        monkeypatch.setattr(shelf, "span", slowly)
        assert await door.ask(door.read()) == Turned("busy")
        monkeypatch.setattr(shelf, "span", read)
        assert await door.ask(door.read()) == Turned("busy"), "there is a rest after it"
        await trio.sleep(REST * (1 + PATIENCE_S))
        assert isinstance(await door.ask(door.read()), CommonsPage)


async def test_who_leaves_while_he_waits_takes_no_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: Any
) -> None:
    async with door_of(tmp_path, monkeypatch) as door:
        doorstep = door.built.node(SERVER).doorstep
        doorstep._rested_at = trio.current_time() + 1
        async with trio.open_nursery() as nursery:
            for number in range(WAITING_MAX):
                nursery.start_soon(door.ask, door.read(), peer(f"stranger {number}"))
            await trio.sleep(0.1)
            nursery.cancel_scope.cancel()
        await trio.sleep(2)
        assert isinstance(await door.ask(door.read()), CommonsPage)


async def test_a_swarm_writes_few_lines_into_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async with door_of(tmp_path, monkeypatch) as door:
        with caplog.at_level(logging.INFO, "tallystick.doorstep"):
            for number in range(5 * LINES_MAX):
                await door.ask(b"", peer(f"stranger {number}"))
        lines = [line for line in caplog.records if line.name == "tallystick.doorstep"]
        assert len(lines) == LINES_MAX
