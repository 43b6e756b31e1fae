"""Sets the stage for a replay: the homes with everybody's accounts, made once and found again.

Members are dealt to the homes in turn, in the order in which they first appear in the file. The first home's node is
the steward's. What admits members beyond those of the founding entry is kept beside the marker until it is decided.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import trio

from node.filesystem import replace_private_file

from .community import Community
from .csv_rows import Table
from .homes import DevnetHome, HomeTaken
from .launcher import Launcher
from .names import handles_of
from .places import Place
from .plan import TRADES, Person, quorum_of
from .preparing import found, settle
from .replay import Cast

HOMES = ("north", "east", "south", "west")
KIND = "replay"
HEIGHT_S = 60.0
"""How long all homes may take to learn of the newest members."""
LOOK_S = 0.1


@dataclass(frozen=True, slots=True)
class Terms:
    """What a replay is founded on. The same file with other terms is another replay."""

    unit: str
    decimals: int
    limit: int
    """Every member's credit limit, in minor units."""
    where: tuple[tuple[str, str], ...] = ()

    def marker(self, table: Table) -> dict[str, Any]:
        """What is kept of a replay, to know it again."""
        where = [list(one) for one in self.where]
        columns = dict(sorted(table.columns.items()))
        return {
            "digest": table.digest, "decimals": self.decimals, "limit": self.limit, "where": where,
            "columns": columns, "members": len(table.members),
        }  # fmt: skip


def people() -> list[Person]:
    """The four homes as members of a devnet."""
    return [Person(home, TRADES[0], is_witness=True, is_steward=home == HOMES[0]) for home in HOMES]


def deal(table: Table, root: DevnetHome) -> tuple[list[Place], Cast]:
    """Deal the members to the homes; pure. Each home has an account of its own first, so that none is empty."""
    handles = handles_of([*HOMES, *table.members])[len(HOMES) :]
    dealt = [(home, *handles[at :: len(HOMES)]) for at, home in enumerate(HOMES)]
    places = [Place(str(root.member(home)), dealt[at], True, at == 0) for at, home in enumerate(HOMES)]
    numbers = {handle: number for number, handle in enumerate((one for some in dealt for one in some), 1)}
    homes = tuple(HOMES[at % len(HOMES)] for at in range(len(handles)))
    return places, Cast(tuple(numbers[handle] for handle in handles), homes)


def _pending_file(home: DevnetHome) -> Path:
    return home.root / "pending"


async def set_stage(launcher: Launcher, home: DevnetHome, table: Table, terms: Terms, name: str) -> Cast:
    """Make the homes with everybody's accounts, or find those of an earlier run of the same replay.

    Raises HomeTaken when `home` holds another replay, ChildRefused when the homes cannot be made.
    """
    places, cast = deal(table, home)
    if home.exists():
        if home.kept(KIND) != terms.marker(table):
            raise HomeTaken(f"{home.root} holds the replay of another file, or with other options: name another --home")
        await settle(launcher, places)
        return cast
    home.create()
    founding = {"community": name, "unit": terms.unit, "decimals": terms.decimals, "limit": terms.limit}
    pending = await found(launcher, places, founding, quorum_of(len(HOMES)))
    replace_private_file(_pending_file(home), "\n".join(pending).encode())
    home.keep(KIND, terms.marker(table))
    return cast


async def admit_all(community: Community, moved: Callable[[int, int], None]) -> None:
    """Have everybody admitted who did not fit the founding entry, and wait until all homes know them.

    `moved` hears how many of the entries are decided. Raises ChildRefused, TimeoutError.
    """
    pending = _pending_file(community.home).read_text(encoding="ascii").split()
    for done, signed in enumerate(pending):
        moved(done, len(pending))
        await community.ask(HOMES[0], "decide", signed=signed)
    try:
        with trio.fail_after(HEIGHT_S):
            while not await _all_at(community, len(pending)):
                await trio.sleep(LOOK_S)
    except trio.TooSlowError:
        raise TimeoutError(f"the homes did not learn of all members within {HEIGHT_S:.0f} seconds") from None


async def _all_at(community: Community, height: int) -> bool:
    answers = (await community.ask_all("agreement")).values()
    return len(answers) == len(HOMES) and all(answer["height"] >= height for answer in answers)
