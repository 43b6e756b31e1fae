"""The founding entry: all that can be wrong with it, and what there is to say before it."""

from dataclasses import replace
from typing import Any

from protocol.base import COMMONS, MARK_BLOCK, NO_COMMUNITY, AccountId
from protocol.entry import Entry, SignedEntry, sealed
from protocol.ops import Admit, Found, Limits, Open
from protocol.signing import Authority, Tag, sign
from protocol.statements import ForkProof, Mark, Nack
from protocol.verdict import Code
from tests.builders import PLAIN_CHARTER, Town, authority, found, key, signatures, stewards_op
from tests.vectors.replaying import TOO_EARLY
from tests.vectors.writing import Story, send

SEATS = tuple(key(name) for name in ("sue", "sid", "witness 0", "witness 1", "witness 2"))
"""Who signs the founding entry, in the order of their indices."""


def story() -> Story:
    town = found("ana", "ben", limit=100, witnesses=3, quorum=2, stewards=("sue", "sid"), threshold=1)
    tale = Story("founding", "A community begins with one entry, or not at all.", town, begins_founded=False)
    _too_early(tale, town)
    _places(tale, town)
    _signatures(tale, town)
    _ops(tale, town)
    tale.found("the founding entry")
    tale.found("again", ("duplicate", None))
    again = replace(town.founding, round=1)
    tale.entry("again, said to be of round 1: the same entry", "R3.1", again, ("duplicate", None))
    tale.refused("another founding", "R3.6a", _by_all(replace(town.founding.entry, time=9)), "place")
    tale.open("ana", "ben")
    tale.final("ana pays ben", "R3.9", town.write("ana", send(town["ben"], 7)))
    return tale


def _by_all(entry: Entry, round: int = 0) -> SignedEntry:
    """The entry with the signature of everybody who founds."""
    return sealed(entry, signatures(list(enumerate(SEATS)), Tag.ENTRY, NO_COMMUNITY, entry.encode()), round)


def _too_early(tale: Story, town: Town) -> None:
    opened = town.draft("ana", Open(authority("ana"), authority("ana next").hash()))
    place, secret = town.place(opened), key("witness 1")
    tale.waiting("a member's entry before the founding", "R4.1", opened, "height")
    tale.refused("the same of version 2", "R15.2", town.sign(town["ana"], 0, bytes(32), 0, version=2), "version")
    tale.waiting("the second entry of account 0", "R4.1", town.propose(), "height")
    tale.certificate("a certificate", "R7.6", town.certificate(opened), TOO_EARLY)
    tale.step("a vote", "R7.1", "vote", town.vote(place, 1).encode(), TOO_EARLY)
    signature = sign(secret, Tag.NACK, town.community, Nack.content(place, Code.LIMIT, 0))
    tale.step("a nack", "R6.6", "nack", Nack(place, 1, Code.LIMIT, 0, signature).encode(), TOO_EARLY)
    signature = sign(secret, Tag.MARK, town.community, Mark.content(secret.public, MARK_BLOCK))
    tale.step("a mark", "R11.2", "mark", Mark(secret.public, MARK_BLOCK, signature).encode(), TOO_EARLY)
    other = town.draft("ana", Open(authority("ana"), bytes(32)))
    tale.step("a proof", "R9.1", "proof", ForkProof(opened, other).encode(), TOO_EARLY)


def _places(tale: Story, town: Town) -> None:
    right = town.founding.entry
    for name, changed in (
        ("incarnation 1", replace(right, incarnation=1)),
        ("height 1", replace(right, height=1)),
        ("a prev that is not zero", replace(right, prev=bytes(31) + b"\x01")),
        ("no op", replace(right, ops=())),
        ("the members before the community", replace(right, ops=right.ops[::-1])),
        ("all of that", replace(right, incarnation=1, height=1, prev=bytes([7]) * 32, ops=())),
    ):
        tale.refused(f"a founding: {name}", "R4.1", _by_all(changed), "place")
    tale.refused("a founding: version 2", "R3.2", _by_all(replace(right, version=2, height=1)), "version")
    tale.refused("a wrong place, and nobody signed", "R15.2", sealed(replace(right, height=1), ()), "place")


def _signatures(tale: Story, town: Town) -> None:
    entry, given = town.founding.entry, town.founding.signatures
    everybody = list(enumerate((*SEATS, key("eve"))))
    body = entry.encode()
    for name, signed in (
        ("nobody signed", ()),
        ("a steward did not sign", given[1:]),
        ("a witness did not sign", given[:-1]),
        ("one more signed than there are", signatures(everybody, Tag.ENTRY, NO_COMMUNITY, body)),
        ("the witnesses before the stewards", tuple(zip(range(5), [s for _, s in given[2:] + given[:2]], strict=True))),
        ("signed for a community", signatures(everybody[:5], Tag.ENTRY, town.community, body)),
        ("ballots", signatures(everybody[:5], Tag.BALLOT, NO_COMMUNITY, body)),
    ):
        tale.refused(f"a founding: {name}", "R4.1", sealed(entry, signed), "signature")
    for round in (1, 2**63 - 1):
        tale.refused(f"a founding: round {round}", "R4.1", _by_all(entry, round), "signature")
    tale.refused("a founding: round 1, and badly formed", "R15.2", _by_all(_changed(town, decimals=7), 1), "signature")


def _changed(town: Town, **fields: Any) -> Entry:
    """The founding entry with other fields of `found`."""
    first, *rest = town.founding.entry.ops
    assert isinstance(first, Found)
    return replace(town.founding.entry, ops=(replace(first, **fields), *rest))


def _ops(tale: Story, town: Town) -> None:
    first, *admits = town.founding.entry.ops
    assert isinstance(first, Found)
    double = Authority(1, (first.stewards.keys[0], first.stewards.keys[0]))
    for name, fields in (
        ("no name", {"name": ""}),
        ("no unit", {"unit": ""}),
        ("a name that turns the text", {"name": "Oak\u202eStreet"}),
        ("7 decimals", {"decimals": 7}),
        ("charter version 2", {"charter": replace(PLAIN_CHARTER, version=2)}),
        ("threshold 3 of two stewards", {"stewards": Authority(3, first.stewards.keys)}),
        ("a quorum of 1 of three", {"quorum": 1}),
        ("a quorum of 4 of three", {"quorum": 4}),
    ):
        tale.refused(f"a founding: {name}", "R4.1", _by_all(_changed(town, **fields)), "op_shape")
    twice = _changed(town, stewards=double)
    seats = enumerate((SEATS[0], SEATS[0], *SEATS[2:]))
    signed = sealed(twice, signatures(list(seats), Tag.ENTRY, NO_COMMUNITY, twice.encode()))
    tale.refused("a founding: one steward twice", "R4.1", signed, "op_shape")
    strangers = Admit(AccountId(4), "cleo", authority("cleo"), 5), Admit(AccountId(3), "ana", authority("cleo"), 5)
    for name, op, code in (
        ("found twice", first, "op_shape"),
        ("an open", Open(authority("ana"), bytes(32)), "op_unknown"),
        ("a number left out", strangers[0], "number"),
        ("a handle twice", strangers[1], "handle"),
        ("stewards who accepted in a community", stewards_op(town.community, "sue", "sven"), "acceptance"),
        ("a limit of a stranger", Limits(((AccountId(3), 1),)), "payee_unknown"),
        ("the commons pays what it has not", send(town["ana"], 1), "limit"),
    ):
        entry = replace(town.founding.entry, ops=(first, *admits, op))
        tale.refused(f"a founding: {name}", "R4.1", _by_all(entry), code)
    assert town.founding.account == COMMONS
