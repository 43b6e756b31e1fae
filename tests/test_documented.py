"""The documents say what the code does: every code, op, tag and message is in the spec, every command line is known.

What can be looked up is looked up here, so that neither side changes alone. Numbers in the spec's worked examples are
computed again.
"""

import re
import shlex
from pathlib import Path

import pytest

from protocol import base
from protocol.messages import MESSAGES
from protocol.ops import FORBIDDEN_CODE_POINTS, OPS, RESERVED_TAGS
from protocol.signing import Tag
from protocol.verdict import Code
from tests.vectors.examples import section

ROOT = Path(__file__).parent.parent
SPEC = (ROOT / "protocol" / "README.md").read_text()
README = (ROOT / "README.md").read_text()
OP_NAMES = {"Amend": "charter"}
"""Ops whose class is not called as the op is."""


def _name(kind: type) -> str:
    words = re.sub(r"(?<!^)(?=[A-Z])", " ", kind.__name__).lower()
    return OP_NAMES.get(kind.__name__, words)


@pytest.mark.parametrize("code", Code, ids=lambda code: code.word)
def test_every_refusal_is_in_the_spec_with_its_number(code: Code) -> None:
    assert re.search(rf"^\| {int(code)} \| `{code.word}` \|", SPEC, re.MULTILINE)


def test_the_spec_names_no_refusal_that_does_not_exist() -> None:
    listed = dict(re.findall(r"^\| (\d+) \| `([a-z_]+)` \|", SPEC, re.MULTILINE))
    assert listed == {str(int(code)): code.word for code in Code}


@pytest.mark.parametrize("tag", OPS, ids=lambda tag: OPS[tag].__name__)
def test_every_op_is_in_the_spec_with_its_tag(tag: int) -> None:
    assert re.search(rf"^\| `{_name(OPS[tag])}` \| `\[{tag}, ", SPEC, re.MULTILINE)


@pytest.mark.parametrize("tag", RESERVED_TAGS)
def test_every_reserved_op_is_in_the_spec_with_its_tag(tag: int) -> None:
    assert f"{tag} `{RESERVED_TAGS[tag]}`" in SPEC


@pytest.mark.parametrize("tag", Tag, ids=lambda tag: tag.name)
def test_every_signature_tag_is_in_the_spec(tag: Tag) -> None:
    assert tag.value.endswith(b"\0")
    assert f"`{tag.value[:-1].decode()}`" in SPEC


@pytest.mark.parametrize("tag", MESSAGES, ids=lambda tag: MESSAGES[tag].__name__)
def test_every_message_is_in_the_spec_with_its_tag(tag: int) -> None:
    assert re.search(rf"^\| `{_name(MESSAGES[tag])}` \| {tag} \|", SPEC, re.MULTILINE)


def test_every_forbidden_range_is_in_the_spec() -> None:
    listed = re.findall(r"U\+([0-9A-F]{4,6})(?:\s\.\.\sU\+([0-9A-F]{4,6}))?", SPEC)
    ranges = tuple((int(low, 16), int(high or low, 16)) for low, high in listed)
    assert ranges == FORBIDDEN_CODE_POINTS


def test_the_worked_examples_of_the_spec_are_right() -> None:
    assert SPEC.endswith(section())


def test_the_caps_are_in_the_spec() -> None:
    for cap in (base.ENTRY_BYTES_MAX, base.OPS_MAX, base.NOTE_BYTES_MAX, base.TAIL_MAX, base.MARK_BLOCK):
        assert re.search(rf"\b{cap}\b", SPEC)


def console_lines(text: str) -> list[str]:
    """The command lines of a document: lines in blocks marked `console` that start with `$ `."""
    blocks = re.findall(r"^```console\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    lines = [line[2:] for block in blocks for line in block.splitlines() if line.startswith("$ ")]
    return [line.split("  #")[0].strip() for line in lines]


def test_the_readme_shows_its_commands() -> None:
    programs = {shlex.split(line)[0] for line in console_lines(README)}
    assert {"make", "tally", "tally-devnet"} <= programs


@pytest.mark.parametrize("line", [line for line in console_lines(README) if line.startswith("make ")])
def test_every_make_line_of_the_readme_is_a_target(line: str) -> None:
    makefile = (ROOT / "Makefile").read_text()
    assert re.search(rf"^{line.split()[1]}:", makefile, re.MULTILINE)
