"""The command line of `tally-devnet`: every command explains itself, and every failure is a sentence and a status."""

import json
from pathlib import Path

import click
import pytest

from devnet.__main__ import COMMANDS, run
from devnet.commands.options import Filter
from node.console.commandline import Duration


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([name, "--help"]) == 0
    assert "--json" in capsys.readouterr().out


def test_the_list_of_commands_is_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in COMMANDS)


def test_without_a_command_it_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([]) == 0
    alone = capsys.readouterr()
    assert run(["--help"]) == 0
    assert (alone.out, alone.err) == (capsys.readouterr().out, "")


@pytest.mark.parametrize("words", [["fly"], ["up", "--members", "0"], ["up", "--traffic", "wild"], ["kill"]])
def test_wrong_usage_ends_with_status_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(words) == 2
    assert "--help" in capsys.readouterr().err


@pytest.mark.parametrize("order", [["status"], ["down"], ["kill", "bob"], ["start", "bob"], ["heal"],
                                   ["partition", "ana"], ["double-spend", "ana"]])  # fmt: skip
def test_an_order_without_a_running_devnet_ends_with_status_4(
    order: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*order, "--home", str(tmp_path), "--json"]) == 4
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "unreachable"


def test_a_log_that_is_not_there_ends_with_status_6(tmp_path: Path) -> None:
    assert run(["logs", "bob", "--home", str(tmp_path)]) == 6


def test_more_witnesses_than_members_are_refused_and_nothing_is_made(tmp_path: Path) -> None:
    home = tmp_path / "net"
    assert run(["up", "--members", "3", "--witnesses", "4", "--home", str(home)]) == 2
    assert not home.exists()


def test_a_folder_with_something_else_in_it_is_neither_used_nor_wiped(tmp_path: Path) -> None:
    (tmp_path / "letters").write_text("dear")
    assert run(["up", "--home", str(tmp_path)]) == 1
    assert run(["down", "--wipe", "--home", str(tmp_path)]) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["letters"]


@pytest.mark.parametrize(("text", "seconds"), [("60s", 60.0), ("500ms", 0.5), ("5m", 300.0), ("1h", 3600.0), ("7", 7)])
def test_lengths_of_time(text: str, seconds: float) -> None:
    assert Duration().convert(text, None, None) == seconds


@pytest.mark.parametrize("text", ["soon", "-1s", "", "s", "1w"])
def test_what_is_no_length_of_time_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match="length of time"):
        Duration().convert(text, None, None)


def test_filters_name_a_column_and_a_value() -> None:
    assert Filter().convert("type=STANDARD=1", None, None) == ("type", "STANDARD=1")
    with pytest.raises(click.BadParameter, match="COLUMN=VALUE"):
        Filter().convert("type", None, None)
