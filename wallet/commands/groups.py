"""A command that has commands of its own, as `tally token list`; the global options are understood at every place."""

from typing import Any

import click

from node.console.commandline import WithExamples, global_options, take_global_options
from wallet.commands.session import HOME


class CommandGroup(WithExamples, click.Group):
    """A group in the table of `tally`; its commands are `session.Command`s."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.params += global_options(HOME)

    def invoke(self, context: click.Context) -> Any:
        take_global_options(context)
        return super().invoke(context)
