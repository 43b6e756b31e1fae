"""Paging through a history while payments come in, are taken in and are sent back: nothing twice, nothing missed."""

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as some

from protocol.base import AccountId, EntryId
from protocol.messages import Position
from tests.wallet.village import running, settle
from wallet.errors import BadRequest
from wallet.history import Line, Lines
from wallet.paging import Cursor, page, read_cursor
from wallet.service import Wallet

ME, ANA, BEN = AccountId(7), AccountId(1), AccountId(2)


def line(account: AccountId, seq: int) -> Line:
    """A payment by that account at its place `seq`."""
    place = Position(account, 0, seq, EntryId(bytes(32)))
    return Line("paid", place, 0, ANA, 1, 9, None, None)  # type: ignore[arg-type]  # nothing looks at the entry


class History:
    """The history of ME, as it grows."""

    def __init__(self) -> None:
        self.settled: list[Line] = []
        self.in_flight: list[Line] = []
        self._seqs = {ME: 0, ANA: 0, BEN: 0}

    def do(self, what: str) -> None:
        if what == "pay":
            self.settled.append(self._next(ME))
        elif what in ("ana", "ben"):
            self.in_flight.append(self._next(ANA if what == "ana" else BEN))
        elif what == "take":
            self.settled += self.in_flight
            self.in_flight = []
        elif what == "take one" and self.in_flight:
            self.settled.append(self.in_flight.pop(0))

    def _next(self, account: AccountId) -> Line:
        self._seqs[account] += 1
        return line(account, self._seqs[account])

    def lines(self) -> Lines:
        return Lines(ME, tuple(self.settled), tuple(self.in_flight))


STEPS = some.lists(some.sampled_from(["pay", "ana", "ben", "take", "take one"]), max_size=12)


@example(before=["ana", "ana"], between=[["take"]] * 40, limit=1)
@given(before=STEPS, between=some.lists(STEPS, min_size=40, max_size=40), limit=some.integers(1, 4))
def test_what_was_there_at_the_beginning_is_shown_once_whatever_happens_meanwhile(
    before: list[str], between: list[list[str]], limit: int
) -> None:
    history = History()
    for what in before:
        history.do(what)
    there = {*history.settled, *history.in_flight}
    shown: list[Line] = []
    cursor: Cursor | None = None
    for meanwhile in between:
        rows, cursor = page(history.lines(), cursor, limit)
        shown += rows
        if cursor is None:
            break
        assert len(rows) == limit and read_cursor(str(cursor)) == cursor
        for what in meanwhile:
            history.do(what)
    assert cursor is None
    assert len(shown) == len(set(shown)), "nothing twice"
    assert set(shown) >= there, "nothing missed"


def test_a_page_as_long_as_all_there_is_is_the_last() -> None:
    history = History()
    for what in ("pay", "pay", "ana"):
        history.do(what)
    rows, cursor = page(history.lines(), None, 3)
    assert [(row.place.account, row.place.seq) for row in rows] == [(ANA, 1), (ME, 2), (ME, 1)] and cursor is None


BAD = ["", "x", "-1", "1-", "1-2.3.4", "1-2.3.4.5.6", "1.5", "１", " 1", "1 ", "9" * 16, "1-2.3.4.x", "1\n", "0x10"]


@pytest.mark.parametrize("text", BAD)
def test_what_no_page_gave_is_no_cursor(text: str) -> None:
    with pytest.raises(BadRequest):
        read_cursor(text)


async def everything(wallet: Wallet, account: AccountId, limit: int) -> list[str]:
    found: list[str] = []
    after: str | None = None
    while True:
        shown = wallet.history(account, limit, after)
        found += [f"{row.id} {row.kind}" for row in shown.rows]
        after = shown.next
        if after is None:
            return found


async def test_pages_of_any_length_make_up_the_whole_history(tmp_path: Path) -> None:
    village = settle(tmp_path, {"ana": ["ana"], "ben": ["ben"]}, limit=100_000)
    async with running(tmp_path / "ana", village.node()) as ana, running(tmp_path / "ben", village.node()) as ben:
        one, two = AccountId(1), AccountId(2)
        for amount in range(1, 6):
            await ana.pay(one, two, amount)
        await ben.receive(two)
        await ben.pay(two, one, 3)
        made = await ana.pay(one, two, 9)
        await ben.refund(made.id)
        await ana.pay(one, two, 7)
        whole = await everything(ben, two, 1000)
        assert len(whole) == len(set(whole)) == 9
        for limit in (1, 2, 3, 8, 9):
            assert await everything(ben, two, limit) == whole
