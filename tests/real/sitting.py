"""A reader at a terminal: types lines as they stand, answers what is asked, and fills in what was shown before."""

import json
import os
import re
import shlex
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from tests.documents import ROOT, Snippet
from tests.real.screen import CTRL_C, Screen
from tests.transcripts.reading import Memory, Step

BIN = Path(sys.executable).parent
"""Where the commands lie."""
LINE_S = 60.0
TRAVELS = re.compile(r"tally .*(?:sign 3f8a|stewards --set|bob unlock)")
"""Lines about what a steward did a moment ago, which has to travel: a reader would type them once more."""
TRAVEL_S = 15.0
AGAIN_S = 0.3
FIRST_SIGN_S = 30.0
END_S = 20.0
INTERRUPTED = (-2, 130)

ANSWERS = {
    "[y/N] ": "y",
    "New passphrase (empty for none): ": "correct horse",
    "The same again: ": "correct horse",
    "Passphrase: ": "correct horse",
}
"""What the reader types when asked."""

_KEPT = re.compile(r"\. |export |[A-Z_]+=")
"""Lines that change the shell they are typed in, so that they stand before all later ones."""
_BECH32 = "[02-9ac-hj-np-z]{20,}"
_SHOWN = {
    "pay1...": re.compile(f"(pay1{_BECH32})"),
    "invite1...": re.compile(f"(invite1{_BECH32})"),
    "card1...": re.compile(f"(card1{_BECH32})"),
    "3f8a...": re.compile(r"^([0-9a-f]{8})  (?:collecting|called)", re.MULTILINE),
}
"""What stands in a line for something long: the one that was shown last; 3f8a... for an open act."""


class Sitting:
    """One reader at one machine, from the first line of a document to the last.

    `lives_on` says which lines go on in a terminal of their own, and what each must have shown before the next is
    typed; `otherwise` what is run instead of a line, and why. `shown` is what long words stand for, and may be shared.
    """

    def __init__(
        self, home: Path, open_until_end: ExitStack, *, folder: Path = ROOT, shown: dict[str, str] | None = None,
        lives_on: Mapping[str, str], otherwise: Mapping[str, tuple[str, str]],
    ) -> None:  # fmt: skip
        self._environment = {
            "HOME": str(home), "PATH": f"{BIN}:{os.environ['PATH']}", "TERM": "xterm", "LANG": "C.UTF-8", "TZ": "UTC",
        }  # fmt: skip
        self._open = open_until_end
        self._folder = folder
        self._lives_on = lives_on
        self._otherwise = otherwise
        self._kept: list[str] = []
        self._shown = {} if shown is None else shown
        self.living: Screen | None = None

    def do(self, piece: Step | Snippet) -> None:
        """Do what the reader is told to."""
        if isinstance(piece, Snippet):
            shown = self.type(f"python -c {shlex.quote(piece.text)}")
            assert shown.splitlines() == list(piece.printed)
            return
        line = piece.line.split("  #")[0].strip()
        if "curl " in line and shutil.which("curl") is None:
            return  # not every machine has it, and nothing of ours needs it
        shown = self.type(line, piece.status)
        if line not in self._lives_on and line not in self._otherwise:
            assert not piece.shown or Memory().matches(piece.shown, shown), f"{line} showed:\n{shown}"

    def type(self, line: str, status: int = 0) -> str:
        """Type a line and wait for its end, or leave it living; returns what it showed."""
        if line in self._lives_on:
            self._start(line)
            return ""
        line = self._otherwise[line][0] if line in self._otherwise else line
        deadline = time.monotonic() + TRAVEL_S
        ended, shown = self._finished(line)
        while ended != status and TRAVELS.search(line) and time.monotonic() < deadline:
            time.sleep(AGAIN_S)
            ended, shown = self._finished(line)
        assert ended == status, f"{line} ended with {ended}:\n{shown}"
        self._shown |= {word: found[-1] for word, pattern in _SHOWN.items() if (found := pattern.findall(shown))}
        self._kept += [line] if _KEPT.match(line) else []
        return shown

    def _finished(self, line: str) -> tuple[int, str]:
        with Screen(self._in_this_shell(line), self._folder, self._environment) as screen:
            ended = screen.finish(LINE_S, ANSWERS)
        return ended, "\n".join(row.rstrip() for row in screen.shown.splitlines()) + "\n"

    def _in_this_shell(self, line: str) -> str:
        for word, meant in self._shown.items():
            line = line.replace(word, meant)
        return "\n".join([*self._kept, line])

    def _start(self, line: str) -> None:
        self.end()
        self.living = self._open.enter_context(Screen(self._in_this_shell(line), self._folder, self._environment))
        self.living.until(self._lives_on[line], FIRST_SIGN_S)

    def end(self) -> None:
        """Press Ctrl-C where something still lives on. Nothing may be left of it."""
        if self.living is not None:
            self.living.press(CTRL_C)
            assert self.living.finish(END_S, {}) in (0, *INTERRUPTED), self.living.shown
            assert self.living.gone_within(END_S)
            self.living = None


@contextmanager
def short_home(name: str = "ana") -> Iterator[Path]:
    """A home folder where nothing is yet, with a name as short as those of people; what runs in it is ended."""
    with tempfile.TemporaryDirectory(prefix=f"{name}-") as folder:
        try:
            yield Path(folder)
        finally:  # where something failed half-way, what it had started is still there
            for running in Path(folder).rglob("run/api.json"):
                with suppress(ProcessLookupError):
                    os.kill(json.loads(running.read_text())["pid"], signal.SIGTERM)
