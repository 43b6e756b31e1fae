"""The commands that start, look at and stop a host: run, status, down."""

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from node.commands.addresses import address_options, take_addresses
from node.commands.hosting import plainly
from node.commands.session import START, Session, command
from node.console.client import CallFailed, running, running_pid, unreachable
from node.console.detaching import end_by_signal, start_detached, tell_failure, tell_parent
from node.console.exits import NOT_FOUND

if TYPE_CHECKING:
    from node.hosting.host import HostUp

LOG = "tally-node.log"
STARTING = "it has its community and is on its way up; look again in a moment"
WAITING = "it has no community yet and waits for whoever holds its card: `tally-node card` shows it"


@command("run", examples=("tally-node run --detach",))
@click.option("--detach", is_flag=True, help="Come back when it runs, and leave it running.")
@address_options
@click.option("--ready-fd", type=click.IntRange(0), hidden=True, help="Say there when it runs.")
def run(session: Session, detach: bool, listen: str | None, announce: tuple[str, ...], ready_fd: int | None) -> None:
    """Run this host until it is told to end.

    Before it has a community it waits for its founder; then it goes on by itself. Where it listens and is reached stays
    as it was said last.
    """
    require_host(session.home)
    take_addresses(session.home, listen, announce)
    if detach:
        word = start_detached(session.home, "node", ["run"], LOG)
        session.terminal.answer(word, up_lines(word))
    elif ready_fd is not None:
        _run_for_parent(session, ready_fd)
    else:
        _run(session)


def require_host(home: Path) -> None:
    """Raise CallFailed unless `tally-node init` made a host in `home`."""
    if not (home / "node" / "identity").is_dir():
        raise CallFailed(
            "no_host", "There is no host in this home.", exit_status=NOT_FOUND, facts={"home": str(home)},
            next="Make one with `tally-node init`, or name another home with --home.",
        )  # fmt: skip


def _run(session: Session) -> None:
    def when_up(up: "HostUp") -> None:
        word = word_of(up)
        session.terminal.answer(word, [*up_lines(word), "Ctrl-C stops it"])

    _run_here(session.home, when_up)
    session.terminal.hint("stopped")


def _run_for_parent(session: Session, ready_fd: int) -> None:
    parent = open(ready_fd, "wb")
    try:
        _run_here(session.home, lambda up: tell_parent(parent, word_of(up)))
    except CallFailed as failure:
        tell_failure(parent, failure)
        raise


def _run_here(home: Path, when_up: Any) -> None:
    import trio  # these load the network and web libraries

    from node.hosting.host import run_host
    from node.running import keep_log, until_signal
    from node.starting import require_not_running, start_failure, told

    def start() -> None:
        keep_log(home / "run", LOG)
        require_not_running(home, "tally-node down")
        trio.run(until_signal, partial(run_host, home), when_up)

    told(start, start_failure)


def word_of(up: "HostUp") -> dict[str, Any]:
    """What --json says of a host that runs."""
    commons = None if up.node is None else up.node.ledger.commons
    return {
        "pid": os.getpid(),
        "home": str(up.home),
        "peer_id": up.peer_id,
        "listen": up.config.listen,
        "community": None if commons is None else commons.name,
        "witness": up.node is not None and up.node.is_witness,
    }


def up_lines(word: dict[str, Any]) -> list[str]:
    """Say that it runs, and for whom."""
    line = f"the host is running (process {word['pid']})"
    if word["community"] is None:
        return [line, WAITING]
    role = "witness and archive" if word["witness"] else "archive"
    return [f"{line}: {role} of {word['community']}"]


@command("status", examples=("tally-node status",))
def status(session: Session) -> None:
    """Show how this host is doing."""
    with plainly():
        content, lines = _status(session.home)
    session.terminal.answer(content, lines)


def _status(home: Path) -> tuple[dict[str, Any], list[str]]:
    require_host(home)
    pid = running_pid(home)
    if (home / "node" / "card").exists():
        if pid is None:
            raise unreachable("This host is not running; it has no community yet.", START)
        return {"running": True, "pid": pid, "community": None}, [f"the host is running (process {pid})", WAITING]
    client = running(home, START)
    if client is None:
        if pid is None:
            raise unreachable("This host is not running.", START)
        word = {"running": True, "pid": pid, "community": None, "starting": True}
        return word, [f"the host is running (process {pid})", STARTING]
    told = client.get("/v1/status")
    return {"running": True, "pid": pid, **told}, _status_lines(told, pid)


def _status_lines(told: dict[str, Any], pid: int | None) -> list[str]:
    role = "witness and archive" if told["witness"] else "archive"
    peers = len(told["peers"])
    return [
        f"{role} of {told['name']} (process {pid})",
        f"witnesses: {told['witnesses']}, of which {told['quorum']} make a payment final",
        f"members: {told['members']}, decisions of the community: {told['height']}",
        f"linked with {peers} other {'node' if peers == 1 else 'nodes'}",
        *(f"problem: {problem}" for problem in told["problems"]),
    ]


@command("down", examples=("tally-node down",))
def down(session: Session) -> None:
    """Stop this host."""
    require_host(session.home)
    pid = running_pid(session.home)
    if pid is None:
        raise unreachable("This host is not running.", START)
    end_by_signal(session.home, pid)
    session.terminal.answer({"stopped": True, "pid": pid}, [f"stopped (process {pid})"])
