"""Where a member's things lie: HOME/wallet (keys, book), HOME/node (journal, identity), HOME/run (while running).

Makes and checks directories and private files; knows no format of what is in them. A home is its owner's alone:
directories 0700, files 0600, and nothing is used that somebody else owns or may read.
"""

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from .errors import HomeRefused

PRIVATE_DIRECTORY = 0o700
PRIVATE_FILE = 0o600


@dataclass(frozen=True, slots=True)
class Home:
    """The places of one home. Pure names; nothing is made or read by having one."""

    root: Path

    @property
    def wallet(self) -> Path:
        return self.root / "wallet"

    @property
    def node(self) -> Path:
        return self.root / "node"

    @property
    def run(self) -> Path:
        return self.root / "run"

    @property
    def keystore(self) -> Path:
        return self.wallet / "keystore"

    @property
    def keystore_key(self) -> Path:
        """Only when there is no passphrase: the random key that opens the keystore."""
        return self.wallet / "keystore.key"

    @property
    def book(self) -> Path:
        return self.wallet / "book.db"

    @property
    def api_token(self) -> Path:
        return self.run / "api.json"

    def is_founded(self) -> bool:
        """Tell whether a wallet was made here."""
        return self.keystore.exists()

    def create(self) -> None:
        """Make the directories, private to this user. Raises HomeRefused when a wallet is here already."""
        if self.is_founded():
            raise HomeRefused("There is a wallet in this home already.", {"home": str(self.root)}, "Use another --home.")
        for place in (self.root, self.wallet, self.node, self.run):
            place.mkdir(mode=PRIVATE_DIRECTORY, parents=True, exist_ok=True)
        self.check()

    def check(self) -> None:
        """Raise HomeRefused unless there is a home here and it is this user's alone."""
        check_private(self.root)
        check_private(self.wallet)


def check_private(place: Path) -> None:
    """Raise HomeRefused unless `place` exists, belongs to this user and is closed to all others."""
    try:
        found = place.lstat()
    except FileNotFoundError:
        facts = {"home": str(place)}
        raise HomeRefused("There is no wallet in this home.", facts, "Make one with `tally init`.") from None
    if fault := privacy_fault(found):
        raise HomeRefused(f"{place} {fault}.", {"home": str(place)}, f"Run `chmod go= {place}` as its owner.")


def privacy_fault(found: os.stat_result) -> str | None:
    """Say what is wrong with who may use a file or directory, or None."""
    if found.st_uid != os.geteuid():
        return "belongs to another user"
    if stat.S_IMODE(found.st_mode) & 0o077:
        return "is open to other users"
    if stat.S_ISLNK(found.st_mode):
        return "is a symbolic link"
    return None


def read_private(place: Path, bytes_max: int) -> bytes:
    """Read a private file of at most `bytes_max` bytes.

    Owner and permissions are those of the file that was opened, so it cannot be swapped between look and read.
    Raises HomeRefused when it is missing, too long, foreign, open to others or a symbolic link.
    """
    try:
        handle = os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise HomeRefused(f"{place.name} cannot be opened: {error.strerror}.", {"file": str(place)}) from None
    with os.fdopen(handle, "rb") as file:
        if fault := privacy_fault(os.fstat(file.fileno())):
            raise HomeRefused(f"{place} {fault}.", {"file": str(place)}, f"Run `chmod go= {place}` as its owner.")
        content = file.read(bytes_max + 1)
    if len(content) > bytes_max:
        raise HomeRefused(f"{place.name} is longer than {bytes_max} bytes.", {"file": str(place)})
    return content


def write_private(place: Path, content: bytes) -> None:
    """Put `content` at `place` at once or not at all, durably, readable by this user only.

    A temporary file is synced and renamed over the old one, then the directory is synced; OSError passes through.
    """
    draft = place.with_name(place.name + ".new")
    draft.unlink(missing_ok=True)
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, PRIVATE_FILE)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.rename(draft, place)
    sync_directory(place.parent)


def sync_directory(place: Path) -> None:
    """Make the names in a directory durable."""
    handle = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
