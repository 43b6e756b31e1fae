"""Private files appear whole or not at all, and only for their owner."""

from pathlib import Path

import pytest

from node.filesystem import (
    StoreRefused,
    check_private,
    make_private_folder,
    replace_private_file,
    write_private_file,
)


def test_folders_are_made_with_their_parents_for_the_owner_alone(tmp_path: Path) -> None:
    make_private_folder(tmp_path / "a" / "b" / "c")
    for folder in (tmp_path / "a", tmp_path / "a" / "b", tmp_path / "a" / "b" / "c"):
        assert folder.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_exists_is_checked_and_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir(mode=0o755)
    with pytest.raises(StoreRefused, match="its permissions are 755"):
        make_private_folder(tmp_path / "open")
    assert (tmp_path / "open").stat().st_mode & 0o777 == 0o755


def test_a_new_file_never_replaces_one(tmp_path: Path) -> None:
    write_private_file(tmp_path / "file", b"first")
    with pytest.raises(FileExistsError):
        write_private_file(tmp_path / "file", b"second")
    assert (tmp_path / "file").read_bytes() == b"first"
    check_private(tmp_path / "file")


def test_replacing_leaves_nothing_beside_the_file(tmp_path: Path) -> None:
    (tmp_path / "file.new").write_bytes(b"left by a power cut")
    replace_private_file(tmp_path / "file", b"first")
    replace_private_file(tmp_path / "file", b"second")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_bytes() == b"second"
    check_private(tmp_path / "file")


def test_a_refusal_says_what_was_found_and_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").touch(mode=0o644)
    with pytest.raises(StoreRefused) as caught:
        check_private(tmp_path / "file")
    assert caught.value.facts.endswith("(its permissions are 644)")
    assert caught.value.next_step == f"Close it with: chmod 600 '{tmp_path}/file'"
