"""Founding: what is made offline is a whole community, and one that could not be is not begun."""

from pathlib import Path

import pytest

from node.store import open_store
from protocol.base import COMMONS, AccountId
from protocol.entry import SignedEntry
from protocol.ledger import Effects, Ledger
from wallet import keystore
from wallet.accounts import Keyring
from wallet.books.book import Book
from wallet.errors import BadRequest, HomeRefused
from wallet.founding import Founded, Founder, Terms, found, found_together
from wallet.home import Home
from wallet.keystore import FLOOR

TERMS = Terms("Hours of Elm Street", "hours", 2, 2000)


def replayed(home: Path, pending: tuple[SignedEntry, ...] = ()) -> Ledger:
    """The ledger that follows from a home's journal, and from entries decided since."""
    ledger = Ledger()
    store = open_store(home)
    (founding,) = store.journal.entry(COMMONS, 0, 0)
    store.journal.close()
    for signed in (founding, *pending):
        effects = ledger.judge(signed)
        assert isinstance(effects, Effects), effects
        ledger.apply(effects)
    return ledger


@pytest.fixture(scope="module")
def elm(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Founded]:
    """A community of one."""
    home = tmp_path_factory.mktemp("elm") / "home"
    made = found(
        home, community="Hours of Elm Street", unit="hours", decimals=2, limit=2000, handle="ana",
        passphrase="correct horse", cost=FLOOR,
    )  # fmt: skip
    return home, made


def test_a_founder_is_member_steward_and_witness(elm: tuple[Path, Founded]) -> None:
    home, made = elm
    commons = replayed(home).commons
    assert (commons.community, commons.name, commons.unit) == (made.community, "Hours of Elm Street", "hours")
    assert commons.by_handle == made.members == {"ana": 1} and commons.limit(AccountId(1)) == 2000
    keys = Keyring(keystore.load(Home(home), "correct horse").entropy)
    assert commons.stewards().keys == (keys.steward_key(0).public,)
    assert commons.members[AccountId(1)].authority == keys.authority(0)
    store = open_store(home)
    assert commons.witnesses == (store.identity.witness_key.public,)
    store.journal.close()


def test_the_witness_key_does_not_come_from_the_words(elm: tuple[Path, Founded]) -> None:
    home, _ = elm
    keys = Keyring(keystore.load(Home(home), "correct horse").entropy)
    store = open_store(home)
    mine = {keys.signing_key(0).public, keys.steward_key(0).public, *keys.authority(0, 1).keys}
    assert store.identity.witness_key.public not in mine
    store.journal.close()


def test_the_book_is_ready(elm: tuple[Path, Founded]) -> None:
    home, made = elm
    book = Book.open(Home(home).book)
    assert book.community == made.community and book.ordinals == {AccountId(1): 0}
    book.close()


def test_a_home_in_use_is_left_as_it_is(elm: tuple[Path, Founded]) -> None:
    home, _ = elm
    before = {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}
    with pytest.raises(HomeRefused):
        found_together(TERMS, [Founder(home, ["ben"], is_steward=True)], quorum=1)
    assert {path: path.read_bytes() for path in home.rglob("*") if path.is_file()} == before


def test_several_homes_agree_and_who_does_not_fit_is_admitted_later(tmp_path: Path) -> None:
    founders = [
        Founder(tmp_path / f"home-{n}", [f"member-{n}-{m}" for m in range(60)], is_steward=n < 3, is_witness=n < 2)
        for n in range(3)
    ]
    made = found_together(TERMS, founders, quorum=2, threshold=2)
    assert made.pending and all(len(signed.signatures) == 2 for signed in made.pending)
    roots = set()
    for founder in founders:
        ledger = replayed(founder.home, made.pending)
        roots.add(ledger.state_root())
        assert ledger.commons.by_handle == made.members and len(made.members) == 180
        assert (ledger.commons.quorum, len(ledger.commons.witnesses)) == (2, 2)
    assert len(roots) == 1
    book = Book.open(Home(founders[2].home).book)
    assert book.ordinals == {AccountId(121 + n): n for n in range(60)}
    book.close()


@pytest.mark.parametrize(
    "terms",
    [
        Terms("", "hours", 2, 0), Terms("  ", "hours", 2, 0), Terms("x" * 65, "hours", 2, 0), Terms("Elm", "", 2, 0),
        Terms("Elm", "h" * 17, 2, 0), Terms("E\u202elm", "hours", 2, 0), Terms("Elm", "ho\nurs", 2, 0),
        Terms("Elm", "hours", 7, 0), Terms("Elm", "hours", -1, 0), Terms("Elm", "hours", 2, -1),
        Terms("Elm", "hours", 2, 10**15 + 1),
    ],
)  # fmt: skip
def test_terms_that_no_entry_could_say_make_nothing(tmp_path: Path, terms: Terms) -> None:
    with pytest.raises(BadRequest):
        found_together(terms, [Founder(tmp_path / "home", ["ana"], is_steward=True)], quorum=1)
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("handle", ["", "a", "Ana", "ana!", "-ana", "a" * 32, "a b", "a\n", "anä", "@ana"])
def test_a_handle_that_is_none_makes_nothing(tmp_path: Path, handle: str) -> None:
    with pytest.raises(BadRequest):
        found_together(TERMS, [Founder(tmp_path / "home", [handle], is_steward=True)], quorum=1)
    assert not (tmp_path / "home").exists()


def test_who_signs_and_who_witnesses_must_fit_together(tmp_path: Path) -> None:
    one, other = Founder(tmp_path / "a", ["ana"], is_steward=True), Founder(tmp_path / "b", ["ben"])
    for founders, quorum in (([other], 1), ([one, other], 1), ([one, other], 3), ([one], 0)):
        with pytest.raises(BadRequest):
            found_together(TERMS, founders, quorum=quorum)
    with pytest.raises(BadRequest, match="same handle"):
        found_together(TERMS, [one, Founder(tmp_path / "b", ["ana"])], quorum=2)
    assert not one.home.exists() and not other.home.exists()
