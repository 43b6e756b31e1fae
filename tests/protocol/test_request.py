"""Requests to join: what a newcomer may leave, and why one is turned away."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol import codec
from protocol.base import NUMBER_MAX, Malformed, Signature
from protocol.ledger import Ledger
from protocol.ops import Suspend
from protocol.request import GREETING_BYTES_MAX, WORDS, Request, request_fault
from protocol.signing import Authority, SecretKey

from ..builders import Town, authority, decide, found, key, opened
from ..papers import DAY_S, NOW_S, SEED, request, signed_request, voucher

ONE_TIME = SecretKey.from_seed(SEED).public


def _town() -> tuple[Town, Ledger]:
    town = found("ana", "ben")
    return town, opened(town)


TOWN = found("ana", "ben")
GOOD = request(TOWN, voucher(TOWN), "carl")


def _with(town: Town, *names: str, seed: bytes = SEED, **changed: object) -> Request:
    """A request of carl with other fields, signed anew."""
    unsigned = replace(request(town, voucher(town), "carl"), **changed)  # type: ignore[arg-type]
    return signed_request(town, unsigned, seed, *(names or ("carl",)))


def test_a_request_on_a_stewards_or_a_members_invite_is_taken() -> None:
    town, ledger = _town()
    for made in (voucher(town), voucher(town, uses=5), voucher(town, town["ana"])):
        for greeting in ("", "I bake bread", "ä" * (GREETING_BYTES_MAX // 2)):
            assert request_fault(ledger, request(town, made, "carl", greeting), NOW_S) is None
    several = _with(town, "carl", "cleo", authority=authority("carl", "cleo", "cy", threshold=2))
    assert request_fault(ledger, several, NOW_S) is None


def test_signatures_are_no_part_of_what_a_request_is() -> None:
    again = replace(GOOD, by_invite=Signature(bytes(64)), by_account=())
    assert again.id == GOOD.id and len(GOOD.id) == 32
    assert request(TOWN, voucher(TOWN), "carl", "Other words").id != GOOD.id


@given(
    st.integers(0, NUMBER_MAX), st.text(max_size=40), st.lists(st.integers(1, 9), min_size=1, max_size=4, unique=True)
)
def test_any_request_reads_back(expires: int, greeting: str, numbers: list[int]) -> None:
    names = [f"carl {number}" for number in numbers]
    listed = _with(TOWN, *names, authority=authority(*names), greeting=greeting, expires=expires)
    assert Request.read(codec.decode(codec.encode(listed.plain()), 8192)) == listed


def _expired(town: Town) -> Request:
    return _with(town, expires=NOW_S)


REFUSED: dict[str, tuple[Callable[[Town], Request], str]] = {
    "an expired invite": (lambda town: request(town, voucher(town, expires=NOW_S), "carl"), "expired"),
    "an expired request": (_expired, "expired"),
    "an altered invite": (lambda town: request(town, replace(voucher(town), uses=9), "carl"), "altered"),
    "an invite by a stranger": (lambda town: request(town, voucher(town, by=key("eve")), "carl"), "altered"),
    "an invite that nobody signed": (
        lambda town: request(town, replace(voucher(town), signatures=()), "carl"),
        "not_issued",
    ),
    "a member's invite with uses": (
        lambda town: request(town, voucher(town, town["ana"], uses=1), "carl"),
        "not_issued",
    ),
    "a handle of one letter": (lambda town: _with(town, handle="c"), "handle"),
    "no handle": (lambda town: _with(town, handle=""), "handle"),
    "a handle in capitals": (lambda town: _with(town, handle="Carl"), "handle"),
    "a handle of 32 letters": (lambda town: _with(town, handle="c" * 32), "handle"),
    "a handle with an umlaut": (lambda town: _with(town, handle="jörg"), "handle"),
    "a handle with a line break": (lambda town: _with(town, handle="carl\n"), "handle"),
    "a handle that begins with a hyphen": (lambda town: _with(town, handle="-carl"), "handle"),
    "account 0's handle": (lambda town: _with(town, handle="commons"), "handle"),
    "a member's handle": (lambda town: _with(town, handle="ana"), "handle_taken"),
    "a greeting that turns text round": (lambda town: _with(town, greeting="\u202ehello"), "greeting"),
    "a greeting of two lines": (lambda town: _with(town, greeting="one\ntwo"), "greeting"),
    "a greeting with an escape": (lambda town: _with(town, greeting="\x1b[2J"), "greeting"),
    "another one-time key": (lambda town: _with(town, seed=bytes(32)), "signature"),
    "another account's key": (lambda town: _with(town, "eve"), "signature"),
    "no signature of its own": (lambda town: replace(GOOD, by_account=()), "signature"),
    "one signature of two": (lambda town: _with(town, "carl", authority=authority("carl", "cleo")), "signature"),
    "a signature too many": (lambda town: _with(town, "carl", "eve"), "signature"),
    "other words than were signed": (lambda town: replace(GOOD, greeting="I do not bake"), "signature"),
    "another handle than was signed": (lambda town: replace(GOOD, handle="carla"), "signature"),
    "a longer life than was signed": (lambda town: replace(GOOD, expires=NOW_S + 2 * DAY_S), "signature"),
    "other keys than were signed": (lambda town: replace(GOOD, authority=authority("eve")), "signature"),
    "another good voucher of the same key": (
        lambda town: replace(GOOD, voucher=voucher(town, uses=7)),
        "signature",
    ),
    "no keys": (lambda town: _with(town, authority=Authority(0, ())), "signature"),
    "half of its keys": (
        lambda town: _with(town, "carl", authority=authority("carl", "cleo", threshold=1)),
        "signature",
    ),
    "one key twice": (lambda town: _with(town, "carl", "carl", authority=authority("carl", "carl")), "signature"),
    "a key of small order": (
        lambda town: _with(town, authority=Authority(1, (type(ONE_TIME)(bytes(32)),))),
        "signature",
    ),
    "the invite's key as its own": (
        lambda town: replace(
            (both := _with(town, authority=Authority(1, (ONE_TIME,)))), by_account=((0, both.by_invite),)
        ),
        "signature",
    ),
    "a request to another community": (
        lambda town: request(found("zoe"), voucher(town), "carl"),
        "signature",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_request_that_is_not_taken_says_why(name: str) -> None:
    town, ledger = _town()
    make, code = REFUSED[name]
    before = ledger.state_root()
    assert request_fault(ledger, make(town), NOW_S) == code
    assert ledger.state_root() == before


def test_a_request_falls_with_its_inviter_and_is_none_any_more_once_admitted() -> None:
    town, ledger = _town()
    by_ana, by_steward = request(town, voucher(town, town["ana"]), "carl"), request(town, voucher(town), "carl")
    decide(ledger, town, Suspend(town["ana"], 1))
    assert request_fault(ledger, by_ana, NOW_S) == "suspended"
    decide(ledger, town, town.admit("carl"))
    assert request_fault(ledger, by_steward, NOW_S) == "handle_taken"


def test_where_nothing_is_founded_no_request_is_taken() -> None:
    assert request_fault(Ledger(), GOOD, NOW_S) == "not_issued"


def test_every_code_has_its_sentence() -> None:
    codes = {code for _, code in REFUSED.values()} | {"suspended", "foreign", "used_up"}
    assert codes == set(WORDS)
    assert all(words and not words.endswith(".") for words in WORDS.values())


# What cannot be read as a request.


def _fields(place: int, value: codec.Plain) -> codec.Plain:
    fields = list(GOOD.plain())
    fields[place] = value
    return tuple(fields)


def _voucher(place: int, value: codec.Plain) -> codec.Plain:
    fields = list(GOOD.voucher.plain())
    fields[place] = value
    return _fields(0, tuple(fields))


BAD_REQUESTS: dict[str, codec.Plain] = {
    "no array": b"",
    "a field too few": GOOD.plain()[:7],
    "a field too many": (*GOOD.plain(), 0),
    "no voucher": _fields(0, ()),
    "a voucher of six fields": _fields(0, GOOD.voucher.plain()[:6]),
    "a voucher's key of 31 bytes": _voucher(0, bytes(31)),
    "a voucher's key of small order": _voucher(0, bytes(32)),
    "a voucher's issuer of 2^32": _voucher(1, 2**32),
    "a voucher of 1,001 uses": _voucher(2, 1001),
    "a voucher's limit above all limits": _voucher(3, 10**15 + 1),
    "a voucher issued after 2^63": _voucher(4, 2**63),
    "a voucher without end": _voucher(5, 2**64 - 1),
    "a voucher's signature of 63 bytes": _voucher(6, ((0, bytes(63)),)),
    "a threshold of 17": _fields(1, 17),
    "17 keys": _fields(2, (bytes(32),) * 17),
    "a key of 33 bytes": _fields(2, (bytes(33),)),
    "a handle of 65 bytes": _fields(3, "c" * 65),
    "a handle that is bytes": _fields(3, b"carl"),
    "a greeting of 201 bytes": _fields(4, "a" * 201),
    "an expiry that is text": _fields(5, "tomorrow"),
    "an expiry beyond 2^63": _fields(5, 2**63),
    "an invite's signature of 63 bytes": _fields(6, bytes(63)),
    "no list of signatures": _fields(7, bytes(64)),
    "signatures out of order": _fields(7, ((1, bytes(64)), (0, bytes(64)))),
}


@pytest.mark.parametrize("name", BAD_REQUESTS)
def test_what_is_no_request_is_malformed(name: str) -> None:
    with pytest.raises(Malformed):
        Request.read(BAD_REQUESTS[name])
