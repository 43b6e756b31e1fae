"""Acts of stewards in several homes: composed once, signed by k, decided, and never two in one round."""

from dataclasses import replace
from pathlib import Path

import pytest
import trio

from protocol.base import AccountId
from protocol.entry import SignedEntry
from protocol.ops import Admit, Suspend
from tests.builders import authority, charge
from wallet import errors
from wallet.books.acts import ActPages, WishState
from wallet.books.jotting import Jotting
from wallet.stewards.ops import wanted

from .council import quiet, settle_hall, sitting, unthreaded
from .village import Shelf

ANA, BEN, CEM = AccountId(1), AccountId(2), AccountId(3)
COMMONS = AccountId(0)
DUES, FEE = charge(ANA, COMMONS, 5), charge(BEN, COMMONS, 7)


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    unthreaded(monkeypatch)


async def test_the_only_steward_decides_at_once(tmp_path: Path) -> None:
    hall = settle_hall(tmp_path, ["ana", "ben"], stewards=1, threshold=1)
    async with sitting(tmp_path, "ana", hall) as ana:
        assert (await ana.acts.propose([DUES], 5)).state is WishState.IN_FORCE
        assert (await ana.acts.propose([FEE], 5)).state is WishState.IN_FORCE
        assert ana.node.ledger.commons.adjust(COMMONS) == 12


async def test_an_act_waits_for_k_stewards_and_is_then_in_force_for_both(tmp_path: Path) -> None:
    hall = settle_hall(tmp_path, ["ana", "ben", "cem"], stewards=2, threshold=2)
    async with sitting(tmp_path, "ana", hall) as ana, sitting(tmp_path, "ben", hall) as ben:
        assert await ana.propose(DUES) == "open" and ana.node.ledger.commons.height == 0
        (act,) = ben.node.place.acts()
        assert act.signers == (0,)
        assert (await ben.acts.agree(act.id, 5)).state is WishState.IN_FORCE
        await quiet()
        assert [wish.state for wish in ana.pages.wishes.values()] == [WishState.IN_FORCE]
        assert ana.node.ledger.commons.height == 1


async def test_of_two_acts_at_once_one_is_decided_and_the_other_is_composed_again(tmp_path: Path) -> None:
    hall = settle_hall(tmp_path, ["ana", "ben", "cem"], stewards=2, threshold=2)
    async with sitting(tmp_path, "ana", hall) as ana, sitting(tmp_path, "ben", hall) as ben:
        hall.is_carrying = False
        await ana.propose(DUES)
        await ben.propose(FEE)
        hall.carry()
        await quiet()
        assert hall.decided == [] and len(ana.shown) == 2
        await ben.acts.agree(ana.pages.open_wishes()[0].id, 5)  # a change of mind: round 1, and ana's wallet follows
        await quiet()
        assert [signed.entry.ops for signed in hall.decided] == [(DUES,)]
        (open_act,) = ana.node.place.acts()
        assert open_act.signed.entry.ops == (FEE,) and open_act.signed.seq == 2
        assert (await ana.acts.agree(open_act.id, 5)).state is WishState.IN_FORCE
        await quiet()
        assert ben.pages.open_wishes() == [] and hall.doubles() == []


async def test_who_agreed_to_an_act_that_was_overtaken_need_not_agree_again(tmp_path: Path) -> None:
    hall = settle_hall(tmp_path, ["ana", "ben", "cem"], stewards=3, threshold=3)
    async with (
        sitting(tmp_path, "ana", hall) as ana,
        sitting(tmp_path, "ben", hall) as ben,
        sitting(tmp_path, "cem", hall) as cem,
    ):
        await ana.propose(DUES)
        await ben.acts.agree(ana.shown[0].id)
        await cem.propose(FEE)
        await ana.acts.agree(cem.pages.open_wishes()[0].id)
        await ben.acts.agree(cem.pages.open_wishes()[0].id)
        await quiet()
        assert [signed.entry.ops for signed in hall.decided] == [(FEE,)]
        (act,) = cem.node.place.acts()
        assert act.signed.entry.ops == (DUES,) and act.signers == (0, 1)
        await cem.acts.agree(act.id, 5)
        await quiet()
        assert [wish.state for wish in ben.pages.wishes.values()] == [WishState.IN_FORCE, WishState.IN_FORCE]


async def test_the_same_act_wished_for_twice_at_once_is_one(tmp_path: Path) -> None:
    hall = settle_hall(tmp_path, ["ana", "ben", "cem"], stewards=2, threshold=2)
    async with sitting(tmp_path, "ana", hall) as ana, sitting(tmp_path, "ben", hall) as ben:
        await ana.propose(DUES)
        await ben.propose(DUES)
        await quiet()
        assert len(hall.decided) == 1 and ana.node.ledger.commons.adjust(ANA) == -5
        assert ana.pages.open_wishes() == [] == ben.pages.open_wishes()


async def test_what_the_rules_refuse_is_said_and_nothing_is_signed(tmp_path: Path) -> None:
    hall = settle_hall(tmp_path, ["ana", "ben"], stewards=1, threshold=1)
    async with sitting(tmp_path, "ana", hall) as ana:
        with pytest.raises(errors.PayeeUnknown):
            await ana.acts.propose([Suspend(AccountId(9), 1)])
        assert hall.given == [] and ana.pages.wishes == {}


async def test_a_wish_that_became_impossible_meanwhile_says_so(tmp_path: Path) -> None:
    hall = settle_hall(tmp_path, ["ana", "ben", "cem"], stewards=2, threshold=2)
    async with sitting(tmp_path, "ana", hall) as ana, sitting(tmp_path, "ben", hall) as ben:
        mine, yours = Admit(AccountId(0), "dee", authority("dee"), 5), Admit(AccountId(0), "dee", authority("d2"), 6)
        hall.is_carrying = False
        await ana.propose(mine)
        await ben.propose(yours)
        hall.carry()
        await ben.acts.agree(ana.pages.open_wishes()[0].id, 5)
        await quiet()
        assert ana.node.ledger.commons.members[AccountId(4)].limit.at(None) == 5
        (refused,) = [wish for wish in ben.pages.wishes.values() if wish.own]
        assert refused.state is WishState.REFUSED and "taken" in refused.reason


async def test_what_was_withdrawn_is_not_composed_again(tmp_path: Path) -> None:
    hall = settle_hall(tmp_path, ["ana", "ben", "cem"], stewards=2, threshold=2)
    async with sitting(tmp_path, "ana", hall) as ana, sitting(tmp_path, "ben", hall) as ben:
        hall.is_carrying = False
        wish = await ana.acts.propose([DUES])
        await ben.propose(FEE)
        hall.carry()
        await ana.acts.withdraw(wish.n)
        with pytest.raises(errors.NotFound):
            await ana.acts.withdraw(wish.n)
        await ana.acts.agree(ben.pages.open_wishes()[0].id, 5)
        await quiet()
        assert len(hall.decided) == 1 and ana.shown == []


async def test_a_member_who_is_no_steward_and_a_locked_wallet_sign_nothing(tmp_path: Path) -> None:
    hall = settle_hall(tmp_path, ["ana", "ben"], stewards=1, threshold=1)
    async with sitting(tmp_path, "ben", hall) as ben, sitting(tmp_path, "ana", hall) as ana:
        with pytest.raises(errors.NotSteward):
            await ben.acts.propose([DUES])
        ana.wallet.lock()
        with pytest.raises(errors.Locked):
            await ana.acts.propose([DUES])
        assert hall.given == [] and ana.pages.wishes == {} == ben.pages.wishes


async def test_a_wallet_locked_while_an_act_is_kept_says_so_and_makes_one_act_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hall = settle_hall(tmp_path, ["ana", "ben"], stewards=1, threshold=1)
    async with sitting(tmp_path, "ana", hall) as ana:
        keep = ana.wallet.clerk.keep

        async def keep_and_lock(piece: Jotting) -> None:
            await keep(piece)
            ana.wallet.lock()

        monkeypatch.setattr(ana.wallet.clerk, "keep", keep_and_lock)
        wish = await ana.acts.propose([DUES])  # no error: whoever was told of one would wish for it again
        monkeypatch.undo()
        unthreaded(monkeypatch)
        assert (wish.state, wish.id, hall.given) == (WishState.OPEN, b"", [])
        await ana.wallet.unlock(None)
        await quiet()
        assert [signed.entry.ops for signed in hall.decided] == [(DUES,)]


async def test_a_wallet_that_is_locked_between_two_ballots_gives_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hall = settle_hall(tmp_path, ["ana", "ben"], stewards=2, threshold=2)
    async with sitting(tmp_path, "ana", hall) as ana:
        ana.wallet.lock()
        for ops in ([DUES], [FEE]):
            wish = ana.pages.new_wish(wanted(ops), own=True, now_s=1)
            await ana.acts._keep(replace(wish, seq=ana.node.place.seq))
        keep = ana.wallet.clerk.keep

        async def keep_and_lock(piece: Jotting) -> None:
            await keep(piece)
            ana.wallet.lock()

        monkeypatch.setattr(ana.wallet.clerk, "keep", keep_and_lock)
        await ana.wallet.unlock(None)
        await quiet()
        assert [signed.entry.ops for signed in hall.given] == [(DUES,)]


async def test_what_is_on_the_disk_is_shown_also_when_nobody_waits_for_it_any_more(tmp_path: Path) -> None:
    hall = settle_hall(tmp_path, ["ana", "ben"], stewards=2, threshold=2)
    async with sitting(tmp_path, "ana", hall) as ana:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ana.acts._keep, ana.pages.new_wish(wanted([DUES]), own=False, now_s=1))
            await trio.lowlevel.checkpoint()  # the clerk has it by now
            nursery.cancel_scope.cancel()
        await quiet()
        assert ana.pages.wishes == ActPages(ana.wallet.book).wishes and ana.pages.wishes


async def test_a_locked_wallet_goes_on_when_it_is_unlocked(tmp_path: Path) -> None:
    hall = settle_hall(tmp_path, ["ana", "ben", "cem"], stewards=2, threshold=2)
    async with sitting(tmp_path, "ana", hall) as ana, sitting(tmp_path, "ben", hall) as ben:
        hall.is_carrying = False
        await ana.propose(DUES)
        await ben.propose(FEE)
        ana.wallet.lock()
        hall.carry()
        await ben.acts.agree(ana.pages.open_wishes()[0].id)
        await quiet()
        assert hall.decided == []
        await ana.wallet.unlock(None)
        await quiet()
        assert len(hall.decided) == 1


async def test_what_the_witnesses_hold_to_is_signed_by_itself_and_nothing_else_can_be(tmp_path: Path) -> None:
    hall = settle_hall(tmp_path, ["ana", "ben", "cem"], stewards=2, threshold=2)
    async with sitting(tmp_path, "ana", hall) as ana, sitting(tmp_path, "ben", hall) as ben:
        hall.is_deciding = False
        await ana.propose(DUES)
        await ben.acts.agree(ana.shown[0].id)
        held = ana.node.place.at(ana.node.place.ripe)  # type: ignore[arg-type]
        votes = hall._certificate(held)
        for home in (ana, ben):
            home.node.place.bind(votes, held)  # round 0 is used up, and a witness is locked on the act
        hall.is_deciding = True
        with pytest.raises(errors.NotFound):
            await ana.acts.agree(type(held.id)(bytes(32)))
        ana.acts.wake()
        ben.acts.wake()
        await quiet()
        assert [signed.id for signed in hall.decided] == [held.id] and hall.decided[0].round == 1


async def test_after_a_restart_what_was_signed_is_shown_again_and_wishes_go_on(tmp_path: Path) -> None:
    hall = settle_hall(tmp_path, ["ana", "ben", "cem"], stewards=2, threshold=2)
    async with sitting(tmp_path, "ana", hall) as ana:
        await ana.propose(DUES)
        before = ana.shown
    hall.nodes.clear()
    async with sitting(tmp_path, "ana", hall) as ana, sitting(tmp_path, "ben", hall) as ben:
        await quiet()
        assert ana.shown == before == ben.shown
        await ben.acts.agree(before[0].id)
        await quiet()
        assert ana.pages.open_wishes() == [] and hall.doubles() == []


class LateShelf(Shelf):
    """A journal that can be read up to a place only: what is above is not on the disk yet."""

    upto = 0

    def entries(self, account: AccountId, incarnation: int, first: int, last: int) -> list[SignedEntry]:
        return super().entries(account, incarnation, first, min(last, self.upto))


async def test_an_act_that_is_decided_and_not_on_the_disk_yet_is_not_composed_again(tmp_path: Path) -> None:
    hall = settle_hall(tmp_path, ["ana", "ben"], stewards=1, threshold=1)
    async with sitting(tmp_path, "ana", hall) as ana:
        disk = LateShelf()
        disk.kept = ana.node.journal.kept
        ana.node.journal = disk
        ana.node.final_on_disk = lambda _: disk.upto  # type: ignore[method-assign, assignment]
        wish = await ana.acts.propose([DUES])
        ana.acts.wake()
        await quiet()
        assert (len(hall.decided), wish.state, ana.shown) == (1, WishState.OPEN, [])
        disk.upto = 1
        ana.acts.wake()
        await quiet()
        assert len(hall.decided) == 1 and ana.pages.wishes[wish.n].state is WishState.IN_FORCE
        assert ana.node.ledger.commons.adjust(ANA) == -5
