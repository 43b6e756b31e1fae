"""Running a home in this very process for the command `up`: what goes wrong at the start becomes one plain failure.

Loads slowly; `wallet.commands.running` imports it when it starts a node.
"""

import errno
import json
import logging
import os
from typing import Any

import trio

from node.filesystem import StoreRefused
from node.journal import JournalFailed
from node.rebuilding import JournalContradicts
from node.web.server import PortInUse

from .client import CallFailed
from .commands.passphrases import forbid_core_dumps
from .commands.running import next_hint, running_pid, up_line
from .commands.session import Session
from .errors import WalletError
from .home import Home
from .up import Up, keep_log, run_until_signal
from .views import error_facts

log = logging.getLogger("tally.up")


def run_here(session: Session, passphrase: str | None, ready_fd: int | None) -> None:
    """Run the home until told to end. Raises CallFailed; with `ready_fd` the failure is told there too."""
    home = Home(session.home)
    forbid_core_dumps()

    def when_up(up: Up) -> None:
        word = _word(session, up)
        if ready_fd is not None:
            _tell(ready_fd, word)
            return
        session.terminal.answer(word, [f"{up_line(word)}; Ctrl-C stops it"])
        session.terminal.hint(next_hint(word))

    try:
        home.check()
        keep_log(home)
        require_not_running(session)
        trio.run(run_until_signal, home, passphrase, when_up)
    except Exception as error:
        # At the border to the person: what is foreseen becomes a sentence, the rest goes on with its traceback.
        failure = start_failure(error)
        if failure is None:
            log.exception("the node ended by a fault")
            raise
        log.error("not started: %s", failure.message, exc_info=error)
        if ready_fd is not None:
            _tell(ready_fd, {"error": failure.error, "exit_status": failure.exit_status})
        raise failure from None
    if ready_fd is None:
        session.terminal.hint("stopped")


def require_not_running(session: Session) -> None:
    """Raise CallFailed when another process runs this home. The lock decides in the end; this one says it in words."""
    pid = running_pid(session.home)
    if pid is not None:
        raise CallFailed(
            "already_running", f"This home is running already (process {pid}).", facts={"pid": pid},
            next="Use it, or stop it with `tally down`.",
        )  # fmt: skip


def _word(session: Session, up: Up) -> dict[str, Any]:
    accounts = up.wallet.accounts()
    return {
        "address": up.address,
        "pid": os.getpid(),
        "home": str(session.home),
        "handle": up.wallet.balance(accounts[0]).handle if accounts else "",
        "locked": up.wallet.locked,
        "peer_id": up.node.peer_id,
    }


def _tell(pipe: int, word: dict[str, Any]) -> None:
    with open(pipe, "wb") as parent:
        parent.write(json.dumps(word).encode() + b"\n")


def start_failure(error: BaseException) -> CallFailed | None:
    """Say in words why a home did not start, or ended; None for what nobody foresaw."""
    match error:
        case BaseExceptionGroup():
            found = [start_failure(inner) for inner in error.exceptions]
            return next((failure for failure in found if failure is not None), None)
        case CallFailed():
            return error
        case StoreRefused():
            return CallFailed("store_refused", f"{error.facts}.", next=f"{error.next_step}.")
        case PortInUse():
            return CallFailed(
                "port_in_use", f"{error}.".capitalize(), facts={"port": error.port},
                next="Stop that program, or choose another port in node/config.toml of the home.",
            )  # fmt: skip
        case WalletError():
            return CallFailed(
                error.code, error.message, exit_status=error.exit_status, next=error.next, facts=error_facts(error, 0)
            )
        case JournalFailed() | JournalContradicts():
            return CallFailed("record_failed", f"The record cannot be used: {error}.", next="See the log in run/.")
        case OSError(errno=errno.EADDRINUSE):
            return CallFailed(
                "port_in_use", "A port of this node is in use by another program.", next="See the log in run/."
            )
        case OSError():
            return CallFailed(
                "start_failed", f"The node cannot start: {error.strerror or error}.", next="See the log in run/."
            )
    return None
