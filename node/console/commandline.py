"""What `tally`, `tally-node` and `tally-devnet` share: a table of commands loaded one by one, the options that every
command takes, lengths of time.

Prints nothing and knows no command. Loads click and nothing slower.
"""

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from .client import CallFailed
from .exits import DONE, FAILED, INTERRUPTED, USAGE
from .terminal import Terminal, hang_up

LONGEST_S = 3600.0
DAY_S = 86_400.0
SURROGATES = frozenset(map(chr, range(0xDC80, 0xDD00)))
"""What Python makes of bytes in an argument that are no text."""


class WithExamples(click.Command):
    """A command whose help ends with lines that can be typed as they stand, by a member whose home is running.

    `pay1...`, `invite1...` and `card1...` in them stand for one that was shown, 3f8a... for an act. A test types all.
    """

    def __init__(self, *arguments: Any, examples: Sequence[str] = (), **rest: Any) -> None:
        super().__init__(*arguments, **rest)
        self.examples = tuple(examples)

    def format_epilog(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples line by line, so that none is broken in two."""
        if self.examples:
            with formatter.section("Examples"):
                for line in self.examples:
                    formatter.write(f"{'':>{formatter.current_indent}}{line}\n")
        super().format_epilog(context, formatter)


Table = Mapping[str, tuple[str, str]]
"""Name of a command -> (module, one line of help)."""


class CommandTable(WithExamples, click.Group):
    """A group whose commands are a table: name -> (module, one line of help). Each module is loaded when it is called.

    In its module a command stands under its name, with _ for -.
    """

    def __init__(self, name: str, table: Table, sections: Mapping[str, Table] | None = None, **settings: Any) -> None:
        """`sections`: the same commands as the help lists them, if it does so under several headings."""
        super().__init__(name, context_settings={"help_option_names": ["-h", "--help"]}, **settings)
        self._table = table
        self._sections = {"Commands": table} if sections is None else sections

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
        for heading, table in self._sections.items():
            with formatter.section(heading):
                formatter.write_dl([(name, words) for name, (_, words) in table.items()])


def global_options(home: str) -> list[click.Parameter]:
    """The four options of every command, understood before its name and after it; unset is None, so that it can be told
    from set. `home` is the help of --home."""
    flags = {
        "--json": "Answer with one JSON object on standard output.",
        "--quiet": "Leave out hints.",
        "--no-input": "Never ask; fail instead.",
    }
    made: list[click.Parameter] = [click.Option(["--home"], help=home, metavar="DIR")]
    return made + [click.Option([name], help=words, is_flag=True, default=None) for name, words in flags.items()]


def take_global_options(context: click.Context) -> None:
    """Move the global options out of the command's own parameters."""
    names = ("home", "json", "quiet", "no_input")
    context.meta_options = {name: context.params.pop(name, None) for name in names}  # type: ignore[attr-defined]


def said_globally(context: click.Context, program: str) -> tuple[Path | None, Terminal]:
    """What was said before the command's name and after it, the latter winning: the home, if any, and how to speak."""
    said: dict[str, Any] = {}
    chain: list[click.Context] = []
    here: click.Context | None = context
    while here is not None:
        chain.append(here)
        here = here.parent
    for each in reversed(chain):
        said |= {name: value for name, value in each.meta_options.items() if value is not None}  # type: ignore[attr-defined]  # set by take_global_options
    home = Path(said["home"]).expanduser().absolute() if "home" in said else None
    return home, Terminal(bool(said.get("json")), bool(said.get("quiet")), not said.get("no_input"), program)


class Command(WithExamples):
    """A command that takes the global options too, and hands its function a session first: what `session_of` makes."""

    def __init__(self, *arguments: Any, session_of: Callable[[click.Context], object], home: str, **rest: Any) -> None:
        super().__init__(*arguments, **rest)
        self._session_of = session_of
        self.params += global_options(home)

    def invoke(self, context: click.Context) -> Any:
        take_global_options(context)
        assert self.callback is not None
        return context.invoke(self.callback, self._session_of(context), **context.params)


def run_program(program: str, made: Callable[[], CommandTable], arguments: Sequence[str]) -> int:
    """Run one command and return its exit status. A failure is told as a sentence, or with --json as an object."""
    terminal = Terminal("--json" in arguments, "--quiet" in arguments, program=program)
    if any(point in SURROGATES for argument in arguments for point in argument):
        terminal.failed(failure("usage", "What was typed is not UTF-8 text.", "Set the terminal to UTF-8."))
        return USAGE
    try:
        status = made().main(list(arguments), prog_name=program, standalone_mode=False)
        return status if isinstance(status, int) else DONE
    except CallFailed as failed:
        terminal.failed(failed.error)
        return failed.exit_status
    except click.UsageError as wrong:
        name = wrong.ctx.command_path if wrong.ctx else program
        terminal.failed(failure("usage", wrong.format_message(), f"See `{name} --help`."))
        return USAGE
    except (KeyboardInterrupt, click.Abort):
        terminal.failed(failure("interrupted", "Interrupted.", ""))
        return INTERRUPTED
    except BrokenPipeError:
        hang_up()
        return FAILED


class Duration(click.ParamType):  # type: ignore[type-arg]  # only newer click makes it generic
    """A length of time, as "30s", "500ms", "2m", "1h" or "7d"; a bare number is seconds. Value: seconds,
    `most_s` at most."""

    name = "duration"
    _UNITS = (("ms", 0.001), ("s", 1.0), ("m", 60.0), ("h", 3600.0), ("d", DAY_S), ("", 1.0))

    def __init__(self, most_s: float = LONGEST_S) -> None:
        self._most_s = most_s

    def convert(self, value: Any, param: click.Parameter | None, context: click.Context | None) -> float:
        if isinstance(value, float):
            return value
        for unit, factor in self._UNITS:
            number = value.removesuffix(unit)
            if value.endswith(unit) and number.isascii() and number.replace(".", "", 1).isdigit():
                return self._bounded(float(number) * factor, param, context)
        self.fail(f"{value!r} is no length of time; write 30s, 2m, 1h or 7d", param, context)

    def _bounded(self, seconds: float, param: click.Parameter | None, context: click.Context | None) -> float:
        if seconds > self._most_s:
            longest = f"{self._most_s / 3600:g} h" if self._most_s < DAY_S else f"{self._most_s / DAY_S:g} d"
            self.fail(f"{longest} is the longest", param, context)
        return seconds


def failure(code: str, message: str, next: str) -> dict[str, Any]:
    """What is told of a failure without facts."""
    return {"code": code, "message": message, "facts": {}, "next": next}
