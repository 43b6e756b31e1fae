"""The wallet of one home, over a node in the same process: the only thing that signs for its accounts.

The command, the page and scripts all ask here. Each account has a desk that signs one entry at a time; waiting until a
payment is final happens outside it, so payments of one account follow one another closely and accounts run side by
side. A locked wallet shows, forwards what is signed, and does not sign.
"""

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import trio

from node.standing import Standing
from protocol.base import AccountId
from protocol.compose import Wish, levy_with
from protocol.entry import SignedEntry
from protocol.ledger import Incoming
from protocol.messages import Position
from protocol.ops import Bounce, Recv, Send
from protocol.signing import SecretKey

from . import errors, keystore
from .accounts import Keyring
from .books.book import Book, PaymentRow
from .books.clerk import Clerk
from .books.keys import Keys
from .books.tokens import Spender
from .desk import Desk, Staff, awake_and_asleep
from .home import Home
from .orders import Order, Written
from .port import NodePort
from .refusals import REFUND, check_order
from .results import Balance, Community, HistoryPage, Member, Payment, Received, Wait
from .showing import Window
from .waiting import wait_until
from .words import to_words

if TYPE_CHECKING:
    from trio_typing import TaskStatus

logger = logging.getLogger("tallystick.wallet")

WAIT_S = 30.0
"""How long a payment waits for its state when nobody says otherwise."""
FORWARDERS = 16
"""Accounts whose signed entries are handed in at the same time after a start."""


class Wallet:
    """Pays, receives and shows for the accounts of one home. Errors are those of `wallet.errors`."""

    def __init__(self, home: Home, node: NodePort, book: Book, clock: Callable[[], float] = awake_and_asleep) -> None:
        self.home = home
        self.node = node
        self.book = book
        self.clerk = Clerk(book)
        self.keys = Keys(book, self.clerk)
        """Under which calls may be sent again."""
        self._staff = Staff(node, book, self.clerk, self._keys, clock)
        self._desks: dict[AccountId, Desk] = {}
        self._keyring: Keyring | None = None
        self._unlocked = trio.Event()
        self._on_unlock: list[Callable[[], None]] = []
        self.concerns: list[Callable[[], list[str]]] = []
        """What else its owner should know of, each told by who looks after it."""
        self._window = Window(node, book, self._key_of)

    # Keys

    @property
    def locked(self) -> bool:
        return self._keyring is None

    async def unlock(self, passphrase: str | None) -> None:
        """Open the keystore; None for one without passphrase. Raises WrongPassphrase, KeystoreRefused."""
        secrets = await trio.to_thread.run_sync(keystore.load, self.home, passphrase)
        self._keyring = Keyring(secrets.entropy)
        self._unlocked.set()
        for listener in self._on_unlock:
            listener()

    def lock(self) -> None:
        """Forget the keys. What is signed already goes on by itself."""
        self._keyring = None
        self._unlocked = trio.Event()

    def on_unlock(self, listener: Callable[[], None]) -> None:
        """Have `listener` called each time the wallet was unlocked."""
        self._on_unlock.append(listener)

    async def wait_unlocked(self) -> None:
        """Wait until the wallet may sign."""
        while self.locked:
            await self._unlocked.wait()

    async def words(self, passphrase: str | None) -> list[str]:
        """The 24 recovery words. Always asks for the passphrase, also when the wallet is unlocked."""
        secrets = await trio.to_thread.run_sync(keystore.load, self.home, passphrase)
        return to_words(secrets.entropy)

    def problems(self) -> list[str]:
        """What is wrong with this wallet, in words; empty when all is well."""
        failed = self.clerk.failed
        found = [] if failed is None else [f"the wallet signs nothing any more, it only shows: {failed}"]
        for account in self.accounts():
            trouble = self._desk(account).trouble
            if trouble is not None:
                found.append(f"@{self._window.party(account).handle} can be paid but pays no longer: {trouble}")
        return [*found, *(words for concern in self.concerns for words in concern())]

    def _keys(self) -> Keyring:
        if self._keyring is None:
            raise errors.Locked("The wallet is locked, so nothing can be signed.")
        return self._keyring

    def signing_key(self, account: AccountId) -> SecretKey:
        """The key of an account of this wallet, for what is signed beside its chain. Raises NotFound, Locked."""
        return self._keys().signing_key(self.book.ordinals[self._own(account)])

    def steward_key(self, account: AccountId) -> SecretKey:
        """The key by which the owner of an own account is, or would be, a steward. Raises NotFound, Locked."""
        return self._keys().steward_key(self.book.ordinals[self._own(account)])

    def _key_of(self, account: AccountId) -> SecretKey | None:
        ordinal = self.book.ordinals.get(account)
        return None if self._keyring is None or ordinal is None else self._keyring.signing_key(ordinal)

    # Who

    def community(self) -> Community:
        """The community this wallet belongs to."""
        return self._window.community()

    def accounts(self) -> Sequence[AccountId]:
        """The accounts of this wallet, ascending."""
        return tuple(self.book.ordinals)

    def own_account(self, handle: str | None) -> AccountId:
        """The account meant by --as: that handle ("@ana" or "ana"), else the first of the wallet. Raises NotFound."""
        if handle is None:
            return next(iter(self.book.ordinals))
        try:
            return self._own(self._window.find(handle))
        except errors.PayeeUnknown as error:
            raise errors.NotFound("No account of this wallet is called that.", error.facts) from None

    def find(self, who: str) -> AccountId:
        """The account of "@bob", "bob" or "17" ("@commons" and "0" are the commons). Raises PayeeUnknown."""
        return self._window.find(who)

    def handle_of(self, account: AccountId) -> str:
        """What an account is called, without the @."""
        return self._window.party(account).handle

    def _own(self, account: AccountId) -> AccountId:
        if account not in self.book.ordinals:
            raise errors.NotFound("This account is not in this wallet.", {"account": account})
        return account

    def _desk(self, account: AccountId) -> Desk:
        desk = self._desks.get(account)
        if desk is None:
            desk = self._desks[account] = Desk(self._own(account), self._staff)
        return desk

    # Paying

    async def pay(
        self,
        account: AccountId,
        payee: AccountId,
        amount: int,
        *,
        note: str | None = None,
        sealed: bool = False,
        ref: str | None = None,
        wait: Wait = "final",
        timeout_s: float = WAIT_S,
        spender: Spender | None = None,
    ) -> Payment:
        """Pay `amount` smallest units, and wait until the payment is in the state asked for.

        The same `ref` (of the same account) is the same payment, and returns the same id. `spender` is the token that
        asked for it, None the owner. Raises Timeout when it is signed but not that far yet, RefReused, CapReached,
        Locked, ReadOnly, Conflict, and the refusals of the rules.
        """
        deadline = trio.current_time() + timeout_s
        wanted = Order(payee, amount, note, sealed, ref, spender=spender)
        check_order(account, wanted)

        def order() -> Order | PaymentRow:
            found = self._made_before(account, wanted)
            return wanted if found is None else found

        found = self._made_before(self._own(account), wanted)
        if found is None:
            found = _row(await self._write(account, order, timeout_s))
        else:
            await self._forward_until(account, deadline)
        return await self._reach(found, wait, deadline)

    def repeated(self, account: AccountId, wanted: Order) -> Payment | None:
        """The payment that this order would only repeat, None for a new one; signs nothing.

        Raises what `pay` raises before it looks at the balance.
        """
        check_order(account, wanted)
        found = self._made_before(self._own(account), wanted)
        if found is None:
            return None
        return self._window.payment(found, self.node.state_of(account, found.seq, found.entry))

    async def _forward_until(self, account: AccountId, deadline: float) -> None:
        with trio.move_on_at(deadline):
            await self._desk(account).forward()

    def _made_before(self, account: AccountId, wanted: Order) -> PaymentRow | None:
        found = None if wanted.ref is None else self.book.by_ref(account, wanted.ref)
        asked = wanted.payee, wanted.amount, wanted.memo, wanted.sealed
        if found is not None and (found.payee, found.amount, found.memo, found.sealed) != asked:
            facts: errors.Facts = {"amount": found.amount, "payee": self._window.party(found.payee).handle}
            raise errors.RefReused("This ref was used for another payment.", facts)
        return found

    async def _write(self, account: AccountId, order: Callable[[], Order | PaymentRow], timeout_s: float) -> Written:
        self._keys()
        return await self._desk(account).write(order, timeout_s)

    async def receive(self, account: AccountId, *, wait: Wait = "final", timeout_s: float = WAIT_S) -> Received:
        """Take in what is in flight now, in as many entries as it needs. Nothing to take is no error."""
        deadline = trio.current_time() + timeout_s
        amount = parcels = entries = 0
        state, ready = Standing.FINAL, self.node.ledger.incoming(self._own(account))

        def order() -> Order:
            nonlocal ready
            ready = self.node.ledger.incoming(account)  # more may have come while this one waited for its turn
            return Order()

        while ready:
            try:
                written = await self._write(account, order, max(0.0, deadline - trio.current_time()))
            except errors.NothingToTake:
                break
            taken = _taken(written, ready)
            amount += sum(one.amount for one in taken)
            parcels += sum(len(one.seqs) for one in taken)
            entries += 1
            state = await self._wait(written.place, wait, deadline)
            ready = self.node.ledger.incoming(account)
        return Received(account, amount, parcels, entries, state)

    async def open_account(self, account: AccountId, timeout_s: float = WAIT_S) -> None:
        """Sign the first entry of an account that was admitted, with what is in flight to it; nothing if it is open.

        Durable when it returns. Raises Locked, WitnessesUnreachable and whatever else keeps an account from signing.
        """

        def order() -> Order:
            if self.node.ledger.chain(account) is not None:
                raise errors.NothingToTake("The account is open.")
            return Order()

        with suppress(errors.NothingToTake):
            await self._write(self._own(account), order, timeout_s)

    async def refund(
        self, payment_id: str, *, wait: Wait = "final", timeout_s: float = WAIT_S, spender: Spender | None = None
    ) -> Payment:
        """Give a payment back: return it untouched while it is in flight, else pay it back with a linked memo.

        The same refund twice is one. Raises BadId, NotFound, CannotRefund, and what `pay` raises.
        """
        deadline = trio.current_time() + timeout_s
        id, signed = self._window.entry_of(payment_id)
        send = signed.entry.ops[id.op]
        if not isinstance(send, Send) or send.to not in self.book.ordinals:
            raise errors.CannotRefund("Only a payment to this wallet can be refunded.", {"id": str(id)})
        if not self.node.state_of(signed.account, signed.seq, signed.id).is_final:
            raise errors.CannotRefund("This payment is not final, so there is nothing to give back yet.")
        payer, incarnation, ref = signed.account, signed.entry.incarnation, f"{REFUND}{id}"

        def order() -> Order | PaymentRow:
            if (made := self.book.by_ref(send.to, ref)) is not None:
                return made
            in_flight = self.node.ledger.parcel(payer, incarnation, signed.seq, send.to) is not None
            bounce = Bounce(payer, incarnation, signed.seq) if in_flight else None
            return Order(payer, send.amount, ref, False, ref, bounce, spender)

        found = self.book.by_ref(send.to, ref)
        if found is None:
            found = _row(await self._write(send.to, order, timeout_s))
        else:
            await self._forward_until(send.to, deadline)
        return await self._reach(found, wait, deadline)

    # Waiting

    async def _reach(self, row: PaymentRow, wait: Wait, deadline: float) -> Payment:
        return self._window.payment(row, await self._wait(row.place, wait, deadline, row.op))

    async def _wait(self, place: Position, wait: Wait, deadline: float, op: int | None = None) -> Standing:
        commons = self.node.ledger.commons
        is_alone = commons.quorum == 1 and commons.members.keys() <= self.book.ordinals.keys()
        return await wait_until(self.node, place, wait, deadline, op, is_alone=is_alone)

    # Showing

    def balance(self, account: AccountId) -> Balance:
        """Where an account stands now."""
        return self._window.balance(account, self._desk(account).trouble)

    def levy(self, account: AccountId, payee: AccountId, amount: int) -> int:
        """What a payment would send to the commons besides."""
        return levy_with(self.node.ledger, account, Wish(payee, amount))

    def history(self, account: AccountId, limit: int = 50, after: str | None = None) -> HistoryPage:
        """Payments of an account, newest first, behind what the page before gave as `next`. Raises BadRequest."""
        return self._window.history(account, after, limit)

    def members(self) -> list[Member]:
        """Everybody in the community, by number."""
        return self._window.members()

    def show(self, payment_id: str) -> Payment:
        """One payment by its id. Raises BadId or NotFound."""
        return self._window.show(payment_id)

    def payment_in(self, signed: SignedEntry, index: int, state: Standing) -> Payment:
        """The payment that is op `index` of an entry of anybody, a `send` or a `bounce`, told as being in `state`."""
        return self._window.payment_in(signed, index, state)

    # Forwarding

    async def forward(self) -> None:
        """Hand in again what is signed and not final, the same bytes; needs no key."""
        turns = trio.CapacityLimiter(FORWARDERS)
        async with trio.open_nursery() as nursery:
            for account in list(self.book.pending):
                nursery.start_soon(self._forward, account, turns)

    async def _forward(self, account: AccountId, turns: trio.CapacityLimiter) -> None:
        async with turns:
            try:
                await self._desk(account).forward()
            except errors.WalletError as error:
                # It stays in the book, and is told to whoever next asks for this account.
                logger.warning("account %s: what is signed cannot be handed in: %s", account, error.message)


def _taken(written: Written, ready: Sequence[Incoming]) -> list[Incoming]:
    """What of `ready` the entry took in: a `recv` takes all of its payer."""
    ops = () if written.signed is None else written.signed.entry.ops
    payers = {(op.payer, op.incarnation) for op in ops if isinstance(op, Recv)}
    return [one for one in ready if (one.payer, one.incarnation) in payers]


def _row(written: Written) -> PaymentRow:
    if written.row is None:
        raise TypeError("an order with a payee has a row")
    return written.row


async def run_wallet(
    home: Home,
    node: NodePort,
    clock: Callable[[], float] = awake_and_asleep,
    *,
    task_status: "TaskStatus[Wallet]" = trio.TASK_STATUS_IGNORED,
) -> None:
    """Open the wallet of `home` and serve until cancelled; `task_status.started(wallet)` when it can be used.

    A keystore without passphrase is unlocked at once. Raises HomeRefused when the home cannot be used.
    """
    home.check()
    book = Book.open(home.book)
    try:
        if book.community != node.ledger.commons.community:
            raise errors.HomeRefused("The wallet and the node of this home belong to different communities.")
        wallet = Wallet(home, node, book, clock)
        if not keystore.needs_passphrase(home):
            await wallet.unlock(None)
        async with trio.open_nursery() as nursery:
            await nursery.start(wallet.clerk.run)
            nursery.start_soon(trio.sleep_forever)  # a clerk whose disk failed ends; the wallet goes on showing
            node.host(wallet.accounts())
            nursery.start_soon(wallet.forward)
            task_status.started(wallet)
    finally:
        book.close()
