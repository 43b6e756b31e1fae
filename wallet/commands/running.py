"""The commands that start and stop a home: up, down.

`up` runs node and wallet in this process, or with --detach in one that outlives it: the child says over a pipe when it
is ready, or why it is not, so that `up --detach` never says a word too early.
"""

import fcntl
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import click

from wallet.client import CallFailed, read_run_file, require_wallet, unreachable
from wallet.commands.passphrases import given_passphrase, passphrase_options
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
        return
    from wallet.starting import run_here  # loads the network and web libraries

    run_here(session, passphrase, ready_fd)


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


def running_pid(home: Path) -> int | None:
    """The process that runs `home`; None when none does.

    It holds the lock of HOME/run for as long as it lives, however it ends, so the number in the lock file is never that
    of a stranger who was given the same one later.
    """
    try:
        with (home / "run" / "lock").open("rb") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                found = re.match(rb"process (\d+)", lock.read(100))
                return int(found.group(1)) if found else None
    except OSError:
        return None
    return None


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
