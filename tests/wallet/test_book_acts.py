"""The book's pages about acts: durable with everything else, and there also in a book that was made before them."""

from dataclasses import replace
from pathlib import Path

import apsw
import pytest

from protocol.base import AccountId, CommunityId, EntryId, PublicKey, Signature
from wallet.books import acts as book_acts
from wallet.books.acts import ActPages, BallotRow, Dealt, DealtRow, Deed, InviteRow, WishState
from wallet.books.book import Book
from wallet.errors import BookFailed
from wallet.home import Home

STEWARD, INVITE = PublicKey(b"s" * 32), PublicKey(b"i" * 32)
BALLOT = BallotRow(STEWARD, 3, 0, EntryId(b"a" * 32), b"body", Signature(b"z" * 64))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path / "home")
    made.begin()
    Book.create(made.book, CommunityId(b"c" * 32), [(AccountId(1), 0)])
    return made


def test_what_was_kept_is_there_after_opening_again(home: Home) -> None:
    book = Book.open(home.book)
    wish = ActPages(book).new_wish(b"ops", own=True, now_s=9)
    dealt = DealtRow(b"r" * 32, INVITE, Dealt.ADMITTED, 99)
    book.commit([Deed((BALLOT, wish, InviteRow(INVITE, b"voucher", 9), dealt))])
    book.close()
    book = Book.open(home.book)
    pages = ActPages(book)
    assert pages.ballots_at(3) == [BALLOT] and pages.ballots_at(2) == []
    assert pages.open_wishes() == [wish] and wish.state is WishState.OPEN
    assert pages.uses(INVITE) == 1 and pages.invites[INVITE].voucher == b"voucher"
    assert pages.new_wish(b"", own=False, now_s=9).n == wish.n + 1
    book.close()


def test_a_second_act_for_one_round_is_never_written(home: Home) -> None:
    book = Book.open(home.book)
    book.commit([BALLOT])
    with pytest.raises(BookFailed):
        book.commit([BallotRow(STEWARD, 3, 0, EntryId(b"b" * 32), b"another", Signature(b"z" * 64))])
    book.close()
    book = Book.open(home.book)
    assert ActPages(book).ballots_at(3) == [BALLOT]
    book.close()


def test_ballots_of_decided_places_leave(home: Home) -> None:
    book = Book.open(home.book)
    later = BallotRow(STEWARD, 4, 0, EntryId(b"b" * 32), b"body", Signature(b"z" * 64))
    pages = ActPages(book)
    for ballot in (BALLOT, later):
        book.commit([ballot])
        pages.note([ballot])
    assert list(pages.ballots.values()) == [later] == list(ActPages(book).ballots.values())
    book.close()


def test_settled_wishes_leave_when_there_are_many_and_open_ones_stay(home: Home) -> None:
    book = Book.open(home.book)
    pages = ActPages(book)
    for n in range(book_acts.WISHES_KEPT + 5):
        wish = pages.new_wish(b"ops", own=True, now_s=9)
        settled = replace(wish, state=WishState.IN_FORCE if n else WishState.OPEN)
        book.commit([settled])
        pages.note([settled])
    kept = ActPages(book).wishes
    assert min(kept) == 1 and len(kept) == book_acts.WISHES_KEPT + 1
    book.close()


def test_a_book_of_version_1_is_brought_up_to_date_once(home: Home) -> None:
    book = Book.open(home.book)
    names = [name for (name,) in book.rows("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")]
    book.close()
    older = apsw.Connection(str(home.book))
    tables = [statement.split()[2] for statement in book_acts.TABLES]
    for table in tables:
        older.execute(f"DROP TABLE {table}")
    for table in set(names) - set(tables) - {"account", "community", "entry", "instance", "payment"}:
        older.execute(f"DROP TABLE {table}")
    older.pragma("user_version", 1)
    older.close()
    for _ in range(2):
        book = Book.open(home.book)
        found = book.rows("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
        assert [name for (name,) in found] == names and book.ordinals == {1: 0}
        book.close()
