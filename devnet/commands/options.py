"""What the commands of `tally-devnet` share: --home and --json, folders, column filters.

Pure but for reading the environment. `commands` uses them; a wrong value is a usage error that says how it is written.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from node.console.commandline import WithExamples

from ..homes import default_home


class Filter(click.ParamType[tuple[str, str], Any]):
    """A column and the value it must have, as "type=STANDARD". Value: (column, value)."""

    name = "filter"

    def convert(self, value: Any, param: click.Parameter | None, context: click.Context | None) -> tuple[str, str]:
        if isinstance(value, tuple):
            return value
        column, equals, wanted = value.partition("=")
        if not column.strip() or not equals:
            self.fail(f"{value!r} is no filter; write COLUMN=VALUE", param, context)
        return column.strip(), wanted


class Folder(click.ParamType[Path, Any]):
    """A folder, "~" allowed. Value: an absolute path."""

    name = "dir"

    def convert(self, value: Any, param: click.Parameter | None, context: click.Context | None) -> Path:
        return Path(value).expanduser().absolute()


def devnet_command(name: str, *, examples: Sequence[str] = ()) -> Callable[[Callable[..., Any]], click.Command]:
    """Make a function a command with --home and --json; its docstring is the help, and the examples stand below it."""

    def make(function: Callable[..., Any]) -> click.Command:
        command = click.command(name, cls=WithExamples, examples=examples)(function)
        home = click.Option(["--home"], type=Folder(), default=default_home, help="The devnet's folder.")
        command.params += [home, click.Option(["--json", "as_json"], is_flag=True, help="Answer in JSON.")]
        return command

    return make
