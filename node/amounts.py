"""Smallest units as people read them; everywhere else amounts are integers. `wallet.money` reads what is typed."""


def format_amount(minor: int, decimals: int) -> str:
    """Write smallest units as decimal text: (-250, 2) -> "-2.50"."""
    sign = "-" if minor < 0 else ""
    digits = str(abs(minor)).rjust(decimals + 1, "0")
    return sign + (f"{digits[:-decimals]}.{digits[-decimals:]}" if decimals else digits)
