"""Where the entries of accounts that live here stand, and who waits for one: recorded, final, seen, conflict, refused.

Reads the ledger for what is final; remembers in memory what peers acknowledged (after a restart that is found again
from what the payees took in). May not send anything.
"""

from collections.abc import Callable, Set
from dataclasses import dataclass, field

import trio

from protocol.base import NUMBER_MAX, AccountId, EntryId
from protocol.messages import Position
from protocol.ops import Send

from .bookkeeper import Bookkeeper
from .shelf import Shelf
from .standing import Standing

ENDS = frozenset({Standing.CONFLICT, Standing.REFUSED})
"""No further standing comes by waiting."""


class SeqSet:
    """A set of seqs, one bit each."""

    def __init__(self) -> None:
        self._bits = bytearray()

    def add(self, seq: int) -> None:
        at = seq >> 3
        if at >= len(self._bits):
            self._bits.extend(bytes(at + 1 - len(self._bits)))
        self._bits[at] |= 1 << (seq & 7)

    def __contains__(self, seq: int) -> bool:
        at = seq >> 3
        return at < len(self._bits) and bool(self._bits[at] >> (seq & 7) & 1)


@dataclass(eq=False, slots=True)
class _Account:
    """What is known of one account that lives here."""

    seen: SeqSet = field(default_factory=SeqSet)
    held_elsewhere: SeqSet = field(default_factory=SeqSet)
    waiting: dict[int, trio.Event] = field(default_factory=dict)
    """By seq: set when that entry may have moved; made when somebody waits."""


class Tracker:
    """`refused_at` tells what witnesses' refusals make of an entry that is still asked for (the submitter knows)."""

    def __init__(self, door: Bookkeeper, shelf: Shelf, own_witness: bytes, hosted: Set[int]) -> None:
        self._door = door
        self._shelf = shelf
        self._own_witness = own_witness
        self._hosted = hosted
        self._accounts: dict[AccountId, _Account] = {}
        self.refused_at: Callable[[AccountId, int, EntryId], Standing | None] = lambda _account, _seq, _id: None
        door.on_closed(self._end_waiting)

    # Asking

    def standing(self, account: AccountId, seq: int, id: EntryId) -> Standing:
        """Say what has become of an entry that was recorded here."""
        known = self._accounts.get(account)
        standing = self._standing(known, account, seq, id)
        is_seen = standing is Standing.FINAL and known is not None and seq in known.seen
        if is_seen or (standing is Standing.FINAL and self._is_taken(account, seq)):
            return Standing.SEEN
        return standing

    def _standing(self, known: _Account | None, account: AccountId, seq: int, id: EntryId) -> Standing:
        """As `standing`, but for what is seen: that may need a longer look at the disk."""
        if self.is_final(account, seq, id) and self._may_be_told(known, account, seq):
            return Standing.FINAL
        held = self._door.ledger.id_at(account, 0, seq)
        if held is not None and held != id:
            return Standing.CONFLICT
        return self.refused_at(account, seq, id) or Standing.RECORDED

    async def wait_for(self, account: AccountId, seq: int, id: EntryId, wanted: Standing, timeout_s: float) -> Standing:
        """Wait until the entry is `wanted` or further, or will never be, or the time is over; returns its standing.

        Waits no longer either when nothing can be recorded any more.
        """
        known = self._known(account)
        with trio.move_on_after(timeout_s):
            while self._door.failed is None:
                standing = self._standing(known, account, seq, id)
                if standing is Standing.FINAL and (wanted is Standing.SEEN or seq in known.seen):
                    standing = self.standing(account, seq, id)  # what was acknowledged before a restart is seen, too
                if standing is Standing.SEEN or standing is wanted or standing in ENDS:
                    return standing
                if seq not in known.waiting:
                    known.waiting[seq] = trio.Event()
                await known.waiting[seq].wait()
        return self.standing(account, seq, id)

    def is_final(self, account: AccountId, seq: int, id: EntryId) -> bool:
        """Tell whether a certificate that is held here covers this entry."""
        chain = self._door.ledger.chain(account)
        return chain is not None and chain.final_seq >= seq and chain.id_at(seq) == id

    # Telling

    def moved(self, account: AccountId, upto: int = NUMBER_MAX) -> None:
        """Have those look again who wait for an entry of this account, at or below the seq `upto`."""
        known = self._accounts.get(account)
        if known is not None:
            for seq in [seq for seq in known.waiting if seq <= upto]:
                known.waiting.pop(seq).set()

    def _end_waiting(self) -> None:
        for account in self._accounts:
            self.moved(account)

    def acknowledge(self, position: Position, *, by_payee: bool, elsewhere: bool = True) -> None:
        """Remember who holds this final entry: a payee's node, another node than this one, or both in one."""
        known = self._known(position.account)
        if elsewhere:
            known.held_elsewhere.add(position.seq)
        if by_payee:
            known.seen.add(position.seq)
        waiting = known.waiting.pop(position.seq, None)
        if waiting is not None:
            waiting.set()

    def _known(self, account: AccountId) -> _Account:
        return self._accounts.setdefault(account, _Account())

    def _may_be_told(self, known: _Account | None, account: AccountId, seq: int) -> bool:
        """Tell whether finality may be told: the certificate is durable here, and the entry is held elsewhere too.

        A witness of another node voted for it, or another node said that it holds it.
        """
        if self._door.final_on_disk(account) < seq:
            return False
        commons = self._door.ledger.commons
        if commons.quorum > 1 or not self._own_witness or (known is not None and seq in known.held_elsewhere):
            return True
        certificate = self._shelf.certificate(account, seq)
        votes = () if certificate is None else certificate.votes
        if any(commons.witnesses[witness] != self._own_witness for witness, _, _ in votes):
            return True
        return self._is_taken(account, seq, by_others=True)  # so it was acknowledged, before a restart perhaps

    def _is_taken(self, account: AccountId, seq: int, *, by_others: bool = False) -> bool:
        """Tell whether all payees of the entry have taken in or returned what it sent them.

        With `by_others`: whether a payee has whose wallet is not here.
        """
        signed = self._door.ledger.entry_at(account, 0, seq)
        payees = {op.to for op in ([] if signed is None else signed.entry.ops) if isinstance(op, Send)}
        taken = {payee for payee in payees if self._door.ledger.parcel(account, 0, seq, payee) is None}
        return bool(taken - self._hosted) if by_others else bool(payees) and taken == payees
