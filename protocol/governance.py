"""Judging the entries of account 0: the acts of the community, and the commons fund (PROTOCOL-RULES 4).

An entry is atomic: one invalid op voids it. Effects are immediate for the ops that follow in it, so each op is judged
against what the entry has done so far. First the shape of all ops (codes 9, 10 and 50 to 53), then what they refer to
(11 to 18), then where account 0 stands at the end. Whether account 0 *decided* the entry is no question here.
"""

from .base import (
    AMOUNT_MAX,
    BALANCE_MAX,
    COMMONS,
    DECIMALS_MAX,
    NAME_BYTES_MAX,
    NOTE_BYTES_MAX,
    PPM,
    UNIT_BYTES_MAX,
    AccountId,
)
from .chain import Chain, Effects
from .commons import FREE, FROZEN, SUSPENDED, Act, Commons
from .entry import Entry, SignedEntry
from .judging import Draft
from .ops import Admit, Amend, Charge, Charter, Found, Limits, Op, Reinstate, Stewards, Suspend, is_handle
from .shapes import MONEY_KINDS, MoneyShape, count_fault, kinds_fault, words_fault
from .signing import Authority, Tag, Verify
from .state import State, is_met
from .statements import acceptance_content
from .verdict import Code, Refused, Waiting

COMMONS_KINDS = MONEY_KINDS | {Found, Admit, Limits, Suspend, Reinstate, Amend, Stewards, Charge}
CHARTER_VERSION = 1


def judge_commons(
    state: State, verify: Verify, signed: SignedEntry, chain: Chain | None
) -> Effects | Waiting | Refused:
    """Codes 9 to 22 of an entry of account 0 whose place and ballots were judged."""
    entry = signed.entry
    refused = kinds_fault(entry, COMMONS_KINDS) or count_fault(entry, 0)
    shape = ActShape(state.commons, verify, entry)
    for index, op in enumerate(entry.ops):
        refused = refused or shape.fault(op, index)
    if refused is not None:
        return refused
    draft = CommonsDraft(state, entry, chain)
    for op in entry.ops:
        fault = draft.judge(op)
        if fault is not None:
            return fault
    return draft.overflow_fault() or draft.limit_fault() or draft.effects(signed, 0, draft.act())


class ActShape:
    """Step 10 of account 0's ops, one after another: their form, and their numbers, handles and acceptances."""

    def __init__(self, commons: Commons, verify: Verify, entry: Entry) -> None:
        self._commons = commons
        self._verify = verify
        self._is_first = entry.seq == 0
        self._money = MoneyShape(COMMONS)
        self._next_number = len(commons.members) + 1
        self._handles: set[str] = set()

    def fault(self, op: Op, index: int) -> Refused | None:
        """What is wrong with the next op, or None."""
        words: str | None
        match op:
            case Admit():
                return self._admit(op)
            case Stewards():
                return self._stewards(op)
            case Found():
                words = _found_fault(op, self._is_first and index == 0)
            case Amend(charter):
                words = _charter_fault(charter)
            case Limits(limits):
                words = _limits_fault(limits)
            case Suspend(_, level):
                words = None if level in (SUSPENDED, FROZEN) else f"level {level}, 1 or 2 allowed"
            case Charge():
                words = _charge_fault(op)
            case _:
                words = self._money.fault(op)
        return None if words is None else Refused(Code.OP_SHAPE, words)

    def _admit(self, op: Admit) -> Refused | None:
        words = op.authority.fault() or _limit_fault(op.limit)
        if words is not None:
            return Refused(Code.OP_SHAPE, words)
        if op.number != self._next_number:
            return Refused(Code.NUMBER, f"number {op.number}, the next free one is {self._next_number}")
        if not is_handle(op.handle):
            return Refused(Code.HANDLE, f"{op.handle!r} is not 2 to 31 of a-z, 0-9 and -, or is account 0's")
        if op.handle in self._handles or op.handle in self._commons.by_handle:
            return Refused(Code.HANDLE, f"{op.handle!r} is taken")
        self._next_number += 1
        self._handles.add(op.handle)
        return None

    def _stewards(self, op: Stewards) -> Refused | None:
        words = op.authority.fault(strict_majority=False)
        if words is not None:
            return Refused(Code.OP_SHAPE, words)
        everybody = Authority(len(op.authority.keys), op.authority.keys)
        content = acceptance_content(op.authority.threshold, op.authority.keys)
        if is_met(self._verify, everybody, Tag.ACCEPT, self._commons.community, content, op.acceptances):
            return None
        return Refused(Code.ACCEPTANCE, "not every new steward signed an acceptance")


def _found_fault(found: Found, is_first: bool) -> str | None:
    if not is_first:
        return "found stands first of all and never again"
    if not found.name or not found.unit:
        return "a community has a name and a unit"
    if not 0 <= found.decimals <= DECIMALS_MAX:
        return f"{found.decimals} decimals, 0 to {DECIMALS_MAX} allowed"
    return (
        words_fault(found.name, NAME_BYTES_MAX)
        or words_fault(found.unit, UNIT_BYTES_MAX)
        or _charter_fault(found.charter)
        or found.stewards.fault(strict_majority=False)
        # 2q > n: two quorums share a witness.
        or Authority(found.quorum, found.witnesses).fault()
    )


def _charter_fault(charter: Charter) -> str | None:
    if charter.version != CHARTER_VERSION:
        return f"charter version {charter.version}, known is {CHARTER_VERSION}"
    if not 0 <= charter.least_send <= AMOUNT_MAX:
        return f"a least send of {charter.least_send}, 0 to {AMOUNT_MAX} allowed"
    if not 0 <= charter.levy_ppm <= PPM:
        return f"a levy of {charter.levy_ppm} millionths, 0 to {PPM} allowed"
    return _limit_fault(charter.ceiling) or _limit_fault(charter.commons_limit)


def _limit_fault(limit: int) -> str | None:
    return None if 0 <= limit <= BALANCE_MAX else f"a limit of {limit}, 0 to {BALANCE_MAX} allowed"


def _limits_fault(limits: tuple[tuple[AccountId, int], ...]) -> str | None:
    if not limits or len({account for account, _ in limits}) != len(limits):
        return "limits name at least one account, and none twice"
    return next((words for _, limit in limits if (words := _limit_fault(limit))), None)


def _charge_fault(charge: Charge) -> str | None:
    if (charge.payer == COMMONS) == (charge.payee == COMMONS):
        return "a charge is between a member and account 0"
    if not 1 <= charge.amount <= AMOUNT_MAX:
        return f"amount {charge.amount}, 1 to {AMOUNT_MAX} allowed"
    return words_fault(charge.reason, NOTE_BYTES_MAX)


class CommonsDraft(Draft):
    """The entry's effects so far: account 0's money, and what the community decided."""

    __slots__ = ("_adjusts", "_admits", "_charter", "_commons", "_found", "_levels", "_limits", "_stewards")

    def __init__(self, state: State, entry: Entry, chain: Chain | None) -> None:
        super().__init__(state, entry, chain)
        self._commons = state.commons
        self._found: Found | None = None
        self._charter: Charter | None = None
        self._stewards: Authority | None = None
        self._admits: dict[AccountId, Admit] = {}
        self._limits: dict[AccountId, int] = {}
        self._levels: dict[AccountId, int] = {}
        self._adjusts: dict[AccountId, int] = {}

    def is_admitted(self, account: AccountId) -> bool:
        """As of now within the entry."""
        return account in self._admits or self._commons.is_admitted(account)

    def least_send(self) -> int:
        """Account 0 may send any amount."""
        return 1

    def judge(self, op: Op) -> Waiting | Refused | None:
        """Codes 11 to 18 of the next op."""
        unknown = [account for account in _members_named(op) if account == COMMONS or not self.is_admitted(account)]
        if unknown:
            return Refused(Code.PAYEE_UNKNOWN, f"account {unknown[0]} was not admitted")
        match op:
            case Found():
                self._found, self._charter = op, op.charter
            case Admit():
                self._admits[op.number] = op
            case Limits(limits):
                self._limits.update(limits)
            case Suspend(account, level):
                self._levels[account] = level
            case Reinstate(account):
                self._levels[account] = FREE
            case Amend(charter):
                self._charter = charter
            case Stewards(authority):
                self._stewards = authority
            case Charge(payer, payee, amount):
                self._adjusts[payer] = self._adjust(payer) - amount
                self._adjusts[payee] = self._adjust(payee) + amount
            case _:
                return super().judge(op)
        return None

    def _adjust(self, account: AccountId) -> int:
        return self._adjusts.get(account, self._commons.adjust(account))

    def overflow_fault(self) -> Refused | None:
        """Code 19, of adjusts too."""
        for account, adjust in self._adjusts.items():
            if abs(adjust) > BALANCE_MAX:
                return Refused(Code.OVERFLOW, f"charges of account {account} sum to {adjust}, at most {BALANCE_MAX}")
        return super().overflow_fault()

    def limit_fault(self) -> Refused | None:
        """Code 22: an entry that sends ends within the commons limit. No level, ceiling or levy binds account 0."""
        charter = self._charter or self._commons.charter()
        free = self.own + self._adjust(COMMONS) + charter.commons_limit
        if not self.spends or free >= 0:
            return None
        return Refused(Code.LIMIT, f"{-free} more than the commons may spend")

    def act(self) -> Act:
        """What the whole entry decides."""
        return Act(
            self._found, self._charter, self._stewards, tuple(self._admits.values()),
            self._limits, self._levels, self._adjusts,
        )  # fmt: skip


def _members_named(op: Op) -> tuple[AccountId, ...]:
    """The accounts that an act changes, which must be members by then; account 0 is none."""
    match op:
        case Limits(limits):
            return tuple(account for account, _ in limits)
        case Suspend(account) | Reinstate(account):
            return (account,)
        case Charge(payer, payee):
            return (payer or payee,)
    return ()
