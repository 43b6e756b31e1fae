"""The wallet pays, receives, gives back and shows; what it may not do it refuses with nothing signed."""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import trio
import trio.testing

from node.standing import Standing
from node.web.scopes import Scope
from protocol.base import COMMONS, AccountId, EntryId
from protocol.payment import PaymentId
from protocol.verdict import Verdict
from wallet import errors
from wallet.books.book import Signing
from wallet.books.jotting import Jotting
from wallet.books.tokens import Spender
from wallet.programs.tokens import Tokens
from wallet.service import Wallet

from .village import PLAIN, Village, VillageNode, running, settle

ANA, BEN = AccountId(1), AccountId(2)


@pytest.fixture
def village(tmp_path: Path) -> Village:
    """Ana's and Ben's homes; both are witnesses."""
    return settle(tmp_path, {"ana": ["ana", "anas-shop"], "ben": ["ben"]})


BEN_IN_IT = AccountId(3)


async def refused(
    kind: type[errors.WalletError], wallet: Wallet, amount: int = 5, payee: int = 3, **more: object
) -> errors.WalletError:
    """The error of a payment by Ana that must be refused, with nothing signed."""
    before = dict(wallet.book.heads)
    with pytest.raises(kind) as caught:
        await wallet.pay(ANA, AccountId(payee), amount, **more)  # type: ignore[arg-type]
    assert wallet.book.heads == before
    assert caught.value.code in errors.BY_CODE and caught.value.next
    return caught.value


async def test_a_payment_becomes_final_and_the_balances_move(village: Village, tmp_path: Path) -> None:
    async with running(tmp_path / "ana", village.node()) as ana, running(tmp_path / "ben", village.node()) as ben:
        paid = await ana.pay(ANA, BEN_IN_IT, 25, note="bread", ref="order-1")
        assert (paid.state, paid.payer.handle, paid.payee.handle, paid.amount) == (Standing.SEEN, "ana", "ben", 25)
        assert (paid.memo, paid.ref, paid.sealed) == ("bread", "order-1", False)
        assert ana.balance(ANA).balance == -25 and ana.balance(ANA).spendable == 75
        assert ben.balance(BEN_IN_IT).incoming == 25 and ben.balance(BEN_IN_IT).spendable == 125
        assert ben.show(paid.id).memo == "bread" and ben.show(paid.id).ref is None


async def test_the_same_ref_is_the_same_payment(village: Village, tmp_path: Path) -> None:
    async with running(tmp_path / "ana", village.node()) as ana:
        first = await ana.pay(ANA, BEN_IN_IT, 25, ref="order-1")
        assert (await ana.pay(ANA, BEN_IN_IT, 25, ref="order-1")).id == first.id
        await refused(errors.RefReused, ana, 26, ref="order-1")
        assert (await ana.pay(AccountId(2), BEN_IN_IT, 26, ref="order-1")).id != first.id, "refs are per account"
        assert ana.balance(ANA).balance == -25


async def test_ten_at_once_with_one_ref_are_one_payment(village: Village, tmp_path: Path) -> None:
    ids = set()
    async with running(tmp_path / "ana", village.node()) as ana:

        async def pay() -> None:
            ids.add((await ana.pay(ANA, BEN_IN_IT, 5, ref="once")).id)

        async with trio.open_nursery() as nursery:
            for _ in range(10):
                nursery.start_soon(pay)
        assert len(ids) == 1 and ana.balance(ANA).balance == -5


FORBIDDEN: list[tuple[type[errors.WalletError], int, int, dict[str, object]]] = [
    (errors.Limit, 101, 3, {}),
    (errors.PayeeUnknown, 5, 99, {}),
    (errors.SelfPayment, 5, 1, {}),
    (errors.BadAmount, 0, 3, {}),
    (errors.BadAmount, -5, 3, {}),
    (errors.BadAmount, 10**13, 3, {}),
    (errors.BadAmount, True, 3, {}),
    (errors.LeastSend, 2, 3, {}),
    (errors.BadNote, 5, 3, {"note": "x" * 257}),
    (errors.BadNote, 5, 3, {"note": "a\u202eb"}),
    (errors.BadNote, 5, 3, {"note": "x" * 224, "sealed": True}),
    (errors.BadNote, 5, 3, {"sealed": True}),
    (errors.BadRequest, 5, 3, {"ref": ""}),
    (errors.CannotSeal, 5, 0, {"note": "sealed to nobody", "sealed": True}),
]


async def test_what_the_rules_forbid_is_refused_before_anything_is_signed(tmp_path: Path) -> None:
    charter = replace(PLAIN, least_send=3)
    village = settle(tmp_path, {"ana": ["ana", "anas-shop"], "ben": ["ben"]}, charter=charter)
    async with running(tmp_path / "ana", village.node()) as ana:
        for kind, amount, payee, more in FORBIDDEN:
            await refused(kind, ana, amount, payee, **more)
        assert not village.signed


async def test_over_the_limit_the_facts_say_by_how_much(village: Village, tmp_path: Path) -> None:
    async with running(tmp_path / "ana", village.node()) as ana:
        error = await refused(errors.Limit, ana, 130)
        assert error.facts == {"balance": 0, "limit": 100, "amount": 130, "missing": 30}


async def test_a_sealed_memo_is_read_by_payer_and_payee_only(village: Village, tmp_path: Path) -> None:
    async with running(tmp_path / "ana", village.node()) as ana, running(tmp_path / "ben", village.node()) as ben:
        id = (await ana.pay(ANA, BEN_IN_IT, 5, note="a secret", sealed=True)).id
        assert ana.show(id).memo == ben.show(id).memo == "a secret"
        ana.lock()
        ben.lock()
        assert ana.show(id).memo == "a secret", "the payer's own book has it in clear text"
        assert ben.show(id).memo is None and ben.show(id).sealed
        assert ben.history(BEN_IN_IT).rows[0].memo is None


async def test_what_arrives_while_receive_is_under_way_is_counted_once(
    village: Village, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = village.node()
    async with running(tmp_path / "ana", village.node()) as ana, running(tmp_path / "ben", node) as ben:
        await ana.pay(ANA, BEN_IN_IT, 5)
        hand_in = node.pay_in

        async def meanwhile(signed_raw: bytes, instance: bytes = b"") -> Verdict:
            monkeypatch.setattr(node, "pay_in", hand_in)
            await ana.pay(ANA, BEN_IN_IT, 3)
            return await hand_in(signed_raw, instance)

        monkeypatch.setattr(node, "pay_in", meanwhile)
        taken = await ben.receive(BEN_IN_IT)
        assert (taken.amount, taken.parcels, taken.entries) == (8, 2, 2)
        assert ben.balance(BEN_IN_IT).incoming == 0


async def test_what_is_in_flight_comes_in_by_receive_or_with_a_payment(village: Village, tmp_path: Path) -> None:
    async with running(tmp_path / "ana", village.node()) as ana, running(tmp_path / "ben", village.node()) as ben:
        await ana.pay(ANA, BEN_IN_IT, 5)
        await ana.pay(ANA, BEN_IN_IT, 6)
        taken = await ben.receive(BEN_IN_IT)
        assert (taken.amount, taken.parcels, taken.entries) == (11, 2, 1)
        assert (await ben.receive(BEN_IN_IT)).entries == 0
        await ana.pay(ANA, BEN_IN_IT, 80)
        await ben.pay(BEN_IN_IT, ANA, 191)
        assert ben.balance(BEN_IN_IT).balance == -100 and ben.balance(BEN_IN_IT).incoming == 0


async def test_a_refund_is_a_bounce_while_in_flight_and_a_payment_back_after(village: Village, tmp_path: Path) -> None:
    async with running(tmp_path / "ana", village.node()) as ana, running(tmp_path / "ben", village.node()) as ben:
        first = await ana.pay(ANA, BEN_IN_IT, 5)
        back = await ben.refund(first.id)
        assert (back.payee.handle, back.amount, back.memo) == ("ana", 5, f"refund of {first.id}")
        assert (await ben.refund(first.id)).id == back.id
        assert ana.balance(ANA).balance == 0 and ben.balance(BEN_IN_IT).balance == 0

        second = await ana.pay(ANA, BEN_IN_IT, 7)
        await ben.receive(BEN_IN_IT)
        again = await ben.refund(second.id)
        assert (await ben.refund(second.id)).id == again.id
        assert ana.balance(ANA).balance == 0 and ana.show(back.id).amount == 5
        assert [row.kind for row in ben.history(BEN_IN_IT).rows] == ["paid", "received", "returned", "received"]
        assert sum(row.amount for row in ben.history(BEN_IN_IT).rows) == 0
        assert sum(row.amount for row in ana.history(ANA).rows) == 0
        assert {row.kind for row in ana.history(ANA).rows} == {"paid", "incoming", "came_back"}


async def test_no_ref_of_a_person_can_be_taken_for_that_of_a_refund(village: Village, tmp_path: Path) -> None:
    async with running(tmp_path / "ana", village.node()) as ana, running(tmp_path / "ben", village.node()) as ben:
        paid = await ana.pay(ANA, BEN_IN_IT, 5)
        before = dict(ben.book.heads)
        with pytest.raises(errors.BadRequest, match="refund of"):
            await ben.pay(BEN_IN_IT, AccountId(2), 1, ref=f"refund of {paid.id}")
        assert ben.book.heads == before
        back = await ben.refund(paid.id)
        assert (back.payee.account, back.amount) == (ANA, 5)


async def test_the_levy_is_known_before_a_payment_and_counts_against_the_cap_of_a_token(tmp_path: Path) -> None:
    village = settle(tmp_path, {"ana": ["ana"], "ben": ["ben"]}, charter=replace(PLAIN, levy_ppm=500_000))
    async with running(tmp_path / "ana", village.node()) as ana:
        tokens = Tokens(ana.book, ana.clerk)
        shown, _ = await tokens.create("till", Scope.SPEND, 12, 0)
        spender = Spender(shown.row.hash, 12)
        assert ana.levy(ANA, BEN, 6) == 3
        await ana.pay(ANA, BEN, 6, wait="recorded", spender=spender)
        assert (ana.balance(ANA).balance, tokens.listed()[0].spent) == (-9, 9)
        with pytest.raises(errors.CapReached):
            await ana.pay(ANA, BEN, 3, wait="recorded", spender=spender)
        assert (ana.balance(ANA).balance, tokens.listed()[0].spent) == (-9, 9)


@pytest.mark.parametrize("ref", ["", "r" * 201, "may\n2026-05-01 forged", "\x1b[31m", "\0", "\u202eyam"])
async def test_a_ref_is_short_words_on_one_line(village: Village, tmp_path: Path, ref: str) -> None:
    async with running(tmp_path / "ana", village.node()) as ana:
        before = dict(ana.book.heads)
        with pytest.raises(errors.BadRequest, match="ref"):
            await ana.pay(ANA, BEN_IN_IT, 5, ref=ref)
        assert ana.book.heads == before


@pytest.mark.parametrize("handle", ["@zed", "@ben", "@commons", "17", ""])
async def test_an_account_that_is_not_of_this_wallet_is_not_found(
    village: Village, tmp_path: Path, handle: str
) -> None:
    async with running(tmp_path / "ana", village.node()) as ana:
        assert ana.own_account("@ana") == ana.own_account(None) == ANA
        with pytest.raises(errors.NotFound, match="this wallet"):
            ana.own_account(handle)


async def test_only_a_final_payment_to_this_wallet_can_be_refunded(village: Village, tmp_path: Path) -> None:
    async with running(tmp_path / "ana", village.node()) as ana:
        paid = await ana.pay(ANA, BEN_IN_IT, 5)
        with pytest.raises(errors.CannotRefund):
            await ana.refund(paid.id)
        with pytest.raises(errors.BadId):
            await ana.refund("pay1nonsense")
        with pytest.raises(errors.NotFound):
            await ana.refund(str(PaymentId(EntryId(bytes(32)), 0)))


async def test_a_locked_wallet_shows_and_forwards_and_does_not_sign(tmp_path: Path) -> None:
    village = settle(tmp_path, {"ana": ["ana"], "ben": ["ben"]}, passphrase="correct horse")
    node = village.node()
    async with running(tmp_path / "ana", node) as ana:
        assert ana.locked and ana.balance(ANA).balance == 0
        with pytest.raises(errors.Locked):
            await ana.pay(ANA, BEN, 5)
        with pytest.raises(errors.WrongPassphrase):
            await ana.unlock("wrong horse")
        assert ana.locked
        await ana.unlock("correct horse")
        village.is_silent = True
        with pytest.raises(errors.WitnessesUnreachable):
            await ana.pay(ANA, BEN, 5)
        village.speak()
        await ana.pay(ANA, BEN, 5, ref="before")
        village.is_silent = True
        pending = await ana.pay(ANA, BEN, 6, ref="pending", wait="recorded")
        assert pending.state is Standing.RECORDED
    village.lose()
    async with running(tmp_path / "ana", node) as ana:
        assert ana.locked
        assert (await ana.pay(ANA, BEN, 6, ref="pending", timeout_s=5)).id == pending.id
        assert not village.forks()


async def test_what_is_not_final_in_time_says_so_and_goes_on(village: Village, tmp_path: Path) -> None:
    async with running(tmp_path / "ana", village.node()) as ana:
        await ana.pay(ANA, BEN_IN_IT, 1)
        village.is_silent = True
        with pytest.raises(errors.Timeout) as caught:
            await ana.pay(ANA, BEN_IN_IT, 5, ref="slow", timeout_s=0.01)
        assert caught.value.facts["state"] == "recorded"
        village.speak()
        assert (await ana.pay(ANA, BEN_IN_IT, 5, ref="slow")).id == caught.value.facts["id"]


async def test_whose_community_has_nobody_else_is_told_so_at_once(tmp_path: Path) -> None:
    village = settle(tmp_path, {"ana": ["ana", "anas-shop"]}, charter=replace(PLAIN, commons_limit=50))
    async with running(tmp_path / "ana", village.node()) as ana:
        await ana.pay(ANA, COMMONS, 1)
        village.is_silent = True
        started = trio.current_time()
        for payee in (COMMONS, BEN):
            with pytest.raises(errors.Timeout, match="another member") as caught:
                await ana.pay(ANA, payee, 5, timeout_s=3600)
            assert caught.value.facts["state"] == "recorded"
        assert trio.current_time() - started < 60
        assert (await ana.pay(ANA, COMMONS, 5, wait="recorded")).state is Standing.RECORDED


async def test_payments_of_one_account_are_under_way_together_up_to_a_bound(village: Village, tmp_path: Path) -> None:
    async with running(tmp_path / "ana", village.node()) as ana:
        await ana.pay(ANA, BEN_IN_IT, 1)
        village.is_silent = True
        for _ in range(8):
            await ana.pay(ANA, BEN_IN_IT, 1, wait="recorded")
        await refused(errors.Busy, ana, wait="recorded", timeout_s=0.01)
        village.speak()
        assert (await ana.pay(ANA, BEN_IN_IT, 1)).state is Standing.FINAL


async def test_who_waits_for_an_earlier_payment_of_the_account_gives_up_in_time_and_signs_nothing(
    village: Village, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(tmp_path / "ana", village.node()) as ana:
        await ana.pay(ANA, BEN_IN_IT, 1)
        keep, may_go_on = ana.clerk.keep, trio.Event()

        async def slow(signing: Signing) -> None:
            await may_go_on.wait()
            await keep(signing)

        monkeypatch.setattr(ana.clerk, "keep", slow)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ana.pay, ANA, BEN_IN_IT, 2)
            await trio.testing.wait_all_tasks_blocked()
            head = ana.book.heads[ANA]
            with trio.fail_after(5):
                await refused(errors.Busy, ana, timeout_s=0.01)
            assert ana.book.heads[ANA] == head
            may_go_on.set()
        assert ana.balance(ANA).balance == -3


async def test_a_repeated_payment_waits_no_longer_than_it_was_given(
    village: Village, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(tmp_path / "ana", village.node()) as ana:
        first = await ana.pay(ANA, BEN_IN_IT, 1, ref="order-1")
        keep, may_go_on = ana.clerk.keep, trio.Event()

        async def slow(signing: Signing) -> None:
            await may_go_on.wait()
            await keep(signing)

        monkeypatch.setattr(ana.clerk, "keep", slow)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ana.pay, ANA, BEN_IN_IT, 2)
            await trio.testing.wait_all_tasks_blocked()
            with trio.fail_after(5):
                assert (await ana.pay(ANA, BEN_IN_IT, 1, ref="order-1", timeout_s=0.01)).id == first.id
            may_go_on.set()


async def test_who_receives_without_time_to_wait_takes_in_and_is_told_that_it_is_late(tmp_path: Path) -> None:
    village = settle(tmp_path, {"ana": ["ana"], "ben": ["ben"]})
    async with (
        running(tmp_path / "ana", village.node()) as ana,
        running(tmp_path / "ben", village.node()) as ben,
    ):
        for _ in range(2):
            await ana.pay(ANA, BEN, 5)
            await ben.receive(BEN)
        await ana.pay(ANA, BEN, 5)
        village.is_silent = True
        with pytest.raises(errors.Timeout):
            await ben.receive(BEN, timeout_s=0)
        assert ben.balance(BEN).balance == 15


async def test_50_accounts_at_once_share_the_commits_of_the_book(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    village = settle(tmp_path, {"shop": [f"till-{n}" for n in range(50)], "ben": ["ben"]})
    async with running(tmp_path / "shop", village.node()) as shop:
        batches = []
        really = shop.book.commit

        def commit(signings: Sequence[Signing | Jotting]) -> list[Signing | Jotting]:
            batches.append(len(signings))
            return really(signings)

        monkeypatch.setattr(shop.book, "commit", commit)
        async with trio.open_nursery() as nursery:
            for account in range(1, 51):
                nursery.start_soon(shop.pay, AccountId(account), AccountId(51), 1)
        assert sum(batches) == 50 and len(batches) <= 10
        assert shop.node.ledger.balance(AccountId(51)) == 50


async def test_a_copy_of_a_home_waits_and_then_finds_itself_old(village: Village, tmp_path: Path) -> None:
    node = village.node()
    async with running(tmp_path / "ana", node) as ana:
        await ana.pay(ANA, BEN_IN_IT, 5)
    shutil.copytree(tmp_path / "ana" / "wallet", tmp_path / "copy" / "wallet")
    (tmp_path / "copy").chmod(0o700)
    async with running(tmp_path / "ana", node) as ana, running(tmp_path / "copy", village.node()) as copy:
        await ana.pay(ANA, BEN_IN_IT, 6)
        error = await refused(errors.ReadOnly, copy)
        assert error.facts == {"reason": "newer"}
        assert len(copy.problems()) == 1 and "old copy" in copy.problems()[0]
    assert not village.forks()


async def test_of_two_equal_copies_one_signs(village: Village, tmp_path: Path) -> None:
    node = village.node()
    async with running(tmp_path / "ana", node) as ana:
        await ana.pay(ANA, BEN_IN_IT, 5)
    shutil.copytree(tmp_path / "ana" / "wallet", tmp_path / "copy" / "wallet")
    (tmp_path / "copy").chmod(0o700)
    async with running(tmp_path / "copy", village.node()) as copy:
        error = await refused(errors.ReadOnly, copy)
        assert error.facts == {"reason": "held"}
        village.now += 61
        assert (await copy.pay(ANA, BEN_IN_IT, 6)).state is Standing.FINAL
    async with running(tmp_path / "ana", village.nodes[0]) as ana:
        await refused(errors.ReadOnly, ana)
    assert not village.forks()


async def test_a_restart_goes_on_at_once_also_after_one_that_signed_nothing(village: Village, tmp_path: Path) -> None:
    node = village.node()
    async with running(tmp_path / "ana", node) as ana:
        await ana.pay(ANA, BEN_IN_IT, 5)
    async with running(tmp_path / "ana", node):
        pass
    async with running(tmp_path / "ana", node) as ana:
        assert (await ana.pay(ANA, BEN_IN_IT, 5)).state is Standing.FINAL


async def test_a_node_that_lost_its_record_is_waited_for(village: Village, tmp_path: Path) -> None:
    async with running(tmp_path / "ana", village.node()) as ana:
        await ana.pay(ANA, BEN_IN_IT, 5)
        await ana.pay(ANA, BEN_IN_IT, 5)
    async with running(tmp_path / "ana", VillageNode(village)) as ana:
        await refused(errors.Unreachable, ana)
    assert not village.forks()


async def test_when_the_lease_ran_out_the_witnesses_are_asked_again(village: Village, tmp_path: Path) -> None:
    async with running(tmp_path / "ana", village.node()) as ana:
        await ana.pay(ANA, BEN_IN_IT, 5)
        village.now += 56
        village.is_silent = True
        await refused(errors.WitnessesUnreachable, ana)
        village.speak()
        assert (await ana.pay(ANA, BEN_IN_IT, 5)).state is Standing.FINAL


async def test_names_are_found_with_and_without_the_sign(village: Village, tmp_path: Path) -> None:
    async with running(tmp_path / "ana", village.node()) as ana:
        assert ana.find("@ben") == ana.find("ben") == ana.find("BEN") == ana.find("3") == BEN_IN_IT
        assert ana.find("@commons") == ana.find("0") == COMMONS
        assert ana.own_account(None) == ANA and ana.own_account("@anas-shop") == AccountId(2)
        for stranger in ("@eve", "99", "", "@", "99999999999999999999", "00000000013"):
            with pytest.raises(errors.PayeeUnknown):
                ana.find(stranger)
        with pytest.raises(errors.NotFound):
            ana.own_account("@ben")
        assert [(m.handle, m.own) for m in ana.members()] == [("ana", True), ("anas-shop", True), ("ben", False)]


async def test_an_account_whose_votes_split_is_told_as_a_problem(village: Village, tmp_path: Path) -> None:
    async with running(tmp_path / "ana", village.node()) as ana:
        await ana.pay(ANA, BEN_IN_IT, 5)
        assert ana.problems() == []
        village.is_silent = True
        with pytest.raises(errors.Timeout) as late:
            await ana.pay(ANA, BEN_IN_IT, 5, timeout_s=0)
        assert str(late.value.facts["id"]) in late.value.next, "what to look at is named"
        village.refused.add(ana.book.heads[ANA].id)
        assert len(ana.problems()) == 1
        assert "@ana" in ana.problems()[0] and "conflict" in ana.problems()[0]


async def test_a_second_wallet_on_one_home_is_refused(village: Village, tmp_path: Path) -> None:
    async with running(tmp_path / "ana", village.node()):
        with pytest.raises((errors.HomeRefused, ExceptionGroup)):
            async with running(tmp_path / "ana", village.node()):
                pass


async def test_the_recovery_words_are_24_and_need_the_passphrase(tmp_path: Path) -> None:
    village = settle(tmp_path, {"ana": ["ana"], "ben": ["ben"]}, passphrase="correct horse")
    async with running(tmp_path / "ana", village.node()) as ana:
        assert len(await ana.words("correct horse")) == 24 and ana.locked
        with pytest.raises(errors.WrongPassphrase):
            await ana.words(None)
