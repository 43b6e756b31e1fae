"""Invites: however one was passed on it reads back, and whatever is wrong with one is said."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol import codec
from protocol.base import BALANCE_MAX, NUMBER_MAX, AccountId, CommunityId, EntryId, Malformed, Signature
from protocol.host_card import read_host_card
from protocol.invite import USES_MAX, Invite, InviteFault, Voucher, invite_fault, read_invite, voucher_fault
from protocol.ledger import Ledger
from protocol.longtext import CHARS_MAX
from protocol.ops import Reinstate, Suspend
from protocol.payment import TEXT_MAX_LONG, write_bech32m
from protocol.signing import Signatures

from ..builders import Town, decide, found, key, opened, stewards_op
from ..papers import DAY_S, NOW_S, SEED, host_card, invite, peer, voucher

TOWN = found("ana", "ben", stewards=("sue", "tom"), threshold=2)
MADE = invite(TOWN, voucher(TOWN))
TEXT = str(MADE)
LETTERS = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


def _lines(text: str, width: int, between: str = "\n") -> str:
    return between.join(text[at : at + width] for at in range(0, len(text), width))


@pytest.mark.parametrize(
    "passed_on",
    [
        TEXT, f"tally:{TEXT}", TEXT.upper(), f"TALLY:{TEXT.upper()}", f"tally:{TEXT.upper()}", f"  {TEXT}\r\n",
        _lines(TEXT, 40), _lines(TEXT, 4, " "), _lines(f"tally:{TEXT}", 3),
        _lines(f"tally:{TEXT}", 76, "\r\n"), f"\ufeff{TEXT}", f"<{TEXT}>",
        f"Hello Carl,\n\nhere is your invite: tally:{TEXT}.\n\nsee you, Ana", f"[join us](tally:{TEXT})",
        MADE.file_text(), MADE.file_text().replace("\n", "\r\n"), f"{TEXT}\n\nthe same once more: {TEXT}",
        f"{_lines(TEXT, 60)}\nsee the page", f"did you get {TEXT}? Say so",
    ],
)  # fmt: skip
def test_an_invite_reads_back_however_it_was_passed_on(passed_on: str) -> None:
    assert read_invite(passed_on) == MADE


def test_the_file_says_what_it_is_and_how_to_use_it() -> None:
    *said, last = MADE.file_text().splitlines()
    assert last == TEXT
    assert all(line.startswith("# ") for line in said)
    assert "tally init --join FILE --handle NAME" in MADE.file_text()
    assert MADE.link() == f"tally:{TEXT}"


def test_neither_the_seed_nor_the_key_is_ever_shown() -> None:
    for shown in (repr(MADE), repr(MADE.key), repr(MADE.voucher)):
        assert SEED.hex() not in shown and repr(SEED) not in shown


def test_the_longest_invite_fits_its_text() -> None:
    names = [f"/dns/{'a' * 60}.{'b' * 40}.example{number}/tcp/65535/p2p/{peer('node')}" for number in range(4)]
    signers = tuple((index, Signature(bytes(64))) for index in range(3))
    largest = Voucher(MADE.voucher.key, AccountId(2**32 - 1), 0, BALANCE_MAX, NUMBER_MAX, NUMBER_MAX, ())
    long = replace(MADE, height=NUMBER_MAX, addresses=tuple(names), voucher=replace(largest, signatures=signers))
    assert read_invite(str(long)) == long
    with pytest.raises(ValueError, match=str(TEXT_MAX_LONG)):
        str(replace(long, voucher=replace(largest, signatures=signers * 8)))


ADDRESSES = st.lists(st.integers(1, 254), min_size=1, max_size=4, unique=True).map(
    lambda numbers: tuple(f"/ip4/192.0.2.{number}/tcp/4001/p2p/{peer('node')}" for number in numbers)
)


@given(
    st.binary(min_size=32, max_size=32), st.integers(0, NUMBER_MAX), ADDRESSES, st.binary(min_size=32, max_size=32),
    st.integers(0, USES_MAX), st.integers(0, BALANCE_MAX), st.integers(0, 2**32 - 1), st.integers(1, 90),
)  # fmt: skip
def test_any_invite_reads_back(
    anchor: bytes, height: int, addresses: tuple[str, ...], seed: bytes, uses: int, limit: int, issuer: int, width: int
) -> None:
    made = voucher(TOWN, AccountId(issuer), uses, seed, limit, by=key("sue"))
    whole = Invite(TOWN.community, height, EntryId(anchor), addresses, seed, made)
    assert read_invite(str(whole)) == whole
    assert read_invite(_lines(whole.link(), width)) == whole
    assert Voucher.read(made.plain()) == made
    assert whole.key.public == made.key


@given(st.integers(7, len(TEXT) - 1), st.integers(0, 31))
def test_one_altered_character_is_always_found(place: int, letter: int) -> None:
    altered = TEXT[:place] + LETTERS[letter] + TEXT[place + 1 :]
    if altered != TEXT:
        with pytest.raises(Malformed, match="damaged or not whole"):
            read_invite(altered)


@given(st.integers(7, len(TEXT) - 1))
def test_a_truncated_invite_is_always_found(length: int) -> None:
    with pytest.raises(Malformed, match="damaged or not whole"):
        read_invite(TEXT[:length])


def _written(*fields: codec.Plain) -> str:
    return write_bech32m("invite", b"\x01" + codec.encode(fields), most=5000)


def _with(place: int, value: codec.Plain) -> str:
    fields = list(MADE.plain())
    fields[place] = value
    return _written(*fields)


def _terms(place: int, value: codec.Plain) -> str:
    terms = list(MADE.plain()[5])
    terms[place] = value
    return _with(5, tuple(terms))


OTHER = str(invite(TOWN, voucher(TOWN, uses=3)))
NOT_ONE, DAMAGED, NEWER, WRONG = "is not an invite", "damaged or not whole", "newer version", "nobody should have made"
BAD_INVITES = {
    "nothing": ("", NOT_ONE),
    "spaces": (" \n\t", NOT_ONE),
    "words": ("I invite you to a party", NOT_ONE),
    "only the scheme": ("tally:", NOT_ONE),
    "a payment": ("pay17g8d5jac6xwklh29r0880kk7xjzq5nepesmxavn2gss7acuau5cszkn9gw2", NOT_ONE),
    "a host's card": (str(host_card()), NOT_ONE),
    "an unknown scheme": (f"bitcoin:{TEXT}", NOT_ONE),
    "inside another word": (f"re{TEXT}", NOT_ONE),
    "a page that claims to hold it": (f"https://example.org/{TEXT}", NOT_ONE),
    "only the prefix": ("invite1", DAMAGED),
    "no separator": (TEXT.replace("1", "", 1), NOT_ONE),
    "the last character missing": (TEXT[:-1], DAMAGED),
    "the first half": (TEXT[: len(TEXT) // 2], DAMAGED),
    "the second half": ("invite1" + TEXT[len(TEXT) // 2 :], DAMAGED),
    "a character too many": (TEXT + "q", DAMAGED),
    "a character that no invite has": (TEXT[:50] + "b" + TEXT[51:], DAMAGED),
    "two characters swapped": (TEXT[:30] + TEXT[31] + TEXT[30] + TEXT[32:], DAMAGED),
    "a line missing": ("\n".join(_lines(TEXT, 40).split("\n")[:3] + _lines(TEXT, 40).split("\n")[4:]), DAMAGED),
    "mixed case": (TEXT[:50] + TEXT[50:].upper(), DAMAGED),
    "a prefix in another case": ("INVITE1" + TEXT[7:], DAMAGED),
    "another prefix with our checksum": (write_bech32m("invita", bytes(90), most=2000), NOT_ONE),
    "a letter of another alphabet": (TEXT[:40] + "с" + TEXT[41:], DAMAGED),
    "a hyphen at the end of a line": (f"{TEXT[:40]}-\n{TEXT[40:]}", DAMAGED),
    "a parameter": (f"tally:{TEXT}?amount=5", "more in it"),
    "the same parameter twice": (f"tally:{TEXT}?seed=1&seed=2", "more in it"),
    "a critical parameter": (f"tally:{TEXT}?req-witness=1", "more in it"),
    "a fragment": (f"tally:{TEXT}#top", "more in it"),
    "a path": (f"tally:{TEXT}/more", "more in it"),
    "a second field": (f"tally:{TEXT}&{TEXT}", "more in it"),
    "two different invites": (f"{TEXT}\n{OTHER}", "two different"),
    "a file with two different invites": (MADE.file_text() + OTHER, "two different"),
    "very many invites": (f"{TEXT[:20]}\n" * 9, "more than 8"),
    "a text of a million characters": ("q" * 1_000_000, "too long"),
    "an invite of 5,000 characters": ("invite1" + "q" * 5000, DAMAGED),
    "a right checksum over 2,500 characters": (_with(3, (("a" * 1500),)), DAMAGED),
    "version 2": (write_bech32m("invite", b"\x02whatever comes", most=2000), NEWER),
    "version 255": (write_bech32m("invite", b"\xff", most=2000), NEWER),
    "version 0": (write_bech32m("invite", b"\x00" + codec.encode(MADE.plain()), most=2000), "of any version"),
    "no content": (write_bech32m("invite", b""), "of any version"),
    "no value": (write_bech32m("invite", b"\x01"), WRONG),
    "something after the value": (
        write_bech32m("invite", b"\x01" + codec.encode(MADE.plain()) + b"\0", most=2000),
        WRONG,
    ),
    "a field too few": (_written(*MADE.plain()[:5]), WRONG),
    "a field too many": (_written(*MADE.plain(), 0), WRONG),
    "a community of 31 bytes": (_with(0, bytes(31)), WRONG),
    "a height that is text": (_with(1, "7"), WRONG),
    "an anchor of 33 bytes": (_with(2, bytes(33)), WRONG),
    "no address": (_with(3, ()), WRONG),
    "five addresses": (_with(3, tuple(f"/ip4/192.0.2.{n}/tcp/1/p2p/{peer('node')}" for n in range(1, 6))), WRONG),
    "an address without a peer": (_with(3, ("/ip4/192.0.2.7/tcp/4001",)), WRONG),
    "an address of no kind": (_with(3, (f"/ip4/192.0.2.7/udp/4001/p2p/{peer('node')}",)), WRONG),
    "a seed of 31 bytes": (_with(4, bytes(31)), WRONG),
    "no terms": (_with(5, ()), WRONG),
    "an issuer of 2^32": (_terms(0, 2**32), WRONG),
    "1,001 uses": (_terms(1, USES_MAX + 1), WRONG),
    "a limit above all limits": (_terms(2, BALANCE_MAX + 1), WRONG),
    "a time beyond 2^63": (_written(*MADE.plain()[:5], (0, 0, 0, 0, 2**63, ())), WRONG),
    "signatures out of order": (_terms(5, ((1, bytes(64)), (0, bytes(64)))), WRONG),
    "a signature of 63 bytes": (_terms(5, ((0, bytes(63)),)), WRONG),
}


@pytest.mark.parametrize("name", BAD_INVITES)
def test_what_is_no_good_invite_is_refused_with_the_reason(name: str) -> None:
    text, reason = BAD_INVITES[name]
    with pytest.raises(Malformed, match=reason):
        read_invite(text)


def test_a_damaged_copy_beside_a_good_one_does_no_harm() -> None:
    assert read_invite(f"{TEXT[:100]}\nand all of it:\n{TEXT}") == MADE


def test_what_is_looked_through_is_bounded() -> None:
    space = " " * (CHARS_MAX - len(TEXT))
    assert CHARS_MAX == 16_384
    assert read_invite(TEXT + space) == read_invite(space + TEXT) == MADE
    with pytest.raises(Malformed, match="too long"):
        read_invite(TEXT + space + " ")
    assert read_invite(f"{TEXT[:20]}\n" * 7 + TEXT) == MADE


# What the ledger says.


def _ledger() -> tuple[Town, Ledger]:
    town = found("ana", "ben", stewards=("sue", "tom"), threshold=2)
    return town, opened(town)


def test_a_voucher_of_one_steward_or_of_a_member_is_good() -> None:
    town, ledger = _ledger()
    tom = replace(voucher(town), signatures=_by_tom(town))
    for good in (voucher(town), voucher(town, uses=USES_MAX), voucher(town, town["ana"]), tom):
        assert voucher_fault(ledger, good, NOW_S) is None
        assert invite_fault(ledger, invite(town, good), NOW_S) is None


def test_a_member_who_has_not_opened_the_account_may_invite() -> None:
    town = found("ana", "ben")
    assert voucher_fault(opened(town, "ben"), voucher(town, town["ana"]), NOW_S) is None


def _by_tom(town: Town) -> Signatures:
    """What tom, steward 1, signs of the plain voucher."""
    return ((1, voucher(town, by=key("tom")).signatures[0][1]),)


FAULTS: dict[str, tuple[Callable[[Town], Voucher], InviteFault]] = {
    "expired a second ago": (lambda town: voucher(town, expires=NOW_S), InviteFault.EXPIRED),
    "signed by nobody": (lambda town: replace(voucher(town), signatures=()), InviteFault.NOT_ISSUED),
    "of no member": (lambda town: voucher(town, AccountId(3), by=key("ana")), InviteFault.NOT_ISSUED),
    "of a member, with uses": (lambda town: voucher(town, town["ana"], uses=1), InviteFault.NOT_ISSUED),
    "signed by a stranger": (lambda town: voucher(town, by=key("eve")), InviteFault.ALTERED),
    "of ana, signed by ben": (lambda town: voucher(town, town["ana"], by=key("ben")), InviteFault.ALTERED),
    "of account 0, signed by a member": (lambda town: voucher(town, by=key("ana")), InviteFault.ALTERED),
    "with more uses": (lambda town: replace(voucher(town, uses=1), uses=2), InviteFault.ALTERED),
    "with a higher limit": (lambda town: replace(voucher(town), limit=10), InviteFault.ALTERED),
    "good for longer": (lambda town: replace(voucher(town), expires=NOW_S + 2 * DAY_S), InviteFault.ALTERED),
    "for another key": (lambda town: replace(voucher(town), key=key("eve").public), InviteFault.ALTERED),
    "of another issuer": (lambda town: replace(voucher(town, town["ana"]), issuer=town["ben"]), InviteFault.ALTERED),
    "signed twice": (
        lambda town: replace(
            voucher(town), signatures=(*voucher(town).signatures, (1, voucher(town).signatures[0][1]))
        ),
        InviteFault.ALTERED,
    ),
    "of another community": (lambda town: voucher(found("zoe")), InviteFault.ALTERED),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_voucher_that_is_no_good_says_why(name: str) -> None:
    town, ledger = _ledger()
    make, fault = FAULTS[name]
    before = ledger.state_root()
    assert voucher_fault(ledger, make(town), NOW_S) is fault
    assert ledger.state_root() == before


def test_a_suspended_members_invite_is_good_again_when_they_are_reinstated() -> None:
    town, ledger = _ledger()
    made = voucher(town, town["ana"])
    for level in (1, 2):
        decide(ledger, town, Suspend(town["ana"], level))
        assert voucher_fault(ledger, made, NOW_S) is InviteFault.SUSPENDED
    decide(ledger, town, Reinstate(town["ana"]))
    assert voucher_fault(ledger, made, NOW_S) is None


def test_a_steward_who_left_invites_no_more_and_one_who_stays_does_whatever_its_index() -> None:
    town, ledger = _ledger()
    by_sue, by_tom = voucher(town, by=key("sue")), voucher(town, by=key("tom"))
    decide(ledger, town, stewards_op(town.community, "tom", "uma", threshold=1))
    assert voucher_fault(ledger, by_sue, NOW_S) is InviteFault.NOT_ISSUED
    assert voucher_fault(ledger, by_tom, NOW_S) is None


def test_an_invite_for_another_community_or_another_past_is_foreign() -> None:
    town, ledger = _ledger()
    made = invite(town, voucher(town))
    elsewhere = replace(made, community=CommunityId(bytes(32)))
    other_past = replace(made, anchor=EntryId(bytes(32)))
    later = replace(made, height=7, anchor=EntryId(bytes(32)))
    assert invite_fault(ledger, elsewhere, NOW_S) is InviteFault.FOREIGN
    assert invite_fault(ledger, other_past, NOW_S) is InviteFault.FOREIGN
    assert invite_fault(ledger, later, NOW_S) is None  # not known here yet
    assert invite_fault(ledger, replace(made, voucher=voucher(town, expires=1)), NOW_S) is InviteFault.EXPIRED


def test_where_nothing_is_founded_nobody_was_invited() -> None:
    assert voucher_fault(Ledger(), voucher(TOWN), NOW_S) is InviteFault.NOT_ISSUED
    assert invite_fault(Ledger(), MADE, NOW_S) is InviteFault.FOREIGN


def test_every_fault_has_a_code_and_one_sentence() -> None:
    for fault in InviteFault:
        assert fault.code == fault.name.lower()
        assert fault.words and not fault.words.endswith(".")


def test_a_hosts_card_is_no_invite_and_an_invite_no_card() -> None:
    with pytest.raises(Malformed, match="is not a host's card"):
        read_host_card(TEXT)
