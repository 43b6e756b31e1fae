"""A running devnet: its members' processes, the orders given to them, and what is told of it.

Owns the children from start to end. Asks them over their control pipes and tells events; prints nothing and decides
no traffic. A child that ends by itself is told of and can be started again.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import trio

from .board import Event
from .faults import deny_lists
from .homes import DevnetHome
from .launcher import Child, Launcher
from .pipe import ChildRefused, ParentEnd, PipeClosed
from .plan import Person

READY_S = 60.0
"""How long a node may take until it listens; on two busy cores a dozen of them take a while."""


@dataclass(slots=True)
class Member:
    """One member's node as the devnet sees it."""

    person: Person
    child: Child | None = None
    end: ParentEnd | None = None
    state: str = "down"
    """starting, running, killed, ended, down."""
    facts: dict[str, Any] = field(default_factory=dict)
    """What the node said when it was ready: api, peer_id, account."""


class Community:
    """The members and their processes. Methods raise ChildRefused for a wish that cannot be granted."""

    def __init__(
        self, home: DevnetHome, people: Collection[Person], launcher: Launcher, nursery: trio.Nursery,
        tell: Callable[[Event], None],
    ) -> None:  # fmt: skip
        self.home = home
        self.members = {person.handle: Member(person) for person in people}
        self._launcher = launcher
        self._nursery = nursery
        self._tell = tell
        self._island: list[str] = []

    def member(self, handle: str) -> Member:
        """Return the member of that handle, with or without "@"."""
        member = self.members.get(handle.removeprefix("@"))
        if member is None:
            raise ChildRefused("not_found", f"nobody here is called {handle!r}", {"members": ", ".join(self.members)})
        return member

    def running(self) -> list[str]:
        return [handle for handle, member in self.members.items() if member.state == "running"]

    async def ask(self, handle: str, do: str, **facts: object) -> dict[str, Any]:
        """Give one running member an order. Raises ChildRefused, or PipeClosed when it ends meanwhile."""
        member = self.member(handle)
        if member.state != "running" or member.end is None:
            raise ChildRefused("unreachable", f"{handle}'s node is not running", {"state": member.state})
        return await member.end.ask(do, **facts)

    async def ask_all(self, do: str, **facts: object) -> dict[str, dict[str, Any]]:
        """Give all running members one order, side by side; who ends meanwhile is left out."""
        answers: dict[str, dict[str, Any]] = {}

        async def one(handle: str) -> None:
            try:
                answers[handle] = await self.ask(handle, do, **facts)
            except PipeClosed:
                return

        async with trio.open_nursery() as nursery:
            for handle in self.running():
                nursery.start_soon(one, handle)
        return answers

    async def start_all(self) -> None:
        """Start every member side by side; returns when all are ready."""
        async with trio.open_nursery() as nursery:
            for handle in self.members:
                nursery.start_soon(self.start, handle)

    async def start(self, handle: str) -> None:
        """Start a member's node and wait until it is ready. Raises ChildRefused when it is running, or cannot start."""
        member = self.member(handle)
        if member.state in ("running", "starting"):
            raise ChildRefused("already_running", f"{handle}'s node is running already", {})
        is_again = member.state != "down"
        self._set(member, "starting")
        member.child = await self._launcher.start()
        member.end = ParentEnd(member.child.pipe)
        self._nursery.start_soon(self._attend, member, member.child, member.end)
        place = self.home.member(member.person.handle)
        await member.end.tell({"be": "member", "home": str(place)})
        member.facts |= await self._ready(member, member.end)
        self._set(member, "running", f"{member.person.handle}'s node is running again" if is_again else None)
        if self._island:
            await self._deny()

    async def _ready(self, member: Member, end: ParentEnd) -> dict[str, Any]:
        handle = member.person.handle
        with trio.move_on_after(READY_S):
            async for note in end.notes:
                if note["note"] == "ready":
                    return note
                if note["note"] == "failed":
                    raise ChildRefused("failed", f"{handle}'s node did not start: {note['message']}", {})
        raise ChildRefused("failed", f"{handle}'s node did not start", {"log": str(self.home.log(handle))})

    async def _attend(self, member: Member, child: Child, end: ParentEnd) -> None:
        """Read a child's pipe until it ends; say so when nobody asked it to."""
        await end.run()
        await child.wait()
        if member.child is child and member.state in ("running", "starting"):
            handle = member.person.handle
            self._set(member, "ended", f"{handle}'s node ended by itself: see `tally-devnet logs {handle}`")

    async def kill(self, handle: str) -> None:
        """End a member's node as a power cut would."""
        member = self.member(handle)
        if member.state != "running" or member.child is None:
            raise ChildRefused("unreachable", f"{handle}'s node is not running", {"state": member.state})
        self._set(member, "killed", f"{member.person.handle}'s node was killed")
        member.child.kill()
        await member.child.wait()

    async def stop_all(self) -> None:
        """Ask every child to end, and kill those that do not."""
        async with trio.open_nursery() as nursery:
            for member in self.members.values():
                if member.child is not None:
                    member.state = "down" if member.state == "running" else member.state
                    nursery.start_soon(member.child.stop)

    async def partition(self, island: Collection[str]) -> None:
        """Cut the members of `island` off from the rest, until healed; an empty island heals."""
        handles = [self.member(handle).person.handle for handle in island]
        self._island = handles
        await self._deny()
        words = f"{', '.join(handles)} cut off from the others" if handles else "all can reach one another again"
        self._tell({"event": "partition" if handles else "healed", "members": handles, "words": words})

    async def _deny(self) -> None:
        known = {handle: member.facts.get("peer_id") for handle, member in self.members.items()}
        peers = {handle: peer for handle, peer in known.items() if peer is not None}
        lists = deny_lists(peers, [handle for handle in self._island if handle in peers])
        for handle in self.running():
            await self.ask(handle, "deny", peers=lists[handle])

    def _set(self, member: Member, state: str, words: str | None = None) -> None:
        member.state = state
        news = {"event": "member", "handle": member.person.handle, "state": state}
        self._tell(news)
        if words is not None:
            self._tell({**news, "event": "started" if state == "running" else state, "words": words})

    def listing(self) -> list[Mapping[str, Any]]:
        """Say of each member: handle, home, api, pid, peer_id, witness, state."""
        return [
            {
                "handle": handle,
                "home": str(self.home.member(handle)),
                "api": member.facts.get("api"),
                "pid": member.child.pid if member.child is not None and member.child.is_alive() else None,
                "peer_id": member.facts.get("peer_id"),
                "witness": member.person.is_witness,
                "role": member.person.role,
                "state": member.state,
            }
            for handle, member in self.members.items()
        ]
