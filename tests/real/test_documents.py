"""What the documents tell a reader to type is typed here, line by line as it stands, in a home where nothing is yet.

Each document is one sitting: its lines run in order, each at a terminal of its own, in the project's folder and with
what earlier lines did to the shell. Each must end well, in time, and show what the document shows; `...` there stands
for anything, and `pay1...` in a command for the id that was shown last. What cannot be done so has a row in a table.
"""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from devnet.bench import door
from tests.documents import DOCUMENTS, ROOT, kinds, pieces, typed
from tests.real.sitting import Sitting, short_home

FIRST_PAYMENT = "seen in"
LIVES_ON = {
    "make devnet": FIRST_PAYMENT,
    "tally-devnet up --members 8 --witnesses 4 --seed 7 --traffic busy": FIRST_PAYMENT,
}
"""Lines that go on in a terminal of their own while the next ones are typed, and what must have been seen first. They
are ended by what the document says, else by Ctrl-C before the next such line or at the end."""

OTHERWISE = {
    "make test": (":", "it is what runs this test"),
    "make unit": ("make unit ARGS=tests/wallet/test_money.py", "all of them have run before this test"),
    "make soak": ("make soak ARGS='--seeds 1-1'", "the long simulations take minutes: one of three hundred"),
    "tally-devnet bench --json": ("tally-devnet bench --help", "it takes a minute; two metrics are measured below"),
    "python -m tests.vectors.make": (
        "python -c 'from tests.vectors.make import text; text(\"payments\")'",
        "it writes into the project; a unit test says that the files are what it would write",
    ),
}
"""Lines that are not run as they stand: what is run instead, and why."""


@pytest.fixture
def home() -> Iterator[Path]:
    with short_home() as folder:
        yield folder


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_the_document_can_be_followed_from_top_to_bottom(document: Path, home: Path) -> None:
    with ExitStack() as stack:
        sitting = Sitting(home, stack, lives_on=LIVES_ON, otherwise=OTHERWISE)
        for piece in pieces(document.read_text()):
            sitting.do(piece)
        sitting.end()
    assert not list(home.rglob("run/api.json")), "something was started and not stopped"


def test_what_looks_like_a_command_is_in_a_block_that_is_run() -> None:
    for document in DOCUMENTS:
        text = document.read_text()
        assert kinds(text) <= {"console", "python", ""}
        assert not re.findall(r"^ {4}(?:\$ |curl |make |tally(?:-\w+)? |python3? )", text, re.MULTILINE)


def test_every_row_of_the_tables_is_for_a_line_of_a_document() -> None:
    lines = {line for document in DOCUMENTS for line in typed(document.read_text())}
    assert LIVES_ON.keys() | OTHERWISE.keys() <= lines


async def test_the_bench_measures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "ROUNDS", 1)
    told: list[str] = []
    ingest, disk = await door.measure_ingest(tmp_path, told.append)
    assert (ingest.number, disk.number) == (2, 11)
    assert ingest.value > 0 and 0 < disk.ratio <= disk.must
    assert told == ["live ingest, 1 of 1"]
