"""Money at the border: what a person typed to the smallest units. Everywhere else amounts are integers.

Text comes in as ASCII digits with a point (2.50) and nothing else: no sign, no exponent, no grouping, because a
guessed reading of "1,000" pays a thousand times too much or too little.
"""

import re

from node.amounts import format_amount
from protocol.base import AMOUNT_MAX, Amount

from .errors import BadAmount, Facts

_AMOUNT = re.compile(r"(0|[1-9][0-9]{0,39})(?:\.([0-9]{1,18}))?", re.ASCII)


def parse_amount(text: str, decimals: int) -> Amount:
    """Read an amount that a person typed, such as "2.50", to smallest units.

    Raises BadAmount unless it is 1 .. 10^12 units, written with at most `decimals` digits behind the point.
    """
    minor = parse_limit(text, decimals)
    if minor == 0:
        raise BadAmount("An amount must be more than zero.", {"given": text[:40]})
    return Amount(minor)


def parse_limit(text: str, decimals: int) -> int:
    """Read a credit limit as `parse_amount` reads an amount; it may be zero."""
    found = _AMOUNT.fullmatch(text)
    if found is None:
        raise BadAmount("An amount is digits with a point, such as 2.50.", {"given": text[:40]})
    whole, part = found.group(1), found.group(2) or ""
    if len(part) > decimals:
        facts: Facts = {"given": text[:40], "decimals": decimals}
        such = format_amount(25 * 10 ** max(decimals - 1, 0), decimals)
        raise BadAmount(f"This currency has {decimals} decimals.", facts, f"Write an amount like {such}.")
    minor = int(whole + part.ljust(decimals, "0"))
    if minor > AMOUNT_MAX:
        raise BadAmount("That amount is too large.", {"given": text[:40], "most": format_amount(AMOUNT_MAX, decimals)})
    return minor
