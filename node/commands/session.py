"""What every command of `tally-node` gets: the host's home and the terminal."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from node.console.commandline import Command, said_globally
from node.console.terminal import Terminal

HOME = "The folder of your host (or TALLY_NODE_HOME)."
START = "tally-node run --detach"


@dataclass(frozen=True, slots=True)
class Session:
    """One run of one command."""

    home: Path
    terminal: Terminal


def default_home() -> Path:
    """Where a host lies when nobody says otherwise: TALLY_NODE_HOME, else the usual place."""
    named = os.environ.get("TALLY_NODE_HOME")
    return Path(named) if named else usual_home()


def usual_home() -> Path:
    """In the user's data folder (XDG)."""
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "tallystick-node"


def session_of(context: click.Context) -> Session:
    """Put together what was said before the command's name and after it."""
    home, terminal = said_globally(context, "tally-node")
    return Session(home or default_home().absolute(), terminal)


def command(name: str, *, examples: Sequence[str] = ()) -> Callable[[Callable[..., Any]], Command]:
    """Make a function a command of that name; its docstring is the help, and the examples stand below it."""
    return click.command(name, cls=Command, session_of=session_of, home=HOME, examples=examples)
