"""Signed entries that are not on the branch held here: evidence of forks, and candidates for account 0.

Bounded per account; kept in memory only, because a peer that needs them shows them again. When a certificate proves
that another branch is the certified one, `branch` finds its entries. They need not all be there to know that it leaves
the chain below what is final: the ids chain them to the certified one, whoever signed them.
"""

from collections.abc import Callable
from dataclasses import dataclass

from protocol.base import TAIL_MAX, AccountId, EntryId
from protocol.entry import SignedEntry

ACCOUNTS_MAX = 256


@dataclass(frozen=True, slots=True)
class Branch:
    """What is known of a branch that is not the ledger's: its kept entries up to its head, ascending, at least one."""

    entries: tuple[SignedEntry, ...]
    is_whole: bool
    """Whether the lowest of them stands on an entry that the ledger holds."""

    @property
    def leaves_by(self) -> int:
        """The seq at which it leaves the ledger's chain, or when it is not whole, the lowest seq known to be beside."""
        return self.entries[0].seq - (0 if self.is_whole else 1)


class Rivals:
    """At most `per_account_max` entries an account, the oldest leaving first; and of so many accounts.

    Anybody can write an entry that looks like another branch, for any account, and nobody signs it: so both are bounds.
    """

    def __init__(self, per_account_max: int = 2 * TAIL_MAX, accounts_max: int = ACCOUNTS_MAX) -> None:
        self._per_account_max = per_account_max
        self._accounts_max = accounts_max
        self._entries: dict[AccountId, dict[EntryId, SignedEntry]] = {}

    def add(self, signed: SignedEntry) -> None:
        """Keep one more."""
        kept = self._entries.pop(signed.account, {})
        if len(self._entries) >= self._accounts_max:
            del self._entries[next(iter(self._entries))]
        self._entries[signed.account] = kept  # the newest account is the last one
        kept.pop(signed.id, None)
        kept[signed.id] = signed
        if len(kept) > self._per_account_max:
            del kept[next(iter(kept))]

    def get(self, account: AccountId, id: EntryId) -> SignedEntry | None:
        """The entry with this id, if kept."""
        return self._entries.get(account, {}).get(id)

    def discard(self, signed: SignedEntry) -> None:
        """Forget one that is part of the ledger now."""
        kept = self._entries.get(signed.account, {})
        kept.pop(signed.id, None)
        if not kept:
            self._entries.pop(signed.account, None)

    def forget(self, account: AccountId) -> None:
        """Forget all of an account."""
        self._entries.pop(account, None)

    def branch(self, account: AccountId, id: EntryId, is_held: Callable[[int, EntryId], bool]) -> Branch | None:
        """What is kept of the branch that ends in `id`, down to where it meets the ledger; None if not even its head.

        `is_held(seq, id)` tells whether the ledger holds that entry of the account.
        """
        path: list[SignedEntry] = []
        kept = self._entries.get(account, {})
        while (signed := kept.get(id)) is not None:
            path.append(signed)
            id = EntryId(signed.entry.prev)
            if is_held(signed.seq - 1, id):
                return Branch(tuple(path[::-1]), is_whole=True)
        return Branch(tuple(path[::-1]), is_whole=False) if path else None
