"""A community whose stewards sit in several homes: real wallets, books and proposals, witnesses that decide at once.

A `Hall` carries ballots between the nodes, all of them at once or as a test says; when `is_deciding`, what is complete
is decided and in every ledger. The first `stewards` homes are the stewards, each with one member.
"""

import atexit
import shutil
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest
import trio
import trio.testing

from node.store import open_store
from protocol.base import COMMONS
from protocol.entry import SignedEntry
from protocol.ledger import Effects
from protocol.ops import Op
from protocol.proposals import Proposals
from protocol.signing import SecretKey
from wallet.books.acts import ActPages
from wallet.founding import Founder, Terms, found_together
from wallet.keystore import FLOOR
from wallet.service import Wallet
from wallet.stewards.ballots import Ballots
from wallet.stewards.stewarding import Stewarding

from .village import PLAIN, Village, VillageNode, running


class HallNode(VillageNode):
    """One node: a real ledger, and the open acts as `node.proposing.Proposer` has them."""

    def __init__(self, village: "Hall") -> None:
        self._place: Proposals | None = None
        self._listeners: list[Callable[[], None]] = []
        self.hall = village
        super().__init__(village)

    @property
    def proposer(self) -> "HallNode":
        return self

    @property
    def place(self) -> Proposals:
        commons = self.ledger.commons
        if self._place is None or self._place.seq != commons.height + 1:
            self._place = Proposals(commons.community, commons.stewards(), commons.height + 1, self._is_valid)
        return self._place

    def _is_valid(self, signed: SignedEntry) -> bool:
        return isinstance(self.ledger.judge_act(signed), Effects)

    def on_change(self, listener: Callable[[], None]) -> None:
        self._listeners.append(listener)

    def changed(self) -> None:
        for listener in self._listeners:
            listener()

    def offer(self, signed: SignedEntry) -> bool:
        self.hall.given.append(signed)
        if not self.place.take(signed):
            return False
        self.hall.pass_on(self)
        self.changed()
        return True


class Hall(Village):
    """All nodes, and the witnesses."""

    def __init__(self, founding: SignedEntry, witnesses: Sequence[SecretKey]) -> None:
        super().__init__(founding, witnesses)
        self.given: list[SignedEntry] = []
        """Every ballot that left a wallet."""
        self.is_carrying = True
        self.is_deciding = True
        self.decided: list[SignedEntry] = []

    def node(self) -> HallNode:
        found = HallNode(self)
        self.nodes.append(found)
        return found

    def hall_nodes(self) -> list[HallNode]:
        return [node for node in self.nodes if isinstance(node, HallNode)]

    def pass_on(self, sender: HallNode) -> None:
        """Show the others what a node holds, and decide what is complete, as far as that is allowed now."""
        if self.is_carrying:
            for node in self.hall_nodes():
                fresh = [node.place.take(signed) for signed in sender.place.shown() if node is not sender]
                if any(fresh):
                    node.changed()
        if self.is_deciding:
            self.decide(sender)

    def carry(self) -> None:
        """Let everything through again that was held back."""
        self.is_carrying = True
        for node in self.hall_nodes():
            self.pass_on(node)

    def decide(self, node: HallNode) -> None:
        """The witnesses decide what is complete at a node."""
        choice = node.place.ripe
        if choice is not None:
            signed = node.place.at(choice)
            self.decided.append(signed)
            certificate = self._certificate(signed)
            for other in self.hall_nodes():
                other.certify(signed, certificate)
                other.changed()

    def doubles(self) -> list[tuple[int, int, int]]:
        """(steward, seq, round) for which two acts were signed."""
        seen: dict[tuple[int, int, int], bytes] = {}
        found = []
        for signed in self.given:
            for steward, _ in signed.signatures:
                if seen.setdefault((steward, signed.seq, signed.round), signed.id) != signed.id:
                    found.append((steward, signed.seq, signed.round))
        return found


_FOUNDED: dict[str, tuple[Path, SignedEntry, SecretKey]] = {}
"""Founding syncs many files, so each kind of hall is founded once and copied."""


def settle_hall(folder: Path, names: Sequence[str], *, stewards: int, threshold: int, limit: int = 100) -> Hall:
    """Found a community of one home a member; the first homes are stewards, and the first of all is the witness."""
    kind = repr((names, stewards, threshold, limit))
    if kind not in _FOUNDED:
        place = Path(mkdtemp(prefix="hall-"))
        atexit.register(shutil.rmtree, place)
        founders = [
            Founder(place / name, [name], None, is_witness=n == 0, is_steward=n < stewards, cost=FLOOR)
            for n, name in enumerate(names)
        ]
        found_together(Terms("Testville", "hours", 2, limit, PLAIN), founders, quorum=1, threshold=threshold, at=1)
        store = open_store(founders[0].home)
        (founding,) = store.journal.entry(COMMONS, 0, 0)
        store.journal.close()
        _FOUNDED[kind] = place, founding, store.identity.witness_key
    place, founding, witness = _FOUNDED[kind]
    for name in names:
        shutil.copytree(place / name, folder / name)
    return Hall(founding, [witness])


class Steward:
    """One home that is up."""

    def __init__(self, wallet: Wallet, node: HallNode) -> None:
        self.wallet, self.node = wallet, node
        self.pages = ActPages(wallet.book)
        self.ballots = Ballots(node, self.pages, wallet.clerk, wallet.steward_key, wallet.accounts())
        self.acts = Stewarding(node, self.pages, wallet.clerk, self.ballots)
        wallet.on_unlock(self.acts.wake)

    async def propose(self, *ops: Op) -> str:
        """Wish for an act; returns what became of it by now."""
        return (await self.acts.propose(ops)).state.value

    @property
    def shown(self) -> list[SignedEntry]:
        """The open acts that this home sees."""
        return [act.signed for act in self.node.place.acts()]


@asynccontextmanager
async def sitting(folder: Path, name: str, hall: Hall, node: HallNode | None = None) -> AsyncIterator[Steward]:
    """One home with its wallet and its acts, ended politely."""
    node = hall.node() if node is None else node
    async with running(folder / name, node) as wallet, trio.open_nursery() as nursery:
        steward = Steward(wallet, node)
        nursery.start_soon(steward.acts.run)
        yield steward
        nursery.cancel_scope.cancel()


async def quiet() -> None:
    """Let everything happen that can, when nothing happens in threads (`unthreaded`)."""
    await trio.testing.wait_all_tasks_blocked()


def unthreaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the clerk write in this thread, so that it is known when all is quiet."""

    async def at_once(function: Callable[..., Any], *arguments: Any, **_: Any) -> Any:
        await trio.lowlevel.checkpoint()
        return function(*arguments)

    monkeypatch.setattr(trio.to_thread, "run_sync", at_once)
