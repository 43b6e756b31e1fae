"""The command that has the system start a home by itself: service. `tally service` is made of the same."""

import os
import pwd
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from node.commands.hosting import plainly
from node.commands.running import require_host
from node.commands.session import Session, command, usual_home
from node.console.systemd import Unit
from node.console.terminal import Terminal


def service_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add --install and --system."""
    install = click.option("--install", is_flag=True, help="Write it where systemd finds it, for this user.")
    system = click.option("--system", is_flag=True, help="A unit for the whole system, to be installed by its owner.")
    return install(system(function))


@command("service", examples=("tally-node service", "tally-node service --install"))
@service_options
def service(session: Session, install: bool, system: bool) -> None:
    """Show a systemd unit that starts this host by itself, or with --install write it."""
    require_host(session.home)
    offer(session.terminal, "tally-node", "node", "run", session.home, usual_home(), install=install, system=system)


def offer(
    terminal: Terminal, program: str, module: str, verb: str, home: Path, usual: Path, *, install: bool, system: bool
) -> None:
    """Show a unit, or install it and say the one line that enables it."""
    if install and system:
        raise click.UsageError("--install is for a unit of your own; install one for the system as its owner.")
    unit = Unit(program, module, verb, home, usual.absolute(), pwd.getpwuid(os.geteuid()).pw_name if system else None)
    with plainly():
        place = unit.install() if install else None
        text = unit.text()
    content = {"name": unit.name, "unit": text, "file": None if place is None else str(place)}
    terminal.answer(content, text.splitlines() if place is None else [f"written: {place}"])
    if place is not None:
        terminal.hint(f"Enable it: systemctl --user daemon-reload && systemctl --user enable --now {unit.name}")
        terminal.hint("So that it also runs while you are not logged in: loginctl enable-linger")
    elif system:
        terminal.hint(f"Put it into /etc/systemd/system/{unit.name}, then: systemctl enable --now {unit.name}")
    else:
        terminal.hint(f"`{program} service --install` writes it where systemd finds it.")
