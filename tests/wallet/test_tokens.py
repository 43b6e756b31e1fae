"""Tokens for programs: what is kept of them, what they open, and a daily cap that nothing gets past."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio

from node.web.scopes import Grant, Scope
from protocol.base import AccountId
from tests.wallet.village import Village, running, settle
from wallet import errors
from wallet.books.tokens import DAY_S, Spender
from wallet.programs.tokens import TOKENS_MAX, Tokens, hash_of
from wallet.results import Payment
from wallet.service import Wallet

ANA, BOB, CARL = AccountId(1), AccountId(2), AccountId(3)
NOW = 1_800_000_000


class Clock:
    """What the wallet's wall clock shows."""

    def __init__(self) -> None:
        self.now_s = NOW

    def __call__(self) -> float:
        return self.now_s


@asynccontextmanager
async def opened(home: Path, village: Village, clock: Clock) -> AsyncIterator[tuple[Wallet, Tokens]]:
    """The wallet of a home and its tokens, on a clock that a test sets."""
    async with running(home, village.node()) as wallet, trio.open_nursery() as nursery:
        object.__setattr__(wallet._staff, "wall_clock", clock)
        tokens = Tokens(wallet.book, wallet.clerk, clock)
        await nursery.start(tokens.run)
        yield wallet, tokens
        nursery.cancel_scope.cancel()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def village(tmp_path: Path) -> Village:
    return settle(tmp_path, {"home": ("ana", "bob", "carl")}, limit=100_000)


async def pay(wallet: Wallet, spender: Spender | None, amount: int, **more: Any) -> Payment:
    return await wallet.pay(more.pop("payer", ANA), more.pop("payee", BOB), amount, spender=spender, **more)


async def spender_of(tokens: Tokens, cap: int, name: str = "till") -> Spender:
    _, token = await tokens.create(name, Scope.SPEND, cap, 0)
    found = tokens.find(token)
    assert found is not None
    return Spender(found.hash, found.cap)


async def test_a_token_is_shown_once_and_kept_as_its_hash_alone(tmp_path: Path, village: Village, clock: Clock) -> None:
    async with opened(tmp_path / "home", village, clock) as (_, tokens):
        shown, token = await tokens.create("till", Scope.SPEND, 2000, 90 * DAY_S)
        assert tokens.find(token) == Grant("till", Scope.SPEND, hash_of(token), 2000)
        assert (shown.row.expires, shown.row.created, shown.spent) == (NOW + 90 * DAY_S, NOW, 0)
    kept = b"".join(file.read_bytes() for file in (tmp_path / "home").rglob("*") if file.is_file())
    assert token.encode() not in kept and hash_of(token) in kept
    async with opened(tmp_path / "home", village, clock) as (_, tokens):
        assert tokens.find(token) is not None, "it lives on after a restart"


async def test_the_day_of_the_last_use_is_kept(tmp_path: Path, village: Village, clock: Clock) -> None:
    async with opened(tmp_path / "home", village, clock) as (_, tokens):
        _, token = await tokens.create("till", Scope.READ, 0, 0)
        assert tokens.listed()[0].row.used == 0
        tokens.find(token)
        await trio.testing.wait_all_tasks_blocked()
    async with opened(tmp_path / "home", village, clock) as (_, tokens):
        assert tokens.listed()[0].row.used == NOW // DAY_S


async def test_a_revoked_token_opens_nothing_also_after_a_restart(
    tmp_path: Path, village: Village, clock: Clock
) -> None:
    async with opened(tmp_path / "home", village, clock) as (_, tokens):
        _, token = await tokens.create("till", Scope.READ, 0, 0)
        grant = tokens.find(token)
        assert grant is not None and tokens.holds(grant)
        await tokens.revoke("till")
        assert tokens.find(token) is None and tokens.listed() == [] and not tokens.holds(grant)
        with pytest.raises(errors.NotFound):
            await tokens.revoke("till")
    async with opened(tmp_path / "home", village, clock) as (_, tokens):
        assert tokens.find(token) is None
        await tokens.create("till", Scope.READ, 0, 0)
        assert tokens.find(token) is None, "the name may be had again, the old token is dead"


async def test_a_token_ends_when_it_expires_and_no_clock_that_goes_back_revives_it(
    tmp_path: Path, village: Village, clock: Clock
) -> None:
    async with opened(tmp_path / "home", village, clock) as (_, tokens):
        _, token = await tokens.create("till", Scope.READ, 0, 60)
        clock.now_s = NOW + 59
        grant = tokens.find(token)
        assert grant is not None and tokens.holds(grant)
        clock.now_s = NOW + 60
        assert tokens.find(token) is None and tokens.listed()[0].is_expired and not tokens.holds(grant)
        clock.now_s = NOW
        assert tokens.find(token) is None


@pytest.mark.parametrize(
    ("name", "scope", "cap", "lasts_s"),
    [
        ("", Scope.READ, 0, 0), ("Till", Scope.READ, 0, 0), ("a b", Scope.READ, 0, 0), ("é", Scope.READ, 0, 0),
        ("x" * 33, Scope.READ, 0, 0), (".hidden", Scope.READ, 0, 0), ("a/b", Scope.READ, 0, 0),
        ("till", Scope.OWNER, 0, 0), ("till", Scope.SPEND, 0, 0), ("till", Scope.READ, 5, 0),
        ("till", Scope.REQUEST, 5, 0), ("till", Scope.READ, 0, -1), ("till", Scope.READ, 0, 10**10),
    ],
)  # fmt: skip
async def test_a_token_that_makes_no_sense_is_not_made(
    tmp_path: Path, village: Village, clock: Clock, name: str, scope: Scope, cap: int, lasts_s: int
) -> None:
    async with opened(tmp_path / "home", village, clock) as (_, tokens):
        with pytest.raises(errors.BadRequest):
            await tokens.create(name, scope, cap, lasts_s)
        assert tokens.listed() == []


async def test_a_name_is_given_once_and_tokens_are_bounded(tmp_path: Path, village: Village, clock: Clock) -> None:
    async with opened(tmp_path / "home", village, clock) as (_, tokens):
        for number in range(TOKENS_MAX):
            await tokens.create(f"t{number}", Scope.READ, 0, 0)
        with pytest.raises(errors.NameTaken):
            await tokens.create("t1", Scope.READ, 0, 0)
        with pytest.raises(errors.BadRequest):
            await tokens.create("one-more", Scope.READ, 0, 0)
        assert len(tokens.listed()) == TOKENS_MAX


async def test_a_token_pays_up_to_its_cap_and_not_one_unit_more(tmp_path: Path, village: Village, clock: Clock) -> None:
    async with opened(tmp_path / "home", village, clock) as (wallet, tokens):
        till = await spender_of(tokens, 1000)
        await pay(wallet, till, 600)
        before = wallet.balance(ANA).balance, wallet.book.heads[ANA]
        with pytest.raises(errors.CapReached) as refused:
            await pay(wallet, till, 401)
        assert refused.value.facts == {"amount": 401, "cap": 1000}
        assert (wallet.balance(ANA).balance, wallet.book.heads[ANA]) == before, "nothing was kept of it"
        await pay(wallet, till, 400)
        assert tokens.listed()[0].spent == 1000
        await pay(wallet, None, 5000)
        assert not village.forks(), "the owner has no cap, and the place of what was refused is used again"


async def test_the_same_ref_again_is_counted_once(tmp_path: Path, village: Village, clock: Clock) -> None:
    async with opened(tmp_path / "home", village, clock) as (wallet, tokens):
        till = await spender_of(tokens, 1000)
        first = await pay(wallet, till, 900, ref="order-1")
        assert (await pay(wallet, till, 900, ref="order-1")).id == first.id
        assert tokens.listed()[0].spent == 900


async def test_the_same_ref_with_anything_else_in_it_is_refused(tmp_path: Path, village: Village, clock: Clock) -> None:
    async with opened(tmp_path / "home", village, clock) as (wallet, _):
        await pay(wallet, None, 900, ref="order-1", note="bread")
        balance = wallet.balance(ANA).balance
        for change in ({"amount": 901}, {"payee": CARL}, {"note": "beer"}, {"note": None}, {"sealed": True}):
            asked = {"amount": 900, "ref": "order-1", "note": "bread", **change}
            with pytest.raises(errors.RefReused):
                await pay(wallet, None, **asked)
        assert wallet.balance(ANA).balance == balance


async def test_payments_side_by_side_share_one_cap(tmp_path: Path, village: Village, clock: Clock) -> None:
    async with opened(tmp_path / "home", village, clock) as (wallet, tokens):
        till = await spender_of(tokens, 1000)
        done: list[bool] = []

        async def one(payer: AccountId, payee: AccountId) -> None:
            try:
                await pay(wallet, till, 300, payer=payer, payee=payee)
                done.append(True)
            except errors.CapReached:
                done.append(False)

        async with trio.open_nursery() as nursery:
            for _ in range(4):
                for payer, payee in ((ANA, BOB), (BOB, CARL), (CARL, ANA)):
                    nursery.start_soon(one, payer, payee)
        assert sum(done) == 3 and len(done) == 12
        assert tokens.listed()[0].spent == 900


async def test_a_refund_counts_too(tmp_path: Path, village: Village, clock: Clock) -> None:
    async with opened(tmp_path / "home", village, clock) as (wallet, tokens):
        made = await pay(wallet, None, 700)
        till = await spender_of(tokens, 600)
        with pytest.raises(errors.CapReached):
            await wallet.refund(made.id, spender=till)
        bigger = await spender_of(tokens, 700, "office")
        first = await wallet.refund(made.id, spender=bigger)
        assert (await wallet.refund(made.id, spender=bigger)).id == first.id
        assert [shown.spent for shown in tokens.listed()] == [700, 0]


async def test_what_waited_for_its_turn_while_its_token_was_revoked_is_not_paid(
    tmp_path: Path, village: Village, clock: Clock
) -> None:
    async with opened(tmp_path / "home", village, clock) as (wallet, tokens):
        till = await spender_of(tokens, 1000)
        await tokens.revoke("till")
        with pytest.raises(errors.CapReached):
            await pay(wallet, till, 1)
        assert wallet.balance(ANA).balance == 0 and wallet.book.rows("SELECT count(*) FROM spending") == [(0,)]


async def test_what_waited_for_its_turn_until_its_token_had_expired_is_not_paid(
    tmp_path: Path, village: Village, clock: Clock
) -> None:
    async with opened(tmp_path / "home", village, clock) as (wallet, tokens):
        _, token = await tokens.create("till", Scope.SPEND, 1000, 60)
        found = tokens.find(token)
        assert found is not None
        clock.now_s = NOW + 59
        await pay(wallet, Spender(found.hash, found.cap), 1)
        clock.now_s = NOW + 60
        with pytest.raises(errors.CapReached):
            await pay(wallet, Spender(found.hash, found.cap), 1)
        assert wallet.balance(ANA).balance == -1


async def test_a_day_later_the_cap_is_whole_again(tmp_path: Path, village: Village, clock: Clock) -> None:
    async with opened(tmp_path / "home", village, clock) as (wallet, tokens):
        till = await spender_of(tokens, 1000)
        await pay(wallet, till, 1000)
        clock.now_s = NOW + DAY_S - 1
        with pytest.raises(errors.CapReached):
            await pay(wallet, till, 1)
        clock.now_s = NOW + DAY_S
        await pay(wallet, till, 1000)
        assert wallet.book.rows("SELECT count(*) FROM spending") == [(1,)], "what counts no longer is not kept"


async def test_a_clock_that_is_set_back_opens_nothing(tmp_path: Path, village: Village, clock: Clock) -> None:
    async with opened(tmp_path / "home", village, clock) as (wallet, tokens):
        till = await spender_of(tokens, 1000)
        await pay(wallet, till, 600)
        for back in (3600, 2 * DAY_S, 300 * DAY_S):
            clock.now_s = NOW - back
            with pytest.raises(errors.CapReached):
                await pay(wallet, till, 401)
        await pay(wallet, till, 400)
        clock.now_s = NOW + DAY_S - 1
        with pytest.raises(errors.CapReached):
            await pay(wallet, till, 1)


async def test_what_was_paid_counts_after_a_restart(tmp_path: Path, village: Village, clock: Clock) -> None:
    async with opened(tmp_path / "home", village, clock) as (wallet, tokens):
        till = await spender_of(tokens, 1000)
        await pay(wallet, till, 600)
    async with opened(tmp_path / "home", village, clock) as (wallet, tokens):
        assert tokens.listed()[0].spent == 600
        with pytest.raises(errors.CapReached):
            await pay(wallet, till, 401)
