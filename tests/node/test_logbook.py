"""Nobody can fill the log: each place in the code writes so many lines a minute, and says when it leaves some out."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from node.logbook import LINES_MAX, LINES_WITHIN_S, Logbook


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The present second; tests change it."""
    seconds = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: seconds[0])
    return seconds


@pytest.fixture
def logger(tmp_path: Path, now: list[float]) -> Iterator[logging.Logger]:
    logger = logging.Logger("a test")
    logbook = Logbook(tmp_path / "tally.log")
    logger.addHandler(logbook)
    yield logger
    logbook.close()


def lines(folder: Path) -> list[str]:
    return (folder / "tally.log").read_text().splitlines()


def test_a_place_that_logs_without_end_writes_so_many_lines_and_says_that_it_leaves_some_out(
    logger: logging.Logger, tmp_path: Path
) -> None:
    for number in range(1_000):
        logger.warning("bad frame %d", number)
    logger.info("something else")
    kept = [f"bad frame {number}" for number in range(LINES_MAX)]
    assert lines(tmp_path) == [
        *kept, "more lines like the last ones are left out for up to a minute", "something else"
    ]  # fmt: skip


def test_an_error_that_comes_again_and_again_leaves_few_tracebacks(logger: logging.Logger, tmp_path: Path) -> None:
    for _ in range(1_000):
        try:
            raise ZeroDivisionError
        except ZeroDivisionError:
            logger.exception("it could not be answered")
    assert (tmp_path / "tally.log").read_text().count("Traceback") == LINES_MAX


def test_it_writes_again_after_a_minute(logger: logging.Logger, tmp_path: Path, now: list[float]) -> None:
    for second in (0.0, 2 * LINES_WITHIN_S):
        now[0] = second
        for _ in range(1_000):
            logger.warning("bad frame")
    assert lines(tmp_path).count("bad frame") == 2 * LINES_MAX


def test_what_is_critical_is_always_written(logger: logging.Logger, tmp_path: Path) -> None:
    for _ in range(2 * LINES_MAX):
        logger.critical("this witness key is dead")
    assert lines(tmp_path).count("this witness key is dead") == 2 * LINES_MAX
