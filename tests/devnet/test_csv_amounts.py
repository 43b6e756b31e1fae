"""Amounts as they are written by people and programs, and what becomes of them in minor units."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devnet.csv_amounts import NotAnAmount, decimal_mark, read_amount


@pytest.mark.parametrize(
    ("text", "minor", "rounded"),
    [
        ("12", 1200, False),
        ("12.5", 1250, False),
        ("1,234.50", 123450, False),
        ("1.234,50", 123450, False),
        ("1'234.50", 123450, False),
        ("1 234,50", 123450, False),
        ("1\u202f234,50", 123450, False),
        ("1,234,567", 123456700, False),
        ("0,5", 50, False),
        (".5", 50, False),
        ("5.", 500, False),
        ("-3.00", -300, False),
        ("+3", 300, False),
        ("€ 3,00", 300, False),
        ("3.00 hrs", 300, False),
        ("1e3", 100000, False),
        ("2.005", 201, True),
        ("2.0049999", 200, True),
        ("0.004", 0, True),
        ("0.005", 1, True),
        ("1e-40", 0, True),
        ("1e-99", 0, True),
        ("0e99", 0, False),
        ("0", 0, False),
    ],
)
def test_an_amount_is_read_exactly_and_halves_are_rounded_up(text: str, minor: int, rounded: bool) -> None:
    reading = read_amount(text, 2)
    assert (reading.minor, reading.rounded) == (minor, rounded)


@pytest.mark.parametrize(
    "text", ["", "  ", "abc", "1.2.3,4,5", "12..5", "NaN", "inf", "1e99", "--3", "٣", "0x10", "9" * 60, "3 4 x 5"]
)
def test_what_is_no_number_is_refused_with_a_reason(text: str) -> None:
    with pytest.raises(NotAnAmount, match="amount"):
        read_amount(text, 2)


def test_a_doubtful_amount_is_read_like_the_rest_of_its_column() -> None:
    assert decimal_mark(["1,234", "12", "3,5", "junk"]) == ","
    assert read_amount("1,234", 2, ",").minor == 123
    assert read_amount("1.234", 2, ",").minor == 123400
    assert decimal_mark(["1,234", "3.5"]) == "."
    assert read_amount("1,234", 2, ".").minor == 123400
    assert read_amount("1.234", 2, ".").minor == 123
    assert decimal_mark([]) == "."


@given(st.integers(0, 10**12), st.integers(0, 6))
def test_what_is_written_with_all_its_decimals_is_read_back(minor: int, decimals: int) -> None:
    text = f"{minor // 10**decimals}.{minor % 10**decimals:0{decimals}d}" if decimals else str(minor)
    assert read_amount(text, decimals).minor == minor
    assert read_amount(text.replace(".", ","), decimals, ",").minor == minor
