"""A founding that is cut short anywhere can be done again, and nobody takes what it left for a whole home."""

import os
import signal
import sys
from pathlib import Path

import apsw
import pytest

from node.store import open_store
from protocol.base import COMMONS, AccountId
from wallet import keystore
from wallet.books.book import Book
from wallet.client import CallFailed, require_wallet
from wallet.errors import HomeRefused
from wallet.founding import found
from wallet.home import Home

LEAST_STEPS = 60
"""A founding has more steps than this; fewer would mean that they are not counted."""
STEPS_MAX = 2_000


def make(home: Path) -> None:
    found(home, community="Elm", unit="hours", decimals=2, limit=2000, handle="ana", passphrase=None)


def made_but_killed_at(step: int, home: Path) -> bool:
    """Found a community in a process that ends itself by SIGKILL at its step number `step`; tell whether it got there.

    A step is whatever touches the disk: a file opened, made, renamed or removed, a statement of SQL.
    """
    child = os.fork()
    if child == 0:
        left = [step]

        def count(*_: object) -> bool:
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return True

        sys.addaudithook(lambda event, _: count() and None if event == "open" or event.startswith("os.") else None)
        apsw.connection_hooks.append(lambda connection: connection.set_exec_trace(count))
        make(home)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def is_whole(home: Path) -> bool:
    """Tell whether everything that a founding makes is there and belongs together."""
    store = open_store(home)
    (founding,) = store.journal.entry(COMMONS, 0, 0)
    store.journal.close()
    book = Book.open(Home(home).book)
    whole = book.community == founding.id and book.ordinals == {AccountId(1): 0}
    book.close()
    return whole and keystore.load(Home(home), None).accounts == 1


def test_a_founding_that_was_killed_at_any_step_can_be_done_again(tmp_path: Path) -> None:
    unusable = 0
    for step in range(1, STEPS_MAX):
        home = tmp_path / str(step)
        if not made_but_killed_at(step, home):
            break
        if Home(home).is_founded():
            require_wallet(home)
            Home(home).check()
        else:
            unusable += 1
            with pytest.raises(CallFailed, match="no wallet|cut short"):
                require_wallet(home)
            with pytest.raises(HomeRefused, match="no wallet|cut short"):
                Home(home).check()
            make(home)
        assert is_whole(home), step
    assert step > LEAST_STEPS and unusable > LEAST_STEPS
    assert is_whole(home)


def test_a_founding_is_begun_again_with_other_words_than_the_first_time(tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert made_but_killed_at(LEAST_STEPS, home)
    found(home, community="Oak", unit="eggs", decimals=0, limit=7, handle="ben", passphrase=None)
    assert is_whole(home)


def test_a_home_that_lost_a_part_is_not_taken_for_one_that_was_cut_short(tmp_path: Path) -> None:
    for lost in ("wallet/book.db", "wallet/keystore", "node/journal/journal.db"):
        home = tmp_path / lost.replace("/", "-")
        make(home)
        (home / lost).unlink()
        before = {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}
        with pytest.raises(HomeRefused, match="already"):
            make(home)
        assert {path: path.read_bytes() for path in home.rglob("*") if path.is_file()} == before
