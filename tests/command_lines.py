"""The command lines of the three programs: every command there is, and whether a line is understood.

Runs nothing.
"""

from collections.abc import Iterator

import click

from devnet.__main__ import Devnet
from node.__main__ import TallyNode
from wallet.__main__ import Tally

PROGRAMS: dict[str, click.Group] = {"tally": Tally(), "tally-node": TallyNode(), "tally-devnet": Devnet()}


def parse(group: click.Group, words: list[str], parent: click.Context | None = None) -> None:
    """Read a command line as the program would, without running it. Raises what click raises at a mistake."""
    with group.make_context(group.name, words, parent=parent) as context:
        rest = [*context._protected_args, *context.args]
        if not rest and group.invoke_without_command:
            return
        name, command, rest = group.resolve_command(context, rest)
        assert command is not None
        if isinstance(command, click.Group):
            return parse(command, rest, context)
        with command.make_context(name, rest, parent=context):
            pass


def misread(line: str, words: list[str], *fine: type[Exception]) -> str | None:
    """What is wrong with `words`, the program first, said with `line`; None if they are understood or it is `fine`."""
    try:
        parse(PROGRAMS[words[0]], words[1:])
    except fine:
        return None
    except click.ClickException as error:
        return f"{line}: {error.format_message()}"
    return None


def commands() -> Iterator[tuple[str, click.Command]]:
    """Every program, command and command of a command: its full name, as `tally token list`, and itself."""
    for name, group in PROGRAMS.items():
        yield from _below(name, group)


def _below(name: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    yield name, command
    if isinstance(command, click.Group):
        context = click.Context(command, info_name=name)
        for each in command.list_commands(context):
            found = command.get_command(context, each)
            assert found is not None
            yield from _below(f"{name} {each}", found)
