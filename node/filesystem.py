"""Folders and files that only their owner may see, written so that they survive a power cut.

Used by the journal, the identity and the configuration before they touch the disk. It knows nothing of what is
in the files. Everything refused raises StoreRefused, whose words are meant for the person at the keyboard.
"""

import os
import stat
from pathlib import Path

FOLDER_MODE = 0o700
FILE_MODE = 0o600
OTHERS = 0o077
"""The permission bits that would let another user of the computer in."""

NETWORK_FILE_SYSTEMS = frozenset(
    (
        "afs", "beegfs", "ceph", "cifs", "davfs", "fuse.ceph", "fuse.davfs", "fuse.glusterfs", "fuse.gvfsd-fuse",
        "fuse.rclone", "fuse.s3fs", "fuse.smbnetfs", "fuse.sshfs", "glusterfs", "lustre", "ncpfs", "nfs", "nfs4",
        "ocfs2", "orangefs", "smb2", "smb3", "smbfs",
    )
)  # fmt: skip
"""Where locks and syncs do not mean what they say. 9p and virtiofs are left out: virtual machines boot from them."""

MOUNTS = Path("/proc/self/mountinfo")


class StoreRefused(Exception):
    """What is on this disk cannot be used as it is: `facts` says what was found, `next_step` what helps."""

    def __init__(self, facts: str, next_step: str) -> None:
        super().__init__(f"{facts}. {next_step}.")
        self.facts = facts
        self.next_step = next_step


def make_private_folder(path: Path) -> None:
    """Make `path` (and its parents) for the owner alone, durably. One that exists must pass `check_private`."""
    if path.is_dir():
        return check_private(path)
    if not path.parent.is_dir():
        make_private_folder(path.parent)
    path.mkdir(mode=FOLDER_MODE)
    sync_folder(path.parent)


def check_private(path: Path) -> None:
    """Refuse a file or folder that belongs to somebody else, is a link, or that others may open."""
    found = path.lstat()
    if stat.S_ISLNK(found.st_mode):
        raise StoreRefused(f"{path} is a link", "Put the real file or folder there")
    if found.st_uid != os.geteuid():
        raise StoreRefused(f"{path} belongs to another user of this computer", "Run as that user, or use another home")
    if found.st_mode & OTHERS:
        mode = FOLDER_MODE if stat.S_ISDIR(found.st_mode) else FILE_MODE
        raise StoreRefused(
            f"Other users of this computer may open {path} (its permissions are {found.st_mode & 0o777:o})",
            f"Close it with: chmod {mode:o} '{path}'",
        )


def sync_folder(path: Path) -> None:
    """Make the names in a folder durable."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_private_file(path: Path, content: bytes) -> None:
    """Make a new file for the owner alone, durably. Raises FileExistsError rather than replace one."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, FILE_MODE)
    with open(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(handle)
    sync_folder(path.parent)


def replace_private_file(path: Path, content: bytes) -> None:
    """Put `content` in the place of a file in one step: after a power cut it is the old one or the new one."""
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    write_private_file(fresh, content)
    fresh.replace(path)
    sync_folder(path.parent)


def network_file_system(path: Path, mounts: Path = MOUNTS) -> str | None:
    """Name the network file system that `path` lies on, or None. Where that cannot be told, None."""
    if not mounts.exists():
        return None
    wanted = os.path.realpath(path)
    best, kind = "", ""
    for line in mounts.read_text(errors="replace").splitlines():
        point, mounted = _mount(line)
        if len(point) >= len(best) and _is_below(wanted, point):
            best, kind = point, mounted
    return kind if kind in NETWORK_FILE_SYSTEMS else None


def _mount(line: str) -> tuple[str, str]:
    """Where a line of mountinfo mounts, and which kind of file system (proc(5); blanks are written as \\040)."""
    before, _, after = line.partition(" - ")
    point = before.split(" ")[4].encode().decode("unicode_escape", errors="replace")
    return point, after.split(" ")[0]


def _is_below(path: str, point: str) -> bool:
    return path == point or path.startswith(point.rstrip("/") + "/")
