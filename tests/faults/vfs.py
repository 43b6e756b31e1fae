"""A disk that does what a test tells it: forget what was not synced, fail at the k-th operation, lie about syncs.

It lies under SQLite as a VFS (apsw's), so that the code under test is the real one, in one process, without special
rights. Reusable for every store that opens SQLite with a VFS name: `with faulty_disk() as disk: ... vfs=disk.name`.

A power cut in three steps: `survivors` works out what is still on the disk, the test closes its store (which may
write what it likes), `restore` puts the survivors back.
"""

import itertools
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import apsw

SECTOR_BYTES = 512


class Failure(Enum):
    """What the disk answers when its time has come; the code is the one that the real VFS would give."""

    FULL = apsw.SQLITE_FULL
    ERROR = apsw.SQLITE_IOERR
    SHORT_WRITE = apsw.SQLITE_IOERR_WRITE
    """Half of the bytes are written, then an error."""
    READ_ONLY = apsw.SQLITE_READONLY


class Forgets(Enum):
    """What of the writes since a file's last sync does not survive a power cut."""

    ALL = "all"
    TAIL = "tail"
    """A random number of the newest ones: the disk kept the order."""
    SOME = "some"
    """A random choice, the last one torn at a sector: the disk kept no order."""


@dataclass(frozen=True, slots=True)
class Change:
    """One unsynced write, or with `data` None one truncation to `offset`."""

    offset: int
    data: bytes | None
    old: bytes
    size: int
    """Of the file before it."""


class FaultyDisk(apsw.VFS):
    """Passes everything on to the real file system, counts, remembers what is unsynced, and fails on request."""

    def __init__(self, name: str) -> None:
        self.under = apsw.vfs_names()[0]
        """The real file system; by name, so that this disk can be made the default one."""
        super().__init__(name, self.under)
        self.name = name
        self.operations = 0
        """Writes, syncs and truncations so far."""
        self.fail_at: int | None = None
        """The operation that fails, counted from 1; so do all later ones, until it is None again."""
        self.fails_once = False
        self.failure = Failure.ERROR
        self.before_read: Callable[[], None] = lambda: None
        """Called before every read of a file; the read fails with what it raises (`error`)."""
        self.lies = False
        """Syncs say done, and do nothing."""
        self.unsynced: dict[str, list[Change]] = {}

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:
        return _File(self, name, flags)

    def step(self) -> bool:
        """Count one operation; tell whether it is to fail."""
        self.operations += 1
        if self.fail_at is None or self.operations < self.fail_at:
            return False
        return self.operations == self.fail_at or not self.fails_once

    def error(self) -> Exception:
        """The exception that makes SQLite see the chosen failure."""
        return apsw.exception_for(self.failure.value)

    def survivors(self, folder: Path, forgets: Forgets, rng: random.Random) -> dict[str, bytes]:
        """What the files of `folder` would hold after a power cut now, by name."""
        found = {}
        for path in folder.iterdir():
            if path.is_file() and not path.name.endswith("-shm"):
                changes = self.unsynced.get(str(path), [])
                found[path.name] = _after_cut(path.read_bytes(), changes, forgets, rng)
        return found

    def restore(self, folder: Path, survivors: dict[str, bytes]) -> None:
        """Put the survivors in the place of whatever the folder holds."""
        for path in folder.iterdir():
            path.unlink()
        for name, content in survivors.items():
            (folder / name).write_bytes(content)
            (folder / name).chmod(0o600)
        self.unsynced.clear()


def _after_cut(content: bytes, changes: list[Change], forgets: Forgets, rng: random.Random) -> bytes:
    image = bytearray(content)
    for change in reversed(changes):
        image[change.offset : change.offset + len(change.old)] = change.old
        del image[change.size :]
    if forgets is Forgets.ALL:
        return bytes(image)
    if forgets is Forgets.TAIL:
        kept = changes[: rng.randint(0, len(changes))]
    else:
        kept = [change for change in changes if rng.random() < 0.5]
    for at, change in enumerate(kept):
        torn = forgets is Forgets.SOME and at == len(kept) - 1
        _redo(image, change, rng if torn else None)
    return bytes(image)


def _redo(image: bytearray, change: Change, torn: random.Random | None) -> None:
    if change.data is None:
        del image[change.offset :]
        return
    data = change.data
    if torn is not None:
        data = data[: torn.randint(0, len(data) // SECTOR_BYTES) * SECTOR_BYTES]
    image.extend(bytes(max(0, change.offset - len(image))))
    image[change.offset : change.offset + len(data)] = data


class _File(apsw.VFSFile):
    def __init__(self, disk: FaultyDisk, name: str | apsw.URIFilename | None, flags: list[int]) -> None:
        super().__init__(disk.under, name, flags)
        self._disk = disk
        self._path = name.filename() if isinstance(name, apsw.URIFilename) else name

    def _remember(self, offset: int, data: bytes | None, length: int) -> None:
        if self._path is None:
            return
        size = super().xFileSize()
        old = super().xRead(min(length, size - offset), offset) if offset < size else b""
        self._disk.unsynced.setdefault(self._path, []).append(Change(offset, data, old, size))

    def xRead(self, amount: int, offset: int) -> bytes:
        self._disk.before_read()
        return super().xRead(amount, offset)

    def xWrite(self, data: bytes, offset: int) -> None:
        failing = self._disk.step()
        if failing and self._disk.failure is not Failure.SHORT_WRITE:
            raise self._disk.error()
        data = bytes(data)[: len(data) // 2] if failing else bytes(data)
        self._remember(offset, data, len(data))
        super().xWrite(data, offset)
        if failing:
            raise self._disk.error()

    def xTruncate(self, size: int) -> None:
        if self._disk.step():
            raise self._disk.error()
        self._remember(size, None, super().xFileSize())
        super().xTruncate(size)

    def xSync(self, flags: int) -> None:
        if self._disk.step():
            raise self._disk.error()
        if not self._disk.lies:
            self._disk.unsynced.pop(self._path or "", None)


_names = (f"faulty{number}" for number in itertools.count())


@contextmanager
def faulty_disk() -> Iterator[FaultyDisk]:
    """A fresh disk under a name of its own. The real sync is left out: it only costs time here."""
    disk = FaultyDisk(next(_names))
    try:
        yield disk
    finally:
        disk.unregister()
