"""A second ledger, naive on purpose: a list of coins, and the money rules in the order in which the spec tells them.

It shares no code with `protocol.ledger` and none of its ideas: no watermarks but the one each account remembers, no
gross sums kept, no effects, no undo (make a new one from the log without the entries taken back). It knows nothing of
signatures, places or bytes: it is asked only about entries whose place, signature and shape are right.
"""

from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace

from protocol.base import BALANCE_MAX
from protocol.entry import Entry
from protocol.ops import Admit, Amend, Bounce, Charge, Charter, Found, Limits, Op, Recv, Reinstate, Send, Suspend
from protocol.verdict import Code

WAITING = "waiting"
Final = Mapping[int, int]
"""Up to which seq each account is final; an account that is missing is not final at all."""


@dataclass
class Coin:
    """One amount on its way, or arrived."""

    payer: int
    seq: int
    payee: int
    amount: int
    is_return: bool = False
    fate: str = "flying"
    """flying, taken, or bounced."""


@dataclass
class Rules:
    """What the community had decided at one height."""

    charter: Charter
    members: set[int] = field(default_factory=set)
    limits: dict[int, int] = field(default_factory=dict)
    levels: dict[int, int] = field(default_factory=dict)
    adjusts: dict[int, int] = field(default_factory=dict)


@dataclass
class Sums:
    """What one entry did so far, for the checks at its end."""

    spent: bool = False
    taken: bool = False
    to_members: int = 0
    to_commons: int = 0
    returns: dict[int, int] = field(default_factory=dict)


class Naive:
    """Balances from entries, one after another, payers' before payees'."""

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self.heights: list[Rules] = []
        self.coins: list[Coin] = []
        self.own: dict[int, int] = {}
        self.due: dict[int, int] = {}
        self.upto: dict[tuple[int, int], int] = {}
        """(payee, payer): the payer's seq up to which the payee took."""
        for entry in entries:
            self.apply(entry)

    # What a person sees.

    def balance(self, account: int, final: Final) -> int:
        """Own, charges, and final coins flying towards the account."""
        flying = sum(
            coin.amount
            for coin in self.coins
            if coin.payee == account and coin.fate == "flying" and coin.seq <= final.get(coin.payer, -1)
        )
        return self.own.get(account, 0) + self.heights[-1].adjusts.get(account, 0) + flying

    def total(self) -> int:
        """All there is: own, charges, and every coin that flies. 0, or money was made."""
        flying = sum(coin.amount for coin in self.coins if coin.fate == "flying")
        return sum(self.own.values()) + sum(self.heights[-1].adjusts.values()) + flying

    # What becomes of an entry.

    def verdict(self, entry: Entry, final: Final) -> Code | str | None:
        """The refusal code of its money rules (11 to 24), or `WAITING`, or None when it is valid."""
        return deepcopy(self)._try(entry, final)

    def apply(self, entry: Entry) -> None:
        """Do what a valid entry says."""
        self._try(entry, None)

    def _try(self, entry: Entry, final: Final | None) -> Code | str | None:
        """Do it op by op and complain at the first fault; with no `final` it is known to be valid."""
        me, rules, sums = entry.account, self._rules(entry), Sums()
        before = self.own.setdefault(me, 0)
        for op in entry.ops:
            fault = self._do(op, entry, rules, final, sums)
            if fault is not None:
                return fault
        for payer, amount in sums.returns.items():
            self.coins.append(Coin(me, entry.seq, payer, amount, is_return=True))
        if me != 0:
            owed = self.due.get(me, 0) + sums.to_members * rules.charter.levy_ppm - sums.to_commons * 1_000_000
            self.due[me] = max(0, owed)
        return self._end(me, rules, before, sums)

    def _do(self, op: Op, entry: Entry, rules: Rules, final: Final | None, sums: Sums) -> Code | str | None:
        me = entry.account
        match op:
            case Send(to, amount):
                return self._send(me, entry.seq, to, amount, rules, sums)
            case Recv(payer, _, upto, total):
                sums.taken = True
                return self._take(me, payer, upto, total, final)
            case Bounce(payer, _, seq):
                return self._give_back(me, payer, seq, final, sums)
        unknown = _act(rules, op) - rules.members - {0}
        return Code.PAYEE_UNKNOWN if unknown else None

    def _send(self, me: int, seq: int, to: int, amount: int, rules: Rules, sums: Sums) -> Code | None:
        if to != 0 and to not in rules.members:
            return Code.PAYEE_UNKNOWN
        if to != 0 and me != 0 and amount < rules.charter.least_send:
            return Code.LEAST_SEND
        sums.spent = True
        if to == 0:
            sums.to_commons += amount
        else:
            sums.to_members += amount
        self.own[me] -= amount
        self.coins.append(Coin(me, seq, to, amount))
        return None

    def _give_back(self, me: int, payer: int, seq: int, final: Final | None, sums: Sums) -> Code | str | None:
        if final is not None and final.get(payer, -1) < seq:
            return WAITING
        coin = self._flying(payer, seq, me)
        if coin is None or coin.is_return:
            return Code.NOTHING_THERE
        coin.fate = "bounced"
        sums.returns[payer] = sums.returns.get(payer, 0) + coin.amount
        return None

    def _rules(self, entry: Entry) -> Rules:
        """The rules this entry is judged by; an entry of account 0 makes the next ones as it goes."""
        if entry.account != 0:
            return self.heights[entry.height]
        if entry.seq == 0:
            found = entry.ops[0]
            assert isinstance(found, Found)
            self.heights.append(Rules(found.charter))
        else:
            self.heights.append(deepcopy(self.heights[-1]))
        return self.heights[-1]

    def _take(self, me: int, payer: int, upto: int, total: int, final: Final | None) -> Code | str | None:
        if final is not None and final.get(payer, -1) < upto:
            return WAITING
        if upto <= self.upto.get((me, payer), -1):
            return Code.WATERMARK
        ever = [coin for coin in self.coins if coin.payer == payer and coin.payee == me and coin.seq <= upto]
        if sum(coin.amount for coin in ever) != total:
            return Code.TOTAL
        if not any(coin.seq == upto for coin in ever):
            return Code.NOTHING_THERE
        for coin in ever:
            if coin.fate == "flying":
                coin.fate = "taken"
                self.own[me] += coin.amount
        self.upto[me, payer] = upto
        return None

    def _flying(self, payer: int, seq: int, payee: int) -> Coin | None:
        for coin in self.coins:
            if (coin.payer, coin.seq, coin.payee, coin.fate) == (payer, seq, payee, "flying"):
                return coin
        return None

    def _end(self, me: int, rules: Rules, before: int, sums: Sums) -> Code | None:
        own, adjust = self.own[me], rules.adjusts.get(me, 0)
        if abs(own) > BALANCE_MAX or any(abs(value) > BALANCE_MAX for value in rules.adjusts.values()):
            return Code.OVERFLOW
        if me == 0:
            return Code.LIMIT if sums.spent and own + adjust + rules.charter.commons_limit < 0 else None
        level = rules.levels.get(me, 0)
        if level == 2:
            return Code.FROZEN
        if sums.spent and level == 1:
            return Code.SUSPENDED
        if sums.spent and own + adjust + rules.limits[me] < 0:
            return Code.LIMIT
        if rules.charter.ceiling and sums.taken and own + adjust > rules.charter.ceiling and own > before:
            return Code.CEILING
        return Code.LEVY if self.due[me] >= 1_000_000 else None


def _act(rules: Rules, op: object) -> set[int]:
    """Do one act of account 0 to the rules; returns the accounts it names that had to be members before."""
    match op:
        case Admit(number, limit=limit):
            rules.members.add(number)
            rules.limits[number] = limit
        case Limits(limits):
            rules.limits.update(limits)
            return {account for account, _ in limits}
        case Suspend(account, level):
            rules.levels[account] = level
            return {account}
        case Reinstate(account):
            rules.levels[account] = 0
            return {account}
        case Amend(charter):
            rules.charter = replace(charter)
        case Charge(payer, payee, amount):
            rules.adjusts[payer] = rules.adjusts.get(payer, 0) - amount
            rules.adjusts[payee] = rules.adjusts.get(payee, 0) + amount
            return {payer, payee}
    return set()
