"""The charter in words: what the witnesses tolerate, what holds for everybody, percentages as people type them."""

import pytest

from protocol.base import COMMONS
from protocol.ops import Amend, Charter, Limits, Op, Send
from tests.builders import charge, found, opened
from wallet.errors import BadRequest
from wallet.stewards.charter import community_lines, tolerance
from wallet.stewards.words import Wording, parse_percent, percent

TOLERANCE = {
    (1, 1): "there is one witness: it must be honest, and nothing becomes final while it is away",
    (2, 2): "safe if one of the two lies, stands still while any of them is away",
    (3, 2): "safe only if all three are honest, works if one is away",
    (4, 3): "safe if one of the four lies, works if one is away",
    (7, 5): "safe if two of the seven lie, works if two are away",
    (16, 11): "safe if five of the 16 lie, works if five are away",
}


@pytest.mark.parametrize(("witnesses", "quorum"), TOLERANCE)
def test_what_the_witnesses_tolerate_is_said_plainly(witnesses: int, quorum: int) -> None:
    assert tolerance(witnesses, quorum) == TOLERANCE[witnesses, quorum]


def test_the_whole_charter_is_told_with_what_one_should_know() -> None:
    charter = Charter(version=1, least_send=10, ceiling=5000, levy_ppm=25_000, commons_limit=700)
    town = found("ana", witnesses=3, quorum=2, stewards=("s0", "s1"), threshold=2, charter=charter)
    assert community_lines(opened(town).commons) == [
        "Testville: 1 member, amounts in hours",
        "the smallest payment is 0.10 hours",
        "no balance above 50.00 hours",
        "2.5 % of what members pay one another goes to the commons",
        "the commons may go 7.00 hours below zero",
        "2 of 2 stewards decide together",
        "witnesses: safe only if all three are honest, works if one is away",
        "if one steward loses its keys, nothing can be decided any more: better name one more",
        "with 4 witnesses one of them could lie",
    ]


def test_acts_say_which_way_money_goes() -> None:
    town = found("ana", "ben")
    wording = Wording(opened(town).commons)
    ops: list[Op] = [
        charge(town["ana"], COMMONS, 500),
        charge(COMMONS, town["ben"], 5, ""),
        Limits(((town["ana"], 0),)),
    ]
    assert wording.act(ops) == [
        'take 5.00 hours from @ana for the commons ("dues")',
        "give 0.05 hours from the commons to @ben",
        "credit limit of @ana: 0.00 hours",
    ]
    assert wording.act([Send(town["ana"], 100)]) == ["pay @ana 1.00 hours from the commons"]  # type: ignore[arg-type]
    assert wording.act([]) == ["do nothing (it only takes a place)"]
    assert wording.act([Amend(Charter(1, 1, 0, 0, 0))])[0] == "charter: payments may be of any amount"


@pytest.mark.parametrize(
    ("text", "ppm"), [("2%", 20_000), ("0", 0), ("0.5 %", 5_000), ("100%", 10**6), ("2.5", 25_000)]
)
def test_a_percentage_is_read_as_it_is_typed(text: str, ppm: int) -> None:
    assert parse_percent(text) == ppm and parse_percent(percent(ppm)) == ppm


@pytest.mark.parametrize("text", ["", "-1", "101", "100.1%", "two", "1e2", "2%%", "0.00001", "٢%", "2,5"])
def test_what_is_no_percentage_is_refused(text: str) -> None:
    with pytest.raises(BadRequest):
        parse_percent(text)
