"""What an act of the community does, in words that a member understands. Amounts are written with their unit. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from node.amounts import format_amount
from node.views import handle_of
from protocol.base import COMMONS, PPM, AccountId, PublicKey
from protocol.commons import FROZEN, Commons
from protocol.ops import Admit, Amend, Charge, Charter, Found, Limits, Op, Reinstate, Send, Stewards, Suspend

from ..errors import BadRequest

_PERCENT = re.compile(r"([0-9]{1,3})(?:\.([0-9]{1,4}))? ?%?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Wording:
    """Writes acts of one community."""

    commons: Commons
    named: Mapping[PublicKey, AccountId] = field(default_factory=dict)
    """Whose a steward's key is, as far as somebody said so."""

    def act(self, ops: Sequence[Op]) -> list[str]:
        """A line for each op; an act without any does nothing."""
        return [line for op in ops for line in self._op(op)] or ["do nothing (it only takes a place)"]

    def _op(self, op: Op) -> list[str]:
        match op:
            case Admit():
                return [f"admit @{op.handle} with a credit limit of {self.amount(op.limit)}"]
            case Limits():
                return [f"credit limit of {self.who(one)}: {self.amount(limit)}" for one, limit in op.limits]
            case Suspend():
                what = "freeze {} (no entry at all)" if op.level == FROZEN else "suspend {} (may receive, not pay)"
                return [what.format(self.who(op.account))]
            case Reinstate():
                return [f"reinstate {self.who(op.account)}"]
            case Charge():
                return [self._charge(op)]
            case Amend():
                return ["charter: " + line for line in self.charter(op.charter)]
            case Stewards():
                return [self.stewards([self.named.get(key) for key in op.authority.keys], op.authority.threshold)]
            case Found():
                return [f"found {op.name}"]
            case Send():
                return [f"pay {self.who(op.to)} {self.amount(op.amount)} from the commons"]
        return [f"{type(op).__name__.lower()} of the commons fund"]

    def _charge(self, op: Charge) -> str:
        reason = f' ("{op.reason}")' if op.reason else ""
        if op.payee == COMMONS:
            return f"take {self.amount(op.amount)} from {self.who(op.payer)} for the commons{reason}"
        return f"give {self.amount(op.amount)} from the commons to {self.who(op.payee)}{reason}"

    def stewards(self, accounts: Sequence[AccountId | None], threshold: int) -> str:
        """Who shall be the stewards; None is one of whom nobody said who it is."""
        called = ", ".join("somebody unknown" if account is None else self.who(account) for account in accounts)
        return f"new stewards: {called}; {threshold} of {len(accounts)} sign"

    def charter(self, charter: Charter) -> list[str]:
        """The numbers of a charter, a line each."""
        ceiling = f"no balance above {self.amount(charter.ceiling)}" if charter.ceiling else "no ceiling for balances"
        levy = f"{percent(charter.levy_ppm)} of what members pay one another goes to the commons"
        return [
            f"the smallest payment is {self.amount(charter.least_send)}" if charter.least_send > 1
            else "payments may be of any amount",
            ceiling,
            levy if charter.levy_ppm else "no levy on payments",
            f"the commons may go {self.amount(charter.commons_limit)} below zero" if charter.commons_limit
            else "the commons may not go below zero",
        ]  # fmt: skip

    def amount(self, minor: int) -> str:
        """An amount with its unit."""
        return f"{format_amount(minor, self.commons.decimals)} {self.commons.unit}"

    def who(self, account: AccountId) -> str:
        """A member by handle."""
        return "the commons" if account == COMMONS else f"@{handle_of(self.commons, account)}"


def percent(ppm: int) -> str:
    """Millionths as a percentage: 20000 is 2 %."""
    whole, part = divmod(ppm * 100, PPM)
    return f"{whole}.{part:06}".rstrip("0").rstrip(".") + " %"


def parse_percent(text: str) -> int:
    """Read a percentage as people type it, 2, 2% or 0.5 %, to millionths. Raises BadRequest."""
    found = _PERCENT.fullmatch(text)
    ppm = -1 if found is None else int(found[1] + (found[2] or "").ljust(4, "0"))
    if not 0 <= ppm <= PPM:
        raise BadRequest("A levy is a percentage from 0 to 100, such as 2%.", {"given": text[:40]})
    return ppm
