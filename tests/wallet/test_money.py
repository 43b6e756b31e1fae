"""Money at the border: strict where a person pays, exact about what was rounded where a record is read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.amounts import format_amount
from protocol.base import AMOUNT_MAX
from wallet.errors import BadAmount
from wallet.money import parse_amount, parse_limit


@pytest.mark.parametrize(
    ("text", "decimals", "minor"),
    [("2.50", 2, 250), ("2.5", 2, 250), ("2", 2, 200), ("0.01", 2, 1), ("7", 0, 7), ("10000000000.00", 2, AMOUNT_MAX)],
)
def test_an_amount_is_read(text: str, decimals: int, minor: int) -> None:
    assert parse_amount(text, decimals) == minor


@pytest.mark.parametrize(
    "text",
    [
        "", "0", "0.00", "-1", "+1", "1.", ".5", "1e3", "1,50", "1 000", "1_000", " 1", "1\n", "007", "1.234", "nan",
        "inf", "0x10", "\u0661", "\uff11", "1.2.3", "10000000000.01", "9" * 30, "1/2",
    ],
)  # fmt: skip
def test_anything_else_is_refused_rather_than_guessed(text: str) -> None:
    with pytest.raises(BadAmount):
        parse_amount(text, 2)


@pytest.mark.parametrize(("decimals", "such"), [(0, "25"), (1, "2.5"), (2, "2.50"), (3, "2.500")])
def test_too_many_decimals_are_refused_with_an_example_that_fits(decimals: int, such: str) -> None:
    with pytest.raises(BadAmount) as caught:
        parse_amount("1.23456", decimals)
    assert caught.value.next == f"Write an amount like {such}."
    assert parse_amount(such, decimals)


@pytest.mark.parametrize(("text", "minor"), [("0", 0), ("0.00", 0), ("20", 2000), ("0.5", 50)])
def test_a_limit_may_be_zero(text: str, minor: int) -> None:
    assert parse_limit(text, 2) == minor


@pytest.mark.parametrize("text", ["", ".", "..", "00", "-1", "0.000", "none"])
def test_what_is_no_limit_is_not_taken_for_zero(text: str) -> None:
    with pytest.raises(BadAmount):
        parse_limit(text, 2)


@pytest.mark.parametrize("text", ["10000000000.01", "9" * 30])
def test_of_what_is_too_large_that_is_said(text: str) -> None:
    with pytest.raises(BadAmount, match="too large"):
        parse_amount(text, 2)


@given(st.integers(1, AMOUNT_MAX), st.integers(0, 6))
def test_what_is_written_reads_back(minor: int, decimals: int) -> None:
    assert parse_amount(format_amount(minor, decimals), decimals) == minor


@pytest.mark.parametrize(
    ("minor", "decimals", "text"), [(-250, 2, "-2.50"), (0, 2, "0.00"), (-1, 2, "-0.01"), (5, 0, "5"), (-5, 0, "-5")]
)
def test_balances_are_written_with_sign_and_all_decimals(minor: int, decimals: int, text: str) -> None:
    assert format_amount(minor, decimals) == text
