"""What every command shares: the global options, the home, the terminal and the way to the running wallet."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from node.terminal import Terminal
from wallet.client import Client, connect

GLOBAL_OPTIONS: tuple[tuple[str, str, bool], ...] = (
    ("--home", "The folder of your wallet and node (or TALLY_HOME).", False),
    ("--json", "Answer with one JSON object on standard output.", True),
    ("--quiet", "Leave out hints.", True),
    ("--no-input", "Never ask; fail instead.", True),
)
"""(name, help, is a flag). They are understood before the command's name and after it."""


@dataclass(frozen=True, slots=True)
class Session:
    """One run of one command."""

    home: Path
    terminal: Terminal

    def client(self) -> Client:
        """The running wallet of this home. Raises CallFailed when there is none."""
        return connect(self.home)


def default_home() -> Path:
    """Where a home lies when nobody says otherwise: TALLY_HOME, else the user's data folder (XDG)."""
    if named := os.environ.get("TALLY_HOME"):
        return Path(named)
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "tallystick"


def global_options() -> list[click.Parameter]:
    """The four options as click knows them; unset is None, so that it can be told from set."""
    made: list[click.Parameter] = []
    for name, words, is_flag in GLOBAL_OPTIONS:
        kind: dict[str, Any] = {"is_flag": True, "default": None} if is_flag else {"metavar": "DIR"}
        made.append(click.Option([name], help=words, **kind))
    return made


def session_of(context: click.Context) -> Session:
    """Put together what was said before the command's name and after it; the latter wins."""
    said: dict[str, Any] = {}
    chain: list[click.Context] = []
    here: click.Context | None = context
    while here is not None:
        chain.append(here)
        here = here.parent
    for each in reversed(chain):
        said |= {name: value for name, value in each.meta_options.items() if value is not None}  # type: ignore[attr-defined]  # set by take_global_options
    home = Path(said["home"]).expanduser() if "home" in said else default_home()
    return Session(home.absolute(), Terminal(bool(said.get("json")), bool(said.get("quiet")), not said.get("no_input")))


def take_global_options(context: click.Context) -> None:
    """Move the global options out of the command's own parameters."""
    names = [name.removeprefix("--").replace("-", "_") for name, _, _ in GLOBAL_OPTIONS]
    context.meta_options = {name: context.params.pop(name, None) for name in names}  # type: ignore[attr-defined]


class Command(click.Command):
    """A command that takes the global options too, and hands its function a Session first."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.params += global_options()

    def invoke(self, context: click.Context) -> Any:
        take_global_options(context)
        assert self.callback is not None
        return context.invoke(self.callback, session_of(context), **context.params)


def command(name: str) -> Callable[[Callable[..., Any]], Command]:
    """Make a function a command of that name; its docstring is the help."""
    return click.command(name, cls=Command)
