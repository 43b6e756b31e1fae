"""Has a child make and settle the homes of a devnet before its nodes start.

A founding that was cut short leaves no marker, so the next start makes the homes anew; with the marker, they are all
there.
"""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import trio

from .homes import DevnetHome
from .launcher import Launcher
from .pipe import ChildRefused, ParentEnd
from .places import Place
from .plan import Plan, quorum_of

PREPARE_S = 600.0
"""How long making homes may take: thousands of accounts take a while."""


async def prepare(launcher: Launcher, home: DevnetHome, plan: Plan) -> None:
    """Make the members' homes if `home` is new, and see that their ports are free. Raises ChildRefused."""
    people = [(person.handle, (person.handle,), person.is_witness, person.is_steward) for person in plan.people]
    places = [Place(str(home.member(name)), handles, *roles) for name, handles, *roles in people]
    if home.exists():
        await settle(launcher, places)
        return
    terms = {"community": plan.name, "unit": plan.unit, "decimals": plan.decimals, "limit": plan.limit}
    await found(launcher, places, terms, quorum_of(plan.witnesses))
    home.keep("devnet", {"plan": plan.plain()})


async def settle(launcher: Launcher, places: Sequence[Place]) -> None:
    """See that the ports of homes that are there are free. Raises ChildRefused."""
    await _have_done(launcher, places, None, 0)


async def found(launcher: Launcher, places: Sequence[Place], terms: Mapping[str, Any], quorum: int) -> list[str]:
    """Make the homes; returns the entries of account 0 that are still to be decided, in hex. Raises ChildRefused."""
    for place in places:
        await trio.to_thread.run_sync(_clear, Path(place.home))
    return list((await _have_done(launcher, places, terms, quorum))["pending"])


def _clear(place: Path) -> None:
    """Remove what a founding that was cut short has left."""
    if place.exists():
        shutil.rmtree(place)


async def _have_done(
    launcher: Launcher, places: Sequence[Place], terms: Mapping[str, Any] | None, quorum: int
) -> dict[str, Any]:
    child = await launcher.start()
    end = ParentEnd(child.pipe)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(end.run)
        listed = [place.plain() for place in places]
        await end.tell({"be": "prepare", "places": listed, "terms": terms, "quorum": quorum})
        with trio.move_on_after(PREPARE_S):
            async for note in end.notes:
                await child.wait()
                if note["note"] == "ready":
                    return note
                raise ChildRefused("failed", f"the homes could not be made: {note['message']}", {})
        await child.stop()
    raise ChildRefused("failed", "the homes could not be made", {})
