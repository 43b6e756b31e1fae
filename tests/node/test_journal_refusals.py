"""What a journal refuses to open, each with words that say what was found and what to do."""

import errno
import os
import shutil
from pathlib import Path

import apsw
import pytest

from node.filesystem import StoreRefused, network_file_system
from node.journal import Journal

from .journal_records import Chains

FILE = "journal.db"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A closed journal with a few payments."""
    journal = Journal.open(tmp_path / "journal", create=True)
    journal.append(Chains().payments(40))
    journal.close()
    return journal.folder


def refusal(folder: Path, *, create: bool = False) -> StoreRefused:
    """Open, expect a refusal, and see that it changed nothing."""
    before = contents(folder)
    with pytest.raises(StoreRefused) as caught:
        Journal.open(folder, create=create)
    assert contents(folder) == before
    return caught.value


def contents(folder: Path) -> dict[str, bytes]:
    """What lies in the folder, but for the lock and for empty files, which say nothing."""
    found = {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "lock"}
    return {name: content for name, content in found.items() if content}


def alter(folder: Path, statement: str) -> None:
    connection = apsw.Connection(str(folder / FILE))
    connection.execute(statement)
    connection.close()


def test_no_journal_is_made_unless_asked(tmp_path: Path) -> None:
    with pytest.raises(StoreRefused, match="There is no journal"):
        Journal.open(tmp_path / "journal", create=False)
    assert not (tmp_path / "journal").exists()


def test_a_folder_without_the_file_is_no_journal(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    assert "There is no journal" in refusal(tmp_path).facts


def test_create_opens_the_journal_that_is_there(folder: Path) -> None:
    journal = Journal.open(folder, create=True)
    assert journal.last_row == 80
    journal.close()


def test_a_making_that_was_cut_short_is_made_whole_or_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "journal"
    folder.mkdir(mode=0o700)
    (folder / FILE).touch(mode=0o600)
    assert "not a tallystick journal" in refusal(folder).facts
    journal = Journal.open(folder, create=True)
    assert journal.append(Chains().payment()) == 2
    journal.close()


def test_garbage_is_refused_and_left_as_it_is(folder: Path) -> None:
    (folder / FILE).write_bytes(bytes(range(256)) * 64)
    assert "the file is not a journal" in refusal(folder).facts
    assert "the file is not a journal" in refusal(folder, create=True).facts


def test_another_programs_database_is_refused(folder: Path) -> None:
    alter(folder, "PRAGMA application_id = 1")
    assert "not a tallystick journal" in refusal(folder).facts
    assert "not a tallystick journal" in refusal(folder, create=True).facts


def test_a_journal_of_newer_software_is_left_alone(folder: Path) -> None:
    alter(folder, "PRAGMA user_version = 2")
    assert "newer tallystick (version 2, known here: 1)" in refusal(folder).facts


def test_an_unknown_old_version_is_refused(folder: Path) -> None:
    alter(folder, "PRAGMA user_version = 0")
    assert "its version 0 is unknown" in refusal(folder).facts


@pytest.mark.parametrize("bytes_left", [1, 99, 4096, 20_000])
def test_a_truncated_file_is_refused(folder: Path, bytes_left: int) -> None:
    os.truncate(folder / FILE, bytes_left)
    assert "cannot be used" in refusal(folder).facts


def test_a_second_instance_is_told_who_holds_it(folder: Path) -> None:
    holder = Journal.open(folder, create=False)
    with pytest.raises(StoreRefused, match=rf"running on .* already \(process {os.getpid()}, instance \w+\)"):
        Journal.open(folder, create=False)
    assert holder.append(Chains(2).payment()) == 82
    holder.close()
    Journal.open(folder, create=False).close()


def test_a_lock_file_left_behind_stops_nobody(folder: Path) -> None:
    (folder / "lock").write_text("process 1, instance 00")
    Journal.open(folder, create=False).close()


@pytest.mark.parametrize("mode", [0o750, 0o701, 0o777])
def test_a_folder_that_others_may_open_is_refused(folder: Path, mode: int) -> None:
    folder.chmod(mode)
    found = refusal(folder)
    assert f"its permissions are {mode:o}" in found.facts and "chmod 700" in found.next_step


@pytest.mark.parametrize("mode", [0o640, 0o604])
def test_a_file_that_others_may_read_is_refused(folder: Path, mode: int) -> None:
    (folder / FILE).chmod(mode)
    assert "chmod 600" in refusal(folder).next_step


def test_everything_made_is_for_the_owner_alone(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path / "home" / "node" / "journal", create=True)
    journal.append(Chains().payment())
    assert {path.name for path in journal.folder.iterdir()} == {FILE, FILE + "-wal", FILE + "-shm", "lock"}
    for path in (tmp_path / "home").rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path
    journal.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_another_user_is_refused(folder: Path) -> None:
    os.chown(folder, 12_345, -1)
    assert "belongs to another user" in refusal(folder).facts


def test_a_link_is_refused(folder: Path) -> None:
    shutil.move(folder / FILE, folder / "elsewhere")
    (folder / FILE).symlink_to(folder / "elsewhere")
    assert "is a link" in refusal(folder).facts


def test_a_renamed_folder_opens(folder: Path) -> None:
    moved = folder.rename(folder.with_name("moved"))
    journal = Journal.open(moved, create=False)
    assert journal.last_row == 80
    journal.close()


@pytest.mark.skipif(os.geteuid() == 0, reason="permissions stop nobody who is root")
def test_a_folder_that_may_not_be_written_is_refused(folder: Path) -> None:
    (folder / "lock").unlink()
    folder.chmod(0o500)
    assert "Permission denied" in refusal(folder).facts
    folder.chmod(0o700)


@pytest.mark.parametrize("create", [True, False])
def test_a_read_only_disk_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch, create: bool) -> None:
    def read_only(*_: object) -> int:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr("node.storelock.os.open", read_only)
    assert "Read-only file system" in refusal(folder, create=create).facts


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "journal").touch()
    with pytest.raises(StoreRefused):
        Journal.open(tmp_path / "journal", create=True)
    with pytest.raises(StoreRefused):
        Journal.open(tmp_path / "journal" / "deeper", create=True)


MOUNTS = """\
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 22 0:40 / /home rw - nfs4 server:/home rw
31 30 0:41 / /home/ana/local\\040disk rw - ext4 /dev/vdb rw
32 22 0:42 / /media/share rw - cifs //server/share rw
33 22 0:43 / /media/other rw - fuse.sshfs ana@server: rw
34 22 0:44 / /media/unknown rw - newfs none rw
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/home/ana/tally", "nfs4"),
        ("/home", "nfs4"),
        ("/homework", None),
        ("/home/ana/local disk/tally", None),
        ("/media/share/tally", "cifs"),
        ("/media/other/tally", "fuse.sshfs"),
        ("/media/unknown/tally", None),
        ("/srv", None),
    ],
)
def test_network_file_systems_are_told_by_the_innermost_mount(tmp_path: Path, path: str, kind: str | None) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(MOUNTS)
    assert network_file_system(Path(path), mounts) == kind
    assert network_file_system(Path(path), tmp_path / "missing") is None


def test_a_journal_on_a_network_file_system_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("node.journal.store.network_file_system", lambda _: "nfs4")
    assert "network file system (nfs4)" in refusal(folder).facts
