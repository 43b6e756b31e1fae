"""The made-up histories are read back whole: every row is a payment or is named as unreadable."""

from pathlib import Path

import pytest

from devnet.csv_rows import read_table
from devnet.schedule import Schedule, Step, foresee
from tests.devnet.make_csv import STYLES, make

ROWS = 1500


@pytest.mark.parametrize("style", sorted(STYLES))
def test_a_made_up_history_is_read_whole_in_every_style(tmp_path: Path, style: str) -> None:
    path = tmp_path / "history.csv"
    make(path, ROWS, 200, 3, style)
    table = read_table(path)
    assert len(table.rows) + len(table.unreadable) == ROWS
    assert 0 < len(table.unreadable) < ROWS * 0.03
    assert 100 < len(table.members) <= 200
    numbers = {name: number for number, name in enumerate(table.members)}
    steps = [Step(numbers[row.payer], numbers[row.payee], row.amount) for row in table.rows]
    allowed = foresee(steps, 1000_00)
    assert 0 < allowed.count(False) < ROWS // 4
    assert Schedule(steps, 1000_00).longest < ROWS


def test_the_same_numbers_make_the_same_file(tmp_path: Path) -> None:
    for name in ("one", "two"):
        make(tmp_path / name, 50, 10, 9)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
