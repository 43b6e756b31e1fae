"""Runs the sessions of tests/transcripts with the real command, against real nodes."""

import shlex
from pathlib import Path

import pytest

from tests.real.homes import ending, make_community, tally
from tests.transcripts.reading import Memory, read_transcript

STORIES = sorted((Path(__file__).parents[1] / "transcripts").glob("*.txt"))


@pytest.mark.parametrize("story", STORIES, ids=lambda path: path.stem)
def test_the_session_goes_as_it_is_written(story: Path, tmp_path: Path) -> None:
    transcript = read_transcript(story.read_text())
    (tmp_path / "right").write_text("correct horse battery\n")
    (tmp_path / "wrong").write_text("incorrect horse\n")
    homes = {"": tmp_path / "home"}
    if transcript.people:
        homes = make_community(tmp_path, transcript.people)
    memory = Memory()
    with ending(list(homes.values())):
        for name in transcript.people:
            assert tally(homes[name], "up", "--detach").returncode == 0
        for step in transcript.steps:
            command, *arguments = shlex.split(memory.fill(step.line))
            assert command == "tally"
            got = tally(homes[step.who], *arguments, cwd=tmp_path)
            place = f"{story.name}:{step.number}: {step.line}"
            assert memory.matches(step.shown, got.stdout), f"{place} showed:\n{got.stdout}"
            assert got.returncode == step.status, f"{place} ended with {got.returncode}:\n{got.stdout}"
