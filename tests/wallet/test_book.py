"""The book: what it returned from is on the disk, all of it or none, and it tells itself from a copy."""

import shutil
import stat
from pathlib import Path

import apsw
import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from protocol.base import COMMONS, AccountId, Amount, CommunityId, EntryId, Signature
from protocol.entry import Entry, SignedEntry, sealed
from protocol.ops import Send
from wallet.books.book import Book, PaymentRow, Signing
from wallet.books.clerk import Clerk
from wallet.errors import BookFailed, HomeRefused
from wallet.home import Home

COMMUNITY = CommunityId(b"c" * 32)
ANA, SHOP = AccountId(3), AccountId(4)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path / "home")
    made.begin()
    Book.create(made.book, COMMUNITY, [(ANA, 0), (SHOP, 1)])
    return made


def signed(account: AccountId, seq: int) -> SignedEntry:
    entry = Entry(1, account, 0, seq, bytes(32), 0, 99, (Send(COMMONS, Amount(seq + 1)),))
    return sealed(entry, ((0, Signature(bytes(64))),))


def signing(account: AccountId, seq: int, ref: str | None = None, final_seq: int = -1) -> Signing:
    made = signed(account, seq)
    row = PaymentRow(account, 0, seq, 0, made.id, COMMONS, seq + 1, "memo", True, ref, 99)
    return Signing(made, (row,), final_seq)


def keep(book: Book, *signings: Signing) -> None:
    book.commit(signings)
    book.note(signings)


def test_a_new_book_knows_its_accounts_and_community(home: Home) -> None:
    book = Book.open(home.book)
    assert book.community == COMMUNITY and book.ordinals == {ANA: 0, SHOP: 1}
    assert not book.heads and not book.pending
    book.close()


def test_what_was_kept_is_there_after_opening_again(home: Home) -> None:
    book = Book.open(home.book)
    keep(book, signing(ANA, 0, "order-1"), signing(SHOP, 0, "order-1"), signing(ANA, 1))
    heads, pending = book.heads, book.pending
    book.close()
    book = Book.open(home.book)
    assert book.heads == heads and book.pending == pending
    found = book.by_ref(ANA, "order-1")
    assert found is not None and found == book.payment(ANA, 0, 0, 0) and found.memo == "memo" and found.sealed
    assert book.by_ref(ANA, "order-2") is None and book.payment(ANA, 0, 7, 0) is None
    assert book.pending_id(ANA, 0, 1) == signed(ANA, 1).id and book.pending_id(ANA, 0, 5) is None
    book.close()


def test_the_bytes_of_final_entries_go_and_their_payments_stay(home: Home) -> None:
    book = Book.open(home.book)
    keep(book, *[signing(ANA, seq, f"order-{seq}") for seq in range(3)])
    keep(book, signing(ANA, 3, final_seq=1))
    book.close()
    book = Book.open(home.book)
    assert [held.seq for held in book.pending[ANA]] == [2, 3]
    assert book.by_ref(ANA, "order-0") is not None and book.heads[ANA].seq == 3
    book.close()


def test_a_transaction_is_all_or_nothing_and_after_a_failure_nothing_is_taken(home: Home) -> None:
    book = Book.open(home.book)
    keep(book, signing(ANA, 0, "taken"))
    with pytest.raises(BookFailed):
        book.commit([signing(SHOP, 0), signing(ANA, 1, "taken")])
    with pytest.raises(BookFailed):
        book.commit([signing(SHOP, 0)])
    book.close()
    book = Book.open(home.book)
    assert set(book.heads) == {ANA} and book.heads[ANA].seq == 0
    book.close()


def test_every_opening_has_a_nonce_and_knows_its_earlier_ones(home: Home) -> None:
    nonces: list[bytes] = []
    for _ in range(6):
        book = Book.open(home.book)
        assert book.previous == tuple(reversed(nonces))[:4]
        nonces.append(book.instance)
        book.close()
    assert len(set(nonces)) == 6 and {len(nonce) for nonce in nonces} == {16}


def test_a_copy_does_not_take_the_nonces_for_its_own(home: Home, tmp_path: Path) -> None:
    Book.open(home.book).close()
    shutil.copytree(home.root, tmp_path / "copy")
    book = Book.open(Home(tmp_path / "copy").book)
    assert book.previous == ()
    book.close()


def test_a_commit_is_synced_in_full(home: Home) -> None:
    book = Book.open(home.book)
    assert book._writer.pragma("synchronous") == 2 and book._writer.pragma("journal_mode") == "wal"
    book.close()


def test_the_file_is_private_and_one_with_loose_permissions_is_refused(home: Home) -> None:
    assert stat.S_IMODE(home.book.stat().st_mode) == 0o600
    home.book.chmod(0o640)
    with pytest.raises(HomeRefused, match="Other users"):
        Book.open(home.book)


def test_a_missing_foreign_or_newer_file_is_refused_untouched(home: Home) -> None:
    book = Book.open(home.book)
    book._writer.pragma("user_version", 3)
    book.close()
    with pytest.raises(HomeRefused, match="another version"):
        Book.open(home.book)
    home.book.write_bytes(b"not a database " * 500)
    content = home.book.read_bytes()
    with pytest.raises(HomeRefused):
        Book.open(home.book)
    assert home.book.read_bytes() == content
    home.book.unlink()
    with pytest.raises(HomeRefused, match="missing"):
        Book.open(home.book)


def test_it_is_open_once_at_a_time(home: Home) -> None:
    book = Book.open(home.book)
    with pytest.raises(HomeRefused, match="already"):
        Book.open(home.book)
    book.close()
    Book.open(home.book).close()


async def test_what_waits_together_is_one_transaction(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    book = Book.open(home.book)
    clerk, batches = Clerk(book), []
    really = book.commit
    monkeypatch.setattr(book, "commit", lambda signings: batches.append(len(signings)) or really(signings))  # type: ignore[func-returns-value]
    async with trio.open_nursery() as nursery:
        async with trio.open_nursery() as payers:
            for seq in range(10):
                payers.start_soon(clerk.keep, signing(ANA, seq))
                await wait_all_tasks_blocked()
            nursery.start_soon(clerk.run)
        nursery.cancel_scope.cancel()
    assert batches == [10] and book.heads[ANA].seq == 9
    book.close()


async def test_after_a_full_disk_nothing_is_kept_and_nobody_waits(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    book = Book.open(home.book)
    clerk = Clerk(book)

    def full(_: Signing) -> None:
        raise apsw.FullError("database or disk is full")

    monkeypatch.setattr(book, "_put", full)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(clerk.run)
        with pytest.raises(BookFailed, match="disk is full"):
            await clerk.keep(signing(ANA, 0))
        monkeypatch.undo()
        with pytest.raises(BookFailed):
            await clerk.keep(signing(ANA, 0))
    assert not book.heads and book.payment(ANA, 0, 0, 0) is None
    book.close()


async def test_a_clerk_who_goes_leaves_nobody_waiting(home: Home) -> None:
    book = Book.open(home.book)
    clerk = Clerk(book)
    async with trio.open_nursery() as nursery:

        async def keep_and_fail() -> None:
            with trio.CancelScope(shield=True), pytest.raises(BookFailed):
                await clerk.keep(signing(ANA, 0))

        nursery.start_soon(keep_and_fail)
        await wait_all_tasks_blocked()
        with trio.CancelScope() as scope:
            scope.cancel()
            await clerk.run()
    assert EntryId(signed(ANA, 0).id) not in {head.id for head in book.heads.values()}
    book.close()


async def test_a_clerk_who_is_sent_away_refuses_whom_he_has_just_taken_from_the_queue(home: Home) -> None:
    book = Book.open(home.book)
    clerk = Clerk(book)
    async with trio.open_nursery() as nursery:

        async def keep_and_fail() -> None:
            with trio.CancelScope(shield=True), trio.fail_after(5), pytest.raises(BookFailed, match="closing"):
                await clerk.keep(signing(ANA, 0))

        nursery.start_soon(keep_and_fail)
        await wait_all_tasks_blocked()
        async with trio.open_nursery() as office:
            await office.start(clerk.run)  # comes back when he holds the slip and looks round for more
            office.cancel_scope.cancel()
    assert not book.heads and book.payment(ANA, 0, 0, 0) is None
    book.close()
