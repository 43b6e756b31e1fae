"""The log file of a home: a few files of a few megabytes, in which nothing can wash out the rest.

Much of what is logged is about what others do: a peer that sends junk without end, or one on whose messages a bug of
ours shows each time. So each place in the code may write only so many lines a minute; the last one says so.
"""

import copy
import time
from dataclasses import dataclass
from logging import CRITICAL, LogRecord
from logging.handlers import RotatingFileHandler
from pathlib import Path

FILE_BYTES_MAX = 5_000_000
OLDER_FILES = 3
LINES_MAX = 20
LINES_WITHIN_S = 60.0


@dataclass(slots=True)
class Place:
    """What one place in the code has logged since `since`, in seconds of a clock that only grows."""

    since: float
    lines: int = 0


class Logbook(RotatingFileHandler):
    """Keeps `LINES_MAX` lines a minute of each place that logs, and every line that is critical."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, maxBytes=FILE_BYTES_MAX, backupCount=OLDER_FILES)
        self._places: dict[tuple[str, int], Place] = {}

    def emit(self, record: LogRecord) -> None:
        """Write a line, or leave it out."""
        lines = self._count(record)
        if lines <= LINES_MAX or record.levelno >= CRITICAL:
            super().emit(record)
        elif lines == LINES_MAX + 1:
            note = copy.copy(record)
            note.msg, note.args = "more lines like the last ones are left out for up to a minute", ()
            note.exc_info = note.exc_text = None
            super().emit(note)

    def _count(self, record: LogRecord) -> int:
        now = time.monotonic()
        place = self._places.setdefault((record.pathname, record.lineno), Place(now))
        if now - place.since > LINES_WITHIN_S:
            place.since, place.lines = now, 0
        place.lines += 1
        return place.lines
