"""Where a devnet lies on disk: one folder with a marker, and in it a home for each member, as `tally --home` takes it.

    HOME/devnet.json      the plan; its presence is what allows `down --wipe` and `--fresh` to remove the folder
    HOME/control.sock     while it runs: the door for other commands
    HOME/<handle>/        a member's home; HOME/<handle>/run/tally.log is what its node says

Makes, reads and removes folders; starts nothing.
"""

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from node.filesystem import FOLDER_MODE, make_private_folder, replace_private_file

from .plan import WITNESSES_USUAL, Plan

MARKER = "devnet.json"


class HomeTaken(Exception):
    """The folder holds something that is no devnet, or another devnet than the one asked for."""


@dataclass(frozen=True, slots=True)
class DevnetHome:
    """The places of one devnet. Having one reads and makes nothing."""

    root: Path

    @property
    def marker(self) -> Path:
        return self.root / MARKER

    def member(self, handle: str) -> Path:
        return self.root / handle

    def log(self, handle: str) -> Path:
        return self.member(handle) / "run" / "tally.log"

    def exists(self) -> bool:
        return self.marker.exists()

    def create(self) -> None:
        """Make the folder, this user's alone. Raises HomeTaken when it holds something that is no devnet, StoreRefused
        when others may open it."""
        if self.root.exists() and not self.exists():
            if any(self.root.iterdir()):
                raise HomeTaken(f"{self.root} is not empty and holds no devnet: name another folder with --home")
            self.root.chmod(FOLDER_MODE)
        make_private_folder(self.root)

    def keep(self, kind: str, content: dict[str, Any]) -> None:
        """Write the marker: from now on this folder is a devnet of that kind."""
        replace_private_file(self.marker, json.dumps({"kind": kind, **content}, indent=1).encode())

    def kept(self, kind: str) -> dict[str, Any]:
        """Read the marker. Raises HomeTaken when it is of another kind or cannot be read."""
        try:
            content = dict(json.loads(self.marker.read_bytes()))
        except ValueError:
            raise HomeTaken(f"{self.marker} cannot be read: remove {self.root} or name another --home") from None
        if content.pop("kind", None) != kind:
            raise HomeTaken(f"{self.root} holds something else than a {kind}: use --fresh or name another --home")
        return content

    def contents(self) -> list[str]:
        """List what `wipe` would remove, one line a thing at the top, with its size."""
        if not self.exists():
            return []
        return [f"{place.name}  {size_text(_bytes_in(place))}" for place in sorted(self.root.iterdir())]

    def wipe(self) -> None:
        """Remove the whole folder. Only a folder with the marker is ever removed."""
        if self.exists():
            shutil.rmtree(self.root)


def _bytes_in(place: Path) -> int:
    if not place.is_dir() or place.is_symlink():
        return place.lstat().st_size
    return sum(_bytes_in(Path(entry.path)) for entry in os.scandir(place))


def size_text(count: int) -> str:
    """Write a number of bytes for people: 1536 is "1.5 kB"."""
    size = float(count)
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"


def default_home() -> Path:
    """Where a devnet lies when nobody says otherwise: TALLY_DEVNET_HOME, else the user's data folder (XDG)."""
    if named := os.environ.get("TALLY_DEVNET_HOME"):
        return Path(named).absolute()
    data = os.environ.get("XDG_DATA_HOME")
    return (Path(data) if data else Path.home() / ".local" / "share") / "tallystick-devnet"


def settle_plan(home: DevnetHome, wanted: Mapping[str, int]) -> tuple[Plan, bool]:
    """Return the plan to carry out and whether it is new: the one kept in `home`, else one of the `wanted` numbers.

    Raises HomeTaken when the kept one differs from what was asked for by name, ValueError when a new one is no plan.
    """
    if not home.exists():
        few = {"witnesses": min(wanted["members"], WITNESSES_USUAL)} if "members" in wanted else {}
        return Plan.read({**few, **wanted}), True
    plan = Plan.read(home.kept("devnet")["plan"])
    for name, number in wanted.items():
        kept = getattr(plan, name)
        if kept != number:
            raise HomeTaken(f"the devnet in {home.root} has --{name} {kept}: use --fresh or name another --home")
    return plan, False
