"""Hosts' cards: they read back from text and from files, and what is no card is refused with the reason."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol import codec
from protocol.base import NUMBER_MAX, Malformed, PublicKey
from protocol.bodies import ROLE_ARCHIVE, ROLE_RELAY, ROLE_WITNESS
from protocol.host_card import HostCard, read_host_card
from protocol.payment import write_bech32m

from ..builders import found, key
from ..papers import ADDRESS, SEED, host_card, invite, peer, voucher

CARD = host_card()
TEXT = str(CARD)
LETTERS = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
WITNESS = key("witness 0").public


def test_a_card_reads_back_from_its_text_in_lines_in_capitals_and_in_a_file() -> None:
    broken = "\n".join(TEXT[at : at + 64] for at in range(0, len(TEXT), 64))
    for text in (TEXT, TEXT.upper(), broken, f"# my node\n{TEXT}\n", f" {TEXT}\r\n", f"card of host 1:\n{broken}\n"):
        assert read_host_card(text) == CARD
    assert CARD.peer == peer("host")
    assert read_host_card(str(host_card("other", witness=False))).witness == b""


def test_the_seed_is_never_shown() -> None:
    assert SEED.hex() not in repr(CARD) and repr(SEED) not in repr(CARD)


@given(st.text(min_size=1), st.sampled_from([0, ROLE_ARCHIVE, ROLE_ARCHIVE | ROLE_RELAY]), st.booleans(),
       st.integers(1, 4), st.integers(0, NUMBER_MAX), st.binary(min_size=32, max_size=32))  # fmt: skip
def test_any_card_reads_back(name: str, roles: int, is_witness: bool, count: int, expires: int, seed: bytes) -> None:
    addresses = tuple(f"/dns/{number}.host.example/tcp/{number}" for number in range(1, count + 1))
    roles |= ROLE_WITNESS if is_witness else 0
    card = HostCard(key(name).public, roles, addresses, WITNESS if is_witness else b"", expires, seed)
    assert read_host_card(str(card)) == card


@given(st.integers(5, len(TEXT) - 1), st.integers(0, 31))
def test_one_altered_character_is_always_found(place: int, letter: int) -> None:
    altered = TEXT[:place] + LETTERS[letter] + TEXT[place + 1 :]
    if altered != TEXT:
        with pytest.raises(Malformed, match="damaged or not whole"):
            read_host_card(altered)


def _written(*fields: codec.Plain) -> str:
    return write_bech32m("card", b"\x01" + codec.encode(fields), most=2000)


def _with(place: int, value: codec.Plain) -> str:
    fields = list(CARD.plain())
    fields[place] = value
    return _written(*fields)


NOT_ONE, DAMAGED, WRONG = "is not a host's card", "damaged or not whole", "nobody should have made"
BAD_CARDS = {
    "nothing": ("", NOT_ONE),
    "words": ("my card", NOT_ONE),
    "an invite": (str(invite(found("ana"), voucher(found("ana")))), NOT_ONE),
    "a peer id": (peer("host"), NOT_ONE),
    "only the prefix": ("card1", DAMAGED),
    "the last character missing": (TEXT[:-1], DAMAGED),
    "a character too many": (TEXT + "q", DAMAGED),
    "mixed case": (TEXT[:60] + TEXT[60:].upper(), DAMAGED),
    "two characters swapped": (TEXT[:20] + TEXT[21] + TEXT[20] + TEXT[22:], DAMAGED),
    "two different cards": (f"{TEXT}\n{host_card('other')}", "two different"),
    "a parameter": (f"{TEXT}?witness=no", "more in it"),
    "a text of a million characters": (TEXT * 4000, "too long"),
    "version 2": (write_bech32m("card", b"\x02", most=2000), "newer version"),
    "version 0": (write_bech32m("card", b"\x00", most=2000), "of any version"),
    "a field too few": (_written(*CARD.plain()[:5]), WRONG),
    "a field too many": (_written(*CARD.plain(), 0), WRONG),
    "a transport key of 31 bytes": (_with(0, bytes(31)), WRONG),
    "a transport key of small order": (_with(0, bytes(32)), WRONG),
    "role 16": (_with(1, 16 | ROLE_WITNESS), WRONG),
    "a witness without the role": (_with(1, ROLE_ARCHIVE), WRONG),
    "the role without a witness key": (_with(3, b""), WRONG),
    "a witness key of small order": (_with(3, bytes(32)), WRONG),
    "a witness key of 33 bytes": (_with(3, bytes(33)), WRONG),
    "no address": (_with(2, ()), WRONG),
    "an address with a peer": (_with(2, (f"{ADDRESS}/p2p/{peer('host')}",)), WRONG),
    "an address that nobody can dial": (_with(2, ("/ip4/0.0.0.0/tcp/4001",)), WRONG),
    "an expiry beyond 2^63": (_with(4, 2**63), WRONG),
    "a seed of 33 bytes": (_with(5, bytes(33)), WRONG),
}


@pytest.mark.parametrize("name", BAD_CARDS)
def test_what_is_no_good_card_is_refused_with_the_reason(name: str) -> None:
    text, reason = BAD_CARDS[name]
    with pytest.raises(Malformed, match=reason):
        read_host_card(text)


def test_the_one_time_key_is_another_than_the_hosts_own() -> None:
    assert CARD.key.public not in (CARD.transport_key, CARD.witness)
    assert isinstance(CARD.key.public, bytes) and PublicKey(CARD.transport_key) == key("host").public
