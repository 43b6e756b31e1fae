"""`tally`: from the command line to one command and its exit status.

Knows the commands by name and loads only the one that is asked for. Every failure ends here as a sentence (or, with
--json, as an object) and an exit status; nobody sees a traceback for something that can go wrong in daily use.
"""

import sys
from collections.abc import Sequence
from typing import Any

import click

from node.console.commandline import CommandTable, global_options, run_program, take_global_options
from node.console.terminal import prepare
from wallet.commands.session import HOME, session_of

SECTIONS = {
    "Paying": {
        "pay": ("wallet.commands.paying", "Pay a member."),
        "batch": ("wallet.commands.batch", "Pay everybody in a CSV file."),
        "receive": ("wallet.commands.paying", "Take in what is in flight to you now."),
        "refund": ("wallet.commands.paying", "Send a payment back to who paid it."),
        "balance": ("wallet.commands.showing", "Show where you stand and what you can spend."),
        "history": ("wallet.commands.showing", "List your payments, newest first."),
        "show": ("wallet.commands.showing", "Show one payment."),
        "events": ("wallet.commands.happening", "Tell what happens to your accounts as it happens."),
        "export": ("wallet.commands.exporting", "Write your payments, or everybody's, into a file."),
    },
    "People": {
        "members": ("wallet.commands.showing", "List the members of the community."),
        "name": ("wallet.commands.people", "Show or say what you are called."),
        "offer": ("wallet.commands.people", "Offer something, or look for it."),
        "offers": ("wallet.commands.people", "List what members offer and look for."),
        "community": ("wallet.commands.chartering", "Tell the charter, and what the witnesses tolerate."),
    },
    "Growing": {
        "invite": ("wallet.commands.inviting", "Make an invite for somebody new."),
        "requests": ("wallet.commands.inviting", "List who asks to be admitted."),
        "admit": ("wallet.commands.inviting", "Admit somebody who asked."),
    },
    "Stewards": {
        "stewards": ("wallet.commands.stewarding", "List the stewards, be one, or ask members to be."),
        "acts": ("wallet.commands.stewarding", "List what stewards decide, who signed and who is missing."),
        "sign": ("wallet.commands.stewarding", "Sign an open act, or accept to be a steward."),
        "limit": ("wallet.commands.stewarding", "Set a member's credit limit."),
        "suspend": ("wallet.commands.stewarding", "Stop a member from paying."),
        "reinstate": ("wallet.commands.stewarding", "Let a suspended member pay again."),
        "charge": ("wallet.commands.stewarding", "Move money between a member and the commons."),
        "charter": ("wallet.commands.chartering", "Show or change the charter."),
        "hosts": ("wallet.commands.hosts", "List the community's hosts, or let one in."),
    },
    "Your home": {
        "init": ("wallet.commands.founding", "Found a community, or join one by an invite."),
        "up": ("wallet.commands.running", "Start node and wallet of this home."),
        "down": ("wallet.commands.running", "Stop them."),
        "status": ("wallet.commands.showing", "Show how the node is doing."),
        "service": ("wallet.commands.service", "Have the system start them by itself."),
        "unlock": ("wallet.commands.keys", "Let the running wallet sign."),
        "lock": ("wallet.commands.keys", "Have the running wallet forget its keys until the next unlock."),
        "words": ("wallet.commands.keys", "Show the 24 words that restore this wallet."),
        "verify": ("wallet.commands.checking", "Check the books of this node."),
    },
    "Programs": {
        "token": ("wallet.commands.tokens", "Make, list and revoke tokens for programs."),
        "webhook": ("wallet.commands.webhooks", "Have events sent to an address of yours."),
    },
}
"""Name: (module, one line of help), as the help lists them. The whole command line is this table."""
COMMANDS = {name: command for section in SECTIONS.values() for name, command in section.items()}
FIRST_TIME = ('tally init --community "Oak Street" --unit hours', "tally up --detach", "tally")


class Tally(CommandTable):
    """The group of all commands; without one it shows the summary."""

    def __init__(self) -> None:
        super().__init__(
            "tally",
            COMMANDS,
            SECTIONS,
            invoke_without_command=True,
            params=global_options(HOME),
            help="Mutual credit between members. Without a command: a summary of your account.",
            examples=FIRST_TIME,
        )

    def invoke(self, context: click.Context) -> Any:
        take_global_options(context)
        if context._protected_args or context.args:
            return super().invoke(context)
        from wallet.commands.showing import show_summary

        return show_summary(session_of(context))


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit status."""
    return run_program("tally", Tally, arguments)


def main() -> None:
    """The entry point of the command."""
    prepare()
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
