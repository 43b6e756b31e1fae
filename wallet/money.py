"""Money at the border: decimal text to the smallest units and back. Everywhere else amounts are integers.

Text comes in as ASCII digits with a point (2.50) and nothing else: no sign, no exponent, no grouping, because a
guessed reading of "1,000" pays a thousand times too much or too little.
"""

import re
from decimal import ROUND_HALF_UP, Decimal

from protocol.base import AMOUNT_MAX, Amount

from .errors import BadAmount

_AMOUNT = re.compile(r"(0|[1-9][0-9]{0,39})(?:\.([0-9]{1,18}))?", re.ASCII)
_NUMBER = re.compile(r"[+-]?[0-9]{1,18}(\.[0-9]{1,18})?", re.ASCII)


def parse_amount(text: str, decimals: int) -> Amount:
    """Read an amount that a person typed, such as "2.50", to smallest units.

    Raises BadAmount unless it is 1 .. 10^12 units, written with at most `decimals` digits behind the point.
    """
    found = _AMOUNT.fullmatch(text)
    if found is None:
        raise BadAmount("An amount is digits with a point, such as 2.50.", {"given": text[:40]})
    whole, part = found.group(1), found.group(2) or ""
    if len(part) > decimals:
        raise BadAmount(f"This currency has {decimals} decimals.", {"given": text[:40], "decimals": decimals})
    minor = int(whole + part.ljust(decimals, "0"))
    if minor == 0:
        raise BadAmount("An amount must be more than zero.", {"given": text[:40]})
    if minor > AMOUNT_MAX:
        raise BadAmount("That amount is too large.", {"given": text[:40], "most": format_amount(AMOUNT_MAX, decimals)})
    return Amount(minor)


def format_amount(minor: int, decimals: int) -> str:
    """Write smallest units as decimal text: (-250, 2) -> "-2.50"."""
    sign = "-" if minor < 0 else ""
    digits = str(abs(minor)).rjust(decimals + 1, "0")
    return sign + (f"{digits[:-decimals]}.{digits[-decimals:]}" if decimals else digits)


def round_half_up(text: str, decimals: int) -> tuple[int, bool]:
    """Read a number of any fineness to smallest units, halves away from zero; tell whether it was exact.

    For records that others wrote: a sign is read and zero is a number. Raises BadAmount when it is no plain decimal.
    """
    if _NUMBER.fullmatch(text) is None:
        raise BadAmount("A number is digits with a point, such as 2.50.", {"given": text[:40]})
    exact = Decimal(text).scaleb(decimals)
    rounded = exact.quantize(Decimal(1), rounding=ROUND_HALF_UP)
    return int(rounded), rounded == exact
