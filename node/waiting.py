"""The waiting room: entries that cannot be judged yet because what they stand on is not here.

Bounded per author and as a whole; when it is full the oldest leaves, and replication brings it again. It only keeps:
the door submits what `released` gives back. Nothing here is written to disk.
"""

from collections import OrderedDict
from collections.abc import Iterator

from protocol.base import AccountId, EntryId
from protocol.entry import SignedEntry
from protocol.verdict import Need, Waiting

PER_AUTHOR_MAX = 16
ENTRIES_MAX = 4_000
"""About 40 MB of the most crowded entries there can be."""


class WaitingRoom:
    """Entries by id, oldest first, found again by the account that they wait for."""

    def __init__(self, per_author_max: int = PER_AUTHOR_MAX, entries_max: int = ENTRIES_MAX) -> None:
        self._per_author_max = per_author_max
        self._entries_max = entries_max
        self._entries: OrderedDict[EntryId, tuple[Waiting, SignedEntry]] = OrderedDict()
        self._by_author: dict[AccountId, list[EntryId]] = {}
        self._by_need: dict[AccountId, set[EntryId]] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, id: EntryId) -> bool:
        return id in self._entries

    def add(self, waiting: Waiting, signed: SignedEntry) -> None:
        """Keep `signed` until what it waits for arrives, or until it is the oldest and room is needed."""
        if signed.id in self._entries:
            self._drop(signed.id)
        mine = self._by_author.setdefault(signed.account, [])
        if len(mine) >= self._per_author_max:
            self._drop(mine[0])
        elif len(self._entries) >= self._entries_max:
            self._drop(next(iter(self._entries)))
        self._entries[signed.id] = waiting, signed
        self._by_author.setdefault(signed.account, []).append(signed.id)
        self._by_need.setdefault(waiting.account, set()).add(signed.id)

    def released(self, account: AccountId, *, head: int, final: int) -> list[SignedEntry]:
        """Take out, lowest seq first, what waited for `account` and need not any more.

        `head` is its newest held seq, `final` its newest final one (-1 for none); for account 0 both are the height.
        """
        ready = [
            (waiting, signed)
            for waiting, signed in (self._entries[id] for id in self._by_need.get(account, ()))
            if waiting.seq <= (final if waiting.need is Need.REFERENCE else head)
        ]
        for _, signed in ready:
            self._drop(signed.id)
        return sorted((signed for _, signed in ready), key=lambda signed: (signed.account, signed.seq))

    def needs(self) -> Iterator[Waiting]:
        """What is waited for, oldest first: replication asks peers for it."""
        for waiting, _ in self._entries.values():
            yield waiting

    def _drop(self, id: EntryId) -> None:
        waiting, signed = self._entries.pop(id)
        for index, account in ((self._by_author, signed.account), (self._by_need, waiting.account)):
            ids = index[account]
            ids.remove(id)
            if not ids:
                del index[account]
