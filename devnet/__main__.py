"""`tally-devnet`: from the command line to one command and its exit status.

Loads only the command that is asked for. Every failure ends here as a sentence (or, with --json, as an object) and an
exit status; nobody sees a traceback for something that can go wrong in daily use.
"""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click

from node.console.commandline import CommandTable, failure
from node.console.exits import DONE, FAILED, INTERRUPTED, NOT_FOUND, UNREACHABLE, USAGE
from node.console.terminal import hang_up, prepare
from node.filesystem import StoreRefused
from wallet.client import CallFailed
from wallet.errors import WalletError

from .control import NotRunning
from .csv_columns import NoSuchColumn
from .csv_rows import NotACsv
from .homes import HomeTaken
from .pipe import ChildRefused, PipeClosed
from .replay import ReplayFailed
from .terminal import failed

COMMANDS = {
    "up": ("devnet.commands.living", "Start a whole community here, and let it live."),
    "status": ("devnet.commands.ordering", "Show the members of the running devnet."),
    "down": ("devnet.commands.ordering", "End the running devnet."),
    "logs": ("devnet.commands.ordering", "Show what a member's node says."),
    "kill": ("devnet.commands.ordering", "End a member's node as a power cut would."),
    "start": ("devnet.commands.ordering", "Start a node that was killed."),
    "partition": ("devnet.commands.ordering", "Cut some members off from the others."),
    "heal": ("devnet.commands.ordering", "Let all members reach one another again."),
    "double-spend": ("devnet.commands.ordering", "Have a member sign two entries for one place; see what follows."),
    "replay": ("devnet.commands.replaying", "Replay the CSV of a real currency."),
    "bench": ("devnet.commands.benching", "Measure what all this costs on this machine."),
}
"""Name: (module, one line of help). The whole command line is this table."""

STATUS_BY_CODE = {"usage": USAGE, "not_found": NOT_FOUND, "unreachable": UNREACHABLE}
"""Exit status for the codes by which a running devnet refuses an order; any other is FAILED."""


class Devnet(CommandTable):
    """The group of all commands."""

    def __init__(self) -> None:
        super().__init__(
            "tally-devnet",
            COMMANDS,
            help="A whole community on one machine: people, traffic, faults, and the replay of a real currency.",
            examples=("tally-devnet up", "tally-devnet status"),
        )


def _failure(error: Exception) -> tuple[int, Mapping[str, Any]]:
    """Turn what can go wrong into an exit status and {code, message, facts, next}."""
    match error:
        case CallFailed():
            return error.exit_status, error.error
        case WalletError():
            facts = {"code": error.code, "message": error.message, "facts": error.facts, "next": error.next}
            return error.exit_status, facts
        case NotRunning():
            return UNREACHABLE, failure("unreachable", str(error), "Start one with `tally-devnet up`.")
        case ChildRefused():
            facts = {"code": error.code, "message": error.message, "facts": error.facts, "next": ""}
            return STATUS_BY_CODE.get(error.code, FAILED), facts
        case NoSuchColumn() | NotACsv():
            return USAGE, failure("csv", str(error), "See `tally-devnet replay --help`.")
        case StoreRefused():
            return FAILED, failure("home", f"{error.facts}.", f"{error.next_step}.")
        case HomeTaken():
            return FAILED, failure("home", str(error), "")
        case ReplayFailed() | PipeClosed():
            return FAILED, failure("failed", f"{error}.", "What is paid is kept: the same command goes on from there.")
        case _:
            return FAILED, failure("failed", str(error), "")


EXPECTED = (
    CallFailed, WalletError, NotRunning, ChildRefused, PipeClosed, ReplayFailed, NoSuchColumn, NotACsv, StoreRefused,
    HomeTaken, OSError,
)  # fmt: skip
"""What can go wrong in daily use; anything else is a fault of ours and shows its traceback."""


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit status."""
    as_json = "--json" in arguments
    try:
        status = Devnet().main(list(arguments) or ["--help"], prog_name="tally-devnet", standalone_mode=False)
    except BrokenPipeError:
        hang_up()
        return FAILED
    except EXPECTED as error:
        status, said = _failure(error)
        failed(as_json, said)
    except BaseExceptionGroup as group:
        return _run_group(group, as_json)
    except click.UsageError as wrong:
        name = wrong.ctx.command_path if wrong.ctx else "tally-devnet"
        failed(as_json, failure("usage", wrong.format_message(), f"See `{name} --help`."))
        return USAGE
    except (KeyboardInterrupt, click.Abort):
        failed(as_json, failure("interrupted", "Interrupted.", ""))
        return INTERRUPTED
    return status if isinstance(status, int) else DONE


def _run_group(group: BaseExceptionGroup[BaseException], as_json: bool) -> int:
    """Say the first of several failures that came together; one that nobody expected is raised again."""
    stopped, rest = group.split((KeyboardInterrupt, BrokenPipeError))
    expected, unexpected = (None, None) if rest is None else rest.split(EXPECTED)
    if unexpected is not None:
        raise group
    first: BaseException = stopped or expected or group
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    if isinstance(first, BrokenPipeError):
        hang_up()
        return FAILED
    if isinstance(first, KeyboardInterrupt):
        failed(as_json, failure("interrupted", "Interrupted.", ""))
        return INTERRUPTED
    assert isinstance(first, Exception)
    status, said = _failure(first)
    failed(as_json, said)
    return status


def main() -> None:
    """The entry point of the command."""
    prepare()
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
