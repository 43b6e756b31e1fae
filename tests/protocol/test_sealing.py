"""Sealed notes: payer and payee read them, nobody else, and nowhere else."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.base import NOTE_BYTES_MAX, AccountId, CommunityId
from protocol.sealing import SEALED_TEXT_BYTES_MAX, NotePlace, open_note, seal_note
from tests.builders import key

PLACE = NotePlace(CommunityId(bytes(32)), AccountId(1), 0, 7, AccountId(2))
ANA, BEN, EVE = key("ana"), key("ben"), key("eve")


def test_payer_and_payee_can_both_open_it() -> None:
    note = seal_note("for the bread", PLACE, ANA, BEN.public)
    assert open_note(note, PLACE, BEN, ANA.public) == "for the bread"
    assert open_note(note, PLACE, ANA, BEN.public) == "for the bread"


def test_nobody_else_can() -> None:
    note = seal_note("for the bread", PLACE, ANA, BEN.public)
    assert open_note(note, PLACE, EVE, ANA.public) is None
    assert open_note(note, PLACE, EVE, BEN.public) is None


@pytest.mark.parametrize(
    "place",
    [replace(PLACE, seq=8), replace(PLACE, payer=AccountId(3)), replace(PLACE, payee=AccountId(3)),
     replace(PLACE, incarnation=1), replace(PLACE, community=CommunityId(b"\1" * 32))],
)  # fmt: skip
def test_a_note_copied_to_another_payment_does_not_open(place: NotePlace) -> None:
    note = seal_note("for the bread", PLACE, ANA, BEN.public)
    assert open_note(note, place, BEN, ANA.public) is None


def test_its_length_tells_little() -> None:
    boxes = [len(seal_note("x" * size, PLACE, ANA, BEN.public).box) for size in (1, 2, 30, 31)]
    assert len(set(boxes)) == 1


def test_the_longest_text_fits_a_note_and_one_more_byte_is_refused() -> None:
    assert len(seal_note("x" * SEALED_TEXT_BYTES_MAX, PLACE, ANA, BEN.public).box) <= NOTE_BYTES_MAX
    with pytest.raises(ValueError, match="at most"):
        seal_note("x" * (SEALED_TEXT_BYTES_MAX + 1), PLACE, ANA, BEN.public)


@given(st.text(max_size=50))
def test_any_text_comes_back(text: str) -> None:
    assert open_note(seal_note(text, PLACE, ANA, BEN.public), PLACE, BEN, ANA.public) == text
