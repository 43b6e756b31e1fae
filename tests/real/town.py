"""A town of real nodes for the tests that hurt them: homes in a folder, a process each, restarted in no time.

Each node is the same as `tally up` runs, in a child of a fork server that has everything loaded, reached over a control
pipe (tests/real/town_child.py). Nothing here judges; `journals` reads what the nodes wrote once they have ended.
"""

import shutil
import socket
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import trio

from devnet.founding import settle_network
from devnet.launcher import Child, Launcher
from devnet.pipe import ParentEnd, PipeClosed
from node.config import read_config, write_config
from node.identity import read_identity
from node.journal import Journal
from node.store import identity_folder, journal_folder
from protocol.addresses import peer_text
from protocol.signing import SecretKey
from wallet.founding import Founder, Terms, found_together

TARGET = "tests.real.town_child"
READY_S = 30.0
LIMIT = 1_000_000


class NotStarted(Exception):
    """A node refused to start; the first argument is what it said."""


@dataclass(eq=False, slots=True)
class Resident:
    """One member's home, and its process while there is one."""

    name: str
    home: Path
    child: Child | None = None
    end: ParentEnd | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    """What the node said when it was ready: api, peer_id, pid."""

    @property
    def is_up(self) -> bool:
        return self.child is not None and self.child.is_alive()


class RealTown:
    """The homes by name, and what can be done to them."""

    def __init__(self, launcher: Launcher, nursery: trio.Nursery, homes: dict[str, Path]) -> None:
        self._launcher = launcher
        self._nursery = nursery
        self.residents = {name: Resident(name, home) for name, home in homes.items()}
        self.restarts = 0

    def __getitem__(self, name: str) -> Resident:
        return self.residents[name]

    # Life and death

    async def start(self, *names: str, faulty: bool = False) -> None:
        """Start these nodes, by default all, and wait until they are ready. Raises NotStarted."""
        async with trio.open_nursery() as starting:
            for name in names or tuple(self.residents):
                starting.start_soon(self._start, self[name], faulty)

    async def _start(self, resident: Resident, faulty: bool) -> None:
        self.restarts += 1
        resident.child = await self._launcher.start()
        resident.end = ParentEnd(resident.child.pipe)
        self._nursery.start_soon(resident.end.run)
        await resident.end.tell({"home": str(resident.home), "faulty": faulty})
        with trio.fail_after(READY_S):
            async for note in resident.end.notes:
                if note["note"] == "ready":
                    resident.facts = note
                    return
                await resident.child.stop()
                raise NotStarted(note)
        await resident.child.wait()
        raise NotStarted({"message": "it ended without a word", "home": str(resident.home)})

    def copy_home(self, name: str, copy: str) -> Resident:
        """Copy a member's whole home, as a backup or a second computer would, with ports of its own; it dials all."""
        home = self[name].home.with_name(copy)
        shutil.copytree(self[name].home, home, ignore=shutil.ignore_patterns("run"))
        others = [resident for resident in self.residents.values() if resident.name != name]
        peers = tuple(_address(resident.home) for resident in others)
        write_config(replace(read_config(home), listen_port=0, api_port=0, peers=peers))
        self.residents[copy] = Resident(copy, home)
        return self.residents[copy]

    async def kill(self, name: str) -> None:
        """End a node as a power cut would."""
        child = self[name].child
        assert child is not None
        child.kill()
        await child.wait()

    def exit_code(self, name: str) -> int | None:
        """How a node's process ended; minus the signal if by one."""
        child = self[name].child
        assert child is not None and not isinstance(child.process, trio.Process)
        return child.process.exitcode

    async def ended(self, name: str, within_s: float) -> bool:
        """Wait until a node ends by itself; False when it did not."""
        child = self[name].child
        assert child is not None
        with trio.move_on_after(within_s):
            await child.wait()
            return True
        return False

    async def stop(self, *names: str) -> None:
        """End these nodes in order, by default all."""
        async with trio.open_nursery() as stopping:
            for name in names or tuple(self.residents):
                child = self[name].child
                if child is not None:
                    stopping.start_soon(child.stop)

    # Orders

    async def ask(self, name: str, do: str, **facts: object) -> dict[str, Any]:
        """Give one order. Raises ChildRefused with the wallet's code, PipeClosed when the node is gone."""
        end = self[name].end
        if end is None:
            raise PipeClosed("it was never started")
        return await end.ask(do, **facts)

    async def facts(self, name: str) -> dict[str, Any]:
        """The state of one node (`town_child.Orders.do_facts`)."""
        return await self.ask(name, "facts")

    async def pay(self, payer: str, payee: str, amount: int, **how: object) -> dict[str, Any]:
        """Have one member pay another; returns {id, state}."""
        return await self.ask(payer, "pay", payee=payee, amount=amount, **how)

    async def part(self, *islands: Collection[str]) -> None:
        """Let only nodes of the same island talk to one another; one island of all heals."""
        async with trio.open_nursery() as telling:
            for island in islands:
                others = [name for apart in islands if apart is not island for name in apart]
                for name in island:
                    telling.start_soon(self._deny, name, others)

    async def _deny(self, name: str, others: Collection[str]) -> None:
        await self.ask(name, "deny", peers=[self[other].facts["peer_id"] for other in others])

    async def heal(self) -> None:
        """Let everybody talk to everybody."""
        await self.part([name for name, resident in self.residents.items() if resident.is_up])

    # Waiting

    async def until(self, name: str, met: Any, within_s: float = 15.0) -> dict[str, Any]:
        """Wait until the facts of a node are as `met(facts)` says; returns them. Raises AssertionError with them."""
        facts: dict[str, Any] = {}
        with trio.move_on_after(within_s):
            while True:
                facts = await self.facts(name)
                if met(facts):
                    return facts
                await trio.sleep(0.05)
        raise AssertionError(f"{name} is not so far after {within_s} s: {facts}")

    async def until_voting(self, *names: str) -> None:
        """Wait until these witnesses can give votes."""
        for name in names:
            await self.until(name, lambda facts: facts["voting"])

    async def until_agreed(self, names: Sequence[str], within_s: float = 30.0) -> dict[str, Any]:
        """Wait until these nodes have the same final state and no uncertified tail; returns the facts of the first."""
        found: list[dict[str, Any]] = []
        with trio.move_on_after(within_s):
            while True:
                found = [await self.facts(name) for name in names]
                if len({facts["root"] for facts in found}) == 1 and not any(facts["tails"] for facts in found):
                    return found[0]
                await trio.sleep(0.1)
        told = ("root", "tails", "sum", "row", "peers", "waiting", "wanted")
        seen = [{key: facts[key] for key in told} for facts in found]
        raise AssertionError(f"no agreement after {within_s} s: {seen}")


def _address(home: Path) -> str:
    """Where a home's node listens."""
    return f"/ip4/127.0.0.1/tcp/{read_config(home).listen_port}/p2p/{peer_of(home)}"


def peer_of(home: Path) -> str:
    """The peer id of a home's node."""
    return peer_text(SecretKey.from_seed(read_identity(identity_folder(home)).transport_seed).public)


def let_in(home: Path, peers: Sequence[str]) -> None:
    """Have a home's node know these peers, too, from its next start on."""
    config = read_config(home)
    write_config(replace(config, peers=(*config.peers, *(f"/p2p/{peer}" for peer in peers))))


def found_homes(folder: Path, names: Sequence[str], witnesses: int, quorum: int) -> dict[str, Path]:
    """Found a community of these members, a home each without passphrase; the first ones are the witnesses."""
    homes = {name: folder / name for name in names}
    founders = [
        Founder(home, [name], None, name in names[:witnesses], name == names[0]) for name, home in homes.items()
    ]
    found_together(Terms("Testville", "hours", 2, LIMIT), founders, quorum=quorum)
    settle_network(list(homes.values()))
    return homes


@asynccontextmanager
async def open_town(
    folder: Path, names: Sequence[str], *, witnesses: int = 4, quorum: int = 3
) -> AsyncIterator[RealTown]:
    """A town that is founded and not started yet; at the end every process of it is ended."""
    homes = found_homes(folder, names, witnesses, quorum)
    with Launcher("fork", f"{TARGET}:run", preload=[TARGET]) as launcher:
        async with trio.open_nursery() as nursery:
            town = RealTown(launcher, nursery, homes)
            try:
                yield town
            finally:
                with trio.CancelScope(shield=True, deadline=trio.current_time() + 15):
                    await town.stop()
            nursery.cancel_scope.cancel()


@contextmanager
def journal_of(home: Path) -> Iterator[Journal]:
    """The journal of a node that has ended."""
    journal = Journal.open(journal_folder(home), create=False)
    try:
        yield journal
    finally:
        journal.close()


def takes_connections(address: str) -> bool:
    """Tell whether somebody listens at host:port."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=1).close()
    except OSError:
        return False
    return True
