"""Names that could be taken for one another are found, names that could not are left alone."""

import pytest

from protocol.base import AccountId
from wallet.people.lookalikes import lookalikes, resembling, skeleton

ALIKE = [
    ("bob", "b0b"),
    ("bob", "B-o-b"),
    ("market", "rnarket"),
    ("anna", "аnnа"),  # Cyrillic
    ("Maria", "María"),
    ("wim", "vvim"),
    ("lena", "Iena"),
    ("lena", "1ena"),
    ("oslo", "ΟSLΟ"),  # Greek
    ("stroke", "strøke"),
    ("bakery", "ba kery"),
    ("bakery", "ｂａｋｅｒｙ"),  # full width
    ("paul", "pаul"),
]
APART = [
    ("bob", "rob"),
    ("anna", "hanna"),
    ("bakery", "bakers"),
    ("ana", "anna"),
    ("ama", "anna"),
    ("müller", "miller"),
    ("王", "李"),
]


@pytest.mark.parametrize(("one", "other"), ALIKE)
def test_these_look_alike(one: str, other: str) -> None:
    assert skeleton(one) == skeleton(other)


@pytest.mark.parametrize(("one", "other"), APART)
def test_these_do_not(one: str, other: str) -> None:
    assert skeleton(one) != skeleton(other)


def test_each_is_told_of_the_others_and_nobody_of_himself() -> None:
    names = {AccountId(1): ["bob", "Bob"], AccountId(2): ["b0b", "Robert"], AccountId(3): ["cem", "B.O.B."]}
    assert lookalikes(names) == {1: [2, 3], 2: [1, 3], 3: [1, 2]}


def test_names_of_nothing_but_signs_are_like_nobody() -> None:
    assert lookalikes({AccountId(1): ["..."], AccountId(2): ["---"], AccountId(3): [""]}) == {}


def test_a_wanted_name_is_held_against_all() -> None:
    names = {AccountId(4): ["ana"], AccountId(2): ["eve", "Аna"]}
    assert resembling("ANA", names) == [2, 4]
    assert resembling("", names) == resembling("zed", names) == []
