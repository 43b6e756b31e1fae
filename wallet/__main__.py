"""`tally`: from the command line to one command and its exit status.

Knows the commands by name and loads only the one that is asked for. Every failure ends here as a sentence (or, with
--json, as an object) and an exit status; nobody sees a traceback for something that can go wrong in daily use.
"""

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import click

from wallet.client import CallFailed
from wallet.commands.session import global_options, session_of, take_global_options
from wallet.exits import DONE, FAILED, INTERRUPTED, USAGE
from wallet.terminal import Terminal, hang_up, prepare

COMMANDS = {
    "init": ("founding", "Found a community: you are its first member, steward and witness."),
    "up": ("running", "Start node and wallet of this home."),
    "down": ("running", "Stop them."),
    "status": ("showing", "Show how the node is doing."),
    "balance": ("showing", "Show where you stand and what you can spend."),
    "history": ("showing", "List your payments, newest first."),
    "members": ("showing", "List the members of the community."),
    "show": ("showing", "Show one payment."),
    "pay": ("paying", "Pay a member."),
    "receive": ("paying", "Take in what is in flight to you now."),
    "refund": ("paying", "Send a payment back to who paid it."),
    "unlock": ("keys", "Let the running wallet sign."),
    "lock": ("keys", "Have the running wallet forget its keys until the next unlock."),
    "words": ("keys", "Show the 24 words that restore this wallet."),
    "verify": ("checking", "Check the books of this node."),
}
"""Name: (module of wallet.commands, one line of help). The whole command line is this table."""

SURROGATES = frozenset(map(chr, range(0xDC80, 0xDD00)))
"""What Python makes of bytes in an argument that are no text."""


class Tally(click.Group):
    """The group of all commands; each module is loaded when its command is called."""

    def __init__(self) -> None:
        super().__init__(
            "tally",
            invoke_without_command=True,
            params=global_options(),
            help="Mutual credit between members. Without a command: a summary of your account.",
            epilog="First time: tally init --community NAME --unit hours, then tally up --detach, then tally.",
            context_settings={"help_option_names": ["-h", "--help"]},
        )

    def list_commands(self, context: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        found: Any = getattr(import_module(f"wallet.commands.{COMMANDS[name][0]}"), name)
        assert isinstance(found, click.Command)
        return found

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands from the table, so that no command has to be loaded for it."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, words) for name, (_, words) in COMMANDS.items()])

    def invoke(self, context: click.Context) -> Any:
        take_global_options(context)
        if context._protected_args or context.args:
            return super().invoke(context)
        from wallet.commands.showing import show_summary

        return show_summary(session_of(context))


def _failure(code: str, message: str, next: str) -> dict[str, Any]:
    return {"code": code, "message": message, "facts": {}, "next": next}


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit status."""
    terminal = Terminal("--json" in arguments, "--quiet" in arguments)
    if any(point in SURROGATES for argument in arguments for point in argument):
        terminal.failed(_failure("usage", "What was typed is not UTF-8 text.", "Set the terminal to UTF-8."))
        return USAGE
    try:
        status = Tally().main(list(arguments), prog_name="tally", standalone_mode=False)
        return status if isinstance(status, int) else DONE
    except CallFailed as failure:
        terminal.failed(failure.error)
        return failure.exit_status
    except click.UsageError as wrong:
        name = wrong.ctx.command_path if wrong.ctx else "tally"
        terminal.failed(_failure("usage", wrong.format_message(), f"See `{name} --help`."))
        return USAGE
    except (KeyboardInterrupt, click.Abort):
        terminal.failed(_failure("interrupted", "Interrupted.", ""))
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
