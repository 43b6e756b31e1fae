"""Where a member's things lie: HOME/wallet (keys, book), HOME/node (journal, identity), HOME/run (while running).

Makes and checks directories and private files; knows no format of what is in them. A home is its owner's alone:
directories 0700, files 0600, and nothing is used that somebody else owns or may read.
"""

import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from node.filesystem import (
    OTHERS,
    StoreRefused,
    check_private,
    make_private_folder,
    replace_private_file,
    sync_folder,
)

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

    @property
    def unfinished(self) -> Path:
        """There from the first step of a founding to its last; what was cut short in between is begun again."""
        return self.root / "unfinished"

    @property
    def joining(self) -> Path:
        """There while this home asks to be admitted to a community: with which invite, and under which name."""
        return self.wallet / "joining"

    @property
    def joined(self) -> Path:
        """What `joining` becomes by admission; goes when the account has been opened."""
        return self.wallet / "joined"

    @property
    def hosts(self) -> Path:
        """There while hosts of the community are to be told something."""
        return self.wallet / "hosts"

    def is_founded(self) -> bool:
        """Tell whether a wallet of a community was made here, from the first step to the last."""
        return self.book.exists() and not self.unfinished.exists() and not self.joining.exists()

    def is_joining(self) -> bool:
        """Tell whether this home asks to be admitted; it has keys and belongs to no community yet."""
        return self.joining.exists() and not self.unfinished.exists()

    def require_unused(self) -> None:
        """Raise HomeRefused when a wallet or a node is here already, whole or damaged."""
        if not self.unfinished.exists() and any(_holds_something(place) for place in self._of_a_founding()):
            facts = {"home": str(self.root)}
            raise HomeRefused("There is a wallet in this home already.", facts, "Use another one: --home DIR.")

    def begin(self) -> None:
        """Make the directories, private to this user, and mark them as unfinished until `finish`.

        What a founding left that was cut short goes: its keys have signed nothing that anybody saw. The caller keeps
        others out. Raises HomeRefused when a wallet or a node is here already.
        """
        self.require_unused()
        with refusing():
            make_private_folder(self.root)
            replace_private_file(self.unfinished, b"Being made. If nothing is at it: tally init begins again.\n")
            for place in self._of_a_founding():
                if place.exists():
                    shutil.rmtree(place)
            for place in (self.wallet, self.node, self.run):
                make_private_folder(place)

    def finish(self) -> None:
        """Have the home be founded (or joining), now that all of it is durable."""
        self.unfinished.unlink()
        sync_folder(self.root)

    def abandon(self) -> None:
        """Remove what a joining made that nobody took notice of, so that the home is as it was before."""
        with refusing():
            replace_private_file(self.unfinished, b"Being removed. If nothing is at it: tally init begins again.\n")
            for place in self._of_a_founding():
                if place.exists():
                    shutil.rmtree(place)
            (self.run / "lock").unlink(missing_ok=True)
        self.finish()
        with suppress(OSError):  # something else lies there, such as a configuration
            for place in (self.run, self.node, self.root):
                place.rmdir()

    def _of_a_founding(self) -> tuple[Path, ...]:
        """What a founding makes; a configuration may be there before it."""
        return (self.wallet, self.node / "journal", self.node / "identity", self.node / "identity.new")

    def check(self) -> None:
        """Raise HomeRefused unless there is a whole wallet here and it is this user's alone."""
        facts = {"home": str(self.root)}
        if self.unfinished.exists():
            raise HomeRefused("The making of this home was cut short.", facts, "Begin it again with `tally init`.")
        if not self.is_founded() and not self.is_joining():
            raise HomeRefused("There is no wallet in this home.", facts, "Make one with `tally init`.")
        with refusing():
            check_private(self.root)
            check_private(self.wallet)


def _holds_something(folder: Path) -> bool:
    return folder.is_dir() and any(folder.iterdir())


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
