"""What the commands of `tally-devnet` share: --home and --json, lengths of time, column filters.

Pure but for reading the environment. `commands` uses them; a wrong value is a usage error that says how it is written.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from ..homes import default_home


class Duration(click.ParamType[float, Any]):
    """A length of time, as "60s", "500ms", "5m" or "1h"; a bare number is seconds. Value: seconds."""

    name = "duration"
    _UNITS = (("ms", 0.001), ("s", 1.0), ("m", 60.0), ("h", 3600.0), ("", 1.0))

    def convert(self, value: Any, param: click.Parameter | None, context: click.Context | None) -> float:
        if isinstance(value, float):
            return value
        for unit, factor in self._UNITS:
            number = value.removesuffix(unit)
            if value.endswith(unit) and number.isascii() and number.replace(".", "", 1).isdigit():
                return float(number) * factor
        self.fail(f"{value!r} is no length of time; write 60s, 5m or 1h", param, context)


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


def devnet_command(name: str) -> Callable[[Callable[..., Any]], click.Command]:
    """Make a function a command with --home and --json; its docstring is the help."""

    def make(function: Callable[..., Any]) -> click.Command:
        command = click.command(name)(function)
        home = click.Option(["--home"], type=Folder(), default=default_home, help="The devnet's folder.")
        command.params += [home, click.Option(["--json", "as_json"], is_flag=True, help="Answer in JSON.")]
        return command

    return make
