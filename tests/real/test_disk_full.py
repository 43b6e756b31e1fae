"""The disk of a real node runs full: it signs and takes nothing more, says so, goes on showing, and loses nothing.

The disk is the VFS shim of tests/faults under every database of the process: all writes from a chosen one on fail with
"disk full", whichever file they are for.
"""

import json
from pathlib import Path

import pytest
import trio

from devnet.pipe import ChildRefused
from node.console.exits import UNREACHABLE
from wallet.client import CallFailed, connect

from .homes import tally
from .town import RealTown, open_town

WITNESSES = ("ana", "ben", "cleo", "dan")
NAMES = (*WITNESSES, "eva")


async def pay_until_refused(town: RealTown, payer: str, payee: str) -> tuple[list[str], ChildRefused]:
    """Pay again and again; returns the ids that were acknowledged as final, and the first refusal."""
    paid = []
    for number in range(200):
        try:
            paid.append((await town.pay(payer, payee, 10, ref=f"{payer} {number}"))["id"])
        except ChildRefused as refusal:
            return paid, refusal
    raise AssertionError("the full disk was never noticed")


@pytest.mark.parametrize("after", [1, 2, 9, 30])
async def test_a_node_with_a_full_disk_stops_signing_and_goes_on_showing(tmp_path: Path, after: int) -> None:
    async with open_town(tmp_path, NAMES) as town:
        await town.start(*WITNESSES)
        await town.start("eva", faulty=True)
        await town.until_voting(*WITNESSES)
        before = [(await town.pay("eva", "ana", 10, ref=f"before {number}"))["id"] for number in range(3)]
        await town.ask("eva", "disk", after=after)
        paid, refusal = await pay_until_refused(town, "eva", "ana")
        assert refusal.code in ("store_failed", "book_failed") and refusal.facts["exit"] == 1
        assert "full" in refusal.message
        await still_shows(town, before + paid)
        with pytest.raises(ChildRefused):
            await town.pay("eva", "ben", 1)

        await town.kill("eva")
        await town.start("eva")
        last = await town.pay("eva", "ana", 10, ref=f"eva {len(paid)}")
        agreed = await town.until_agreed(NAMES)
        assert agreed["balances"]["eva"] == -10 * len([*before, *paid, last])
        held = await town.ask("eva", "states", ids=[*before, *paid, last["id"]])
        assert all(held["final"].values())


async def still_shows(town: RealTown, paid: list[str]) -> None:
    """Reading goes on over the API and by the command, for as long as one likes."""
    await trio.sleep(2.5)  # longer than anything in a node waits before it tries again
    client = connect(town["eva"].home)
    status = await trio.to_thread.run_sync(client.get, "/v1/wallet/status")
    assert any("full" in problem for problem in status["problems"]), status
    history = await trio.to_thread.run_sync(client.get, "/v1/wallet/history")
    assert set(paid) <= {row["id"] for row in history["rows"]}
    if any("taken in" in problem for problem in status["problems"]):  # the node's own record, not only the book
        with pytest.raises(CallFailed) as health:
            await trio.to_thread.run_sync(client.get, "/v1/health")
        assert health.value.exit_status == UNREACHABLE
    shown = await trio.to_thread.run_sync(tally, town["eva"].home, "balance", "--json")
    assert shown.returncode == 0 and json.loads(shown.stdout)["handle"] == "eva"
    refused = await trio.to_thread.run_sync(tally, town["eva"].home, "pay", "@ben", "0.01", "--yes", "--json")
    assert refused.returncode == 1
    assert json.loads(refused.stdout)["error"]["code"] in ("store_failed", "book_failed")


async def test_a_witness_with_a_full_disk_votes_no_more_and_the_others_carry_on(tmp_path: Path) -> None:
    async with open_town(tmp_path, NAMES) as town:
        await town.start("ana", "ben", "cleo", "eva")
        await town.start("dan", faulty=True)
        await town.until_voting(*WITNESSES)
        await town.ask("dan", "disk", after=5)
        paid = [(await town.pay("eva", "ana", 10, ref=str(number)))["id"] for number in range(30)]
        facts = await town.until("dan", lambda facts: facts["problems"])
        assert not facts["voting"] and facts["dead"] is None
        assert facts["sum"] == 0 and "full" in facts["problems"][0]
        await town.kill("ben")  # with dan still out of order there is no quorum
        with pytest.raises(ChildRefused) as refusal:
            await town.pay("eva", "ana", 10, ref="last", timeout_s=3)
        assert refusal.value.code in ("timeout", "witnesses_unreachable")
        await town.kill("dan")
        await town.start("dan")
        await town.until_voting("dan")
        await town.pay("eva", "ana", 10, ref="last")
        await town.start("ben")
        agreed = await town.until_agreed(NAMES)
        assert agreed["balances"]["ana"] == 10 * (len(paid) + 1)
