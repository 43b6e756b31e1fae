"""Steps 11 to 24 of judging an entry: what its money ops refer to, and where the account stands at its end.

PROTOCOL-RULES 3. Ops are judged one after another in written order; arithmetic is checked at the end of the entry
(P3). Account 0 is read at the height that the entry cites (P1). Nothing is changed: out comes an `Effects`, or why not.
"""

from collections.abc import Mapping

from .base import BALANCE_MAX, COMMONS, GROSS_MAX, PPM, TAIL_MAX, AccountId
from .chain import Chain, Effects, Take
from .commons import FREE, FROZEN, Act, Commons
from .entry import Entry, SignedEntry
from .ops import Bounce, Charter, Op, Recv, Send
from .pairs import NOTHING_TAKEN, RETURN, SEND, Parcel
from .state import State
from .verdict import Code, Need, Refused, Waiting


class Draft:
    """The money of one entry while its ops are judged, seen as a member sees it at the cited height."""

    __slots__ = ("_bounced", "_entry", "_own", "_puts", "_returns", "_state", "bounces", "own", "recvs", "spends",
                 "to_commons", "to_members")  # fmt: skip

    def __init__(self, state: State, entry: Entry, chain: Chain | None) -> None:
        self._state = state
        self._entry = entry
        self.own = 0 if chain is None else chain.own
        self.spends = False
        self.to_members = 0
        self.to_commons = 0
        self.recvs: list[Take] = []
        self.bounces: list[Take] = []
        self._puts: list[tuple[AccountId, Parcel]] = []
        self._returns: dict[AccountId, int] = {}
        self._bounced: set[tuple[AccountId, int, int]] = set()

    def is_admitted(self, account: AccountId) -> bool:
        """Tell whether the account may be paid by this entry."""
        return self._state.commons.is_admitted(account, self._entry.height)

    def least_send(self) -> int:
        """The smallest amount that this entry may send to a member."""
        return self._state.commons.charter(self._entry.height).least_send

    def judge(self, op: Op) -> Waiting | Refused | None:
        """Codes 11 to 18 of the next op."""
        match op:
            case Send():
                return self._send(op)
            case Recv():
                return self._recv(op)
            case Bounce():
                return self._bounce(op)
        return None

    def _send(self, op: Send) -> Refused | None:
        to, amount = op.to, op.amount
        if to == COMMONS:
            self.to_commons += amount
        elif not self.is_admitted(to):
            return Refused(Code.PAYEE_UNKNOWN, f"account {to} was not admitted at height {self._entry.height}")
        elif amount < self.least_send():
            return Refused(Code.LEAST_SEND, f"{amount} to account {to}, the charter's least is {self.least_send()}")
        else:
            self.to_members += amount
        self.spends = True
        self.own -= amount
        self._puts.append((to, Parcel(self._entry.seq, amount, SEND)))
        return None

    def _recv(self, op: Recv) -> Waiting | Refused | None:
        payer, incarnation, upto = op.payer, op.incarnation, op.upto
        if upto > self._state.final_seq(payer, incarnation):
            return Waiting(Need.REFERENCE, payer, incarnation, upto)
        pair = self._state.pairs.find(payer, incarnation, self._entry.account)
        taken = NOTHING_TAKEN if pair is None else pair.taken
        if upto <= taken.upto:
            return Refused(Code.WATERMARK, f"seq {upto} of account {payer}: taken already up to {taken.upto}")
        parcels = [] if pair is None else pair.open_until(upto)
        total = taken.total + sum([parcel.amount for parcel in parcels])
        if total != op.total:
            return Refused(Code.TOTAL, f"total {op.total} stated, account {payer} sent {total} up to seq {upto}")
        if pair is None or not parcels or parcels[-1].seq != upto:
            return Refused(Code.NOTHING_THERE, f"account {payer} sent nothing here at seq {upto}")
        amount = sum([parcel.amount for parcel in parcels if not self._is_bounced(op, parcel.seq, pair.bounced)])
        self.own += amount
        self.recvs.append(Take(payer, incarnation, upto, total, amount))
        return None

    def _is_bounced(self, op: Recv, seq: int, before: Mapping[int, object]) -> bool:
        """Whether a parcel went back, by an earlier entry or earlier in this one."""
        return seq in before or (op.payer, op.incarnation, seq) in self._bounced

    def _bounce(self, op: Bounce) -> Waiting | Refused | None:
        payer, incarnation, seq = op.payer, op.incarnation, op.seq
        if seq > self._state.final_seq(payer, incarnation):
            return Waiting(Need.REFERENCE, payer, incarnation, seq)
        pair = self._state.pairs.find(payer, incarnation, self._entry.account)
        if pair is None or not pair.is_open(seq) or pair.parcels[seq].kind != SEND:
            return Refused(Code.NOTHING_THERE, f"nothing from account {payer} at seq {seq} can be returned")
        amount = pair.parcels[seq].amount
        self._bounced.add((payer, incarnation, seq))
        self._returns[payer] = self._returns.get(payer, 0) + amount
        self.bounces.append(Take(payer, incarnation, seq, amount, amount))
        return None

    def overflow_fault(self) -> Refused | None:
        """Code 19: sums outside their caps."""
        if abs(self.own) > BALANCE_MAX:
            return Refused(Code.OVERFLOW, f"a balance of {self.own}, at most {BALANCE_MAX} either way")
        entry, find = self._entry, self._state.pairs.find
        for payee, parcel in self.puts():
            pair = find(entry.account, entry.incarnation, payee)
            if pair is not None and pair.gross + parcel.amount > GROSS_MAX:
                return Refused(Code.OVERFLOW, f"all sent to account {payee} would exceed {GROSS_MAX}")
        return None

    def puts(self) -> tuple[tuple[AccountId, Parcel], ...]:
        """The parcels that the entry puts in flight; several bounces to one payer are one return."""
        if not self._returns:
            return tuple(self._puts)
        seq = self._entry.seq
        returns = [(payer, Parcel(seq, amount, RETURN)) for payer, amount in self._returns.items()]
        return (*self._puts, *returns)

    def effects(self, signed: SignedEntry, levy_due: int, act: Act | None = None) -> Effects:
        """What the judged entry does."""
        return Effects(
            signed, self.own, levy_due, self.spends, self.puts(), tuple(self.recvs), tuple(self.bounces), act
        )


def judge_member(state: State, signed: SignedEntry, chain: Chain | None) -> Effects | Waiting | Refused:
    """Codes 11 to 24 (and 38) of a member's entry whose place, signature and shape were judged."""
    entry, commons = signed.entry, state.commons
    draft = Draft(state, entry, chain)
    for op in entry.ops:
        fault = draft.judge(op)
        if fault is not None:
            return fault
    charter = commons.charter(entry.height)
    own_before, due_before = (0, 0) if chain is None else (chain.own, chain.levy_due)
    levy_due = max(0, due_before + charter.levy_ppm * draft.to_members - PPM * draft.to_commons)
    refused = draft.overflow_fault() or end_fault(commons, entry, charter, draft, own_before, levy_due)
    if refused is not None:
        return refused
    if chain is not None and len(chain.tail) >= TAIL_MAX:
        return Refused(Code.BACKLOG, f"{len(chain.tail)} entries already wait for a certificate")
    return draft.effects(signed, levy_due)


def end_fault(
    commons: Commons, entry: Entry, charter: Charter, draft: Draft, own_before: int, levy_due: int
) -> Refused | None:
    """Codes 20 to 24: where a member's entry may end, all at the height it cites."""
    account, height = entry.account, entry.height
    level = commons.level(account, height)
    if level == FROZEN:
        return Refused(Code.FROZEN, f"account {account} is frozen at height {height}")
    balance = draft.own + commons.adjust(account, height)
    if draft.spends:
        if level != FREE:
            return Refused(Code.SUSPENDED, f"account {account} may not send at height {height}")
        free = balance + commons.limit(account, height) - commons.hold(account, height)
        if free < 0:
            return Refused(Code.LIMIT, f"{-free} more than account {account} may spend at height {height}")
    if charter.ceiling and draft.recvs and balance > charter.ceiling and draft.own > own_before:
        return Refused(Code.CEILING, f"a balance of {balance} after taking in, the ceiling is {charter.ceiling}")
    if levy_due >= PPM:
        return Refused(Code.LEVY, f"{levy_due // PPM} of levy are due to the commons")
    return None
