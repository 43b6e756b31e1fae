"""Whole nodes in one trio process: real door, journal, witness, submitter and replication over a memory network.

Time is trio's mock clock, so nothing waits for real; journals are real files, and a crash loses what was not committed.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import trio

from node.bookkeeper import Bookkeeper
from node.config import NodeConfig
from node.identity import Identity
from node.journal import Journal
from node.rebuilding import rebuild
from node.records import EntryRecord, WitnessRecord
from node.service import Node
from node.standing import Standing
from protocol.base import KEY_BYTES
from protocol.entry import SignedEntry
from protocol.signing import SecretKey
from protocol.verdict import Verdict
from tests.builders import Town

from .memory_transport import MemoryNetwork


@dataclass(eq=False)
class Dweller:
    """One node: its folder and key, and the node itself while it is up."""

    name: str
    folder: Path
    witness_key: SecretKey
    node: Node | None = None
    scope: trio.CancelScope = field(default_factory=trio.CancelScope)
    ended: trio.Event = field(default_factory=trio.Event)


class MemoryTown:
    """Nodes by name; the first ones are the witnesses of `town`, in its order."""

    def __init__(self, town: Town, folder: Path, network: MemoryNetwork, nursery: trio.Nursery) -> None:
        self.town = town
        self.folder = folder
        self.network = network
        self._nursery = nursery
        self.dwellers: dict[str, Dweller] = {}

    def node(self, name: str) -> Node:
        node = self.dwellers[name].node
        assert node is not None, f"{name} is down"
        return node

    def settle(self, name: str, hosts: str = "") -> None:
        """Make a home; the n-th is that of the n-th witness. `hosts` is the member whose wallet lives there."""
        number = len(self.dwellers)
        sitting = self.town.witnesses
        secret = sitting[number] if number < len(sitting) else SecretKey.from_seed(bytes([number]) * KEY_BYTES)
        self.dwellers[name] = Dweller(name, self.folder / name, secret)
        with_key = Journal.open(self.folder / name, create=True)
        with_key.append([WitnessRecord(secret.public), EntryRecord(self.town.founding)])
        with_key.close()

    async def up(self, *names: str) -> None:
        """Start these nodes, by default all that are down."""
        for name in names or [name for name, dweller in self.dwellers.items() if dweller.node is None]:
            await self._nursery.start(self._live, self.dwellers[name])

    async def crash(self, *names: str) -> None:
        """End nodes; what was not committed is lost."""
        for name in names:
            self.dwellers[name].scope.cancel()
            await self.dwellers[name].ended.wait()

    async def _live(self, dweller: Dweller, task_status: Any = trio.TASK_STATUS_IGNORED) -> None:
        dweller.scope, dweller.ended = trio.CancelScope(), trio.Event()
        journal = Journal.open(dweller.folder, create=False)
        door = Bookkeeper(rebuild(journal), journal)
        try:
            transport: Any = self.network.join(dweller.name)
            identity = Identity(bytes(KEY_BYTES), dweller.witness_key)
            dweller.node = Node(NodeConfig(dweller.folder), identity, door, transport)
            hosted = [self.town[dweller.name]] if dweller.name in self.town.members else []
            dweller.node.host(hosted)
            with dweller.scope:
                task_status.started()
                await dweller.node.run()
        finally:
            self.network.leave(dweller.name)
            dweller.node = None
            journal.close()
            dweller.ended.set()

    # What tests do and wait for

    async def pay_in(self, name: str, signed: SignedEntry) -> Verdict:
        """Hand a signed entry to a node."""
        return await self.node(name).pay_in(signed.encode())

    async def is_final(self, name: str, signed: SignedEntry, timeout_s: float = 20.0) -> bool:
        """Wait until an entry is final at that node."""
        place = signed.account, signed.seq, signed.id
        return (await self.node(name).wait_for(*place, Standing.FINAL, timeout_s)).is_final

    def standing(self, name: str, signed: SignedEntry) -> Standing:
        return self.node(name).state_of(signed.account, signed.seq, signed.id)

    async def until(self, met: Callable[[], bool], timeout_s: float = 60.0) -> None:
        """Wait until something is so, looking at it often."""
        with trio.fail_after(timeout_s):
            while not met():
                await trio.sleep(0.05)

    async def until_voting(self, *names: str) -> None:
        """Wait until these witnesses can give votes, by default all that are up."""
        chosen = names or [name for name, dweller in self.dwellers.items() if dweller.node and dweller.node.is_witness]
        await self.until(lambda: all(self.is_voting(name) for name in chosen))

    def is_voting(self, name: str) -> bool:
        witnessing = self.node(name).witnessing
        return witnessing is not None and witnessing.is_voting

    async def until_level(self, *names: str, timeout_s: float = 120.0) -> None:
        """Wait until these nodes (by default all that are up) have the same final state and no tails."""
        chosen = names or [name for name, dweller in self.dwellers.items() if dweller.node is not None]
        await self.until(lambda: len({self._facts(name) for name in chosen}) == 1, timeout_s)

    def _facts(self, name: str) -> tuple[bytes, int]:
        ledger = self.node(name).ledger
        chains = [chain for account in ledger.accounts() if (chain := ledger.chain(account)) is not None]
        return ledger.state_root(), sum(chain.seq - chain.final_seq for chain in chains)


@asynccontextmanager
async def memory_town(
    town: Town, folder: Path, names: str, monkeypatch: pytest.MonkeyPatch, *, seed: int = 0, loss: float = 0.0,
    delay_s: float = 0.0,
) -> AsyncIterator[MemoryTown]:  # fmt: skip
    """A town whose nodes (`names`, with blanks between) have homes and are down. Ask for `autojump_clock` beside it."""

    async def at_once(function: Callable[..., Any], *arguments: Any, **_: Any) -> Any:
        """The mock clock does not wait for threads, so the writer does its work in this one."""
        await trio.lowlevel.checkpoint()
        return function(*arguments)

    monkeypatch.setattr(trio.to_thread, "run_sync", at_once)
    network = MemoryNetwork(seed, loss, delay_s)
    async with trio.open_nursery() as nursery:
        await nursery.start(network.run)
        built = MemoryTown(town, folder, network, nursery)
        for name in names.split():
            built.settle(name)
        yield built
        await built.crash(*(name for name, dweller in built.dwellers.items() if dweller.node is not None))
        nursery.cancel_scope.cancel()
