"""The board's own file: the newest of each slot, and a file that cannot be used never keeps a node from starting."""

from collections.abc import Callable
from pathlib import Path

import apsw
import pytest

from node.filesystem import StoreRefused, make_private_folder
from node.journal import BoardStore, DropRecord, DropRequest, KeepRecord, KeepRequest

SLOT = (1, 3, b"bread")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_private_folder(tmp_path / "journal")
    return tmp_path / "journal"


def filled(folder: Path) -> Path:
    store = BoardStore.open(folder)
    store.write([KeepRecord(SLOT, b"a record"), KeepRequest(b"id", b"a request")])
    store.close()
    return store.file


def test_what_was_written_is_there_again(folder: Path) -> None:
    filled(folder)
    store = BoardStore.open(folder)
    assert (store.records(), store.requests()) == ([b"a record"], [b"a request"])
    store.close()


def test_a_slot_holds_one_record_and_what_is_dropped_is_gone(folder: Path) -> None:
    store = BoardStore.open(folder)
    store.write([KeepRecord(SLOT, b"old"), KeepRecord(SLOT, b"new"), KeepRecord((1, 4, b"bread"), b"other")])
    assert sorted(store.records()) == [b"new", b"other"]
    store.write([DropRecord(SLOT), KeepRequest(b"id", b"request"), DropRequest(b"id")])
    assert (store.records(), store.requests()) == ([b"other"], [])
    store.close()


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:5000])


def overwrite(file: Path) -> None:
    file.write_bytes(b"something else" * 1000)


def turn_a_byte(file: Path) -> None:
    connection = apsw.Connection(str(file))
    connection.execute("UPDATE records SET content = CAST('A record' AS BLOB)")
    connection.close()


def make_newer(file: Path) -> None:
    connection = apsw.Connection(str(file))
    connection.pragma("user_version", 2)
    connection.close()


@pytest.mark.parametrize("damage", [cut, overwrite, turn_a_byte, make_newer])
def test_a_file_that_cannot_be_used_is_put_aside_and_begun_anew(
    folder: Path, damage: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    damage(filled(folder))
    store = BoardStore.open(folder)
    assert (store.records(), store.requests()) == ([], [])
    assert "begun anew" in caplog.text
    assert (folder / "board.db.damaged").exists()
    store.write([KeepRecord(SLOT, b"again")])
    store.close()
    again = BoardStore.open(folder)
    assert again.records() == [b"again"]
    again.close()


@pytest.mark.parametrize("error", [apsw.FullError, apsw.CantOpenError, apsw.ReadOnlyError, apsw.BusyError])
def test_what_the_disk_refuses_for_a_while_puts_no_good_file_aside(
    folder: Path, monkeypatch: pytest.MonkeyPatch, error: type[apsw.Error]
) -> None:
    file = filled(folder)

    def refusing(*_: object, **__: object) -> None:
        raise error("for a test")

    monkeypatch.setattr("node.journal.board.check_pages", refusing)
    with pytest.raises(StoreRefused, match="cannot be opened now"):
        BoardStore.open(folder)
    monkeypatch.undo()
    assert not file.with_name(file.name + ".damaged").exists()
    store = BoardStore.open(folder)
    assert (store.records(), store.requests()) == ([b"a record"], [b"a request"])
    store.close()


def test_a_start_that_was_cut_short_leaves_a_file_that_can_be_used(folder: Path) -> None:
    (folder / "board.db").touch(mode=0o600)
    store = BoardStore.open(folder)
    store.write([KeepRecord(SLOT, b"a record")])
    assert store.records() == [b"a record"]
    store.close()


def test_a_file_that_others_may_open_is_refused(folder: Path) -> None:
    filled(folder).chmod(0o644)
    with pytest.raises(StoreRefused, match="Other users"):
        BoardStore.open(folder)


def test_the_wal_does_not_grow_without_end(folder: Path) -> None:
    store = BoardStore.open(folder)
    for number in range(1_500):
        store.write([KeepRecord(SLOT, number.to_bytes(2))])
    assert store.file.with_name("board.db-wal").stat().st_size < 8 << 20
    store.close()
