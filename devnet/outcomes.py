"""What has become of each row of a replay, kept so that an interrupted one goes on: one line a row in one file.

A paid row needs no more than its line: its wallet knows the payment by its ref, and asked again gives the same one. A
refused row is different: asked again later it might be accepted, because money has come since. So its line is on the
disk before any row that waits for it starts.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

PAID = "paid"
"""The one outcome that is no refusal; any other is the code of the rule."""


def read_outcomes(file: Path) -> dict[int, str]:
    """Read line number -> PAID or the code of a refusal. A last line that was cut short counts for nothing."""
    if not file.exists():
        return {}
    *whole, _cut = file.read_text(encoding="ascii").split("\n")
    return {int(line): outcome for line, outcome in (text.split(" ", 1) for text in whole)}


class Outcomes:
    """The open file. `known` holds what was there before."""

    def __init__(self, file: Path) -> None:
        self.known: Mapping[int, str] = read_outcomes(file)
        # Rewritten without the line that was cut short, so that the next one starts on a line of its own.
        whole = "".join(f"{line} {outcome}\n" for line, outcome in self.known.items())
        file.write_text(whole, encoding="ascii")
        self._file = file.open("a", encoding="ascii")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def note(self, line: int, outcome: str) -> None:
        """Keep the outcome of a row; a refusal is durable when this returns."""
        self._file.write(f"{line} {outcome}\n")
        self._file.flush()
        if outcome != PAID:
            os.fsync(self._file.fileno())
