"""`tally-node`: a host, which serves a community with no member's key. From the command line to one command.

Knows the commands by name and loads only the one that is asked for.
"""

import sys
from collections.abc import Sequence
from typing import Any

import click

from node.commands.session import HOME
from node.console.commandline import CommandTable, global_options, run_program, take_global_options
from node.console.terminal import prepare

COMMANDS = {
    "init": ("node.commands.hosting", "Make a host here, with keys of its own, and show its card."),
    "card": ("node.commands.hosting", "Show the card again, or make a new one."),
    "run": ("node.commands.running", "Run this host."),
    "down": ("node.commands.running", "Stop it."),
    "status": ("node.commands.running", "Show how it is doing."),
    "service": ("node.commands.service", "Have the system start it by itself."),
}
"""Name: (module, one line of help). The whole command line is this table."""
FIRST_TIME = ("tally-node init --witness", "tally-node run --detach", "tally-node card")


class TallyNode(CommandTable):
    """The group of all commands."""

    def __init__(self) -> None:
        super().__init__(
            "tally-node",
            COMMANDS,
            params=global_options(HOME),
            help="A host: a node that serves a community as witness, archive and relay, with no member's key.",
            examples=FIRST_TIME,
        )

    def invoke(self, context: click.Context) -> Any:
        take_global_options(context)
        return super().invoke(context)


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit status."""
    return run_program("tally-node", TallyNode, arguments)


def main() -> None:
    """The entry point of the command."""
    prepare()
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
