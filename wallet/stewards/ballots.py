"""The ballots of the stewards whose keys this wallet has: signed here, and on the disk before they leave.

So one steward never signs two acts for one round, also when the process is killed between any two steps. After a
restart the same ballots are shown again, by a locked wallet too. May not choose what is signed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from protocol.base import AccountId, EntryId, PublicKey
from protocol.entry import SignedEntry, read_entry
from protocol.ledger import Ledger
from protocol.proposals import Proposals
from protocol.rounds import Choice
from protocol.signing import SecretKey, Tag, sign
from protocol.statements import ballot_content

from ..books.acts import ActPages, BallotRow, WishRow
from ..books.clerk import Clerk
from ..port import EntryShelf

SEATS_MAX = 16
"""Accounts of one wallet, the first ones, whose owners may be stewards."""


class ActsOfNode(Protocol):
    """The open acts of a node; `node.proposing.Proposer` fits it."""

    @property
    def place(self) -> Proposals: ...
    def offer(self, signed: SignedEntry) -> bool:
        """Take ballots that are on the disk, and show them to everybody."""
        ...

    def on_change(self, listener: Callable[[], None]) -> None:
        """Have `listener` called when ballots came, a place was decided, or witnesses said something new."""
        ...


class ActNode(Protocol):
    """What collecting acts needs of a node."""

    @property
    def ledger(self) -> Ledger: ...
    @property
    def journal(self) -> EntryShelf: ...
    @property
    def proposer(self) -> ActsOfNode: ...
    def final_on_disk(self, account: AccountId) -> int:
        """The seq up to which the account's entries are final on this node's disk, or -1."""
        ...


@dataclass(frozen=True, slots=True)
class Seat:
    """One steward in force whose key is in this wallet; the key itself is asked for at each signature."""

    steward: int
    """Its index among the stewards."""
    account: AccountId
    key: PublicKey


class Ballots:
    """Gives ballots. `key_of` is the steward's key of an own account, and raises Locked when the wallet is locked."""

    def __init__(
        self,
        node: ActNode,
        pages: ActPages,
        clerk: Clerk,
        key_of: Callable[[AccountId], SecretKey],
        accounts: Sequence[AccountId],
    ) -> None:
        self._node, self._pages, self._clerk = node, pages, clerk
        self._key_of = key_of
        self._accounts = tuple(accounts[:SEATS_MAX])
        self._known: dict[PublicKey, AccountId] = {}
        """The steward keys that this wallet is known to have, also once it is locked again."""

    def seats(self) -> list[Seat]:
        """The stewards in force that this wallet signs for. Raises Locked."""
        stewards = self._node.ledger.commons.stewards().keys
        keys = [(account, self._key_of(account)) for account in self._accounts]
        self._known.update({key.public: account for account, key in keys})
        return [
            Seat(stewards.index(key.public), account, key.public) for account, key in keys if key.public in stewards
        ]

    def own(self) -> dict[PublicKey, AccountId]:
        """The steward keys of this wallet that are known without opening it."""
        return dict(self._known)

    def used(self, seat: Seat) -> dict[int, EntryId]:
        """What a steward signed at the open place, by round."""
        rows = self._pages.ballots_at(self._node.proposer.place.seq)
        return {row.round: row.id for row in rows if row.steward == seat.key}

    def rounds_of(self, id: EntryId) -> int:
        """How many ballots of this wallet an act has."""
        return sum(row.id == id for row in self._pages.ballots.values())

    async def give(self, seat: Seat, act: SignedEntry, round: int, *beside: WishRow) -> None:
        """Sign an act in a round; durable, with what is written `beside` it, before anybody sees it.

        Raises Locked, BookFailed. Raises ValueError, and signs nothing, when another act was signed in that round.
        """
        held = self._pages.ballots.get((seat.key, act.seq, round))
        if held is not None and held.id != act.id:
            raise ValueError("another act was signed in this round")
        content = ballot_content(act.seq, round, act.id)
        signature = sign(self._key_of(seat.account), Tag.BALLOT, self._node.ledger.commons.community, content)
        ballot = BallotRow(seat.key, act.seq, round, act.id, act.body, signature)
        await self._pages.keep(self._clerk, *beside, *(() if held is not None else (ballot,)))
        self.show(ballot)

    def show(self, ballot: BallotRow) -> None:
        """Show one ballot to everybody, unless its place is decided or its steward is none any more."""
        place = self._node.proposer.place
        if ballot.seq == place.seq and ballot.steward in place.stewards.keys:
            shown = (place.stewards.keys.index(ballot.steward), ballot.signature)
            entry = read_entry(ballot.body)
            self._node.proposer.offer(SignedEntry(ballot.body, entry, ballot.id, (shown,), ballot.round))

    def show_all(self) -> None:
        """Show what was signed before a restart."""
        for ballot in self._pages.ballots_at(self._node.proposer.place.seq):
            self.show(ballot)

    def round_for(self, seat: Seat, id: EntryId) -> int | None:
        """Where a steward signs an act that its person wants now; None when it has no round left."""
        return self._node.proposer.place.meeting_round(id, seat.steward, self.used(seat))

    def duty(self, seat: Seat, consents: Sequence[EntryId]) -> Choice | None:
        """What a steward's wallet signs without asking again."""
        return self._node.proposer.place.duty(seat.steward, consents, self.used(seat))
