"""Commands that reach a devnet running in another shell, by the control socket in its home.

Plain blocking code without the node's libraries, so that each answers at once.
"""

import time
from pathlib import Path
from typing import Any

import click

from node.console.exits import NOT_FOUND
from wallet.client import CallFailed

from ..control import NotRunning, ask, is_running
from ..homes import DevnetHome
from ..terminal import hint, print_json, say, say_lines, say_table
from .options import devnet_command

DOWN_S = 15.0
"""How long `down` waits until the devnet is gone."""
LOG_POLL_S = 0.3
LOG_LINES = 40
"""Lines of a log that are shown at first."""

HEADER = ("member", "balance", "limit", "role", "node", "peers", "entries", "API")


@devnet_command("status", examples=("tally-devnet status",))
def status(home: Path, as_json: bool) -> None:
    """Show the members of the running devnet: balance, limit, role, node, API."""
    answer = ask(home, "status")
    if as_json:
        return print_json(answer)
    say(f"{answer['home']}: {answer['payments']} payments, {answer['refused']} refused, "
        f"all sums to {answer['sum']} {answer['unit']} - {answer['news']}")  # fmt: skip
    say_table([HEADER, *(_row(member) for member in answer["members"])])


def _row(member: dict[str, Any]) -> tuple[str, ...]:
    told = (member.get(name) for name in ("handle", "balance", "limit", "role", "state", "peers", "entries", "api"))
    return tuple("-" if word is None else str(word) for word in told)


@devnet_command("down", examples=("tally-devnet down", "tally-devnet down --wipe"))
@click.option("--wipe", is_flag=True, help="Also remove the devnet's folder; what goes is listed.")
def down(wipe: bool, home: Path, as_json: bool) -> None:
    """End the running devnet."""
    was_running = _end(home)
    removed = _wipe(DevnetHome(home)) if wipe else []
    if not was_running and not removed:
        raise NotRunning(f"no devnet is running in {home}")
    if as_json:
        return print_json({"ended": was_running, "removed": removed})
    say("The devnet is down." if was_running else "No devnet was running.")
    say_lines([f"removed from {home}:", *(f"  {line}" for line in removed)] if removed else [])


def _end(home: Path) -> bool:
    """End the devnet of `home` and wait until it is gone; False when none ran."""
    try:
        ask(home, "down")
    except NotRunning:
        return False
    end = time.monotonic() + DOWN_S
    while is_running(home):
        if time.monotonic() > end:
            raise CallFailed("timeout", "The devnet was told to end and has not yet.", next="Look again in a moment.")
        time.sleep(0.05)
    return True


def _wipe(home: DevnetHome) -> list[str]:
    if home.root.exists() and not home.exists():
        raise CallFailed("home", f"{home.root} is no devnet's folder; nothing was removed.")
    removed = home.contents()
    home.wipe()
    return removed


@devnet_command("logs", examples=("tally-devnet logs ana",))
@click.argument("name")
@click.option("-f", "--follow", is_flag=True, help="Go on showing new lines until Ctrl-C.")
def logs(name: str, follow: bool, home: Path, as_json: bool) -> None:
    """Show the last lines of what a member's node says."""
    log = DevnetHome(home).log(name.removeprefix("@"))
    if not log.is_file():
        raise CallFailed("not_found", f"There is no log of {name!r} in {home}.", exit_status=NOT_FOUND)
    with log.open(encoding="utf-8", errors="replace") as lines:
        _show(lines.readlines()[-LOG_LINES:], as_json)
        while follow:
            fresh = lines.readlines()
            _show(fresh, as_json)
            if not fresh:
                time.sleep(LOG_POLL_S)


def _show(lines: list[str], as_json: bool) -> None:
    for line in lines:
        if as_json:
            print_json({"event": "log", "line": line.rstrip("\n")})
        else:
            say(line.rstrip("\n"))


def _order(home: Path, as_json: bool, do: str, words: str, **facts: str) -> None:
    """Give one order and say that it was carried out."""
    answer = ask(home, do, facts=facts)
    if as_json:
        print_json({"done": do, **facts, **answer})
    else:
        say(words)


@devnet_command("kill", examples=("tally-devnet kill ana",))
@click.argument("name")
def kill(name: str, home: Path, as_json: bool) -> None:
    """End a member's node with kill -9, as a power cut would."""
    words = f"{name}'s node was killed. Start it again with: tally-devnet start {name}"
    _order(home, as_json, "kill", words, name=name)


@devnet_command("start", examples=("tally-devnet start ana",))
@click.argument("name")
def start(name: str, home: Path, as_json: bool) -> None:
    """Start a node that was killed; it goes on where it was."""
    _order(home, as_json, "start", f"{name}'s node is running again.", name=name)


@devnet_command("partition", examples=("tally-devnet partition ana,bob",))
@click.argument("names")
def partition(names: str, home: Path, as_json: bool) -> None:
    """Cut NAMES (as ana,bob) off from the others, until `heal`."""
    _order(home, as_json, "partition", f"{names} cut off from the others until: tally-devnet heal", names=names)


@devnet_command("heal", examples=("tally-devnet heal",))
def heal(home: Path, as_json: bool) -> None:
    """Let all members reach one another again."""
    _order(home, as_json, "heal", "All members can reach one another again.")


@devnet_command("double-spend", examples=("tally-devnet double-spend bob",))
@click.argument("name")
def double_spend(name: str, home: Path, as_json: bool) -> None:
    """Have member NAME sign two entries for one place, send them to different witnesses, and show what follows."""
    if not as_json:
        hint(f"{name} signs two payments for one place and sends each to half of the witnesses ...")
    answer = ask(home, "double-spend", facts={"name": name})
    if as_json:
        return print_json({"done": "double-spend", **answer})
    say_lines(answer["story"])
