"""node/README.md shows every command of `tally-node`, at work and in its table."""

import re

from node.__main__ import COMMANDS
from tests.documents import ROOT, typed

README = (ROOT / "node" / "README.md").read_text()


def test_every_command_is_in_the_table() -> None:
    assert set(re.findall(r"^\| `tally-node ([a-z]+)`", README, re.MULTILINE)) == set(COMMANDS)


def test_every_command_is_shown_at_work() -> None:
    lines = [line for line in typed(README) if line.startswith("tally-node ")]
    assert {line.split()[1] for line in lines} == set(COMMANDS)
