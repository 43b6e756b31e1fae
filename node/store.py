"""A node's journal and its two secrets, made together and opened together.

A witness key is worth something only with the journal that remembers what it signed, so the journal names the key
before the key exists on the disk: cut short anywhere, there is never a key without its memory.
"""

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from protocol.entry import SignedEntry

from .filesystem import StoreRefused
from .identity import Identity, read_identity, save_identity
from .journal import Journal
from .records import EntryRecord, WitnessRecord


@dataclass(frozen=True, slots=True)
class Store:
    """What is open while a node runs."""

    journal: Journal
    identity: Identity


def journal_folder(home: Path) -> Path:
    return home / "node" / "journal"


def identity_folder(home: Path) -> Path:
    return home / "node" / "identity"


def found_store(home: Path) -> Store:
    """Make an empty journal and fresh keys in `home`; goes on where an earlier call was cut short.

    Raises StoreRefused when a node has lived here already, or its keys have lost their journal.
    """
    folder = identity_folder(home)
    if folder.exists() and not journal_folder(home).exists():
        raise StoreRefused(
            f"There are keys in {folder}, but the journal that remembers what they signed is missing",
            "Put the journal back, or use another home: these keys never sign again without it",
        )
    with ExitStack() as undo:
        journal = Journal.open(journal_folder(home), create=True)
        undo.callback(journal.close)
        if any(journal.counts()[table] for table in ("entries", "votes")):
            raise StoreRefused(f"A node has lived in {home} already", "Use another home")
        if not folder.exists():
            identity = Identity.fresh()
            journal.append([WitnessRecord(identity.witness_key.public)])
            save_identity(folder, identity)
        store = Store(journal, read_identity(folder))
        undo.pop_all()
    return store


def give_community(store: Store, founding: SignedEntry) -> None:
    """Put the founding entry, which was judged, into a journal that has no community yet; durable when this returns."""
    if has_community(store.journal):
        raise StoreRefused("There is a community in this journal already", "Use another home")
    store.journal.append([EntryRecord(founding)])


def has_community(journal: Journal) -> bool:
    """Tell whether the node of this journal was founded with, or founded one."""
    return journal.counts()["entries"] > 0


def open_store(home: Path) -> Store:
    """Open what was founded. Raises StoreRefused with what is missing or wrong."""
    identity = read_identity(identity_folder(home))
    return Store(Journal.open(journal_folder(home), create=False), identity)
