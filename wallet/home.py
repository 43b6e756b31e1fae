"""Where a member's things lie: HOME/wallet (keys, book), HOME/node (journal, identity), HOME/run (while running).

Makes and checks directories and private files; knows no format of what is in them. A home is its owner's alone:
directories 0700, files 0600, and nothing is used that somebody else owns or may read.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from node.filesystem import OTHERS, StoreRefused, check_private, make_private_folder, replace_private_file

from .errors import HomeRefused


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
        return self.book.exists()

    def create(self) -> None:
        """Make the directories, private to this user. Raises HomeRefused when a wallet is here already."""
        if self.is_founded():
            raise HomeRefused("There is a wallet in this home already.", {"home": str(self.root)}, "Use another home.")
        with refusing():
            for place in (self.root, self.wallet, self.node, self.run):
                make_private_folder(place)

    def check(self) -> None:
        """Raise HomeRefused unless there is a wallet here and it is this user's alone."""
        if not self.is_founded():
            facts = {"home": str(self.root)}
            raise HomeRefused("There is no wallet in this home.", facts, "Make one with `tally init`.")
        with refusing():
            check_private(self.root)
            check_private(self.wallet)


@contextmanager
def refusing() -> Iterator[None]:
    """Say in the wallet's way what is wrong with a file or folder."""
    try:
        yield
    except StoreRefused as error:
        raise HomeRefused(f"{error.facts}.", next=f"{error.next_step}.") from None


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
        found = os.fstat(file.fileno())
        if found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & OTHERS:
            facts = {"file": str(place), "permissions": f"{stat.S_IMODE(found.st_mode):o}"}
            raise HomeRefused(f"Other users may use {place.name}.", facts, "Close it with chmod 600, as its owner.")
        content = file.read(bytes_max + 1)
    if len(content) > bytes_max:
        raise HomeRefused(f"{place.name} is longer than {bytes_max} bytes.", {"file": str(place)})
    return content


def write_private(place: Path, content: bytes) -> None:
    """Put `content` at `place` at once or not at all, durably, for this user only. OSError passes through."""
    replace_private_file(place, content)
