"""What `tally`, `tally-node` and `tally-devnet` share: a table of commands loaded one by one, lengths of time.

Prints nothing and knows no command. Loads click and nothing slower.
"""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click

LONGEST_S = 3600.0


class CommandTable(click.Group):
    """A group whose commands are a table: name -> (module, one line of help). Each module is loaded when it is called.

    In its module a command stands under its name, with _ for -.
    """

    def __init__(self, name: str, table: Mapping[str, tuple[str, str]], **settings: Any) -> None:
        super().__init__(name, context_settings={"help_option_names": ["-h", "--help"]}, **settings)
        self._table = table

    def list_commands(self, context: click.Context) -> list[str]:
        return list(self._table)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in self._table:
            return None
        found: Any = getattr(import_module(self._table[name][0]), name.replace("-", "_"))
        assert isinstance(found, click.Command)
        return found

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands from the table, so that no command has to be loaded for it."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, words) for name, (_, words) in self._table.items()])


class Duration(click.ParamType):  # type: ignore[type-arg]  # only newer click makes it generic
    """A length of time, as "30s", "500ms", "2m" or "1h"; a bare number is seconds. Value: seconds, `most_s` at most."""

    name = "duration"
    _UNITS = (("ms", 0.001), ("s", 1.0), ("m", 60.0), ("h", 3600.0), ("", 1.0))

    def __init__(self, most_s: float = LONGEST_S) -> None:
        self._most_s = most_s

    def convert(self, value: Any, param: click.Parameter | None, context: click.Context | None) -> float:
        if isinstance(value, float):
            return value
        for unit, factor in self._UNITS:
            number = value.removesuffix(unit)
            if value.endswith(unit) and number.isascii() and number.replace(".", "", 1).isdigit():
                return self._bounded(float(number) * factor, param, context)
        self.fail(f"{value!r} is no length of time; write 30s, 500ms or 2m", param, context)

    def _bounded(self, seconds: float, param: click.Parameter | None, context: click.Context | None) -> float:
        if seconds > self._most_s:
            self.fail(f"{self._most_s / 3600:g} h is the longest", param, context)
        return seconds


def failure(code: str, message: str, next: str) -> dict[str, Any]:
    """What is told of a failure without facts."""
    return {"code": code, "message": message, "facts": {}, "next": next}
