"""The commands that start and stop a home: up, down.

`up` runs node and wallet in this process, or with --detach in one that outlives it: the child says over a pipe when it
is ready, or why it is not, so that `up --detach` never says a word too early.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import click

from wallet.client import CallFailed, read_run_file, require_wallet, running_pid, unreachable
from wallet.commands.passphrases import forbid_core_dumps, given_passphrase, passphrase_options
from wallet.commands.session import Session, command

READY_TIMEOUT_S = 120.0
POLITE_S = 10.0
"""How long `down` waits for a process that was asked to end before it sends SIGTERM, and after that again."""


@command("up")
@click.option("--detach", is_flag=True, help="Come back when it runs, and leave it running.")
@passphrase_options
@click.option("--ready-fd", type=click.IntRange(0), hidden=True, help="Say there when it runs.")
def up(session: Session, detach: bool, passphrase_file: str | None, passphrase_fd: int | None,
       ready_fd: int | None) -> None:  # fmt: skip
    """Start node and wallet of this home in one process.

    A wallet with a passphrase starts locked: it shows and forwards but does not sign until `tally unlock`. Give the
    passphrase by --passphrase-file or --passphrase-fd to start it unlocked.
    """
    require_wallet(session.home)
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

    def tell(word: dict[str, Any]) -> None:
        with parent:
            parent.write(json.dumps(word).encode() + b"\n")

    forbid_core_dumps()
    try:
        run_here(session.home, passphrase, tell)
    except CallFailed as failure:
        if not parent.closed:
            tell({"error": failure.error, "exit_status": failure.exit_status})
        raise


def _detach(session: Session, passphrase: str | None) -> None:
    """Start a child that runs the home, and wait for its word."""
    ready_read, ready_write = os.pipe()
    secret_read, secret_write = os.pipe()
    arguments = [
        sys.executable,
        "-P",
        "-m",
        "wallet",
        "--home",
        str(session.home),
        "up",
        "--ready-fd",
        str(ready_write),
    ]
    if passphrase is not None:
        arguments.append(f"--passphrase-fd={secret_read}")
    (session.home / "run").mkdir(mode=0o700, exist_ok=True)
    with _crash_log(session.home) as crashes:
        child = subprocess.Popen(
            arguments, stdin=subprocess.DEVNULL, stdout=crashes, stderr=crashes, start_new_session=True,
            pass_fds=(ready_write, secret_read), env=_environment(),
        )  # fmt: skip
    os.close(ready_write)
    os.close(secret_read)
    with open(secret_write, "wb") as secret:
        secret.write((passphrase or "").encode())
    word = _word_from(ready_read)
    if word is None:
        child.kill()
        raise CallFailed(
            "start_failed", "The node ended or stood still before it was ready.",
            next=f"See {session.home / 'run' / 'tally.log'} and crash.log beside it.",
        )  # fmt: skip
    if "error" in word:
        child.wait()
        raise failure_of(word)
    session.terminal.answer(word, [up_line(word)])
    session.terminal.hint(next_hint(word))


def failure_of(word: dict[str, Any]) -> CallFailed:
    """The failure that the child told."""
    error = word["error"]
    return CallFailed(
        error["code"], error["message"], exit_status=word["exit_status"], next=error["next"], facts=error["facts"]
    )


def up_line(word: dict[str, Any]) -> str:
    """Say that it runs."""
    return f"node and wallet of @{word['handle']} are running (process {word['pid']})"


def next_hint(word: dict[str, Any]) -> str:
    """Say what to do next."""
    if word["locked"]:
        return "The wallet is locked: it shows and forwards but does not sign until `tally unlock`."
    return "`tally` shows where you stand; `tally down` stops it."


def _crash_log(home: Path) -> Any:
    handle = os.open(home / "run" / "crash.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    return open(handle, "wb")


def _environment() -> dict[str, str]:
    """This environment, with the folder that our packages lie in findable from anywhere."""
    here = str(Path(__file__).parents[2])
    known = os.environ.get("PYTHONPATH")
    return {**os.environ, "PYTHONPATH": here if not known else f"{here}{os.pathsep}{known}"}


def _word_from(pipe: int) -> dict[str, Any] | None:
    """Read the child's one line; None when it ended or said nothing in time."""
    import select

    said = b""
    deadline = time.monotonic() + READY_TIMEOUT_S
    with open(pipe, "rb", buffering=0) as source:
        while not said.endswith(b"\n"):
            ready, _, _ = select.select([source], [], [], max(0.0, deadline - time.monotonic()))
            part = source.read(65536) if ready else b""
            if not part:
                return None
            said += part
    word: dict[str, Any] = json.loads(said)
    return word


@command("down")
def down(session: Session) -> None:
    """Stop node and wallet of this home."""
    pid = running_pid(session.home)
    if pid is None:
        require_wallet(session.home)
        raise unreachable("The node of this home is not running.")
    _ask_to_end(session, pid)
    if not _is_gone(session.home, pid):
        os.kill(pid, signal.SIGTERM)
        if not _is_gone(session.home, pid):
            raise CallFailed("still_running", f"Process {pid} does not end.", facts={"pid": pid})
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


def _is_gone(home: Path, pid: int) -> bool:
    """Wait until the process no longer holds the home."""
    deadline = time.monotonic() + POLITE_S
    while time.monotonic() < deadline:
        if running_pid(home) != pid:
            return True
        time.sleep(0.02)
    return False
