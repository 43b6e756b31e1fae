"""The documents say what the code does: every code, op, tag and message is in the spec, every command line is known.

What can be looked up is looked up here, so that neither side changes alone. Numbers in the spec's worked examples are
computed again.
"""

import json
import re
import shlex
from collections.abc import Iterable
from itertools import takewhile
from pathlib import Path
from typing import Any

import click
import pytest

from protocol import base
from protocol.knocks import KNOCKS, REPLIES
from protocol.messages import MESSAGES
from protocol.ops import FORBIDDEN_CODE_POINTS, OPS, RESERVED_TAGS
from protocol.record import SLOTS_MAX, Kind
from protocol.request import WORDS
from protocol.signing import Tag
from protocol.verdict import Code
from tests.command_lines import PROGRAMS, misread, parse
from tests.documents import DOCUMENTS, PACKAGES, ROOT, mentioned, typed
from tests.vectors.examples import section

SPEC = (ROOT / "protocol" / "README.md").read_text()
README = (ROOT / "README.md").read_text()
DOORSTEP: dict[int, type] = {**KNOCKS, **REPLIES}
OP_NAMES = {"Amend": "charter"}
"""Ops whose class is not called as the op is."""


def _name(kind: type) -> str:
    words = re.sub(r"(?<!^)(?=[A-Z])", " ", kind.__name__).lower()
    return OP_NAMES.get(kind.__name__, words)


def _absent(rows: Iterable[str]) -> list[str]:
    """The rows that no table of the spec has."""
    begun = SPEC.splitlines()
    return [row for row in rows if not any(line.startswith(row) for line in begun)]


def test_every_refusal_is_in_the_spec_with_its_number() -> None:
    assert _absent(f"| {int(code)} | `{code.word}` |" for code in Code) == []


def test_the_spec_names_no_refusal_that_does_not_exist() -> None:
    listed = dict(re.findall(r"^\| (\d+) \| `([a-z_]+)` \|", SPEC, re.MULTILINE))
    assert listed == {str(int(code)): code.word for code in Code}


def test_every_op_is_in_the_spec_with_its_tag() -> None:
    assert _absent(f"| `{_name(op)}` | `[{tag}, " for tag, op in OPS.items()) == []


def test_every_reserved_op_is_in_the_spec_with_its_tag() -> None:
    assert [word for tag, word in RESERVED_TAGS.items() if f"{tag} `{word}`" not in SPEC] == []


def test_every_signature_tag_is_in_the_spec() -> None:
    assert all(tag.value.endswith(b"\0") for tag in Tag)
    assert [tag.name for tag in Tag if f"`{tag.value[:-1].decode()}`" not in SPEC] == []


def test_every_message_is_in_the_spec_with_its_tag() -> None:
    assert _absent(f"| `{_name(kind)}` | {tag} |" for tag, kind in MESSAGES.items()) == []


def test_every_question_and_reply_of_the_doorstep_is_in_the_spec_with_its_tag() -> None:
    assert _absent(f"| `{_name(kind)}` | {tag} |" for tag, kind in DOORSTEP.items()) == []


@pytest.mark.parametrize("kind", Kind, ids=lambda kind: kind.name)
def test_every_kind_of_record_is_in_the_spec_with_its_number_and_its_cap(kind: Kind) -> None:
    name = kind.name.lower()
    assert re.search(rf"^\| {kind} {name} \|", SPEC, re.MULTILINE)
    assert re.search(rf"\b{name}(ances)?s? {SLOTS_MAX[kind]}\b", SPEC)


def test_every_reason_to_turn_a_request_away_is_in_the_spec() -> None:
    assert [code for code in WORDS if f"`{code}`" not in SPEC] == []


def test_every_forbidden_range_is_in_the_spec() -> None:
    listed = re.findall(r"U\+([0-9A-F]{4,6})(?:\s\.\.\sU\+([0-9A-F]{4,6}))?", SPEC)
    ranges = tuple((int(low, 16), int(high or low, 16)) for low, high in listed)
    assert ranges == FORBIDDEN_CODE_POINTS


def test_every_rule_that_a_vector_turns_on_is_in_the_spec() -> None:
    rules = set(re.findall(r"\*\*(R\d+\.\d+[a-z]?)\b", SPEC))
    files = (ROOT / "tests" / "vectors").glob("*.json")
    stories = [story for file in files if isinstance(story := json.loads(file.read_text()), dict)]
    steps = [step for story in stories for step in (*story.get("steps", ()), *story.get("ids", ()))]
    assert len(steps) > 800
    papers = [row for part in _papers().values() if isinstance(part, list) for row in part]
    assert {step["rule"] for step in (*steps, *papers)} <= rules


def _papers() -> dict[str, Any]:
    return json.loads((ROOT / "tests" / "vectors" / "papers.json").read_text())  # type: ignore[no-any-return]


def test_the_worked_examples_of_the_spec_are_right() -> None:
    assert SPEC.endswith(section())


def test_the_caps_are_in_the_spec() -> None:
    for cap in (base.ENTRY_BYTES_MAX, base.OPS_MAX, base.NOTE_BYTES_MAX, base.TAIL_MAX, base.MARK_BLOCK):
        assert re.search(rf"\b{cap}\b", SPEC)


TEXTS = [file.read_text() for file in DOCUMENTS]
LINES = sorted({line for text in TEXTS if text != SPEC for line in (*typed(text), *mentioned(text))})
"""All but the spec's: what begins with `tally ` there is the name of something that is hashed."""


@pytest.mark.parametrize("line", [line for line in LINES if line.startswith("make ")])
def test_every_make_line_of_a_document_is_a_target(line: str) -> None:
    makefile = (ROOT / "Makefile").read_text()
    assert re.search(rf"^{line.split()[1]}:", makefile, re.MULTILINE)


def test_every_command_line_of_a_document_is_understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    lines = {line: _typed_words(line) for line in LINES if line.startswith("tally")}
    assert len(lines) > 100
    for file in (word for words in lines.values() for word in words if word.endswith(".csv") and word.startswith("/")):
        Path(file).touch()
    # prose may name a command without what it needs
    assert [fault for line, words in lines.items() if (fault := misread(line, words, click.MissingParameter))] == []


def _typed_words(line: str) -> list[str]:
    words = takewhile(lambda word: word != ">", shlex.split(line))
    return [str(Path(word).expanduser()) for word in words]


def test_a_command_line_with_a_mistake_is_not_understood() -> None:
    for line in ("payy @bob 1", "pay @bob 1 --memoo x", "pay --memoo x", "pay @bob"):
        with pytest.raises(click.UsageError):
            parse(PROGRAMS["tally"], shlex.split(line))


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_readme_shows_every_command(program: str) -> None:
    lines = [line for line in typed(README) if line.startswith(f"{program} ")]
    group = PROGRAMS[program]
    assert set(group.list_commands(click.Context(group))) <= {word for line in lines for word in line.split()[1:4]}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_file_and_link_that_a_document_names_is_there(document: Path) -> None:
    text = document.read_text()
    named = re.findall(rf"`((?:{'|'.join(PACKAGES)})/[\w./-]*)`", text)
    linked = [link for link in re.findall(r"\]\(([^)#\s]+)\)", text) if "://" not in link]
    missing = [name for name in named if not any(ROOT.glob(name.rstrip("/"))) and not any(ROOT.glob(f"{name}.py"))]
    assert not missing + [link for link in linked if not (document.parent / link).exists()]


@pytest.mark.parametrize("package", ["node", "wallet"])
def test_the_rooms_that_a_package_lists_are_there(package: str) -> None:
    text = (ROOT / package / "README.md").read_text()
    names = [
        name
        for line in re.findall(r"^ {4}([a-z_]+/?(?:, [a-z_]+/?)*) {2,}", text, re.MULTILINE)
        for name in line.split(", ")
    ]
    assert len(names) > 10
    missing = [name for name in names if not (ROOT / package / (name if name.endswith("/") else f"{name}.py")).exists()]
    assert not missing
