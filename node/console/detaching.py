"""Starting a process that outlives the command that starts it, and ending it: `up --detach`, `run --detach`, `down`.

The child says over a pipe when it is ready, or why it is not, so that nobody is told a word too early. A secret goes to
it by a pipe, never by an argument. Standard library alone, so that commands start fast.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

from .client import CallFailed, running_pid

READY_TIMEOUT_S = 120.0
POLITE_S = 10.0
"""How long a process that was asked to end is given before it is told by SIGTERM, and after that again."""
POLL_S = 0.02


def start_detached(
    home: Path, module: str, command: Sequence[str], log: str, secret: str | None = None
) -> dict[str, Any]:
    """Run `python -m module --home HOME command... --ready-fd N` and wait for its word: what runs.

    A `secret` is handed over by --passphrase-fd. Raises CallFailed with what the child told, or that it told nothing.
    """
    ready_read, ready_write = os.pipe()
    secret_read, secret_write = os.pipe()
    arguments = [sys.executable, "-P", "-m", module, "--home", str(home), *command, "--ready-fd", str(ready_write)]
    if secret is not None:
        arguments.append(f"--passphrase-fd={secret_read}")
    (home / "run").mkdir(mode=0o700, exist_ok=True)
    with _crash_log(home) as crashes:
        child = subprocess.Popen(
            arguments, stdin=subprocess.DEVNULL, stdout=crashes, stderr=crashes, start_new_session=True,
            pass_fds=(ready_write, secret_read), env=_environment(),
        )  # fmt: skip
    os.close(ready_write)
    os.close(secret_read)
    with open(secret_write, "wb") as hand:
        hand.write((secret or "").encode())
    return _answered(child, _word_from(ready_read), home / "run" / log)


def _answered(child: "subprocess.Popen[bytes]", word: dict[str, Any] | None, log: Path) -> dict[str, Any]:
    if word is None:
        child.kill()
        raise CallFailed(
            "start_failed", "The node ended or stood still before it was ready.",
            next=f"See {log} and crash.log beside it.",
        )  # fmt: skip
    if "error" in word:
        child.wait()
        raise failure_of(word)
    return word


def failure_of(word: dict[str, Any]) -> CallFailed:
    """The failure that the child told."""
    error = word["error"]
    return CallFailed(
        error["code"], error["message"], exit_status=word["exit_status"], next=error["next"], facts=error["facts"]
    )


def tell_parent(parent: BinaryIO, word: dict[str, Any]) -> None:
    """Say the child's one word, and close the pipe."""
    with parent:
        parent.write(json.dumps(word).encode() + b"\n")


def tell_failure(parent: BinaryIO, failure: CallFailed) -> None:
    """Say why nothing runs, unless it was said already that something does."""
    if not parent.closed:
        tell_parent(parent, {"error": failure.error, "exit_status": failure.exit_status})


def is_gone(home: Path, pid: int) -> bool:
    """Wait until the process no longer holds the home, for `POLITE_S`."""
    deadline = time.monotonic() + POLITE_S
    while time.monotonic() < deadline:
        if running_pid(home) != pid:
            return True
        time.sleep(POLL_S)
    return False


def end_by_signal(home: Path, pid: int) -> None:
    """Tell the process that holds the home to end, by SIGTERM. Raises CallFailed when it does not."""
    os.kill(pid, signal.SIGTERM)
    if not is_gone(home, pid):
        raise CallFailed("still_running", f"Process {pid} does not end.", facts={"pid": pid})


def _crash_log(home: Path) -> BinaryIO:
    handle = os.open(home / "run" / "crash.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    return open(handle, "wb")


def _environment() -> dict[str, str]:
    """This environment, with the folder that our packages lie in findable from anywhere."""
    here = str(Path(__file__).parents[2])  # beside the package `node`, in whose folder this one lies
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
