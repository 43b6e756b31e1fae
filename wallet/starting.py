"""Running a home in this very process for the command `up`: what goes wrong at the start becomes one plain failure.

Loads slowly; `wallet.commands.running` imports it when it starts a node, and says what comes of it.
"""

import errno
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import trio

from node.filesystem import StoreRefused
from node.journal import JournalFailed
from node.rebuilding import JournalContradicts
from node.web.server import PortInUse

from .client import CallFailed, running_pid
from .errors import WalletError
from .home import Home
from .up import Up, keep_log, run_until_signal
from .views import error_facts

log = logging.getLogger("tally.up")


def run_here(place: Path, passphrase: str | None, when_up: Callable[[dict[str, Any]], None]) -> None:
    """Run the home at `place` until told to end; `when_up` hears what runs, once it does. Raises CallFailed."""
    home = Home(place)
    try:
        home.check()
        keep_log(home)
        _require_not_running(home)
        trio.run(run_until_signal, home, passphrase, lambda up: when_up(_word(home, up)))
    except Exception as error:
        # At the border to the person: what is foreseen becomes a sentence, the rest goes on with its traceback.
        failure = start_failure(error)
        if failure is None:
            log.exception("the node ended by a fault")
            raise
        log.error("not started: %s", failure.message, exc_info=error)
        raise failure from None


def _require_not_running(home: Home) -> None:
    """Raise CallFailed when another process runs this home. The lock decides in the end; this one says it in words."""
    pid = running_pid(home.root)
    if pid is not None:
        raise CallFailed(
            "already_running", f"A node is running in {home.root} already.", facts={"pid": pid},
            next="Use it, or stop it with `tally down`.",
        )  # fmt: skip


def _word(home: Home, up: Up) -> dict[str, Any]:
    accounts = up.wallet.accounts()
    return {
        "address": up.address,
        "pid": os.getpid(),
        "home": str(home.root),
        "handle": up.wallet.balance(accounts[0]).handle if accounts else "",
        "locked": up.wallet.locked,
        "peer_id": up.node.peer_id,
    }


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
