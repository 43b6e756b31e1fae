"""Ids as text: they read back, and a slip of the hand is found."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.base import CommunityId, EntryId, Malformed
from protocol.payment import (
    PaymentId,
    community_text,
    read_bech32m,
    read_community,
    read_payment_id,
    write_bech32m,
)

ID = PaymentId(EntryId(bytes(range(32))), 3)
LETTERS = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


def test_the_form_is_bech32m() -> None:
    # BIP-350: "a1lqfn3a" has no data and prefix "a"
    assert write_bech32m("a", b"") == "a1lqfn3a"
    assert read_bech32m("a", "A1LQFN3A") == b""


def test_a_payment_id_has_one_text_form() -> None:
    assert str(ID) == "pay1" + str(ID)[4:] and len(str(ID)) == 63
    assert read_payment_id(str(ID)) == ID
    assert read_payment_id(str(ID).upper()) == ID


@given(st.binary(min_size=32, max_size=32), st.integers(0, 63))
def test_any_payment_id_reads_back(entry: bytes, op: int) -> None:
    id = PaymentId(EntryId(entry), op)
    assert read_payment_id(str(id)) == id


@given(st.integers(4, 62), st.integers(0, 31))
def test_one_wrong_character_is_always_found(place: int, letter: int) -> None:
    text = str(ID)
    wrong = text[:place] + LETTERS[letter] + text[place + 1 :]
    if wrong != text:
        with pytest.raises(Malformed):
            read_payment_id(wrong)


@pytest.mark.parametrize(
    "text",
    [
        "", "pay1", "pay", str(ID)[:-1], str(ID) + "q", "com" + str(ID)[3:], " " + str(ID), "P" + str(ID)[1:],
        str(ID).replace("1", "l", 1), community_text(CommunityId(bytes(32))), write_bech32m("pay", bytes(32)),
        write_bech32m("pay", bytes(32) + b"\x40"), "pay1" + "q" * 200,
    ],
)  # fmt: skip
def test_what_is_not_a_payment_id_is_refused(text: str) -> None:
    with pytest.raises(Malformed):
        read_payment_id(text)


def test_a_community_has_a_text_form_too() -> None:
    community = CommunityId(bytes(range(32)))
    assert community_text(community).startswith("com1")
    assert read_community(community_text(community)) == community
    with pytest.raises(Malformed):
        read_community(write_bech32m("com", bytes(31)))


def test_a_long_text_is_read_and_written_only_where_it_is_asked_for() -> None:
    content = bytes(range(200))
    text = write_bech32m("invite", content, most=2000)
    assert read_bech32m("invite", text, most=2000) == content
    assert write_bech32m("invite", content, most=len(text)) == text
    with pytest.raises(Malformed):
        read_bech32m("invite", text)
    for most in (len(text) - 1, 90):
        with pytest.raises(ValueError, match="characters"):
            write_bech32m("invite", content, most=most)
