"""The commands that start and stop a home: up, down.

`up` runs node and wallet in this process, or with --detach in one that outlives it: the child says over a pipe when it
is ready, or why it is not, so that `up --detach` never says a word too early.
"""

import os
import signal
from typing import Any

import click

from node.commands.addresses import address_options, take_addresses
from node.console.detaching import POLITE_S, end_by_signal, is_gone, start_detached, tell_failure, tell_parent
from wallet.client import CallFailed, read_run_file, require_wallet, running_pid, unreachable
from wallet.commands.passphrases import forbid_core_dumps, given_passphrase, passphrase_options
from wallet.commands.session import Session, command


@command("up", examples=("tally up --detach", "tally up --detach --listen 0.0.0.0 --announce 192.0.2.7:4100"))
@click.option("--detach", is_flag=True, help="Come back when it runs, and leave it running.")
@address_options
@passphrase_options
@click.option("--ready-fd", type=click.IntRange(0), hidden=True, help="Say there when it runs.")
def up(session: Session, detach: bool, listen: str | None, announce: tuple[str, ...], passphrase_file: str | None,
       passphrase_fd: int | None, ready_fd: int | None) -> None:  # fmt: skip
    """Start node and wallet of this home in one process.

    A wallet with a passphrase starts locked: it shows and forwards but does not sign until `tally unlock`. Give the
    passphrase by --passphrase-file or --passphrase-fd to start it unlocked. Where it listens and is reached stays as it
    was said last.
    """
    require_wallet(session.home)
    take_addresses(session.home, listen, announce)
    passphrase = given_passphrase(passphrase_file, passphrase_fd)
    if detach:
        _detach(session, passphrase)
    elif ready_fd is not None:
        _run_for_parent(session, passphrase, ready_fd)
    else:
        _run(session, passphrase)


def _run(session: Session, passphrase: str | None) -> None:
    """Run the home in this process until told to end."""
    from wallet.starting import run_here  # loads the network and web libraries

    def when_up(word: dict[str, Any]) -> None:
        session.terminal.answer(word, [f"{up_line(word)}; Ctrl-C stops it"])
        session.terminal.hint(next_hint(word))

    forbid_core_dumps()
    run_here(session.home, passphrase, when_up)
    session.terminal.hint("stopped")


def _run_for_parent(session: Session, passphrase: str | None, ready_fd: int) -> None:
    """As `_run`, telling one line to the parent that waits at the pipe: what runs, or why nothing does."""
    from wallet.starting import run_here

    parent = open(ready_fd, "wb")
    forbid_core_dumps()
    try:
        run_here(session.home, passphrase, lambda word: tell_parent(parent, word))
    except CallFailed as failure:
        tell_failure(parent, failure)
        raise


def _detach(session: Session, passphrase: str | None) -> None:
    """Start a child that runs the home, and wait for its word."""
    word = start_detached(session.home, "wallet", ["up"], "tally.log", passphrase)
    session.terminal.answer(word, [up_line(word)])
    session.terminal.hint(next_hint(word))


def up_line(word: dict[str, Any]) -> str:
    """Say that it runs."""
    if "standing" in word:
        return f"asking to be admitted as @{word['handle']} (process {word['pid']})"
    return f"node and wallet of @{word['handle']} are running (process {word['pid']})"


def next_hint(word: dict[str, Any]) -> str:
    """Say what to do next."""
    if "standing" in word:
        locked = " The wallet is locked: `tally unlock` it then." if word["locked"] else ""
        return f"It goes on by itself once the stewards admit you; `tally status` shows how it stands.{locked}"
    if word["locked"]:
        return "The wallet is locked: it shows and forwards but does not sign until `tally unlock`."
    return "`tally` shows where you stand; `tally down` stops it."


@command("down", examples=("tally down",))
def down(session: Session) -> None:
    """Stop node and wallet of this home."""
    pid = running_pid(session.home)
    if pid is None:
        require_wallet(session.home)
        raise unreachable("The node of this home is not running.")
    _ask_to_end(session, pid)
    if not is_gone(session.home, pid):
        end_by_signal(session.home, pid)
    session.terminal.answer({"stopped": True, "pid": pid}, [f"stopped (process {pid})"])


def _ask_to_end(session: Session, pid: int) -> None:
    """Ask by the API; where that does not answer, by SIGTERM."""
    run = read_run_file(session.home)
    if run is not None and run.pid == pid:
        try:
            session.client().post("/v1/wallet/down", {}, POLITE_S)
            return
        except CallFailed:
            session.terminal.hint("the node does not answer; it is told to end by a signal")
    os.kill(pid, signal.SIGTERM)
