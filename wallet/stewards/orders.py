"""What a person asks of the stewards, read into the op that does it; what makes no sense raises the wallet's errors."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Literal

import msgspec

from protocol.base import COMMONS, AccountId
from protocol.commons import FROZEN, SUSPENDED, Commons
from protocol.ops import Amend, Charge, CommonsOp, Limits, Reinstate, Suspend

from ..errors import BadRequest
from ..money import parse_amount, parse_limit
from .words import parse_percent

Find = Callable[[str], AccountId]


ADMITTED = {"member", "limit"}
CHARGED = {"member", "amount", "reason"}
TAKES: Mapping[str, set[str]] = {
    "admit": ADMITTED, "limit": ADMITTED, "suspend": {"member"}, "freeze": {"member"}, "reinstate": {"member"},
    "charge": CHARGED, "grant": CHARGED, "charter": {"least", "ceiling", "levy", "commons_limit"}, "nothing": set(),
}  # fmt: skip
"""Which fields each act takes. What it would not heed is refused: somebody meant something by it."""


class Propose(msgspec.Struct, forbid_unknown_fields=True):
    """An act to be composed. `charge` takes `amount` from the member into the commons, `grant` gives it out of the
    commons; `admit` names a handle of a request; `charter` changes the fields that are given; `nothing` only takes the
    place, to bury what is open. A field that the act does not take is refused."""

    act: Literal["admit", "limit", "suspend", "freeze", "reinstate", "charge", "grant", "charter", "nothing"]
    member: str | None = None
    amount: str | None = None
    limit: str | None = None
    reason: str = ""
    least: str | None = None
    ceiling: str | None = None
    levy: str | None = None
    commons_limit: str | None = None
    timeout_s: float = 30.0

    def __post_init__(self) -> None:
        """Raise ValueError for a field that this act does not take; msgspec makes it a fault of the body."""
        for name in sorted(set().union(*TAKES.values()) - TAKES[self.act]):
            if getattr(self, name):
                raise ValueError(f"an act of the kind {self.act} takes no {name}")


def ops_of(order: Propose, commons: Commons, find: Find) -> list[CommonsOp]:
    """The ops of an order, but for `admit`, which needs a request. Raises BadRequest, BadAmount, PayeeUnknown."""
    match order.act:
        case "limit":
            return [Limits(((_member(order, find), parse_limit(_given(order.limit, "limit"), commons.decimals)),))]
        case "suspend" | "freeze":
            return [Suspend(_member(order, find), FROZEN if order.act == "freeze" else SUSPENDED)]
        case "reinstate":
            return [Reinstate(_member(order, find))]
        case "charge" | "grant":
            amount = parse_amount(_given(order.amount, "amount"), commons.decimals)
            member = _member(order, find)
            payer, payee = (member, COMMONS) if order.act == "charge" else (COMMONS, member)
            return [Charge(payer, payee, amount, order.reason)]
        case "charter":
            return [_amended(order, commons)]
    return []


def _amended(order: Propose, commons: Commons) -> Amend:
    now, decimals = commons.charter(), commons.decimals
    charter = now
    if order.least is not None:
        charter = replace(charter, least_send=parse_limit(order.least, decimals))
    if order.ceiling is not None:
        charter = replace(charter, ceiling=parse_limit(order.ceiling, decimals))
    if order.levy is not None:
        charter = replace(charter, levy_ppm=parse_percent(order.levy))
    if order.commons_limit is not None:
        charter = replace(charter, commons_limit=parse_limit(order.commons_limit, decimals))
    if charter == now:
        raise BadRequest("That is the charter already.", next="See `tally charter`.")
    return Amend(charter)


def _member(order: Propose, find: Find) -> AccountId:
    account = find(_given(order.member, "member"))
    if account == COMMONS:
        raise BadRequest("The commons is no member.")
    return account


def _given(value: str | None, name: str) -> str:
    if value is None:
        raise BadRequest(f"This act needs a {name}.", {"missing": name})
    return value
