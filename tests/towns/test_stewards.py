"""Stewards' wallets over whole nodes: frames are late, links break, processes crash, one steward lies.

Every act that was wished for ends in force exactly once, and no steward's wallet signs two acts for one round.
"""

from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import trio

from node.service import Node
from protocol.base import COMMONS, AccountId, CommunityId, EntryId
from protocol.entry import SignedEntry
from protocol.ops import Limits
from tests.builders import Town, charge, found, key
from tests.towns.memory_town import MemoryTown, memory_town
from wallet import errors
from wallet.books.acts import ActPages, WishState
from wallet.books.book import Book
from wallet.books.clerk import Clerk
from wallet.errors import BookFailed
from wallet.home import Home
from wallet.stewards.ballots import Ballots
from wallet.stewards.ops import wanted
from wallet.stewards.stewarding import Stewarding

BOARD = ("s0", "s1", "s2")
WITNESSES = "w0 w1 w2 w3"


@dataclass
class Office:
    """The stewards' part of one wallet that is up."""

    acts: Stewarding
    scope: trio.CancelScope
    ended: trio.Event


class Wallets:
    """The wallets of the stewards: their books stay when they are killed."""

    def __init__(self, built: MemoryTown, folder: Path, nursery: trio.Nursery) -> None:
        self.built, self.folder, self.nursery = built, folder, nursery
        self.up: dict[str, Office] = {}
        self.given: dict[tuple[str, int, int], set[EntryId]] = {}

    async def start(self, *names: str) -> None:
        for name in names:
            self.up[name] = await self.nursery.start(self._live, name)

    async def kill(self, name: str) -> None:
        office = self.up.pop(name)
        office.scope.cancel()
        await office.ended.wait()
        await self.built.crash(name)

    async def _live(self, name: str, task_status: Any) -> None:
        home = Home(self.folder / f"home of {name}")
        if not home.root.exists():
            home.begin()
            Book.create(home.book, CommunityId(self.built.town.community), [(self.built.town[name], 0)])
        await self.built.up(name)
        node, ended = self.built.node(name), trio.Event()
        with trio.CancelScope() as scope, ExitStack() as ends:
            book = Book.open(home.book)
            ends.callback(book.close)
            async with trio.open_nursery() as nursery:
                clerk, pages = Clerk(book), ActPages(book)
                await nursery.start(clerk.run)
                ballots = Ballots(node, pages, clerk, lambda _: key(name), [self.built.town[name]])
                acts = Stewarding(node, pages, clerk, ballots)
                self._watch(name, node)
                nursery.start_soon(acts.run)
                task_status.started(Office(acts, scope, ended))
        ended.set()

    def _watch(self, name: str, node: Node) -> None:
        offer = node.proposer.offer

        def watched(signed: SignedEntry) -> bool:
            self.given.setdefault((name, signed.seq, signed.round), set()).add(signed.id)
            return offer(signed)

        node.proposer.offer = watched  # type: ignore[method-assign]

    def decided(self) -> list[bytes]:
        """What was decided, in order, as the first witness has it."""
        node = self.built.node("w0")
        height = node.ledger.commons.height
        return [wanted(signed.entry.ops) for signed in node.journal.entries(COMMONS, 0, 1, height)] if height else []

    async def wish(self, name: str, ops: list[Any]) -> None:
        """The person of a home wishes for an act; the process may be killed over it."""
        with suppress(BookFailed):
            await self.up[name].acts.propose(ops)

    async def press(self, name: str) -> None:
        """The person of a home signs all that is shown, as long as nothing else has to be decided first."""
        acts = self.up[name].acts
        for act in list(acts.node.proposer.place.acts()):
            with trio.move_on_after(5):
                with suppress(errors.NotFound, errors.ActHeld, errors.Busy):
                    await acts.agree(act.id)

    def doubles(self) -> list[tuple[str, int, int]]:
        return [place for place, ids in self.given.items() if len(ids) > 1]


def town() -> Town:
    return found("ana", *BOARD, stewards=BOARD, threshold=2, witnesses=4, quorum=3)


@pytest.mark.parametrize("seed", range(4))
async def test_all_acts_are_in_force_once_whatever_the_network_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: Any, seed: int
) -> None:
    made = town()
    names = f"{WITNESSES} {' '.join(BOARD)}"
    async with (
        memory_town(made, tmp_path, names, monkeypatch, seed=seed, loss=0.02, delay_s=0.5) as built,
        trio.open_nursery() as nursery,
    ):
        wallets = Wallets(built, tmp_path, nursery)
        await built.up(*WITNESSES.split())
        await wallets.start(*BOARD)
        wishes = [[charge(made["ana"], COMMONS, 1 + n)] for n in range(3)]
        for name, ops in zip(BOARD, wishes, strict=True):
            nursery.start_soon(wallets.wish, name, ops)
        await trio.sleep(0.05 + 0.3 * seed)
        await wallets.kill(BOARD[seed % 3])
        await wallets.start(BOARD[seed % 3])
        with trio.fail_after(3600):
            while len(wallets.decided()) < sum(_is_kept(wallets, ops) for ops in wishes) or not _all(wallets):
                for name in BOARD:
                    await wallets.press(name)
                await trio.sleep(3)
        assert len(set(wallets.decided())) == len(wallets.decided()) >= 2
        assert wallets.doubles() == []
        nursery.cancel_scope.cancel()


def _is_kept(wallets: Wallets, ops: list[Any]) -> bool:
    """Whether a wish got as far as somebody's book: the process may have been killed before."""
    raw = wanted(ops)
    return any(wish.ops == raw for office in wallets.up.values() for wish in office.acts.pages.wishes.values())


def _all(wallets: Wallets) -> bool:
    return all(not office.acts.pages.open_wishes() for office in wallets.up.values())


async def test_a_steward_who_signs_everything_in_every_round_stops_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: Any
) -> None:
    made = town()
    async with (
        memory_town(made, tmp_path, f"{WITNESSES} {' '.join(BOARD)}", monkeypatch, delay_s=0.2) as built,
        trio.open_nursery() as nursery,
    ):
        wallets = Wallets(built, tmp_path, nursery)
        await built.up(*WITNESSES.split(), "s2")
        await wallets.start("s0", "s1")
        await built.until_voting()
        await wallets.up["s0"].acts.propose([charge(made["ana"], COMMONS, 1)])
        await wallets.up["s1"].acts.propose([charge(made["ana"], COMMONS, 2)])
        liar = built.node("s2").proposer
        await built.until(lambda: len(liar.open_acts()) == 2)
        for round in range(12):
            for act in liar.open_acts():
                liar.offer(made.ballots(act.signed.entry, round, (2,)))
            other = Limits(((AccountId(1), round),))
            liar.offer(made.propose(other, round=round, by=(2,)))
        with trio.fail_after(3600):
            while not {wanted([charge(made["ana"], COMMONS, n)]) for n in (1, 2)} <= set(wallets.decided()):
                for name in ("s0", "s1"):
                    await wallets.press(name)
                await trio.sleep(3)
        for name in ("s0", "s1"):
            own = [wish for wish in wallets.up[name].acts.pages.wishes.values() if wish.own]
            await built.until(lambda own=own, name=name: _own_in_force(wallets, name))  # type: ignore[misc]
            assert len(own) == 1
        assert wallets.doubles() == []
        nursery.cancel_scope.cancel()


def _own_in_force(wallets: Wallets, name: str) -> bool:
    own = [wish for wish in wallets.up[name].acts.pages.wishes.values() if wish.own]
    return all(wish.state is WishState.IN_FORCE for wish in own)
