"""The stream of what happens to the accounts of this wallet, for whoever listens: the API, the command, webhooks.

Built on the rows of the journal, so a listener that comes back with the place it was told last misses nothing and is
told nothing twice. That a payee's node has seen a payment is heard beside the rows: such words are kept in memory,
bounded, and stand behind the newest row of their moment; after a restart of the node, what the payee takes in says it
once more. Bounded: a page of rows is in memory for each listener, and a slow listener only slows itself.
"""

import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from itertools import takewhile

import trio

from node.api import ServedNode
from node.happenings import Happening as NodeHappening
from node.happenings import SeenByPayee
from node.records import CertificateRecord, EntryRecord
from node.standing import Standing
from protocol.base import OPS_MAX, EntryId
from protocol.entry import SignedEntry
from protocol.messages import Position
from protocol.ops import Send
from protocol.payment import read_payment_id

from .happenings import At, Happening, Names, Teller, Told

PAGE_ROWS = 50
"""The node does nothing else while a page is read, so it is a short one."""
MILLISECONDS = 1000
HEARD_KEPT = 10_000
"""Payments whose payee was heard; older ones are told again when the payee takes them in."""


@dataclass(frozen=True, slots=True)
class Page:
    """The next happenings; `upto` is where to go on, and `is_last` says that nothing is known beyond it."""

    happenings: tuple[Happening, ...]
    upto: At
    is_last: bool


@dataclass(frozen=True, slots=True)
class _Heard:
    """An entry of this wallet whose payee has it; its payments are told from `at` on."""

    at: At
    signed: SignedEntry


class Feed:
    """Serves all listeners of one wallet."""

    def __init__(self, wallet: Names, node: ServedNode, clock: Callable[[], float] = time.time) -> None:
        self._wallet, self._node, self._clock = wallet, node, clock
        self._teller = Teller(wallet, node.journal)
        self._heard: deque[_Heard] = deque()
        self._heard_of: set[EntryId] = set()
        """The entries in `_heard`."""
        self._moved = trio.Event()
        node.bookkeeper.listen(self._listen)

    # Reading

    def newest(self) -> At:
        """The place behind all that is known now."""
        behind_rows = At(self._node.journal.last_row)
        return max(behind_rows, self._heard[-1].at) if self._heard else behind_rows

    def page(self, after: At) -> Page:
        """What happened behind `after`, as far as one page of rows goes; may be empty although it is not the last."""
        newest = self._node.journal.last_row
        rows = self._node.journal.since(after.row - 1, PAGE_ROWS)
        upto = rows[-1][0] if len(rows) == PAGE_ROWS else newest
        found = [happening for row, record in rows for happening in self._of_row(row, record)]
        found += [happening for heard in self._heard_between(after, upto) for happening in self._of_heard(heard)]
        behind = tuple(sorted((one for one in found if one.at > after), key=lambda one: one.at))
        reached = max(after, At(upto), *(one.at for one in behind))
        return Page(behind, reached, upto == newest)

    async def wait(self, after: At) -> None:
        """Wait until there may be something behind `after`."""
        while self._node.journal.last_row <= after.row and not (self._heard and self._heard[-1].at > after):
            await self._moved.wait()

    async def follow(self, after: At) -> AsyncIterator[Happening]:
        """Everything that happened behind `after`, then each new thing; never ends by itself."""
        while True:
            page = self.page(after)
            for happening in page.happenings:
                yield happening
            after = page.upto
            if page.is_last:
                await self.wait(after)

    def _of_row(self, row: int, record: EntryRecord | CertificateRecord) -> list[Happening]:
        told = enumerate(self._teller.of_row(row, record))
        return [Happening(At(row, index), *what) for index, what in told if not self._was_heard(what)]

    def _was_heard(self, told: Told) -> bool:
        """Tell whether that word stands elsewhere: where the payee's node said that it has the payment."""
        _, content = told
        return content.get("state") == Standing.SEEN and read_payment_id(content["id"]).entry in self._heard_of

    # Hearing

    def _listen(self, happening: NodeHappening) -> None:
        if isinstance(happening, SeenByPayee):
            self._hear(happening.position)
        self._moved.set()
        self._moved = trio.Event()

    def _hear(self, position: Position) -> None:
        signed = self._node.journal.by_id(position.id) if position.account in self._wallet.accounts() else None
        if signed is None or signed.id in self._heard_of or self._is_taken(signed):
            return
        before = self._heard[-1].at.index if self._heard else 0
        index = max(int(self._clock() * MILLISECONDS), before) + OPS_MAX
        self._heard.append(_Heard(At(self._node.journal.last_row, index), signed))
        self._heard_of.add(signed.id)
        if len(self._heard) > HEARD_KEPT:
            self._heard_of.discard(self._heard.popleft().signed.id)

    def _is_taken(self, signed: SignedEntry) -> bool:
        """Tell whether the payees' own entries say already that they have it."""
        payees = [op.to for op in signed.entry.ops if isinstance(op, Send)]
        place = signed.account, signed.entry.incarnation, signed.seq
        return all(self._node.ledger.parcel(*place, payee) is None for payee in payees)

    def _heard_between(self, after: At, upto: int) -> list[_Heard]:
        """What was heard, of which something is behind `after`, up to the row `upto`."""
        behind = takewhile(lambda heard: At(heard.at.row, heard.at.index + OPS_MAX) > after, reversed(self._heard))
        return [heard for heard in behind if heard.at.row <= upto]

    def _of_heard(self, heard: _Heard) -> list[Happening]:
        told = enumerate(self._teller.payments(heard.signed, Standing.SEEN))
        return [Happening(At(heard.at.row, heard.at.index + index), *what) for index, what in told]
