"""Records: who may write them, what may stand in them, and which of two fills a slot."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol import codec
from protocol.base import AMOUNT_MAX, COMMONS, NUMBER_MAX, AccountId, Malformed, PublicKey, Signature
from protocol.bodies import (
    BODY_BYTES_MAX,
    ROLE_ARCHIVE,
    ROLE_RELAY,
    ROLE_WALLET,
    ROLE_WITNESS,
    ROLES_MAX,
    Accept,
    Body,
    Call,
    Card,
    Offer,
    Profile,
    Serve,
)
from protocol.ledger import Ledger
from protocol.ops import Reinstate, Suspend
from protocol.record import (
    KEY_BYTES_MAX,
    SLOTS_MAX,
    Kind,
    Record,
    SignedRecord,
    read_body,
    record_fault,
    slots_max,
)
from protocol.signing import Tag, sign
from protocol.statements import acceptance_content

from ..builders import Town, authority, decide, found, key, opened, signatures, stewards_op
from ..papers import ADDRESS, NOW_S, card, peer, record

ANA, BEN = AccountId(1), AccountId(2)
OFFER = Offer("Bread", "food", "Baked today", 250, NOW_S)
KEYS = authority("sue", "tom").keys


def _accept(town: Town, name: str = "sue") -> Accept:
    return Accept(2, KEYS, sign(key(name), Tag.ACCEPT, town.community, acceptance_content(2, KEYS)))


def _bodies(town: Town) -> list[tuple[Kind, bytes, Body]]:
    """One of each kind, with the key that it may stand at."""
    shown = Card(peer("node"), ROLE_WITNESS, (ADDRESS,), NOW_S + 1)
    return [
        (Kind.CARD, shown.key, shown),
        (Kind.PROFILE, b"", Profile("Ana's bakery", "Bread and more")),
        (Kind.OFFER, b"bread", OFFER),
        (Kind.WANT, b"flour", OFFER),
        (Kind.SERVE, b"", Serve(key("ana steward").public)),
        (Kind.CALL, b"", Call(2, (ANA, BEN))),
        (Kind.ACCEPT, b"", _accept(town)),
    ]


def _town() -> tuple[Town, Ledger]:
    town = found("ana", "ben", stewards=("sue", "tom"), threshold=2)
    return town, opened(town)


TOWN = found("ana", "ben", stewards=("sue", "tom"), threshold=2)


def test_there_is_a_body_and_a_cap_for_every_kind() -> None:
    assert {kind for kind, _, _ in _bodies(TOWN)} == set(Kind) == set(SLOTS_MAX)
    assert slots_max(ANA, Kind.CARD) == 8
    assert slots_max(COMMONS, Kind.CARD) == 64
    assert slots_max(COMMONS, Kind.OFFER) == slots_max(ANA, Kind.OFFER) == 32


@pytest.mark.parametrize("author", [COMMONS, ANA])
def test_every_kind_is_taken_from_a_member_and_from_a_steward(author: AccountId) -> None:
    town, ledger = _town()
    for kind, slot, body in _bodies(town):
        signed = record(town, author, kind, slot, body.body())
        assert read_body(kind, body.body()) == body
        assert SignedRecord.read(codec.decode(codec.encode(signed.plain()), 4096)) == signed
        assert record_fault(ledger, signed, NOW_S) is None, kind
        withdrawn = record(town, author, kind, slot, b"", 2)
        assert record_fault(ledger, withdrawn, NOW_S) is None
        assert withdrawn.beats(signed)


def test_the_numbers_are_those_of_the_spec() -> None:
    assert [int(kind) for kind in Kind] == [1, 2, 3, 4, 5, 6, 7]
    assert [SLOTS_MAX[kind] for kind in Kind] == [8, 1, 32, 32, 1, 4, 4]
    assert (KEY_BYTES_MAX, BODY_BYTES_MAX) == (64, 1024)
    assert (ROLE_WALLET, ROLE_WITNESS, ROLE_ARCHIVE, ROLE_RELAY, ROLES_MAX) == (1, 2, 4, 8, 15)


def test_a_call_may_be_for_one_and_for_sixteen() -> None:
    for count in (1, 16):
        for threshold in (1, count):
            call = Call(threshold, tuple(AccountId(number) for number in range(1, count + 1)))
            assert Call.read(call.body()) == call


def test_the_higher_counter_fills_the_slot_then_the_higher_id() -> None:
    town = TOWN
    first, second = (record(town, ANA, Kind.OFFER, b"a", OFFER.body(), counter) for counter in (1, 2))
    assert second.beats(first) and not first.beats(second)
    rival = record(town, ANA, Kind.OFFER, b"a", b"", 2)
    assert rival.beats(second) == (rival.id > second.id) != second.beats(rival)
    again = replace(second, signatures=((1, second.signatures[0][1]),))
    assert again.id == second.id and not again.beats(second) and not second.beats(again)
    assert first.slot == (ANA, Kind.OFFER, b"a")


@given(
    st.integers(0, 2**32 - 1), st.sampled_from(list(Kind)), st.binary(max_size=KEY_BYTES_MAX),
    st.integers(0, NUMBER_MAX), st.binary(max_size=BODY_BYTES_MAX),
    st.lists(st.integers(0, 32), max_size=3, unique=True),
)  # fmt: skip
def test_any_record_reads_back(
    author: int, kind: Kind, slot: bytes, counter: int, body: bytes, indices: list[int]
) -> None:
    listed = tuple((index, Signature(bytes(64))) for index in sorted(indices))
    signed = SignedRecord(Record(AccountId(author), kind, slot, counter, body), listed)
    assert SignedRecord.read(codec.decode(codec.encode(signed.plain()), 8192)) == signed


WORDS = st.text(
    alphabet=st.characters(min_codepoint=32, max_codepoint=0x17F, exclude_characters="\x7f\xad"), max_size=15
)
WORDS = WORDS.filter(lambda words: not any(0x7F <= ord(letter) <= 0x9F for letter in words))


@given(WORDS, WORDS, WORDS, st.integers(0, AMOUNT_MAX), st.integers(0, NUMBER_MAX), st.integers(0, ROLES_MAX))
def test_any_body_reads_back(title: str, category: str, text: str, price: int, until: int, roles: int) -> None:
    shown = Card(peer("node"), roles, (ADDRESS, f"/dns/{roles}.example/tcp/1"), until)
    assert Card.read(shown.body()) == shown
    offer = Offer("x" + title, category, text, price, until)
    assert Offer.read(offer.body()) == offer
    profile = Profile("x" + title, text)
    assert Profile.read(profile.body()) == profile


def test_the_largest_bodies_fit() -> None:
    addresses = tuple(f"/dns/{'a' * 60}.{'b' * 45}{number}/tcp/65535" for number in range(4))
    names = tuple(f"steward {number}" for number in range(16))
    largest: list[Body] = [
        Card(peer("node"), ROLES_MAX, addresses, NUMBER_MAX),
        Profile("n" * 64, "a" * 512),
        Offer("t" * 80, "c" * 32, "x" * 512, AMOUNT_MAX, NUMBER_MAX),
        Call(16, tuple(AccountId(2**32 - 1 - number) for number in range(16))),
        Accept(16, authority(*names).keys, Signature(bytes(64))),
    ]
    for body in largest:
        assert type(body).read(body.body()) == body
        assert len(body.body()) <= BODY_BYTES_MAX


# What cannot be read as a record.

GOOD = record(TOWN, ANA, Kind.OFFER, b"bread", OFFER.body())


def _record_with(place: int, value: codec.Plain) -> codec.Plain:
    fields = list(GOOD.plain())
    fields[place] = value
    return tuple(fields)


BAD_RECORDS: dict[str, codec.Plain] = {
    "no array": 7,
    "a field too few": GOOD.plain()[:5],
    "a field too many": (*GOOD.plain(), 0),
    "an author of 2^32": _record_with(0, 2**32),
    "an author that is text": _record_with(0, "ana"),
    "kind 0": _record_with(1, 0),
    "kind 8": _record_with(1, 8),
    "a kind that is bytes": _record_with(1, b"\3"),
    "a key of 65 bytes": _record_with(2, bytes(65)),
    "a key that is text": _record_with(2, "bread"),
    "a counter of 2^63": _record_with(3, 2**63),
    "a body of 1,025 bytes": _record_with(4, bytes(1025)),
    "a body that is an array": _record_with(4, ("Bread",)),
    "a signature without its index": _record_with(5, (bytes(64),)),
    "a signature of 65 bytes": _record_with(5, ((0, bytes(65)),)),
    "two signatures of one index": _record_with(5, ((0, bytes(64)), (0, bytes(64)))),
    "an index of 33": _record_with(5, ((33, bytes(64)),)),
}


@pytest.mark.parametrize("name", BAD_RECORDS)
def test_what_is_no_record_is_malformed(name: str) -> None:
    with pytest.raises(Malformed):
        SignedRecord.read(BAD_RECORDS[name])


# What a record may not say. Each stands in a slot that it could have, well signed.


def _body(*fields: codec.Plain) -> bytes:
    return codec.encode(fields)


PEER = peer("node")
POINT = key("sue").public
NO_POINT = bytes([2]) + bytes(31)
BAD_BODIES: dict[str, tuple[Kind, bytes]] = {
    "a card that is no array": (Kind.CARD, b"\x07"),
    "a card with a stray byte": (Kind.CARD, _body(PEER, 1, (ADDRESS,), NOW_S + 1) + b"\0"),
    "a card cut short": (Kind.CARD, _body(PEER, 1, (ADDRESS,), NOW_S + 1)[:-1]),
    "a card in a longer form": (Kind.CARD, b"\xdc\x00\x04" + _body(PEER, 1, (ADDRESS,), NOW_S + 1)[1:]),
    "a card of three fields": (Kind.CARD, _body(PEER, 1, (ADDRESS,))),
    "a card of no peer": (Kind.CARD, _body("", 1, (ADDRESS,), NOW_S + 1)),
    "a card of a peer of another kind": (Kind.CARD, _body("Qm" + "a" * 44, 1, (ADDRESS,), NOW_S + 1)),
    "a card of role 16": (Kind.CARD, _body(PEER, 16, (ADDRESS,), NOW_S + 1)),
    "a card of five addresses": (
        Kind.CARD,
        _body(PEER, 1, tuple(f"/dns/{n}/tcp/1" for n in range(5)), NOW_S + 1),
    ),
    "a card of one address twice": (Kind.CARD, _body(PEER, 1, (ADDRESS, ADDRESS), NOW_S + 1)),
    "a card of an address with a peer": (Kind.CARD, _body(PEER, 1, (f"{ADDRESS}/p2p/{PEER}",), NOW_S + 1)),
    "a card of an address of 129 characters": (Kind.CARD, _body(PEER, 1, (f"/dns/{'a.' * 57}a/tcp/1111",), NOW_S + 1)),
    "a card without end": (Kind.CARD, _body(PEER, 1, (), 2**63)),
    "a card that expired now": (Kind.CARD, _body(PEER, 1, (), NOW_S)),
    "a card of another peer than its slot": (Kind.CARD, _body(peer("other"), 1, (), NOW_S + 1)),
    "a profile without a name": (Kind.PROFILE, _body("", "about")),
    "a profile of spaces": (Kind.PROFILE, _body("  ", "")),
    "a name of 65 bytes": (Kind.PROFILE, _body("ä" * 32 + "a", "")),
    "a name that turns text round": (Kind.PROFILE, _body("ana\u202e", "")),
    "a name with a zero byte": (Kind.PROFILE, _body("ana\0", "")),
    "a name that is bytes": (Kind.PROFILE, _body(b"ana", "")),
    "an about of 513 bytes": (Kind.PROFILE, _body("ana", "a" * 513)),
    "an about of two lines": (Kind.PROFILE, _body("ana", "one\ntwo")),
    "a profile of one field": (Kind.PROFILE, _body("ana")),
    "an offer without a title": (Kind.OFFER, _body("", "food", "", 0, 0)),
    "a title of 81 bytes": (Kind.OFFER, _body("t" * 81, "food", "", 0, 0)),
    "a title that hides": (Kind.WANT, _body("bread\u200b", "food", "", 0, 0)),
    "a category of 33 bytes": (Kind.OFFER, _body("t", "c" * 33, "", 0, 0)),
    "an offer's text of 513 bytes": (Kind.OFFER, _body("t", "c", "x" * 513, 0, 0)),
    "a price above all amounts": (Kind.WANT, _body("t", "c", "", AMOUNT_MAX + 1, 0)),
    "a price that is text": (Kind.OFFER, _body("t", "c", "", "2.50", 0)),
    "an offer of four fields": (Kind.OFFER, _body("t", "c", "", 0)),
    "a steward's key of 31 bytes": (Kind.SERVE, _body(bytes(31))),
    "a steward's key of small order": (Kind.SERVE, _body(bytes(32))),
    "a steward's key that is no point": (Kind.SERVE, _body(NO_POINT)),
    "a call for nobody": (Kind.CALL, _body(0, ())),
    "a call for account 0": (Kind.CALL, _body(1, (0, 1))),
    "a call for one twice": (Kind.CALL, _body(1, (1, 1))),
    "a call for 17": (Kind.CALL, _body(1, tuple(range(1, 18)))),
    "a call where none must sign": (Kind.CALL, _body(0, (1,))),
    "a call where more must sign than there are": (Kind.CALL, _body(2, (1,))),
    "an acceptance of no keys": (Kind.ACCEPT, _body(1, (), bytes(64))),
    "an acceptance of one key twice": (Kind.ACCEPT, _body(1, (POINT, POINT), bytes(64))),
    "an acceptance of a bad key": (Kind.ACCEPT, _body(1, (NO_POINT,), bytes(64))),
    "an acceptance of 17 keys": (Kind.ACCEPT, _body(1, (POINT,) * 17, bytes(64))),
    "an acceptance of 3 of 2": (Kind.ACCEPT, _body(3, KEYS, bytes(64))),
    "an acceptance signed by nobody": (Kind.ACCEPT, _body(2, KEYS, bytes(64))),
    "an acceptance of other terms than were signed": (
        Kind.ACCEPT,
        replace(_accept(TOWN), threshold=1).body(),
    ),
    "an acceptance signed by another": (Kind.ACCEPT, _accept(TOWN, "eve").body()),
    "an offer in a profile's slot": (Kind.PROFILE, OFFER.body()),
}


@pytest.mark.parametrize("name", BAD_BODIES)
def test_what_may_not_stand_in_a_record_is_refused(name: str) -> None:
    town, ledger = _town()
    kind, body = BAD_BODIES[name]
    slot = PEER.encode() if kind is Kind.CARD else b""
    before = ledger.state_root()
    assert record_fault(ledger, record(town, ANA, kind, slot, body), NOW_S)
    assert ledger.state_root() == before


@pytest.mark.parametrize("kind", [Kind.CARD, Kind.PROFILE, Kind.SERVE])
def test_what_there_is_one_of_stands_in_its_one_slot(kind: Kind) -> None:
    town, ledger = _town()
    body = {listed: body for listed, _, body in _bodies(town)}[kind].body()
    assert "another key" in (record_fault(ledger, record(town, ANA, kind, b"x", body), NOW_S) or "")


# Who may write.

BY: dict[str, tuple[Callable[[Town], SignedRecord], str]] = {
    "an account that nobody admitted": (
        lambda town: record(town, AccountId(3), Kind.OFFER, b"a", OFFER.body(), by=key("ana")),
        "account 3 was not admitted",
    ),
    "another member": (lambda town: record(town, ANA, Kind.OFFER, b"a", OFFER.body(), by=key("ben")), "its author"),
    "a steward in a member's name": (
        lambda town: record(town, ANA, Kind.OFFER, b"a", OFFER.body(), by=key("sue")),
        "its author",
    ),
    "nobody": (lambda town: replace(card(town, ANA), signatures=()), "its author"),
    "a key that is not there": (
        lambda town: replace(card(town, ANA), signatures=((1, card(town, ANA).signatures[0][1]),)),
        "its author",
    ),
    "one good and one bad signature": (
        lambda town: replace(card(town, ANA), signatures=(*card(town, ANA).signatures, (1, Signature(bytes(64))))),
        "its author",
    ),
    "somebody in another community": (lambda town: card(found("ana", "zoe"), ANA), "its author"),
    "a member in the community's name": (
        lambda town: record(town, COMMONS, Kind.PROFILE, b"", Profile("Us").body(), by=key("ana")),
        "one steward",
    ),
    "two stewards at once": (
        lambda town: replace(
            card(town, COMMONS),
            signatures=signatures(
                [(0, key("sue")), (1, key("tom"))], Tag.RECORD, town.community, card(town, COMMONS).record.content()
            ),
        ),
        "one steward",
    ),
    "a signature for another purpose": (
        lambda town: replace(
            card(town, ANA),
            signatures=signatures([(0, key("ana"))], Tag.ENTRY, town.community, card(town, ANA).record.content()),
        ),
        "its author",
    ),
    "a signature over another counter": (
        lambda town: replace(card(town, ANA), record=replace(card(town, ANA).record, counter=9)),
        "its author",
    ),
    "a signature over another body": (
        lambda town: replace(card(town, ANA), record=replace(card(town, ANA).record, body=b"")),
        "its author",
    ),
}


@pytest.mark.parametrize("name", BY)
def test_a_record_by_somebody_else_is_refused(name: str) -> None:
    town, ledger = _town()
    make, words = BY[name]
    assert words in (record_fault(ledger, make(town), NOW_S) or "")


def test_any_steward_speaks_for_the_community_and_one_who_left_does_not() -> None:
    town, ledger = _town()
    by_sue, by_tom = (
        record(town, COMMONS, Kind.PROFILE, b"", Profile("Us").body(), by=key(name)) for name in ("sue", "tom")
    )
    assert record_fault(ledger, by_sue, NOW_S) is record_fault(ledger, by_tom, NOW_S) is None
    decide(ledger, town, stewards_op(town.community, "tom", "uma", threshold=1))
    assert "one steward" in (record_fault(ledger, by_sue, NOW_S) or "")
    assert record_fault(ledger, by_tom, NOW_S) is None


def test_a_member_who_has_not_opened_the_account_shows_its_card() -> None:
    town = found("ana", "ben")
    ledger = opened(town, "ben")
    assert ledger.chain(ANA) is None
    assert record_fault(ledger, card(town, ANA), NOW_S) is None


def test_a_suspended_member_offers_nothing_and_a_frozen_one_only_shows_its_card() -> None:
    town, ledger = _town()
    taken = {
        level: set(_kinds_taken(ledger, town, level))
        for level in (1, 2)
        if decide(ledger, town, Suspend(ANA, level)) is not None
    }
    assert taken == {1: set(Kind) - {Kind.OFFER, Kind.WANT}, 2: {Kind.CARD}}
    decide(ledger, town, Reinstate(ANA))
    assert set(_kinds_taken(ledger, town, 0)) == set(Kind)


def _kinds_taken(ledger: Ledger, town: Town, level: int) -> list[Kind]:
    assert ledger.commons.level(ANA) == level
    taken = []
    for kind, slot, body in _bodies(town):
        if record_fault(ledger, record(town, ANA, kind, slot, body.body()), NOW_S) is None:
            taken.append(kind)
        assert record_fault(ledger, record(town, ANA, kind, slot, b""), NOW_S) is None  # withdrawn
        assert record_fault(ledger, record(town, BEN, kind, slot, body.body()), NOW_S) is None
    return taken


def test_where_nothing_is_founded_no_record_is_taken() -> None:
    assert record_fault(Ledger(), card(TOWN, ANA), NOW_S) == "there is no community here yet"


def test_an_acceptance_says_whose_it_is() -> None:
    assert _accept(TOWN, "tom").signer(TOWN.community) == 1
    assert _accept(TOWN, "eve").signer(TOWN.community) is None
    assert _accept(TOWN).signer(found("zoe").community) is None
    assert PublicKey(KEYS[0]) == key("sue").public
