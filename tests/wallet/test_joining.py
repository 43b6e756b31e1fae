"""What a home keeps while it asks to be admitted, and how admission makes a whole home of it."""

import json
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from node.config import read_config, write_config
from node.rebuilding import rebuild
from node.records import Record
from node.store import open_store
from protocol.base import AccountId
from protocol.invite import Invite
from protocol.request import GREETING_BYTES_MAX, request_fault
from tests import papers
from tests.wallet.doorsteps import Elm
from wallet import keystore
from wallet.books.book import Book
from wallet.errors import BadRequest, HomeRefused, WrongPassphrase
from wallet.founding import found
from wallet.home import Home
from wallet.joining.commons_reading import Reading
from wallet.joining.kept import ask_again, begin_joining, finish, held_account, read_joining, settle
from wallet.keystore import FLOOR

ADDRESS = f"/ip4/192.0.2.7/tcp/4001/p2p/{papers.peer('one')}"


@pytest.fixture
def elm() -> Elm:
    return Elm()


@pytest.fixture
def invite(elm: Elm) -> Invite:
    return elm.invite([ADDRESS])


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


def contents(home: Home) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in home.root.rglob("*") if path.is_file() and path.name != "lock"}


def records(elm: Elm) -> list[Record]:
    reading = Reading(elm.town.community, 0, elm.entries[0].id)
    reading.take(elm.page(0, 99), len(elm.entries) - 1)
    return reading.records


def test_a_joining_home_has_keys_and_a_request_that_the_community_takes(home: Home, elm: Elm, invite: Invite) -> None:
    made = begin_joining(home, invite, "eve", "I bake", None)
    assert home.is_joining() and not home.is_founded() and not home.unfinished.exists()
    assert read_joining(home) == made
    assert request_fault(elm.ledger, made.request, papers.NOW_S) is None
    assert stat.S_IMODE(home.joining.stat().st_mode) == 0o600
    home.check()
    assert keystore.load(home, None).accounts == 1


def test_what_is_shown_of_it_holds_no_secret(home: Home, invite: Invite) -> None:
    shown = repr(begin_joining(home, invite, "eve", "", None))
    assert invite.seed.hex() not in shown and str(invite.seed) not in shown and str(invite) not in shown


@pytest.mark.parametrize(
    ("handle", "greeting"),
    [("E", ""), ("commons", ""), ("eve", "x" * (GREETING_BYTES_MAX + 1)), ("eve", "a\u202eb")],
)
def test_a_name_or_greeting_that_nobody_could_ask_with_makes_nothing(
    home: Home, invite: Invite, handle: str, greeting: str
) -> None:
    with pytest.raises(BadRequest):
        begin_joining(home, invite, handle, greeting, None)
    assert not home.root.exists()


def test_a_home_that_belongs_to_a_community_joins_no_other(home: Home, invite: Invite) -> None:
    found(home.root, community="Oak", unit="h", decimals=2, limit=0, handle="ana", passphrase=None)
    before = contents(home)
    with pytest.raises(HomeRefused, match="already"):
        begin_joining(home, invite, "eve", "", None)
    assert contents(home) == before


def test_a_joining_home_is_not_joined_or_founded_over(home: Home, invite: Invite) -> None:
    begin_joining(home, invite, "eve", "", None)
    before = contents(home)
    with pytest.raises(HomeRefused, match="already"):
        begin_joining(home, invite, "eve", "", None)
    with pytest.raises(HomeRefused, match="already"):
        found(home.root, community="Oak", unit="h", decimals=2, limit=0, handle="ana", passphrase=None)
    assert contents(home) == before


def test_the_same_keys_may_ask_again_under_another_name_and_by_another_invite(
    home: Home, elm: Elm, invite: Invite
) -> None:
    first = begin_joining(home, invite, "eve", "I bake", "secret", FLOOR)
    other = elm.invite([ADDRESS], uses=3)
    again = ask_again(home, other, "eva", "I still bake", "secret")
    assert read_joining(home) == again
    assert (again.handle, again.invite) == ("eva", other)
    assert again.request.authority == first.request.authority
    assert again.request.expires > first.request.expires  # so that it counts everywhere
    assert request_fault(elm.ledger, again.request, papers.NOW_S) is None


def test_a_wrong_passphrase_changes_nothing(home: Home, invite: Invite) -> None:
    begin_joining(home, invite, "eve", "", "secret", FLOOR)
    before = contents(home)
    with pytest.raises(WrongPassphrase):
        ask_again(home, invite, "eva", "", "guess")
    assert contents(home) == before


def test_nothing_is_left_of_a_joining_that_was_abandoned(home: Home, invite: Invite) -> None:
    begin_joining(home, invite, "eve", "", None)
    home.abandon()
    assert not home.root.exists()
    begin_joining(home, invite, "eve", "", None)


@pytest.mark.parametrize("damage", [b"", b"{}", b"[]", b"\xff", b'{"format": "tallystick joining 1"}', b"x" * 20_000])
def test_a_damaged_file_is_refused_in_words(home: Home, invite: Invite, damage: bytes) -> None:
    begin_joining(home, invite, "eve", "", None)
    home.joining.write_bytes(damage)
    with pytest.raises(HomeRefused):
        read_joining(home)


def test_a_file_of_a_newer_version_is_named_as_that(home: Home, invite: Invite) -> None:
    begin_joining(home, invite, "eve", "", None)
    content = json.loads(home.joining.read_bytes())
    home.joining.write_text(json.dumps({**content, "format": "tallystick joining 2"}))
    with pytest.raises(HomeRefused, match="another version"):
        read_joining(home)


def test_admission_makes_a_whole_home_that_knows_its_account_and_its_peers(
    home: Home, elm: Elm, invite: Invite
) -> None:
    made = begin_joining(home, invite, "eve", "", None)
    write_config(replace(read_config(home.root), listen_port=4001, peers=(ADDRESS,)))
    elm.decide(elm.town.admit("ben"))
    elm.admit(made.request)
    store = open_store(home.root)
    assert held_account(store.journal, made) is None
    settle(home, made, store.journal, AccountId(3), records(elm))
    assert held_account(store.journal, made) == 3
    assert rebuild(store.journal).commons.height == 2
    store.journal.close()
    assert home.is_founded() and not home.is_joining() and home.joined.exists()
    assert (read_config(home.root).peers, read_config(home.root).listen_port) == ((ADDRESS,), 4001)
    book = Book.open(home.book)
    assert (book.community, book.ordinals) == (elm.town.community, {AccountId(3): 0})
    book.close()
    finish(home)
    assert home.is_founded() and not home.joined.exists()


def test_settling_in_may_be_cut_short_and_done_again(home: Home, elm: Elm, invite: Invite) -> None:
    made = begin_joining(home, invite, "eve", "", None)
    elm.admit(made.request)
    store = open_store(home.root)
    store.journal.append(records(elm))
    Book.create(home.book, elm.town.community, [(AccountId(9), 0)])  # half a book would do as well
    settle(home, made, store.journal, AccountId(2), [])
    rows = store.journal.last_row
    store.journal.close()
    book = Book.open(home.book)
    assert book.ordinals == {AccountId(2): 0} and rows == 4
    book.close()
