"""Steps 9 and 10 of judging an entry: are its ops known here, and is each well formed by itself and beside the others?

PROTOCOL-RULES 3, codes `op_unknown` and `op_shape`. Looks at the entry alone, at no state: what the acts of account 0
need of the state at this step (numbers, handles, acceptances) is in `governance`.
"""

from .base import AMOUNT_MAX, NOTE_BYTES_MAX, OPS_MAX, AccountId
from .entry import Entry
from .ops import Bounce, Note, Op, Open, PublicNote, Recv, SealedNote, Send, forbidden_code_point
from .signing import Authority
from .verdict import Code, Refused

MEMBER_KINDS = frozenset({Open, Send, Recv, Bounce})
MONEY_KINDS = frozenset({Send, Recv, Bounce})


def count_fault(entry: Entry, least: int) -> Refused | None:
    """At least `least` and at most 64 ops."""
    if least <= len(entry.ops) <= OPS_MAX:
        return None
    return Refused(Code.OP_SHAPE, f"{len(entry.ops)} ops, {least} to {OPS_MAX} allowed")


def kinds_fault(entry: Entry, kinds: frozenset[type]) -> Refused | None:
    """Every op is of a kind that this account may use under this charter."""
    for op in entry.ops:
        if type(op) not in kinds:
            return Refused(Code.OP_UNKNOWN, f"op {getattr(op, 'tag', None) or op.plain()[0]} is no op of this account")
    return None


def member_fault(entry: Entry, admitted: Authority) -> Refused | None:
    """Codes 9 and 10 of a member's entry; `admitted` is the authority that its `admit` named."""
    fault = kinds_fault(entry, MEMBER_KINDS) or count_fault(entry, 1)
    if fault is not None:
        return fault
    shape = MoneyShape(entry.account)
    for index, op in enumerate(entry.ops):
        if type(op) is Open:
            words = _open_fault(op, entry.seq == 0 and index == 0, admitted)
        else:
            words = shape.fault(op)
        if words is not None:
            return Refused(Code.OP_SHAPE, words)
    return None


def _open_fault(op: Open, is_first: bool, admitted: Authority) -> str | None:
    if not is_first:
        return "open stands first in the entry at seq 0 and nowhere else"
    return None if op.authority == admitted else "open names another authority than the one admitted"


class MoneyShape:
    """The sends, recvs and bounces of one entry, one after another."""

    __slots__ = ("_account", "_bounced", "_paid", "_received", "_returned")

    def __init__(self, account: AccountId) -> None:
        self._account = account
        self._paid: set[AccountId] = set()
        self._returned: set[AccountId] = set()
        self._received: set[tuple[AccountId, int]] = set()
        self._bounced: set[tuple[AccountId, int, int]] = set()

    def fault(self, op: Op) -> str | None:
        """Say what is wrong with the next op, or None."""
        match op:
            case Send():
                return self._send(op.to, op.amount) or note_fault(op.note)
            case Recv():
                return self._recv(op.payer, op.incarnation)
            case Bounce():
                return self._bounce(op.payer, op.incarnation, op.seq)
        return None

    def _send(self, to: AccountId, amount: int) -> str | None:
        if to == self._account:
            return "an account does not pay itself"
        if not 1 <= amount <= AMOUNT_MAX:
            return f"amount {amount}, 1 to {AMOUNT_MAX} allowed"
        if to in self._paid:
            return f"two sends to account {to}"
        if to in self._returned:
            return f"a bounce and a send to account {to}"
        self._paid.add(to)
        return None

    def _recv(self, payer: AccountId, incarnation: int) -> str | None:
        if payer == self._account:
            return "an account takes nothing from itself"
        if (payer, incarnation) in self._received:
            return f"two recvs from account {payer}"
        self._received.add((payer, incarnation))
        return None

    def _bounce(self, payer: AccountId, incarnation: int, seq: int) -> str | None:
        if payer == self._account:
            return "an account returns nothing to itself"
        if (payer, incarnation) in self._received:
            return f"a bounce to account {payer} after a recv from it"
        if (payer, incarnation, seq) in self._bounced:
            return f"two bounces of seq {seq} of account {payer}"
        if payer in self._paid:
            return f"a send and a bounce to account {payer}"
        self._bounced.add((payer, incarnation, seq))
        self._returned.add(payer)
        return None


def note_fault(note: Note) -> str | None:
    """Say what is wrong with a note, or None."""
    match note:
        case PublicNote(text):
            return words_fault(text, NOTE_BYTES_MAX)
        case SealedNote(box) if len(box) > NOTE_BYTES_MAX:
            return f"a note of {len(box)} bytes, at most {NOTE_BYTES_MAX}"
    return None


def words_fault(words: str, bytes_max: int) -> str | None:
    """Say what is wrong with words that people will read, or None."""
    forbidden = forbidden_code_point(words)
    if forbidden is not None:
        return f"code point {forbidden} is not allowed in text"
    size = len(words.encode())
    return f"{size} bytes of text, at most {bytes_max}" if size > bytes_max else None
