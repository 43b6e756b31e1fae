"""Reads amounts as people and programs write them: "1,234.50", "1.234,50", "12", "1'234.5", "3,00 hrs".

Pure. An amount never becomes a float: text -> exact decimal -> integer in minor units, halves rounded up. Which
mark is the decimal one is decided once for a whole column, from the amounts in it that leave no doubt, because
"1,234" alone may mean two things. `csv_rows` reads the column, this file reads what stands in it.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, localcontext

TEXT_MAX = 48
"""Longest text that is still read as an amount."""
DIGITS_MAX = 80
"""Digits that the arithmetic keeps: more than the longest text can hold, so no digit is ever lost."""

# Groups are parted by plain, no-break and narrow spaces, by apostrophes, commas and full stops.
_SPACES = str.maketrans("", "", " \u00a0\u202f\u2009'\u2019_")
_NUMBER = re.compile(r"[+-]?[0-9.,]*[0-9][0-9.,]*([eE][+-]?[0-9]{1,3})?")
# Groups of three; of two but for the last, as India writes them.
_GROUPED = {mark: re.compile(rf"[+-]?[0-9]{{1,3}}(\{mark}[0-9]{{2,3}})*\{mark}[0-9]{{3}}") for mark in ".,"}
# A currency sign or a unit of up to eight letters may stand before or after.
_DRESSED = re.compile(r"(?:[^\W\d_]{1,8}\.?|[$€£¥₹₿ħ])?\s*(?P<number>[+-]?.*?[0-9][.,]?(?:[eE][+-]?[0-9]{1,3})?)\s*"
                      r"(?:[^\W\d_]{1,8}\.?|[$€£¥₹₿ħ])?", re.DOTALL)  # fmt: skip


class NotAnAmount(ValueError):
    """The text is no number. Its words say why and are shown beside the line's number."""


@dataclass(frozen=True, slots=True)
class Reading:
    """An amount in minor units, and whether it had to be rounded to be one."""

    minor: int
    rounded: bool


def _bare(text: str) -> str:
    """Strip spaces, a currency sign or a unit from an amount."""
    if not text.strip():
        raise NotAnAmount("the amount is missing")
    if len(text) > TEXT_MAX:
        raise NotAnAmount("the amount is too long to be one")
    dressed = _DRESSED.fullmatch(text.strip())
    number = "" if dressed is None else dressed["number"].translate(_SPACES)
    if not _NUMBER.fullmatch(number):
        raise NotAnAmount(f"the amount {text.strip()!r} is not a number")
    return number


def _mark_of(number: str) -> str | None:
    """Tell the decimal mark that one amount proves, or None when it leaves a doubt."""
    mantissa = re.split("[eE]", number)[0]
    dots, commas = mantissa.count("."), mantissa.count(",")
    if dots and commas:
        return "." if mantissa.rfind(".") > mantissa.rfind(",") else ","
    if not dots and not commas:
        return None
    mark, other = (".", ",") if dots else (",", ".")
    if dots + commas > 1:
        return other
    whole, part = mantissa.split(mark)
    # Groups have three digits and the first of them one to three, none of which leads with a zero.
    grouped = len(part) == 3 and 1 <= len(whole.lstrip("+-")) <= 3 and not whole.lstrip("+-").startswith("0")
    return None if grouped else mark


def _ungrouped(number: str, mark: str) -> str | None:
    """Write a number with "." as decimal mark and no groups, or None when its groups are none (as in "12..5")."""
    whole, _, part = number.partition(mark)
    group = "," if mark == "." else "."
    if group in part or mark in part or (group in whole and not _GROUPED[group].fullmatch(whole)):
        return None
    return f"{whole.replace(group, '')}.{part}" if part else whole.replace(group, "")


def decimal_mark(texts: Iterable[str]) -> str:
    """Find the decimal mark of a column: "." or ",", whichever more of its amounts prove; "." when none does."""
    proven = {".": 0, ",": 0}
    for text in texts:
        try:
            mark = _mark_of(_bare(text))
        except NotAnAmount:
            continue
        if mark is not None:
            proven[mark] += 1
    return "," if proven[","] > proven["."] else "."


def read_amount(text: str, decimals: int, mark: str = ".") -> Reading:
    """Read `text` as minor units of a currency with `decimals` places, halves rounded up (away from zero).

    `mark` decides only where the text itself leaves a doubt. Raises NotAnAmount.
    """
    number = _bare(text)
    own_mark = _mark_of(number) or mark
    plain = _ungrouped(number, own_mark)
    if plain is None:
        raise NotAnAmount(f"the amount {text.strip()!r} is not a number")
    with localcontext() as context:
        context.prec = DIGITS_MAX
        exact = Decimal(plain)
        if exact.adjusted() > DIGITS_MAX // 2 or exact.adjusted() < -DIGITS_MAX // 2:
            return _out_of_scale(exact, text)
        minor = exact.scaleb(decimals)
        whole = minor.quantize(Decimal(1), rounding=ROUND_HALF_UP)
    return Reading(int(whole), whole != minor)


def _out_of_scale(exact: Decimal, text: str) -> Reading:
    """Answer for a power of ten that no currency has: dust rounds to nothing, the rest is no amount."""
    if exact.is_zero():
        return Reading(0, rounded=False)
    if exact.adjusted() < 0:
        return Reading(0, rounded=True)
    raise NotAnAmount(f"the amount {text.strip()!r} is too large")
