"""`tally`: from the command line to one command and its exit status.

Knows the commands by name and loads only the one that is asked for. Every failure ends here as a sentence (or, with
--json, as an object) and an exit status; nobody sees a traceback for something that can go wrong in daily use.
"""

import sys
from collections.abc import Sequence
from typing import Any

import click

from node.commandline import CommandTable, failure
from node.exits import DONE, FAILED, INTERRUPTED, USAGE
from node.terminal import Terminal, hang_up, prepare
from wallet.client import CallFailed
from wallet.commands.session import global_options, session_of, take_global_options

COMMANDS = {
    "init": ("wallet.commands.founding", "Found a community: you are its first member, steward and witness."),
    "up": ("wallet.commands.running", "Start node and wallet of this home."),
    "down": ("wallet.commands.running", "Stop them."),
    "status": ("wallet.commands.showing", "Show how the node is doing."),
    "balance": ("wallet.commands.showing", "Show where you stand and what you can spend."),
    "history": ("wallet.commands.showing", "List your payments, newest first."),
    "members": ("wallet.commands.showing", "List the members of the community."),
    "show": ("wallet.commands.showing", "Show one payment."),
    "pay": ("wallet.commands.paying", "Pay a member."),
    "receive": ("wallet.commands.paying", "Take in what is in flight to you now."),
    "refund": ("wallet.commands.paying", "Send a payment back to who paid it."),
    "unlock": ("wallet.commands.keys", "Let the running wallet sign."),
    "lock": ("wallet.commands.keys", "Have the running wallet forget its keys until the next unlock."),
    "words": ("wallet.commands.keys", "Show the 24 words that restore this wallet."),
    "verify": ("wallet.commands.checking", "Check the books of this node."),
}
"""Name: (module, one line of help). The whole command line is this table."""

SURROGATES = frozenset(map(chr, range(0xDC80, 0xDD00)))
"""What Python makes of bytes in an argument that are no text."""


class Tally(CommandTable):
    """The group of all commands; without one it shows the summary."""

    def __init__(self) -> None:
        super().__init__(
            "tally",
            COMMANDS,
            invoke_without_command=True,
            params=global_options(),
            help="Mutual credit between members. Without a command: a summary of your account.",
            epilog="First time: tally init --community NAME --unit hours, then tally up --detach, then tally.",
        )

    def invoke(self, context: click.Context) -> Any:
        take_global_options(context)
        if context._protected_args or context.args:
            return super().invoke(context)
        from wallet.commands.showing import show_summary

        return show_summary(session_of(context))


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit status."""
    terminal = Terminal("--json" in arguments, "--quiet" in arguments)
    if any(point in SURROGATES for argument in arguments for point in argument):
        terminal.failed(failure("usage", "What was typed is not UTF-8 text.", "Set the terminal to UTF-8."))
        return USAGE
    try:
        status = Tally().main(list(arguments), prog_name="tally", standalone_mode=False)
        return status if isinstance(status, int) else DONE
    except CallFailed as failed:
        terminal.failed(failed.error)
        return failed.exit_status
    except click.UsageError as wrong:
        name = wrong.ctx.command_path if wrong.ctx else "tally"
        terminal.failed(failure("usage", wrong.format_message(), f"See `{name} --help`."))
        return USAGE
    except (KeyboardInterrupt, click.Abort):
        terminal.failed(failure("interrupted", "Interrupted.", ""))
        return INTERRUPTED
    except BrokenPipeError:
        hang_up()
        return FAILED


def main() -> None:
    """The entry point of the command."""
    prepare()
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
