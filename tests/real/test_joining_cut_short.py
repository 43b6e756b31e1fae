"""A joining that is killed at any step goes on: asking is begun again or goes on, admission is settled in once."""

import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest

from node.config import read_config
from node.rebuilding import rebuild
from node.store import open_store
from protocol.base import AccountId
from protocol.invite import Invite
from tests import papers
from tests.wallet.doorsteps import Elm
from wallet import keystore
from wallet.books.book import Book
from wallet.client import CallFailed, require_wallet
from wallet.errors import HomeRefused
from wallet.home import Home
from wallet.joining.commons_reading import Reading
from wallet.joining.kept import ask_again, begin_joining, finish, held_account, read_joining, settle

ADDRESS = f"/ip4/192.0.2.7/tcp/4001/p2p/{papers.peer('one')}"
LEAST_STEPS = 20
"""Each act has more steps than this; fewer would mean that they are not counted."""
STEPS_MAX = 2_000


def killed_at(step: int, act: Callable[[], None]) -> bool:
    """Do `act` in a process that ends itself by SIGKILL at its step number `step`; tell whether it got there.

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
        act()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def ask(home: Home, invite: Invite) -> None:
    begin_joining(home, invite, "eve", "I bake", None)


def rename(home: Home, invite: Invite) -> None:
    ask_again(home, invite, "eva", "", None)


def settle_in(home: Home, elm: Elm) -> None:
    """As `tally up` does on a joining home: go on with what the journal has, else read account 0 and take it in."""
    joining, store = read_joining(home), open_store(home.root)
    account = held_account(store.journal, joining)
    reading = Reading(elm.town.community, 0, elm.entries[0].id)
    reading.take(elm.page(0, 99), len(elm.entries) - 1)
    settle(home, joining, store.journal, account or AccountId(3), [] if account else reading.records)
    store.journal.close()


def is_whole(home: Home, elm: Elm) -> bool:
    """Tell whether the home is a member's, with all of account 0 and its own account in it, once."""
    store = open_store(home.root)
    height, rows = rebuild(store.journal).commons.height, store.journal.counts()["entries"]
    store.journal.close()
    book = Book.open(home.book)
    is_own = book.community == elm.town.community and book.ordinals == {AccountId(3): 0}
    book.close()
    return (height, rows) == (2, 3) and is_own and read_config(home.root).peers == (ADDRESS,)


def test_an_asking_that_was_killed_at_any_step_is_begun_again_or_goes_on(tmp_path: Path) -> None:
    invite = Elm().invite([ADDRESS])
    unusable = 0
    for step in range(1, STEPS_MAX):
        home = Home(tmp_path / str(step))
        if not killed_at(step, lambda home=home: ask(home, invite)):  # type: ignore[misc]
            break
        if not home.is_joining():
            unusable += 1
            with pytest.raises(CallFailed, match="no wallet|cut short"):
                require_wallet(home.root)
            with pytest.raises(HomeRefused, match="no wallet|cut short"):
                home.check()
            ask(home, invite)
        home.check()
        assert read_joining(home).handle == "eve" and keystore.load(home, None).accounts == 1, step
    assert step > LEAST_STEPS and unusable > LEAST_STEPS


def test_asking_anew_that_was_killed_at_any_step_asks_with_the_old_name_or_the_new_one(tmp_path: Path) -> None:
    invite = Elm().invite([ADDRESS])
    ask(Home(tmp_path / "first"), invite)
    names = set()
    for step in range(1, STEPS_MAX):
        shutil.copytree(tmp_path / "first", tmp_path / str(step))
        home = Home(tmp_path / str(step))
        if not killed_at(step, lambda home=home: rename(home, invite)):  # type: ignore[misc]
            break
        names.add(read_joining(home).handle)
        home.check()
    assert names == {"eve", "eva"}


def test_an_admission_that_was_killed_at_any_step_is_settled_in_once(tmp_path: Path) -> None:
    elm = Elm()
    first = Home(tmp_path / "first")
    ask(first, elm.invite([ADDRESS]))
    elm.decide(elm.town.admit("ben"))
    elm.admit(read_joining(first).request)
    for step in range(1, STEPS_MAX):
        shutil.copytree(first.root, tmp_path / str(step))
        home = Home(tmp_path / str(step))
        if not killed_at(step, lambda home=home: settle_in(home, elm)):  # type: ignore[misc]
            break
        home.check()
        assert home.is_joining() is not home.is_founded(), step
        if home.is_joining():
            settle_in(home, elm)
        assert is_whole(home, elm) and home.joined.exists(), step
        finish(home)
    assert step > LEAST_STEPS and is_whole(home, elm)
