"""Runs the sessions of tests/transcripts with the real command, against real nodes."""

import shlex
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from node.ports import hold_port
from tests.real.homes import ending, make_community, tally
from tests.transcripts.reading import Memory, Step, read_transcript

LATER_S = 30.0
"""How long "a little later" may be."""
STORIES = sorted((Path(__file__).parents[1] / "transcripts").glob("*.txt"))


@pytest.mark.parametrize("story", STORIES, ids=lambda path: path.stem)
def test_the_session_goes_as_it_is_written(story: Path, tmp_path: Path) -> None:
    transcript = read_transcript(story.read_text())
    (tmp_path / "right").write_text("correct horse battery\n")
    (tmp_path / "wrong").write_text("incorrect horse\n")
    (tmp_path / "may.csv").write_text("Payee;Amount;Memo\n@bob;2,50;oven\ncem;1;\n@bob;0,25;\n")
    (tmp_path / "june.csv").write_text('payee,amount\nbob,1\neve,1\ncem,"1,000"\n')
    homes = {"": tmp_path / "home"}
    if transcript.people:
        homes = make_community(tmp_path, transcript.people)
    homes |= {name: tmp_path / name for name in transcript.strangers}
    memory = Memory({"address": free_address()})
    with ending(list(homes.values())):
        for name in transcript.people:
            assert tally(homes[name], "up", "--detach").returncode == 0
        for step in transcript.steps:
            got = done(step, homes[step.who], memory, tmp_path)
            place = f"{story.name}:{step.number}: {step.line}"
            assert memory.matches(step.shown, got.stdout), f"{place} showed:\n{got.stdout}"
            assert got.returncode == step.status, f"{place} ended with {got.returncode}:\n{got.stdout}"


def done(step: Step, home: Path, memory: Memory, folder: Path) -> subprocess.CompletedProcess[str]:
    """Do what a step says; one that is for later again and again until it shows what is written, or for long enough."""
    program, *arguments = shlex.split(memory.fill(step.line))
    deadline = time.monotonic() + (LATER_S if step.later else 0)
    while True:
        got = tally(home, *arguments, cwd=folder, program=program)
        if time.monotonic() > deadline or Memory(dict(memory.words)).matches(step.shown, got.stdout):
            return got
        time.sleep(0.3)


def free_address() -> str:
    """Where a node of the story may listen."""
    with ExitStack() as held:
        return f"127.0.0.1:{hold_port(held)}"
