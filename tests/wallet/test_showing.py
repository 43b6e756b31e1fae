"""What the wallet shows: who is meant by a name, and an account that pays no longer."""

from pathlib import Path

import pytest

from protocol.base import COMMONS, AccountId
from wallet import errors

from .village import running, settle

ANA, BEN = AccountId(1), AccountId(2)


async def test_of_an_account_in_conflict_nothing_can_be_spent_and_it_says_why(tmp_path: Path) -> None:
    village = settle(tmp_path, {"ana": ["ana"], "ben": ["ben"]})
    async with running(tmp_path / "ana", village.node()) as ana:
        await ana.pay(ANA, BEN, 5)
        before = ana.balance(ANA)
        assert (before.spendable, before.problem) == (95, None)
        village.is_silent = True
        with pytest.raises(errors.Timeout):
            await ana.pay(ANA, BEN, 5, timeout_s=0)
        assert ana.balance(ANA).spendable == 90
        village.refused.add(ana.book.heads[ANA].id)
        stuck = ana.balance(ANA)
        assert (stuck.balance, stuck.spendable, stuck.limit) == (-10, 0, before.limit)
        assert stuck.problem is not None and "conflict" in stuck.problem


async def test_bare_digits_are_an_account_number_and_with_an_at_a_handle(tmp_path: Path) -> None:
    village = settle(tmp_path, {"ana": ["ana"], "ben": ["01"]})
    async with running(tmp_path / "ana", village.node()) as ana:
        assert (ana.find("01"), ana.find("1"), ana.find("@01")) == (ANA, ANA, BEN)
        assert (ana.find("@ana"), ana.find("ANA"), ana.find("2"), ana.find("0")) == (ANA, ANA, BEN, COMMONS)
        for nobody in ("@1", "3", "01x", "", "@", "\u0661"):
            with pytest.raises(errors.PayeeUnknown):
                ana.find(nobody)
