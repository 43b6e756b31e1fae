"""The author's side: from a signed entry to its certificate, over links that break, witnesses that fail and disks."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import trio

from node.filesystem import StoreRefused
from node.journal import JournalFailed
from node.standing import Standing
from node.submission import RETRY_S
from protocol.asks import INSTANCE_BYTES
from protocol.base import TAIL_MAX
from protocol.messages import Answer, Bundle, Deliver, Message, Missing, Submit, decode_message, encode_message
from protocol.ops import Recv, Send
from protocol.verdict import Accepted
from tests.builders import Town, found
from tests.towns.memory_town import MemoryTown, memory_town

FOUR = "w0 w1 w2 w3"


@pytest.fixture
def town() -> Town:
    return found("ana", "ben", "cat", witnesses=4, quorum=3)


async def started(built: MemoryTown) -> None:
    await built.up()
    await built.until_voting()


async def test_an_entry_becomes_final_here_and_seen_by_the_payee(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: Any
) -> None:
    async with memory_town(town, tmp_path, f"{FOUR} ana ben", monkeypatch) as built:
        await started(built)
        opened, paid = town.open("ana"), town.write("ana", Send(town["ben"], 5))
        for signed in (opened, paid):
            assert await built.pay_in("ana", signed) == Accepted()
        place = paid.account, paid.seq, paid.id
        assert await built.node("ana").wait_for(*place, Standing.SEEN, 10) is Standing.SEEN
        await built.until_level()
        assert built.node("w3").ledger.balance(town["ben"]) == 5


async def test_the_payees_node_has_the_certificate_at_once_also_when_it_is_a_witness(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: Any
) -> None:
    monkeypatch.setattr("node.spreading.GATHER_S", 3600.0)
    monkeypatch.setattr("node.spreading.HINT_INTERVAL_S", 3600.0)
    async with memory_town(town, tmp_path, "ben w1 w2 w3 ana", monkeypatch) as built:
        await started(built)
        opened, paid = town.open("ana"), town.write("ana", Send(town["ben"], 5))
        for signed in (opened, paid):
            assert await built.pay_in("ana", signed) == Accepted()
        assert await built.is_final("ana", paid)
        await trio.sleep(0.1)
        assert built.node("ben").ledger.balance(town["ben"]) == 5


async def test_whoever_pays_on_at_once_or_pays_often_waits_for_no_certificate_that_is_still_gathered(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: Any
) -> None:
    monkeypatch.setattr("node.spreading.GATHER_S", 3600.0)
    monkeypatch.setattr("node.spreading.HINT_INTERVAL_S", 3600.0)
    async with memory_town(town, tmp_path, f"{FOUR} ana ben", monkeypatch) as built:
        await started(built)
        began, lacked = trio.current_time(), list[Missing]()
        for name in ("ana", "ben"):
            built.node(name).exchange.answer(Missing, lambda _peer, missing: lacked.append(missing))
            await built.pay_in(name, town.open(name))
        for _ in range(2 * TAIL_MAX):
            paid = town.write("ana", Send(town["ben"], 5))
            await built.node("ana").pay_in(paid.encode(), bytes(INSTANCE_BYTES))
            assert await built.is_final("ana", paid)
        await built.until(lambda: built.standing("ana", paid) is Standing.SEEN)
        total = 2 * TAIL_MAX * 5
        taken = town.write("ben", Recv(town["ana"], 0, paid.seq, total), Send(town["cat"], 50))
        await built.pay_in("ben", taken)
        assert await built.is_final("ben", taken)
        assert not lacked
        assert trio.current_time() - began < RETRY_S


async def test_what_a_payee_saw_while_no_link_was_there_is_told_when_one_is(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: Any
) -> None:
    monkeypatch.setattr("node.acknowledging.GO_BETWEENS_MAX", 0)
    async with memory_town(town, tmp_path, f"{FOUR} ana ben", monkeypatch) as built:
        await started(built)
        built.network.cut("ana", {"ben"})
        paid = [town.open("ana"), *(town.write("ana", Send(town["ben"], 5)) for _ in range(3))]
        for signed in paid:
            await built.pay_in("ana", signed)
            assert await built.is_final("ana", signed)
        await built.until(lambda: built.standing("ben", paid[-1]) is Standing.FINAL)
        assert built.standing("ana", paid[-1]) is Standing.FINAL, "nobody could tell it"
        built.network.cut("ana", set())
        await built.until(lambda: all(built.standing("ana", signed) is Standing.SEEN for signed in paid[1:]))
        assert not built.node("ben").acknowledger._unheard


async def test_an_entry_that_is_asked_for_itself_does_not_go_along_with_the_next(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: Any
) -> None:
    async with memory_town(town, tmp_path, f"{FOUR} ana ben", monkeypatch) as built:
        await started(built)
        asked: list[tuple[int, ...]] = []
        exchange = built.node("ana").exchange
        send_all = exchange.send_all

        def noting(peers: Iterable[str], message: Message) -> None:
            if isinstance(message, Submit):
                asked.append(tuple(signed.seq for signed in message.bundle.entries))
            send_all(peers, message)

        monkeypatch.setattr(exchange, "send_all", noting)
        entries = [town.open("ana"), *(town.write("ana", Send(town["ben"], 5)) for _ in range(3))]
        for signed in entries:
            assert await built.node("ana").pay_in(signed.encode(), bytes(INSTANCE_BYTES)) == Accepted()
        assert await built.is_final("ana", entries[-1])
        assert sorted(asked) == [(0,), (1,), (2,), (3,)]


async def test_a_payment_between_accounts_of_one_home_is_seen_though_entries_before_it_paid_nobody_there(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: Any
) -> None:
    async with memory_town(town, tmp_path, f"{FOUR} ana", monkeypatch) as built:
        await built.up("ana")
        built.node("ana").host([town["ben"]])
        opened, paid = town.open("ana"), town.write("ana", Send(town["ben"], 5))
        await built.node("ana").bookkeeper.submit(Bundle((opened, paid), (town.certificate(paid),)))
        await built.until(lambda: built.standing("ana", paid) is Standing.SEEN)
        assert built.standing("ana", opened) is Standing.FINAL, "it paid nobody"


async def test_nothing_is_called_final_before_its_certificate_is_durable(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: Any
) -> None:
    async with memory_town(town, tmp_path, f"{FOUR} ana", monkeypatch) as built:
        await built.up("ana")
        opened = town.open("ana")
        await built.pay_in("ana", opened)
        door = built.node("ana").bookkeeper
        door.take(Bundle((), (town.certificate(opened),)))
        assert built.standing("ana", opened) is Standing.RECORDED
        await door.ticket.durable()
        assert built.standing("ana", opened) is Standing.FINAL


async def test_an_entry_becomes_final_once_enough_witnesses_are_back(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: Any
) -> None:
    async with memory_town(town, tmp_path, f"{FOUR} ana", monkeypatch) as built:
        await started(built)
        await built.crash("w2", "w3")
        opened = town.open("ana")
        await built.pay_in("ana", opened)
        assert not await built.is_final("ana", opened, 30)
        assert built.standing("ana", opened) is Standing.RECORDED
        await built.up("w2")
        assert await built.is_final("ana", opened)


async def test_what_was_recorded_before_a_crash_becomes_final_when_it_is_handed_in_again(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: Any
) -> None:
    async with memory_town(town, tmp_path, f"{FOUR} ana", monkeypatch) as built:
        await started(built)
        built.network.cut("ana", FOUR.split())
        tail = [town.open("ana"), *(town.write("ana", Send(town["ben"], n)) for n in range(1, 4))]
        for signed in tail:
            await built.pay_in("ana", signed)
        await built.crash("ana")
        built.network.cut("ana", ())
        await built.up("ana")
        for signed in tail:  # as the wallet does at its start
            await built.pay_in("ana", signed)
        assert await built.is_final("ana", tail[-1])
        await built.until_level()


async def test_a_split_vote_is_a_conflict_and_still_one_after_a_restart(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: Any
) -> None:
    async with memory_town(town, tmp_path, f"{FOUR} ana ben", monkeypatch) as built:
        await started(built)
        opened = town.open("ana")
        await built.pay_in("ana", opened)
        assert await built.is_final("ana", opened)
        await built.until_level()
        one, other = town.draft("ana", Send(town["ben"], 5)), town.draft("ana", Send(town["cat"], 5))
        built.network.cut("ana", ["w2", "w3", "ben"])
        built.network.cut("ben", ["w0", "w1", "ana"])
        await built.pay_in("ana", one)
        assert await built.pay_in("ben", other) == Accepted()
        await trio.sleep(3)
        built.network.cut("ana", ())
        built.network.cut("ben", ())
        await built.until(lambda: built.standing("ana", one) is Standing.CONFLICT)
        assert not await built.is_final("ana", one, 5)
        await built.crash("ana")
        await built.up("ana")
        await built.pay_in("ana", one)
        await built.until(lambda: built.standing("ana", one) is Standing.CONFLICT)
        roots = {built.node(name).ledger.state_root() for name in built.dwellers}
        assert len(roots) == 1


@pytest.mark.parametrize("seed", range(3))
async def test_all_becomes_final_everywhere_over_links_that_break(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: Any, seed: int
) -> None:
    async with memory_town(town, tmp_path, f"{FOUR} ana ben", monkeypatch, seed=seed, loss=0.05, delay_s=0.2) as built:
        await built.up()
        heads = []
        for name in ("ana", "ben"):
            heads.append(town.open(name))
            await built.pay_in(name, heads[-1])
        for number in range(12):
            name, payee = ("ana", "ben") if number % 2 else ("ben", "ana")
            signed = town.write(name, Send(town[payee], 1 + number))
            if number >= 8:
                assert await built.is_final(name, heads[-2], 300)
            heads.append(signed)
            await built.pay_in(name, signed)
        built.network.loss = 0.0
        for name, signed in zip(("ana", "ben"), (heads[-1], heads[-2]), strict=True):
            assert await built.is_final(name, signed, 300)
        await built.until_level()
        assert built.node("w0").ledger.check_sum() == 0


async def test_a_full_disk_with_payments_under_way_ends_neither_node_nor_reading(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: Any
) -> None:
    async with memory_town(town, tmp_path, f"{FOUR} ben", monkeypatch) as built:
        await started(built)
        await built.crash("w1", "w2")
        opened = town.open("ana")
        assert await built.pay_in("w0", opened) == Accepted()
        node = built.node("w0")

        def full(_: object) -> int:
            raise JournalFailed("the disk is full")

        monkeypatch.setattr(node.journal, "append", full)
        await built.pay_in("w3", town.open("ben"))
        await built.until(lambda: node.bookkeeper.failed is not None)
        await trio.sleep(300)
        assert built.dwellers["w0"].node is node, "it still runs"
        assert not built.is_voting("w0") and "full" in node.problems()[0]
        assert node.ledger.id_at(town["ana"], 0, 0) == opened.id
        with pytest.raises(Exception, match="full"):
            node.check_open()


async def test_a_disk_that_cannot_be_read_keeps_no_payment_from_being_final_and_ends_no_node(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: Any
) -> None:
    async with memory_town(town, tmp_path, f"{FOUR} ana ben", monkeypatch) as built:
        await started(built)
        node = built.node("ana")

        def unreadable(*_: object) -> None:
            raise StoreRefused("the disk reported an error", "Mend it")

        for reading in ("entry", "entries", "certificate_at", "at_rows", "index", "moved_since", "since"):
            monkeypatch.setattr(node.journal, reading, unreadable)
        opened = town.open("ana")
        await built.pay_in("ana", opened)
        assert await built.is_final("ana", opened)
        await trio.sleep(60)
        assert built.dwellers["ana"].node is node, "it still runs"
        assert await built.is_final("ben", opened)


async def test_a_vote_leaves_before_what_came_behind_its_question_and_can_wait(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: Any
) -> None:
    async with memory_town(town, tmp_path, f"{FOUR} ana ben", monkeypatch) as built:
        await started(built)
        opened = town.open("ana")
        assert await built.pay_in("ana", opened) == Accepted()
        assert await built.is_final("ana", opened)
        await built.until_level()
        witness, author = built.node("w0"), built.node("ana")
        order: list[str] = []
        send = witness.transport.send_nowait

        def sent(peer: str, frame: bytes) -> bool:
            if isinstance(decode_message(frame), Answer):
                order.append("vote")
            return send(peer, frame)

        monkeypatch.setattr(witness.transport, "send_nowait", sent)
        witness.exchange.answer(Deliver, lambda _peer, _deliver: order.append("delivery"))
        ask = Submit(1, b"", Bundle((town.write("ana", Send(town["ben"], 5)),)))
        frames = [encode_message(message) for message in (Deliver(0, Bundle()), ask, Deliver(0, Bundle()))]
        memory: Any = witness.transport
        memory._frames.send_nowait((author.peer_id, frames))
        await built.until(lambda: len(order) == 3)
        assert order == ["delivery", "vote", "delivery"]
