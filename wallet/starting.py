"""Running a home in this very process for the command `up`: what goes wrong at the start becomes one plain failure.

Loads slowly; `wallet.commands.running` imports it when it starts a node, and says what comes of it.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import trio

from node import starting
from node.console.client import CallFailed
from node.running import keep_log
from node.starting import require_not_running, told

from .api.views import error_facts
from .errors import WalletError
from .home import Home
from .joining.asking import Asking
from .keystore import needs_passphrase
from .up import Up, run_until_signal


def run_here(place: Path, passphrase: str | None, when_up: Callable[[dict[str, Any]], None]) -> None:
    """Run the home at `place` until told to end; `when_up` hears what runs, once it does. Raises CallFailed."""
    told(lambda: _run(Home(place), passphrase, when_up), start_failure)


def _run(home: Home, passphrase: str | None, when_up: Callable[[dict[str, Any]], None]) -> None:
    home.check()
    keep_log(home.run, "tally.log")
    require_not_running(home.root, "tally down")
    trio.run(run_until_signal, home, passphrase, lambda up: when_up(_word(home, up)))


def _word(home: Home, up: Up | Asking) -> dict[str, Any]:
    if isinstance(up, Asking):
        return {**up.view(), "address": up.address, "home": str(home.root), "locked": needs_passphrase(home)}
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
    if isinstance(error, WalletError):
        return CallFailed(
            error.code, error.message, exit_status=error.exit_status, next=error.next, facts=error_facts(error, 0)
        )
    return starting.start_failure(error, start_failure)
