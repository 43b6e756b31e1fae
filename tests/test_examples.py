"""What --help shows and what messages tell somebody to type is read here by the real parser; `tests/real` types it."""

import ast
import re
import shlex
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import click
import pytest
from click.exceptions import Exit, NoArgsIsHelpError

from node.console.commandline import WithExamples
from tests.command_lines import PROGRAMS, commands, parse
from tests.documents import PACKAGES, ROOT

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


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_one_to_four_examples_of_its_own(name: str) -> None:
    command = COMMANDS[name]
    assert isinstance(command, WithExamples)
    assert 1 <= len(command.examples) <= 4
    if name not in PROGRAMS:
        assert all(f"{line} ".startswith(f"{name} ") for line in command.examples)


@pytest.mark.parametrize(("name", "line"), EXAMPLES)
def test_an_example_is_understood_and_stands_whole_in_the_help(
    name: str, line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for file in FILES:
        Path(file).touch()
    program, *words = shlex.split(line)
    parse(PROGRAMS[program], words)
    shown = COMMANDS[name].get_help(click.Context(COMMANDS[name], info_name=name, terminal_width=80))
    assert f"  {line}" in shown.partition("Examples:\n")[2].splitlines()


@pytest.mark.parametrize("name", COMMANDS)
def test_the_prose_of_a_help_names_only_commands_that_there_are(name: str) -> None:
    command = COMMANDS[name]
    prose = [command.help or "", command.epilog or ""]
    prose += [getattr(param, "help", None) or "" for param in command.params]
    for text in prose:
        assert not _BARE.search(text)
        for line in _SPAN.findall(text):
            _is_understood(line)


def _named() -> Iterator[str]:
    """The commands that strings in the programs name, with a word for each value put in."""
    for file in (file for package in PACKAGES[:-1] for file in (ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.JoinedStr):
                parts = (part.value if isinstance(part, ast.Constant) else "x" for part in node.values)
                yield from _SPAN.findall("".join(map(str, parts)))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield from _SPAN.findall(" ".join(node.value.split()))


@pytest.mark.parametrize("line", sorted({*_named()}))
def test_a_message_names_only_commands_that_there_are(line: str) -> None:
    _is_understood(line)


def _is_understood(line: str) -> None:
    program, *words = shlex.split(line)
    with suppress(*LEFT_OUT):
        parse(PROGRAMS[program], [word for word in words if not word.endswith(".csv")])
