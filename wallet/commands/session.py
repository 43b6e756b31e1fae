"""What every command shares: the global options, the home, the terminal and the way to the running wallet."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from node.console.commandline import Command, said_globally
from node.console.terminal import Terminal
from wallet.client import Client, connect

HOME = "The folder of your wallet and node (or TALLY_HOME)."


@dataclass(frozen=True, slots=True)
class Session:
    """One run of one command."""

    home: Path
    terminal: Terminal

    def client(self) -> Client:
        """The running wallet of this home. Raises CallFailed when there is none."""
        return connect(self.home)


def default_home() -> Path:
    """Where a home lies when nobody says otherwise: TALLY_HOME, else the usual place."""
    named = os.environ.get("TALLY_HOME")
    return Path(named) if named else usual_home()


def usual_home() -> Path:
    """In the user's data folder (XDG)."""
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "tallystick"


def session_of(context: click.Context) -> Session:
    """Put together what was said before the command's name and after it."""
    home, terminal = said_globally(context, "tally")
    return Session(home or default_home().absolute(), terminal)


def command(name: str, *, examples: Sequence[str] = ()) -> Callable[[Callable[..., Any]], Command]:
    """Make a function a command of that name; its docstring is the help, and the examples stand below it."""
    return click.command(name, cls=Command, session_of=session_of, home=HOME, examples=examples)
