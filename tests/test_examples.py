"""What --help shows and what messages tell somebody to type is read here by the real parser; `tests/real` types it."""

import ast
import re
import shlex
from collections.abc import Iterable, Iterator
from pathlib import Path

import click
import pytest
from click.exceptions import Exit, NoArgsIsHelpError

from node.console.commandline import WithExamples
from tests.command_lines import PROGRAMS, commands, misread
from tests.sources import nodes, sources

COMMANDS = dict(commands())
EXAMPLES = [
    (name, line) for name, command in COMMANDS.items() for line in getattr(command, "examples", ())
]  # fmt: skip
FILES = ("wages.csv", "history.csv", "passphrase.txt")
"""What an example reads lies in the folder where it is typed."""

LEFT_OUT = (click.MissingParameter, click.BadOptionUsage, NoArgsIsHelpError, Exit)
"""A sentence may name a command without what it is about, an option without its value, a group alone, or --help."""

_SPAN = re.compile(r"`((?:tally|tally-node|tally-devnet)(?: [^`]+)?)`")
_BARE = re.compile(r"(?<!`)\btally(?:-node|-devnet)? (?:[a-z]|-)")


@pytest.fixture(scope="module", autouse=True)
def trees() -> Iterator[None]:
    """Let go of the trees at the end: the garbage collector would look at all of them until the last test."""
    yield
    for kept in (sources, nodes):
        kept.cache_clear()


def test_every_command_has_one_to_four_examples_of_its_own() -> None:
    assert [name for name, command in COMMANDS.items() if not _is_well_shown(name, command)] == []


def _is_well_shown(name: str, command: click.Command) -> bool:
    if not isinstance(command, WithExamples) or not 1 <= len(command.examples) <= 4:
        return False
    return name in PROGRAMS or all(f"{line} ".startswith(f"{name} ") for line in command.examples)


def test_an_example_is_understood_and_stands_whole_in_the_help(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for file in FILES:
        Path(file).touch()
    assert [fault for _, line in EXAMPLES if (fault := misread(line, shlex.split(line)))] == []
    assert [line for name, line in EXAMPLES if f"  {line}" not in _shown(name)] == []


def _shown(name: str) -> list[str]:
    """The lines that a help has as examples."""
    help = COMMANDS[name].get_help(click.Context(COMMANDS[name], info_name=name, terminal_width=80))
    return help.partition("Examples:\n")[2].splitlines()


def test_the_prose_of_a_help_names_only_commands_that_there_are() -> None:
    prose = [(name, text) for name, command in COMMANDS.items() for text in _prose(command)]
    assert [name for name, text in prose if _BARE.search(text)] == []
    assert [(name, fault) for name, text in prose for fault in _strange(_SPAN.findall(text))] == []


def _prose(command: click.Command) -> list[str]:
    return [
        text or "" for text in (command.help, command.epilog, *(getattr(one, "help", "") for one in command.params))
    ]


def _named() -> Iterator[str]:
    """The commands that strings in the programs name, with a word for each value put in."""
    for tree in sources().values():
        for node in nodes(tree):
            if isinstance(node, ast.JoinedStr):
                parts = (part.value if isinstance(part, ast.Constant) else "x" for part in node.values)
                yield from _SPAN.findall("".join(map(str, parts)))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield from _SPAN.findall(" ".join(node.value.split()))


def test_a_message_names_only_commands_that_there_are() -> None:
    lines = sorted({*_named()})
    assert len(lines) > 40
    assert _strange(lines) == []


def _strange(lines: Iterable[str]) -> list[str]:
    """What no program would understand, each with what it says; a file need not be there."""
    found = (
        misread(line, [word for word in shlex.split(line) if not word.endswith(".csv")], *LEFT_OUT) for line in lines
    )
    return [fault for fault in found if fault is not None]
