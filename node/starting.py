"""What goes wrong when a node starts or runs, as one plain failure for the person at the keyboard. Prints nothing.

Loads slowly; commands import it only when they start a node.
"""

import errno
import logging
from collections.abc import Callable
from pathlib import Path

from .console.client import CallFailed, running_pid
from .filesystem import StoreRefused
from .journal import JournalFailed
from .rebuilding import JournalContradicts
from .web.server import PortInUse

log = logging.getLogger("tallystick.starting")

Translate = Callable[[BaseException], CallFailed | None]
"""Says in words why a home did not start, or ended; None for what nobody foresaw."""


def told(run: Callable[[], None], translate: Translate) -> None:
    """Run a home. Raises CallFailed for what is foreseen, which is logged; the rest passes through, logged too."""
    try:
        run()
    except Exception as error:
        # At the border to the person: what is foreseen becomes a sentence, the rest goes on with its traceback.
        failure = translate(error)
        if failure is None:
            log.exception("the node ended by a fault")
            raise
        log.error("not started: %s", failure.message, exc_info=error)
        raise failure from None


def require_not_running(home: Path, end: str) -> None:
    """Raise CallFailed when another process runs this home; `end` is the command that ends it.

    The lock decides in the end; this one says it in words.
    """
    pid = running_pid(home)
    if pid is not None:
        raise CallFailed(
            "already_running", f"A node is running in {home} already.", facts={"pid": pid},
            next=f"Use it, or stop it with `{end}`.",
        )  # fmt: skip


def start_failure(error: BaseException, deeper: Translate | None = None) -> CallFailed | None:
    """A node's own failures in words; None for others. `deeper` is asked about the members of a group."""
    match error:
        case BaseExceptionGroup():
            found = [(deeper or start_failure)(inner) for inner in error.exceptions]
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
