"""Joining for real: homes over loopback, from the invite to the first payments, and what gets in the way."""

from dataclasses import replace
from pathlib import Path

import pytest
import trio

from node.config import read_config
from protocol.base import AccountId
from protocol.ops import Admit
from tests.builders import authority
from tests.real.joiners import Founders, ask, founded, order, running, standing, until
from wallet.client import CallFailed
from wallet.errors import WrongPassphrase
from wallet.home import Home
from wallet.joining.kept import ask_again, begin_joining
from wallet.keystore import FLOOR


async def pay(home: Home, payee: str, amount: str, wait: str = "final") -> dict[str, object]:
    paid: dict[str, object] = await order(home, "pay", payee=payee, amount=amount, wait=wait)
    return paid


async def balance(home: Home) -> str:
    found: str = (await ask(home, "balance"))["balance"]
    return found


async def test_a_newcomer_asks_is_admitted_opens_pays_and_is_paid(tmp_path: Path) -> None:
    eve = Home(tmp_path / "eve")
    async with founded(tmp_path, "ana", "bob", "cem", "dee") as town:
        begin_joining(eve, town.invite("ana", "bob"), "eve", "I bake", None)
        async with running(eve):
            found = await standing(eve, "asked")
            assert (found["name"], found["problems"]) == ("Testville", [])
            (request,) = await town.requests()
            assert (request.handle, request.greeting) == ("eve", "I bake")
            number = await town.admit(request)
            found = await standing(eve, "open")
            assert found["members"] == 5 and found["handle"] == "eve"
            await until(lambda: not eve.joined.exists())
            assert (await pay(eve, "@bob", "2.50"))["state"] in ("final", "seen")
            assert (await pay(town.homes["bob"], "@eve", "1.00", "seen"))["state"] == "seen"
            assert await balance(eve) == "-1.50"
            entries = [entry.entry.ops for entry in town.steward.node.journal.entries(number, 0, 0, 9)]
            assert [type(op).__name__ for op in entries[0]] == ["Open"]
        async with running(eve):
            await standing(eve, "open")
            assert await balance(eve) == "-1.50"
            assert (await pay(eve, "@bob", "0.50"))["state"] in ("final", "seen")


async def test_while_it_asks_only_status_and_down_are_answered(tmp_path: Path) -> None:
    eve = Home(tmp_path / "eve")
    async with founded(tmp_path, "ana") as town:
        begin_joining(eve, town.invite(), "eve", "", None)
        async with running(eve):
            await standing(eve, "asked")
            for what in ("balance", "summary", "members", "history", "nothing"):
                with pytest.raises(CallFailed) as refused:
                    await ask(eve, what)
                assert refused.value.code == "joining"
            for what in ("pay", "unlock", "receive"):
                with pytest.raises(CallFailed) as refused:
                    await order(eve, what)
                assert refused.value.code == "joining"
            assert eve.is_joining()


async def test_it_goes_on_asking_after_a_restart_and_hears_what_was_decided_meanwhile(tmp_path: Path) -> None:
    eve = Home(tmp_path / "eve")
    async with founded(tmp_path, "ana") as town:
        begin_joining(eve, town.invite(), "eve", "", None)
        async with running(eve):
            await standing(eve, "asked")
        (request,) = await town.requests()
        await town.admit(request)
        async with running(eve):
            await standing(eve, "open")


async def test_a_name_that_was_taken_meanwhile_is_told_and_another_is_asked_for_with_the_same_keys(
    tmp_path: Path,
) -> None:
    eve = Home(tmp_path / "eve")
    async with founded(tmp_path, "ana") as town:
        invite = town.invite()
        begin_joining(eve, invite, "eve", "", None)
        async with running(eve):
            await standing(eve, "asked")
            await town.decide(Admit(AccountId(2), "eve", authority("somebody else"), 0))
            with trio.fail_after(20):
                while not (found := await ask(eve, "status"))["problems"]:
                    await trio.sleep(0.2)
            assert "is a member already" in found["problems"][0] and "--handle OTHER" in found["next"]
        ask_again(eve, invite, "eva", "", None)
        async with running(eve):
            await standing(eve, "asked")
            with trio.fail_after(20):
                while not (named := [r for r in await town.requests() if r.handle == "eva"]):
                    await trio.sleep(0.2)
            await town.admit(named[0])
            assert (await standing(eve, "open"))["handle"] == "eva"


async def test_a_locked_wallet_joins_and_opens_its_account_when_it_is_unlocked(tmp_path: Path) -> None:
    eve = Home(tmp_path / "eve")
    async with founded(tmp_path, "ana") as town:
        begin_joining(eve, town.invite(), "eve", "", "secret", FLOOR)
        async with running(eve):
            await standing(eve, "asked")
            (request,) = await town.requests()
            await town.admit(request)
            found = await standing(eve, "admitted")
            with trio.fail_after(20):
                while "locked" not in found:  # the whole wallet is not there yet
                    await trio.sleep(0.1)
                    found = await ask(eve, "status")
            assert found["locked"] and any("tally unlock" in problem for problem in found["problems"])
            await order(eve, "unlock", passphrase="secret")
            found = await standing(eve, "open")
            await until(lambda: not eve.joined.exists())
            assert not any("tally unlock" in problem for problem in (await ask(eve, "status"))["problems"])


async def test_with_its_passphrase_from_the_start_it_opens_the_account_by_itself(tmp_path: Path) -> None:
    eve = Home(tmp_path / "eve")
    async with founded(tmp_path, "ana") as town:
        begin_joining(eve, town.invite(), "eve", "", "secret", FLOOR)
        with pytest.RaisesGroup(WrongPassphrase, flatten_subgroups=True):
            async with running(eve, "guess"):
                raise AssertionError("it runs")
        async with running(eve, "secret"):
            await standing(eve, "asked")
            (request,) = await town.requests()
            await town.admit(request)
            assert not (await standing(eve, "open"))["locked"]


async def test_an_address_that_is_dead_and_one_of_another_community_stop_nobody(tmp_path: Path) -> None:
    eve = Home(tmp_path / "eve")
    (tmp_path / "elm").mkdir()
    (tmp_path / "oak").mkdir()
    async with founded(tmp_path / "elm", "ana", "bob") as town, founded(tmp_path / "oak", "zoe") as other:
        invite = town.invite()
        dead = invite.addresses[1].replace(f"tcp/{read_config(town.homes['bob'].root).listen_port}", "tcp/1")
        mixed = replace(invite, addresses=(dead, other.address("zoe"), invite.addresses[0]))
        begin_joining(eve, mixed, "eve", "", None)
        async with running(eve):
            found = await standing(eve, "asked")
            told = "\n".join((await ask(eve, "status"))["problems"])
            assert "another community" in told
            assert found["asked"] == [invite.addresses[0]]
            (request,) = await town.requests()
            await town.admit(request)
            await standing(eve, "open")


async def test_a_payment_that_comes_with_the_opening_is_made_once(tmp_path: Path) -> None:
    eve = Home(tmp_path / "eve")
    async with founded(tmp_path, "ana", "bob") as town:
        begin_joining(eve, town.invite(), "eve", "", None)
        async with running(eve):
            await standing(eve, "asked")
            (request,) = await town.requests()
            number = await town.admit(request)
            paid = None
            with trio.fail_after(20):
                while paid is None:
                    try:
                        paid = await pay(eve, "@bob", "1.00")
                    except CallFailed as failure:
                        assert failure.code in ("joining", "witnesses_unreachable", "unreachable"), failure.error
            await until(lambda: not eve.joined.exists())
            assert await balance(eve) == "-1.00"
            seqs = [entry.seq for entry in town.steward.node.journal.entries(number, 0, 0, 9)]
            assert seqs == list(range(len(seqs))) and len(seqs) in (1, 2)


async def test_founders_open_their_accounts_with_their_first_payment_as_ever(tmp_path: Path) -> None:
    async with founded(tmp_path, "ana", "bob") as town:
        await trio.sleep(1.5)
        assert entries_of(town, "bob") == 0
        assert (await ask(town.homes["bob"], "status"))["standing"] == "admitted"


def entries_of(town: Founders, name: str) -> int:
    node = town.ups[name].node
    return sum(node.ledger.chain(account) is not None for account in town.ups[name].wallet.accounts())
