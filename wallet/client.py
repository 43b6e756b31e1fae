"""Calls the wallet that runs in `tally up`, over loopback HTTP: `node.console.client`, and what its home must hold.

Uses the standard library alone, so that a command starts fast. Knows no wallet code.
"""

from pathlib import Path

from node.console.client import (
    STATUS_BY_EXIT,
    CallFailed,
    Client,
    RunFile,
    read_run_file,
    running,
    running_pid,
    unreachable,
)
from node.console.exits import NOT_FOUND

__all__ = [
    "STATUS_BY_EXIT", "CallFailed", "Client", "RunFile", "connect", "read_run_file", "require_wallet", "running_pid",
    "unreachable",
]  # fmt: skip


def require_wallet(home: Path) -> None:
    """Raise CallFailed unless a wallet was made in `home`, to the end."""
    if (home / "unfinished").exists():
        raise CallFailed(
            "no_wallet", "The making of this home was cut short.", exit_status=NOT_FOUND,
            next="Begin it again with `tally init`.", facts={"home": str(home)},
        )  # fmt: skip
    if not (home / "wallet" / "keystore").exists():
        raise CallFailed(
            "no_wallet", "There is no wallet in this home.", exit_status=NOT_FOUND,
            next="Make one with `tally init`, or name another home with --home.", facts={"home": str(home)},
        )  # fmt: skip


def connect(home: Path) -> Client:
    """Find the running node of `home`. Raises CallFailed when there is no wallet, or nothing runs."""
    client = running(home)
    if client is None:
        require_wallet(home)
        raise unreachable("The node of this home is not running.")
    return client
