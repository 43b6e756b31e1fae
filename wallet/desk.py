"""The desk of one account: composes, signs, keeps and hands in, one entry at a time.

An order waits its turn, then: what is signed already goes in first; the witnesses are asked if need be; the entry is
composed and the rules' refusals are told before anything is signed; the signed bytes are durable in the book before
the node gets them. Waiting for finality is not done here, so many payments of one account may be under way.
May not hold a key longer than it signs; the keyring is asked each time, and a locked wallet has none.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import trio

from node.standing import Standing
from node.tickets import DoorClosed
from protocol.base import TAIL_MAX, AccountId, EntryId
from protocol.compose import Prevented, Wish, compose
from protocol.entry import Entry, SignedEntry, sealed
from protocol.messages import AskHead, Position
from protocol.ops import Send
from protocol.signer import ReadOnly as SignerReadOnly
from protocol.signer import Ready, Reason, Signer
from protocol.signing import SecretKey, Tag, sign
from protocol.verdict import Accepted, Duplicate, Waiting

from . import errors
from .accounts import Keyring
from .books.book import Book, PaymentRow, Signing
from .books.clerk import Clerk
from .books.tokens import Spending
from .notes import write_note
from .orders import Order, Written, payment_rows, place_of
from .port import NodePort
from .refusals import refusal

LOOK_AGAIN_S = 0.5
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def awake_and_asleep() -> float:
    """Seconds on a clock that never jumps and also runs while the machine sleeps, as a lease does."""
    return time.clock_gettime(_CLOCK)


@dataclass(frozen=True, slots=True)
class Staff:
    """What all desks of a wallet share."""

    node: NodePort
    book: Book
    clerk: Clerk
    keys: Callable[[], Keyring]
    """The keyring; raises Locked when the wallet is locked."""
    clock: Callable[[], float] = awake_and_asleep
    wall_clock: Callable[[], float] = time.time


class Desk:
    """One account's writer. All that may wait takes its turn under one lock."""

    def __init__(self, account: AccountId, staff: Staff) -> None:
        self.account = account
        self._staff = staff
        self._node, self._book = staff.node, staff.book
        self._turn = trio.Lock()
        self._signer = Signer()

    async def write(self, order: Callable[[], Order | PaymentRow], timeout_s: float) -> Written:
        """Sign and hand in the entry that `order` asks for, once it is this one's turn; durable when it returns.

        `order` is called when nothing can change any more before the signature; it may find that the payment was
        made already and return its row. Raises the errors of `wallet.errors`, all of them before anything is signed
        but BookFailed, CapReached, StoreFailed, Unreachable and Conflict.
        """
        with trio.move_on_after(timeout_s):
            await self._take_turn()
            try:
                return await self._write(order)
            finally:
                self._turn.release()
        raise self._late()

    async def _take_turn(self) -> None:
        """Whoever gives no time at all is not turned away when there is nobody to wait for."""
        try:
            self._turn.acquire_nowait()
        except trio.WouldBlock:
            await self._turn.acquire()

    async def _write(self, order: Callable[[], Order | PaymentRow]) -> Written:
        await self._hand_in()
        await self._wait_for_room()
        await self._be_ready()
        self._check_record()
        self._check_conflict()
        wanted = order()
        if isinstance(wanted, PaymentRow):
            return Written(wanted.place, wanted)
        signing = self._sign(wanted)
        # What was signed must be kept and handed in, whoever stops waiting for it meanwhile.
        with trio.CancelScope(shield=True):
            await self._staff.clerk.keep(signing)
            await self._enter(signing.signed, self._book.instance)
        return Written(place_of(signing.signed), signing.payments[0] if signing.payments else None, signing.signed)

    def _late(self) -> errors.WalletError:
        """Why the time was over before anything was signed."""
        if self._signer.must_ask(self._staff.clock()):
            return errors.WitnessesUnreachable("Too few witnesses answered in time, so nothing was signed.")
        return errors.Busy("Earlier payments of this account are not done yet, so nothing was signed.")

    @property
    def trouble(self) -> str | None:
        """Why this account signs nothing until somebody helps, in words; None as far as is known."""
        split = self._split_at()
        if split is not None:
            return f"another entry was signed for its place {split} (conflict)"
        state = self._signer.state
        return state.reason.value if isinstance(state, SignerReadOnly) and state.reason.is_lasting else None

    async def forward(self) -> None:
        """Hand in all that is signed and not final, in turn, so that the node brings it to the witnesses again."""
        async with self._turn:
            for signed in self._book.pending.get(self.account, ()):
                if not self._is_final(signed):
                    await self._enter(signed)

    async def _hand_in(self) -> None:
        """Give the node the signed entries that it does not hold: the same bytes as ever."""
        for signed in self._book.pending.get(self.account, ()):
            if not self._is_here(signed):
                await self._enter(signed)

    # -- steps -----------------------------------------------------------------------------------------------------

    async def _enter(self, signed: SignedEntry, instance: bytes = b"") -> None:
        """Hand in one entry. What is handed in again names no instance: it claims no lease, being signed long since."""
        try:
            verdict = await self._node.pay_in(signed.encode(), instance)
        except DoorClosed as error:
            raise errors.StoreFailed(f"The node could not record the payment: {error}.") from error
        if isinstance(verdict, Accepted | Duplicate):
            return
        if isinstance(verdict, Waiting):
            raise errors.Unreachable("The node does not hold enough of the community's record yet.")
        self._signer.stop(Reason.CONFLICT)
        raise errors.Conflict("Another entry stands at this place of the account.", {"seq": signed.seq})

    def _check_conflict(self) -> None:
        """Sign nothing above an entry that may never be final because the witnesses' votes split."""
        split = self._split_at()
        if split is not None:
            raise errors.Conflict("Another entry was signed for this place of the account.", {"seq": split})

    def _split_at(self) -> int | None:
        """The first place of the account where votes split, or None."""
        chain = self._node.ledger.chain(self.account)
        for held in () if chain is None else chain.tail:
            if self._node.state_of(self.account, held.signed.seq, held.signed.id) is Standing.CONFLICT:
                return held.signed.seq
        return None

    def _check_record(self) -> None:
        """Sign nothing that the node could not record."""
        try:
            self._node.check_open()
        except DoorClosed as error:
            raise errors.StoreFailed(f"The node records nothing any more, so nothing was signed: {error}.") from error

    async def _wait_for_room(self) -> None:
        """Wait while as many entries as there may be are not final yet."""
        while (chain := self._node.ledger.chain(self.account)) is not None and len(chain.tail) >= TAIL_MAX:
            oldest = chain.tail[0].signed
            # There may be room before finality is told, so it is looked again.
            reached = await self._node.wait_for(self.account, oldest.seq, oldest.id, Standing.FINAL, LOOK_AGAIN_S)
            if reached in (Standing.CONFLICT, Standing.REFUSED):
                raise errors.Busy("Earlier payments are not final yet; nothing was signed.", {"waiting": TAIL_MAX})

    async def _be_ready(self) -> None:
        """Ask the witnesses if the signer must; raise ReadOnly when it may not sign."""
        clock = self._staff.clock
        own_earlier = iter(self._book.previous or (b"",))
        while not self._signer.may_sign(clock()) and self._signer.must_ask(clock()):
            previous = next(own_earlier, None)
            if previous is None:
                break
            await self._ask(previous)
            if not self._was_held():
                break
        self._check_own_node()
        if not isinstance(self._signer.state, Ready):
            raise self._refusal()

    def _was_held(self) -> bool:
        return self._signer.state == SignerReadOnly(Reason.HELD)

    async def _ask(self, previous: bytes) -> None:
        node, instance = self._node, self._book.instance
        key, commons = self._key(), node.ledger.commons
        signatures = [
            sign(key, Tag.INSTANCE, commons.community, AskHead.content(witness, self.account, instance, previous))
            for witness in commons.witnesses
        ]
        self._signer.ask(self._staff.clock())
        answers = await node.ask_heads(self.account, instance, previous, signatures)
        self._signer.hear(
            answers,
            quorum=node.ledger.commons.quorum,
            book=self._book.heads.get(self.account),
            held=self._held(),
            id_at=self._id_at,
        )

    def _check_own_node(self) -> None:
        """Compare book and ledger once more: both were awaited past since they were last equal."""
        book, held = self._book.heads.get(self.account), self._held()
        if isinstance(self._signer.state, Ready) and book != held:
            behind = held is None or (book is not None and book.seq > held.seq)
            self._signer.stop(Reason.BEHIND if behind else Reason.NEWER)

    def _refusal(self) -> errors.WalletError:
        state = self._signer.state
        reason = state.reason if isinstance(state, SignerReadOnly) else Reason.TOO_FEW
        if reason is Reason.TOO_FEW:
            return errors.WitnessesUnreachable("Too few witnesses answered, so nothing was signed.")
        facts = {"reason": reason.name.lower()}
        if reason is Reason.CONFLICT:
            return errors.Conflict(f"This wallet is read-only: {reason.value}.", facts)
        lasting = "Ask the stewards how to go on with a restored wallet." if reason.is_lasting else None
        return errors.ReadOnly(f"This wallet is read-only: {reason.value}.", facts, lasting)

    # -- composing and signing: no wait in here --------------------------------------------------------------------

    def _sign(self, order: Order) -> Signing:
        entry = self._compose(order)
        signature = sign(self._key(), Tag.ENTRY, self._node.ledger.commons.community, entry.encode())
        signed = sealed(entry, ((0, signature),))
        return Signing(
            signed, payment_rows(order, signed), self._node.final_on_disk(self.account), self._spending(order, entry)
        )

    def _spending(self, order: Order, entry: Entry) -> Spending | None:
        """What the order takes of the cap of the token that asked for it, the levy included."""
        if order.spender is None:
            return None
        sent = sum(op.amount for op in entry.ops if isinstance(op, Send))
        amount = sent if order.bounce is None else order.amount
        return Spending(order.spender, amount, int(self._staff.wall_clock()))

    def _compose(self, order: Order) -> Entry:
        ledger, keys = self._node.ledger, self._staff.keys()
        is_first = ledger.chain(self.account) is None
        composed = compose(
            ledger,
            self.account,
            self._wishes(order),
            time=int(self._staff.wall_clock()),
            opening=keys.opening(self._book.ordinals[self.account]) if is_first else None,
            bounces=() if order.bounce is None else [order.bounce],
        )
        if isinstance(composed, Prevented):
            raise refusal(composed)
        return composed

    def _wishes(self, order: Order) -> list[Wish]:
        if order.payee is None or order.bounce is not None:
            return []
        sealer = self._key() if order.sealed else None
        note = write_note(self._node.ledger, self.account, order.payee, order.memo, sealer)
        return [Wish(order.payee, order.amount, note)]

    def _key(self) -> SecretKey:
        return self._staff.keys().signing_key(self._book.ordinals[self.account])

    # -- facts -----------------------------------------------------------------------------------------------------

    def _held(self) -> Position | None:
        chain = self._node.ledger.chain(self.account)
        return None if chain is None else Position(self.account, chain.incarnation, chain.seq, chain.id)

    def _is_here(self, signed: SignedEntry) -> bool:
        return self._node.ledger.id_at(self.account, signed.entry.incarnation, signed.seq) == signed.id

    def _is_final(self, signed: SignedEntry) -> bool:
        chain = self._node.ledger.chain(self.account)
        return chain is not None and chain.final_seq >= signed.seq and self._is_here(signed)

    def _id_at(self, incarnation: int, seq: int) -> EntryId | None:
        held = self._node.ledger.id_at(self.account, incarnation, seq)
        return self._book.pending_id(self.account, incarnation, seq) if held is None else held
