"""A payment is seen also when payer's and payee's nodes are never linked: who is linked with both passes it on."""

from pathlib import Path
from typing import Any

import pytest
import trio

from node.acknowledging import BUNDLE_MAX
from node.standing import Standing
from protocol.base import AccountId
from protocol.entry import SignedEntry
from protocol.ledger import Ledger
from protocol.messages import Hosts, Position, Seen, SeenThere, encode_message
from protocol.ops import Send
from protocol.verdict import Accepted
from tests.builders import Town, found
from tests.towns.memory_town import MemoryTown, memory_town

NAMES = "w0 w1 w2 w3 ana ben cat"


@pytest.fixture
def town() -> Town:
    return found("ana", "ben", "cat", witnesses=4, quorum=3)


async def apart(built: MemoryTown) -> None:
    """Start them all; the members' nodes have no links with one another."""
    for name in ("ana", "ben", "cat"):
        built.network.cut(name, {"ana", "ben", "cat"} - {name})
    await built.up()
    await built.until_voting()


async def paid_by_ana(town: Town, built: MemoryTown) -> SignedEntry:
    opened, paid = town.open("ana"), town.write("ana", Send(town["ben"], 5))
    for signed in (opened, paid):
        assert await built.pay_in("ana", signed) == Accepted()
    assert await built.is_final("ana", paid)
    return paid


def here(paid: SignedEntry) -> Position:
    return Position(paid.account, 0, paid.seq, paid.id)


async def test_what_a_payee_sees_is_passed_on_to_a_payer_who_is_not_linked(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: Any
) -> None:
    async with memory_town(town, tmp_path, NAMES, monkeypatch) as built:
        await apart(built)
        paid = await paid_by_ana(town, built)
        seen = await built.node("ana").wait_for(paid.account, paid.seq, paid.id, Standing.SEEN, 20)
        assert seen is Standing.SEEN


async def test_only_a_payees_own_node_is_passed_on(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: Any
) -> None:
    async with memory_town(town, tmp_path, NAMES, monkeypatch) as built:
        await apart(built)
        await built.crash("ben")
        paid = await paid_by_ana(town, built)
        await built.until(lambda: built.standing("w0", paid) is Standing.FINAL)
        built.network.carry("cat", "w0", encode_message(Seen((here(paid),))))
        await trio.sleep(5)
        assert built.standing("ana", paid) is Standing.FINAL
        built.network.carry("cat", "w0", encode_message(Hosts((town["ben"],))))
        built.network.carry("cat", "w0", encode_message(Seen((here(paid),))))
        await trio.sleep(5)
        assert built.standing("ana", paid) is Standing.SEEN, "a linked node's word is all that seen rests on"


async def test_of_one_message_only_so_much_is_looked_up(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: Any
) -> None:
    async with memory_town(town, tmp_path, NAMES, monkeypatch) as built:
        await apart(built)
        paid = await paid_by_ana(town, built)
        await built.until(lambda: built.standing("w0", paid) is Standing.FINAL)
        ledger = built.node("w0").ledger
        looked_up = []

        def counted(account: AccountId, incarnation: int, seq: int) -> SignedEntry | None:
            looked_up.append(seq)
            return Ledger.entry_at(ledger, account, incarnation, seq)

        monkeypatch.setattr(ledger, "entry_at", counted)
        many = encode_message(Seen((here(paid),) * (4 * BUNDLE_MAX)))
        assert built.network.carry("cat", "w0", many)
        await trio.sleep(5)
        assert 0 < len(looked_up) <= BUNDLE_MAX
        looked_up.clear()
        await built.crash("ana")
        await built.until(lambda: not built.node("w0").exchange.neighbours.hosting(town["ana"]))
        assert built.network.carry("cat", "w0", many)
        await trio.sleep(5)
        assert looked_up == [], "nobody is here to be told"


async def test_what_was_never_final_is_seen_by_nobody(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: Any
) -> None:
    async with memory_town(town, tmp_path, NAMES, monkeypatch) as built:
        await built.up("ana", "w0")
        opened = town.open("ana")
        assert await built.pay_in("ana", opened) == Accepted()
        built.network.carry("w0", "ana", encode_message(SeenThere((here(opened),))))
        await trio.sleep(5)
        assert built.standing("ana", opened) is Standing.RECORDED
