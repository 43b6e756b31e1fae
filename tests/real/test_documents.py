"""What the documents tell a reader to type is typed here, line by line as it stands, in a home where nothing is yet.

Each document is one sitting: its lines run in order, each at a terminal of its own, in the project's folder and with
what earlier lines did to the shell. Each must end well, in time, and show what the document shows; `...` there stands
for anything, and `pay1...` in a command for the id that was shown last. What cannot be done so has a row in a table.
"""

import json
import os
import re
import shlex
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from devnet.bench import door
from tests.documents import DOCUMENTS, ROOT, Snippet, kinds, pieces, typed
from tests.real.screen import CTRL_C, Screen
from tests.transcripts.reading import Memory, Step

LINE_S = 60.0
FIRST_PAYMENT_S = 30.0
END_S = 20.0
INTERRUPTED = -2

ANSWERS = {
    "[y/N] ": "y",
    "New passphrase (empty for none): ": "correct horse",
    "The same again: ": "correct horse",
    "Passphrase: ": "correct horse",
}
"""What the reader types when asked."""

LIVES_ON = {
    "make devnet": "it pays itself until Ctrl-C",
    "tally-devnet up --members 8 --witnesses 4 --seed 7 --traffic busy": "it pays itself until it is told to end",
}
"""Lines that go on in a terminal of their own while the next ones are typed. First a payment must have been seen. They
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

_KEPT = re.compile(r"\. |export |[A-Z_]+=")
"""Lines that change the shell they are typed in, so that they stand before all later ones."""
_ID = re.compile(r"pay1[02-9ac-hj-np-z]{20,}")


class Sitting:
    """One reader at one machine, from the first line of a document to the last."""

    def __init__(self, home: Path, open_until_end: ExitStack) -> None:
        self._environment = {
            "HOME": str(home), "PATH": os.environ["PATH"], "TERM": "xterm", "LANG": "C.UTF-8", "TZ": "UTC",
        }  # fmt: skip
        self._open = open_until_end
        self._kept: list[str] = []
        self._last_id = ""
        self._living: Screen | None = None

    def do(self, piece: Step | Snippet) -> None:
        """Do what the reader is told to."""
        if isinstance(piece, Snippet):
            shown = self._run(f"python -c {shlex.quote(piece.text)}", 0)
            assert shown.splitlines() == list(piece.printed)
            return
        line = piece.line.split("  #")[0].strip()
        if line in LIVES_ON:
            self._start(line)
        elif "curl " in line and shutil.which("curl") is None:
            return  # not every machine has it, and nothing of ours needs it
        elif line in OTHERWISE:
            self._run(OTHERWISE[line][0], 0)
        else:
            shown = self._run(piece.line, piece.status)
            assert not piece.shown or Memory().matches(piece.shown, shown), f"{line} showed:\n{shown}"
            self._kept += [line] if _KEPT.match(line) else []

    def _run(self, line: str, status: int) -> str:
        """Type a line and wait for its end; returns what it showed."""
        with Screen(self._in_this_shell(line), ROOT, self._environment) as screen:
            ended = screen.finish(LINE_S, ANSWERS)
        shown = "\n".join(row.rstrip() for row in screen.shown.splitlines()) + "\n"
        assert ended == status, f"{line} ended with {ended}:\n{shown}"
        self._last_id = (_ID.findall(shown) or [self._last_id])[-1]
        return shown

    def _in_this_shell(self, line: str) -> str:
        return "\n".join([*self._kept, line.replace("pay1...", self._last_id)])

    def _start(self, line: str) -> None:
        self.end()
        self._living = self._open.enter_context(Screen(self._in_this_shell(line), ROOT, self._environment))
        self._living.until("seen in", FIRST_PAYMENT_S)

    def end(self) -> None:
        """Press Ctrl-C where something still lives on. Nothing may be left of it."""
        if self._living is not None:
            self._living.press(CTRL_C)
            assert self._living.finish(END_S, {}) in (0, INTERRUPTED), self._living.shown
            assert self._living.gone_within(END_S)
            self._living = None


@pytest.fixture
def home() -> Iterator[Path]:
    """A home folder where nothing is yet, with a name as short as those of people."""
    with tempfile.TemporaryDirectory(prefix="ana-") as name:
        try:
            yield Path(name)
        finally:  # where a document failed half-way, what it had started is still there
            for running in Path(name).rglob("run/api.json"):
                with suppress(ProcessLookupError):
                    os.kill(json.loads(running.read_text())["pid"], signal.SIGTERM)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_the_document_can_be_followed_from_top_to_bottom(document: Path, home: Path) -> None:
    with ExitStack() as stack:
        sitting = Sitting(home, stack)
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
