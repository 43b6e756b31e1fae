"""The only place of node and wallet that prints or asks. The rules of speaking to the user:

1. Answers go to standard output, everything else (hints, progress, questions) to standard error.
2. With --json exactly one JSON object goes to standard output, also for a failure; with --quiet no hints.
3. Say what happened, the facts, what to do next, in that order, in plain sentences; never a traceback.
4. A state is one of the same words everywhere: recorded, final, seen. "Paid" is said of final payments only.
5. Amounts carry their unit. What somebody else typed (memos, names) is shown with every character that could move
   the cursor, turn the text round or hide something replaced: it can never speak in our name.
6. Questions are asked on a terminal only, and not with --no-input. A secret is never echoed and never repeated.
"""

import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TextIO

NOT_SHOWN = "\ufffd"
"""Stands for a character that is not shown."""


def clean(text: str) -> str:
    """Make words that a member typed safe to show: one line, nothing that a terminal would obey."""
    return "".join(letter if letter.isprintable() else NOT_SHOWN for letter in text)


@dataclass(frozen=True, slots=True)
class Terminal:
    """Speaks to one user for one command."""

    as_json: bool = False
    quiet: bool = False
    may_ask: bool = True
    """False with --no-input."""
    program: str = "tally"
    """Who speaks when something fails."""

    def answer(self, content: Mapping[str, Any], lines: Iterable[str]) -> None:
        """Give the command's answer: `content` with --json, else `lines`."""
        if self.as_json:
            # ASCII only: JSON escapes then hold every character that a terminal might obey.
            _write(sys.stdout, json.dumps(content))
        else:
            for line in lines:
                _write(sys.stdout, clean(line))

    def pour(self, lines: Iterable[str]) -> None:
        """Give a file as the answer: as it is, but on a screen, where no line may speak in our name."""
        is_screen = sys.stdout.isatty()
        for line in lines:
            sys.stdout.write(clean(line.rstrip("\r\n")) + "\n" if is_screen else line)
        sys.stdout.flush()

    def hint(self, line: str) -> None:
        """Say something beside the answer."""
        if not self.quiet and not self.as_json:
            _write(sys.stderr, clean(line))

    def warn(self, line: str) -> None:
        """Say something that must not be missed; also with --quiet."""
        _write(sys.stderr, clean(f"warning: {line}"))

    def failed(self, error: Mapping[str, Any]) -> None:
        """Tell of a failure: `error` is {code, message, facts, next}."""
        if self.as_json:
            _write(sys.stdout, json.dumps({"error": error}))
            return
        _write(sys.stderr, clean(f"{self.program}: {error['message']}"))
        if error["next"]:
            _write(sys.stderr, clean(f"  {error['next']}"))

    @property
    def width(self) -> int | None:
        """Letters in a line of the screen that the answer goes to; None when it goes elsewhere or nobody knows."""
        return os.get_terminal_size(sys.stdout.fileno()).columns or None if sys.stdout.isatty() else None

    @property
    def can_ask(self) -> bool:
        """Tell whether there is somebody to ask."""
        return self.may_ask and sys.stdin.isatty() and sys.stderr.isatty()

    def agrees(self, lines: Iterable[str], question: str) -> bool:
        """Show what is to happen and ask once; anything but yes is no."""
        for line in lines:
            _write(sys.stderr, clean(line))
        return self._ask(f"{question} [y/N] ").strip().lower() in {"y", "yes"}

    def secret(self, prompt: str) -> str:
        """Ask for a secret without showing it."""
        from getpass import getpass  # slow to load, and seldom wanted

        return getpass(f"{prompt}: ", sys.stderr)

    def _ask(self, prompt: str) -> str:
        sys.stderr.write(prompt)
        sys.stderr.flush()
        answer = sys.stdin.readline()
        if not answer:
            raise KeyboardInterrupt
        return answer


def table(rows: Sequence[Sequence[str]], right: frozenset[int] = frozenset()) -> list[str]:
    """Line up columns; those whose numbers are in `right` at their right edge."""
    cleaned = [[clean(cell) for cell in row] for row in rows]
    if not cleaned:
        return []
    widths = [max(len(row[column]) for row in cleaned) for column in range(len(cleaned[0]))]
    return [
        "  ".join(
            cell.rjust(widths[column]) if column in right else cell.ljust(widths[column])
            for column, cell in enumerate(row)
        ).rstrip()
        for row in cleaned
    ]


def show_usage(text: str) -> None:
    """Print a help text that the command line made."""
    _write(sys.stdout, text)


def prepare() -> None:
    """Make both streams take any character, whatever the terminal's encoding is."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def hang_up() -> None:
    """Whoever read our output went away: make the interpreter's last flush harmless."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _write(stream: TextIO, line: str) -> None:
    stream.write(line + "\n")
    stream.flush()
