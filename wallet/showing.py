"""What the wallet shows: balances, members, histories and single payments, as values with names and memos.

Reads the node's ledger and journal and the wallet's book; signs and changes nothing, so it works locked as well.
"""

from node.standing import Standing
from node.views import account_named
from protocol.base import AccountId, Malformed
from protocol.commons import FROZEN, SUSPENDED
from protocol.entry import SignedEntry
from protocol.ops import Bounce, SealedNote, Send
from protocol.payment import PaymentId, community_text, read_payment_id

from .books.book import Book, PaymentRow
from .errors import BadId, NotFound, PayeeUnknown
from .history import Histories, Line
from .notes import KeyOf, read_note
from .paging import page, read_cursor
from .port import NodePort
from .results import Balance, Community, HistoryPage, HistoryRow, Member, Party, Payment

COMMONS_HANDLE = "commons"
STOPPED = {SUSPENDED: "the stewards suspended it", FROZEN: "the stewards froze it"}
"""Why an account pays no longer, by its level."""


class Window:
    """The wallet's reading side. `key_of` gives keys while the wallet is unlocked."""

    def __init__(self, node: NodePort, book: Book, key_of: KeyOf) -> None:
        self._node, self._book, self._key_of = node, book, key_of
        self._histories = Histories(node)

    # Names

    def party(self, account: AccountId) -> Party:
        """An account with its handle."""
        member = self._node.ledger.commons.members.get(account)
        return Party(account, COMMONS_HANDLE if member is None else member.handle)

    def find(self, who: str) -> AccountId:
        """The account of "@bob", "bob" or "17"; "@17" is the member who is called so. Raises PayeeUnknown."""
        account = account_named(self._node.ledger.commons, who.lower())
        if account is None:
            raise PayeeUnknown("No member is called that.", {"given": who[:40]})
        return account

    # Views

    def community(self) -> Community:
        """The place this wallet belongs to."""
        commons = self._node.ledger.commons
        return Community(
            community_text(commons.community), commons.name, commons.unit, commons.decimals,
            len(commons.members), len(commons.witnesses), commons.quorum,
        )  # fmt: skip

    def balance(self, account: AccountId, problem: str | None) -> Balance:
        """Where an account stands at the newest height; with a `problem`, or stopped, nothing of it can be spent."""
        ledger = self._node.ledger
        commons = ledger.commons
        problem = problem or STOPPED.get(commons.level(account))
        incoming = ledger.arriving(account)
        return Balance(
            account, self.party(account).handle, ledger.balance(account), incoming, commons.limit(account),
            max(0, ledger.free(account) + incoming) if problem is None else 0, commons.unit, commons.decimals, problem,
        )  # fmt: skip

    def members(self) -> list[Member]:
        """Everybody, by number."""
        ledger = self._node.ledger
        commons = ledger.commons
        return [
            Member(
                number, member.handle, ledger.balance(number), commons.limit(number), commons.level(number),
                number in self._book.ordinals,
            )
            for number, member in sorted(commons.members.items())
        ]  # fmt: skip

    def history(self, account: AccountId, after: str | None, limit: int) -> HistoryPage:
        """The next `limit` payments of an account behind `after`, newest first. Raises BadRequest."""
        cursor = None if after is None else read_cursor(after)
        lines, next = page(self._histories.lines(account), cursor, limit)
        return HistoryPage(tuple(map(self._row, lines)), None if next is None else str(next))

    def _row(self, line: Line) -> HistoryRow:
        place = line.place
        kept = self._book.payment(place.account, place.incarnation, place.seq, line.op)
        return HistoryRow(
            str(PaymentId(place.id, line.op)),
            line.kind,
            self._node.state_of(place.account, place.seq, place.id),
            self.party(line.other),
            line.amount,
            self._memo(line.signed, line.send, kept),
            line.send is not None and isinstance(line.send.note, SealedNote),
            None if kept is None else kept.ref,
            line.time,
        )

    def _memo(self, signed: SignedEntry, send: Send | None, kept: PaymentRow | None) -> str | None:
        if kept is not None:
            return kept.memo
        return None if send is None else read_note(self._node.ledger, signed.entry, send, self._key_of)

    # One payment

    def entry_of(self, text: str) -> tuple[PaymentId, SignedEntry]:
        """The entry that a payment id names. Raises BadId or NotFound."""
        try:
            id = read_payment_id(text)
        except Malformed as error:
            raise BadId(f"This is not a payment id: {error}.", {"given": text[:80]}) from None
        signed = self._node.journal.by_id(id.entry)
        if signed is None:
            signed = next((s for held in self._book.pending.values() for s in held if s.id == id.entry), None)
        if signed is None or id.op >= len(signed.entry.ops) or not isinstance(signed.entry.ops[id.op], Send | Bounce):
            raise NotFound("There is no such payment here.", {"id": text[:80]})
        return id, signed

    def show(self, text: str) -> Payment:
        """One payment of anybody in the community. Raises BadId or NotFound."""
        id, signed = self.entry_of(text)
        return self.payment_in(signed, id.op, self._node.state_of(signed.account, signed.seq, signed.id))

    def payment_in(self, signed: SignedEntry, index: int, state: Standing) -> Payment:
        """The payment that is op `index` of an entry: a `send`, or a `bounce` as the return of one."""
        entry, op = signed.entry, signed.entry.ops[index]
        kept = self._book.payment(entry.account, entry.incarnation, entry.seq, index)
        if kept is not None and kept.entry == signed.id:
            return self.payment(kept, state)
        send = op if isinstance(op, Send) else None
        payee, amount = (op.to, int(op.amount)) if isinstance(op, Send) else self._bounced(signed, op)
        return Payment(
            str(PaymentId(signed.id, index)),
            state,
            self.party(entry.account),
            self.party(payee),
            amount,
            self._memo(signed, send, None),
            send is not None and isinstance(send.note, SealedNote),
            None,
            entry.time,
        )

    def _bounced(self, signed: SignedEntry, op: object) -> tuple[AccountId, int]:
        """Who gets a bounced parcel back, and how much."""
        assert isinstance(op, Bounce)
        for came in self._node.journal.entries(op.payer, op.incarnation, op.seq, op.seq):
            if self._node.ledger.id_at(op.payer, op.incarnation, op.seq) == came.id:
                sends = (send for send in came.entry.ops if isinstance(send, Send) and send.to == signed.account)
                return op.payer, sum(send.amount for send in sends)
        return op.payer, 0

    def payment(self, row: PaymentRow, state: Standing) -> Payment:
        """A payment of this wallet, as its book has it."""
        return Payment(
            str(PaymentId(row.entry, row.op)),
            state,
            self.party(row.account),
            self.party(row.payee),
            row.amount,
            row.memo,
            row.sealed,
            row.ref,
            row.time,
        )
