"""A replay pays a whole history for real, and what is refused follows from the file alone, also after kill -9."""

import json
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from devnet.csv_rows import read_table
from devnet.outcomes import PAID, read_outcomes
from devnet.schedule import Step, foresee
from tests.devnet.make_csv import make
from tests.real.devnets import END_S, ROOT, command, run

ROWS = 250
MEMBERS = 90
"""More than one entry of account 0 can admit."""


@pytest.fixture
def history(tmp_path: Path) -> Path:
    path = tmp_path / "history.csv"
    make(path, ROWS, MEMBERS, 11, "sarafu")
    return path


def expected(history: Path) -> tuple[int, int, int]:
    """Rows paid, refused and unreadable, by plain sums."""
    table = read_table(history)
    place = {name: number for number, name in enumerate(table.members)}
    allowed = foresee([Step(place[row.payer], place[row.payee], row.amount) for row in table.rows], 100_000)
    return allowed.count(True), allowed.count(False), len(table.unreadable)


def replay(history: Path, home: Path, *options: str) -> tuple[int, list[dict[str, Any]]]:
    status, output = run("replay", history, "--home", home, "--json", *options)
    return status, [json.loads(line) for line in output.splitlines()]


def test_every_row_is_paid_or_refused_as_plain_sums_say_and_all_nodes_agree(history: Path, tmp_path: Path) -> None:
    status, events = replay(history, tmp_path / "replay")
    report = events[-1]
    assert (report["paid"], report["refused"], report["unreadable"]) == expected(history)
    assert (status, report["nodes_agree"], report["csv_agrees"], report["sum"]) == (0, True, True, "0.00")
    assert report["rows"] == ROWS
    assert sum(event["event"] == "unreadable" for event in events) == report["unreadable"]
    assert sum(event["event"] == "refused" for event in events) == report["refused"]
    assert list(report) == [
        "event", "rows", "paid", "refused", "unreadable", "members", "sum", "nodes_agree", "csv_agrees",
        "payments_per_s", "p50_ms", "p99_ms", "cpu_ms_per_payment",
    ]  # fmt: skip


def test_a_replay_that_was_killed_goes_on_and_ends_the_same(history: Path, tmp_path: Path) -> None:
    home = tmp_path / "replay"
    process = subprocess.Popen(
        command("replay", history, "--home", home, "--json"), cwd=ROOT, stdout=subprocess.DEVNULL
    )
    end = time.monotonic() + 60
    while not sum(outcome == PAID for outcome in read_outcomes(home / "outcomes").values()) and process.poll() is None:
        assert time.monotonic() < end
        time.sleep(0.02)
    process.kill()
    process.wait(END_S)
    time.sleep(3)
    report = replay(history, home)[1][-1]
    assert (report["paid"], report["refused"], report["unreadable"]) == expected(history)
    assert report["csv_agrees"]
    assert report["nodes_agree"]


def test_another_file_in_the_same_home_is_refused_and_changes_nothing(history: Path, tmp_path: Path) -> None:
    home = tmp_path / "replay"
    small = tmp_path / "small.csv"
    small.write_text("payer,payee,amount\nana,bob,5\nbob,ana,2000\nana,ana,1\nana,bob,0\nana,bob,-1\n")
    status, events = replay(small, home)
    assert status == 0
    outlook = next(event for event in events if event["event"] == "outlook")
    assert (outlook["over_limit"], outlook["to_oneself"], outlook["not_payable"]) == (1, 1, 2)
    refusals = sorted(event["code"] for event in events if event["event"] == "refused")
    assert refusals == ["bad_amount", "bad_amount", "limit", "self_payment"]
    before = sorted(path.name for path in home.iterdir())
    assert replay(history, home)[0] == 1
    assert sorted(path.name for path in home.iterdir()) == before
    assert replay(small, home)[1][-1]["paid"] == 1


@pytest.mark.parametrize(
    ("text", "options", "status"),
    [("a,b,c\n1,2,3\n", (), 2), ("", (), 2), ("payer,payee,amount\nana,bob,x\n", (), 1),
     ("payer,payee,amount\nana,bob,1\n", ("--where", "kind=x"), 2),
     ("payer,payee,amount\nana,bob,1\n", ("--where", "payer"), 2),
     ("payer,payee,amount\nana,bob,1\n", ("--where", "payer=eva"), 1),
     ("payer,payee,amount\nana,bob,1\n", ("--payer", "payee", "--payee", "payee"), 2),
     ("payer,payee,amount\nana,bob,1\n", ("--limit", "."), 2),
     ("payer,payee,amount\n", (), 1), ("payer\nana\n", (), 2)],
)  # fmt: skip
def test_a_file_that_cannot_be_replayed_is_refused_with_a_sentence(
    tmp_path: Path, text: str, options: tuple[str, ...], status: int
) -> None:
    path = tmp_path / "file.csv"
    path.write_text(text)
    found, events = replay(path, tmp_path / "home", *options)
    assert found == status
    assert events[-1]["error"]["message"]
    assert not (tmp_path / "home").exists()
