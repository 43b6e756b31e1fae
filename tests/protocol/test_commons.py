"""Account 0: its founding, its acts, what voids an entry of it, and from which height each act counts."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from protocol.base import (
    AMOUNT_MAX,
    BALANCE_MAX,
    COMMONS,
    ENTRY_VERSION,
    NO_COMMUNITY,
    AccountId,
    CommunityId,
    PublicKey,
)
from protocol.entry import Entry, SignedEntry, sealed
from protocol.ledger import Effects, Ledger
from protocol.ops import Admit, Amend, Found, Limits, Op, Open, Recv, Reinstate, Stewards, Suspend, Unknown
from protocol.signing import Authority, Tag
from protocol.timeline import Timeline
from protocol.verdict import Code, Duplicate, Need, Refused, Waiting

from ..builders import (
    PLAIN_CHARTER,
    Town,
    accept,
    authority,
    charge,
    decide,
    found,
    key,
    opened,
    send,
    signatures,
    stewards_op,
)
from .test_ledger_refusals import all_that_can_be_seen

ANA, BEN, ZOE = AccountId(1), AccountId(2), AccountId(3)


@pytest.fixture
def town() -> Town:
    return found("ana", "ben", limit=100, witnesses=4, quorum=3, stewards=("s", "t", "u"), threshold=2)


@pytest.fixture
def ledger(town: Town) -> Ledger:
    return opened(town)


def admit(number: int, handle: str, board: Authority | None = None, limit: int = 10) -> Admit:
    return Admit(AccountId(number), handle, board or authority(handle), limit)


def test_a_founding_entry_is_the_community_with_its_charter_and_first_members(town: Town) -> None:
    ledger = Ledger()
    accept(ledger, town.founding)
    commons = ledger.commons
    assert (commons.community, commons.height, commons.epoch) == (town.community, 0, 0)
    assert (commons.name, commons.unit, commons.decimals, commons.quorum) == ("Testville", "hours", 2, 3)
    assert commons.witnesses == tuple(secret.public for secret in town.witnesses)
    assert commons.charter() == PLAIN_CHARTER and commons.stewards() == authority("s", "t", "u", threshold=2)
    assert commons.by_handle == {"ana": ANA, "ben": BEN}
    assert (commons.members[BEN].handle, commons.members[BEN].authority) == ("ben", authority("ben"))
    assert [commons.is_admitted(AccountId(number)) for number in range(4)] == [True, True, True, False]
    assert ledger.judge(town.founding) == Duplicate()


def founding(*ops: Op, by: tuple[str, ...] = ("s", "w"), community: CommunityId = NO_COMMUNITY) -> SignedEntry:
    entry = Entry(ENTRY_VERSION, COMMONS, 0, 0, bytes(32), 0, 0, ops)
    keys = [(index, key(name)) for index, name in enumerate(by)]
    return sealed(entry, signatures(keys, Tag.ENTRY, community, entry.encode()))


FIRST = Found("Testville", "hours", 2, PLAIN_CHARTER, authority("s"), 1, (key("w").public,))
TWO = (key("w").public, key("x").public)
NO_POINT = PublicKey(bytes(32))

FOUNDINGS: dict[str, tuple[Code, SignedEntry]] = {
    "without found": (Code.PLACE, founding(admit(1, "ana"))),
    "with nothing in it": (Code.PLACE, founding()),
    "with found in second place": (Code.PLACE, founding(admit(1, "ana"), FIRST)),
    "that is not signed by the witness": (Code.SIGNATURE, founding(FIRST, by=("s",))),
    "that is signed by another witness": (Code.SIGNATURE, founding(FIRST, by=("s", "x"))),
    "that is signed for another community": (Code.SIGNATURE, founding(FIRST, community=CommunityId(b"c" * 32))),
    "that is said to be of round 1": (Code.SIGNATURE, replace(founding(FIRST), round=1)),
    "with two founds": (Code.OP_SHAPE, founding(FIRST, FIRST)),
    "without a name": (Code.OP_SHAPE, founding(replace(FIRST, name=""))),
    "with a name that hides text": (Code.OP_SHAPE, founding(replace(FIRST, name="Test\u200bville"))),
    "without a unit": (Code.OP_SHAPE, founding(replace(FIRST, unit=""))),
    "with seven decimals": (Code.OP_SHAPE, founding(replace(FIRST, decimals=7))),
    "with an unknown charter version": (
        Code.OP_SHAPE,
        founding(replace(FIRST, charter=replace(PLAIN_CHARTER, version=2))),
    ),
    "with a levy above all": (
        Code.OP_SHAPE,
        founding(replace(FIRST, charter=replace(PLAIN_CHARTER, levy_ppm=1_000_001))),
    ),
    "with a quorum of half": (Code.OP_SHAPE, founding(replace(FIRST, witnesses=TWO), by=("s", "w", "x"))),
    "with a quorum of none": (Code.OP_SHAPE, founding(replace(FIRST, quorum=0))),
    "with a witness twice": (
        Code.OP_SHAPE,
        founding(replace(FIRST, quorum=2, witnesses=(TWO[0], TWO[0])), by=("s", "w", "w")),
    ),
    "with a threshold above its stewards": (
        Code.OP_SHAPE,
        founding(replace(FIRST, stewards=authority("s", threshold=2))),
    ),
    "with a member that is numbered wrongly": (Code.NUMBER, founding(FIRST, admit(2, "ana"))),
}


@pytest.mark.parametrize("name", FOUNDINGS)
def test_no_community_comes_of_a_founding(name: str) -> None:
    code, signed = FOUNDINGS[name]
    ledger = Ledger()
    verdict = ledger.judge(signed)
    assert isinstance(verdict, Refused) and verdict.code is code, verdict
    assert not ledger.commons.is_founded and list(ledger.accounts()) == []


def test_a_founding_in_good_order_is_accepted() -> None:
    assert isinstance(Ledger().judge(founding(FIRST, admit(1, "ana"), Limits(((ANA, 5),)))), Effects)


def test_nothing_can_be_judged_before_the_founding(town: Town) -> None:
    assert Ledger().judge(town.open("ana")) == Waiting(Need.HEIGHT, COMMONS, 0, 0)


def test_a_ledger_belongs_to_one_community_for_ever(ledger: Ledger) -> None:
    before = all_that_can_be_seen(ledger)
    verdict = ledger.judge(founding(FIRST))
    assert isinstance(verdict, Refused) and verdict.code is Code.PLACE
    assert all_that_can_be_seen(ledger) == before


Writer = Callable[[Town], SignedEntry]


def of(*ops: Op) -> Writer:
    return lambda town: town.propose(*ops)


def placed(seq: int, height: int, prev: bytes | None = None) -> Writer:
    def write(town: Town) -> SignedEntry:
        entry = Entry(ENTRY_VERSION, COMMONS, 0, seq, town.founding.id if prev is None else prev, height, 0, ())
        return town.ballots(entry, 0, (0, 1))

    return write


ROWS: dict[str, tuple[Code, Writer]] = {
    "one ballot of two": (Code.SIGNATURE, lambda town: town.propose(by=(1,))),
    "ballots of another round": (Code.SIGNATURE, lambda town: replace(town.propose(), round=1)),
    "another prev": (Code.PLACE, placed(1, 0, bytes(32))),
    "a place that is decided": (Code.PLACE, placed(0, 0)),
    "a hold, which this charter does not have": (Code.OP_UNKNOWN, of(Unknown(5, (1, 2)))),
    "an open": (Code.OP_UNKNOWN, of(Open(authority("s"), bytes(32)))),
    "a second founding": (Code.OP_SHAPE, of(FIRST)),
    "a number that is taken": (Code.NUMBER, of(admit(2, "zoe"))),
    "a number with a gap before it": (Code.NUMBER, of(admit(4, "zoe"))),
    "the same number twice": (Code.NUMBER, of(admit(3, "zoe"), admit(3, "yan"))),
    "a handle that is taken": (Code.HANDLE, of(admit(3, "ana"))),
    "the same handle twice": (Code.HANDLE, of(admit(3, "zoe"), admit(4, "zoe"))),
    "the handle of account 0": (Code.HANDLE, of(admit(3, "commons"))),
    "a handle of one letter": (Code.HANDLE, of(admit(3, "z"))),
    "a handle of 32 letters": (Code.HANDLE, of(admit(3, "z" * 32))),
    "a handle with capitals": (Code.HANDLE, of(admit(3, "Zoe"))),
    "a handle that begins with a hyphen": (Code.HANDLE, of(admit(3, "-zoe"))),
    "a handle with a line feed at its end": (Code.HANDLE, of(admit(3, "zoe\n"))),
    "a handle with a letter that looks like another": (Code.HANDLE, of(admit(3, "z\u043ee"))),
    "a member with a key that is no point": (Code.OP_SHAPE, of(admit(3, "zoe", Authority(1, (NO_POINT,))))),
    "a member with a key twice": (Code.OP_SHAPE, of(admit(3, "zoe", authority("a", "a")))),
    "a member with a threshold of half": (Code.OP_SHAPE, of(admit(3, "zoe", authority("a", "b", threshold=1)))),
    "a limit above the cap": (Code.OP_SHAPE, of(admit(3, "zoe", limit=BALANCE_MAX + 1))),
    "limits of nobody": (Code.OP_SHAPE, of(Limits(()))),
    "two limits of one member": (Code.OP_SHAPE, of(Limits(((ANA, 5), (ANA, 6))))),
    "a negative limit": (Code.OP_SHAPE, of(Limits(((ANA, -5),)))),
    "a limit of one who is no member": (Code.PAYEE_UNKNOWN, of(Limits(((ZOE, 5),)))),
    "a suspension to level 3": (Code.OP_SHAPE, of(Suspend(ANA, 3))),
    "a suspension to level 0": (Code.OP_SHAPE, of(Suspend(ANA, 0))),
    "a suspension of one who is no member": (Code.PAYEE_UNKNOWN, of(Suspend(ZOE, 1))),
    "a reinstatement of one who is no member": (Code.PAYEE_UNKNOWN, of(Reinstate(ZOE))),
    "a charter of an unknown version": (Code.OP_SHAPE, of(Amend(replace(PLAIN_CHARTER, version=2)))),
    "a charter that falls back to version 0": (Code.OP_SHAPE, of(Amend(replace(PLAIN_CHARTER, version=0)))),
    "a charge between two members": (Code.OP_SHAPE, of(charge(ANA, BEN, 5))),
    "a charge from the commons to the commons": (Code.OP_SHAPE, of(charge(COMMONS, COMMONS, 5))),
    "a charge of nothing": (Code.OP_SHAPE, of(charge(ANA, COMMONS, 0))),
    "a charge above the cap": (Code.OP_SHAPE, of(charge(ANA, COMMONS, AMOUNT_MAX + 1))),
    "a charge whose reason turns text round": (Code.OP_SHAPE, of(charge(ANA, COMMONS, 5, "a\u202eb"))),
    "a charge of one who is no member": (Code.PAYEE_UNKNOWN, of(charge(ZOE, COMMONS, 5))),
    "a payment to itself": (Code.OP_SHAPE, of(send(COMMONS, 5))),
    "more than the commons may spend": (Code.LIMIT, of(charge(ANA, COMMONS, 5), send(BEN, 6))),
    "a payment before the admission in the same entry": (Code.PAYEE_UNKNOWN, of(send(ZOE, 5), admit(3, "zoe"))),
    "a recv of nothing": (Code.NOTHING_THERE, of(Recv(ANA, 0, 0, 0))),
    "one bad act among good ones": (Code.NUMBER, of(admit(3, "zoe"), charge(ANA, COMMONS, 5), admit(9, "yan"))),
    "too many ops": (Code.OP_SHAPE, of(*[charge(ANA, COMMONS, 1)] * 65)),
}


@pytest.mark.parametrize("name", ROWS)
def test_account_0_refuses_and_nothing_changed(ledger: Ledger, town: Town, name: str) -> None:
    code, write = ROWS[name]
    before = all_that_can_be_seen(ledger)
    verdict = ledger.judge(write(town))
    assert isinstance(verdict, Refused) and verdict.code is code, verdict
    assert verdict.facts and all_that_can_be_seen(ledger) == before


def test_account_0_cites_the_height_before_its_place(ledger: Ledger, town: Town) -> None:
    first = decide(ledger, town)
    verdict = ledger.judge(placed(2, 0, first.id)(town))
    assert isinstance(verdict, Refused) and verdict.code is Code.PLACE
    assert ledger.judge(placed(2, 2, first.id)(town)) == Waiting(Need.HEIGHT, COMMONS, 0, 2)
    assert ledger.judge(placed(3, 1, first.id)(town)) == Waiting(Need.PREV, COMMONS, 0, 2)


def test_an_entry_of_account_0_may_be_empty_and_be_carried_into_any_round(ledger: Ledger, town: Town) -> None:
    first, later = town.propose(), town.propose(round=7, by=(0, 2))
    assert first.id == later.id
    assert isinstance(ledger.judge(first), Effects)
    accept(ledger, later)
    assert ledger.commons.height == 1


def test_new_stewards_sign_from_the_next_place_on(ledger: Ledger, town: Town) -> None:
    decide(ledger, town, stewards_op(town.community, "x", "y", "z", threshold=1))
    verdict = ledger.judge(town.propose())
    assert isinstance(verdict, Refused) and verdict.code is Code.SIGNATURE
    town.stewards, town.threshold = ("x", "y", "z"), 1
    decide(ledger, town)
    assert ledger.commons.stewards(0) == authority("s", "t", "u", threshold=2)


def test_stewards_must_all_have_accepted(ledger: Ledger, town: Town) -> None:
    good = stewards_op(town.community, "x", "y", threshold=1)
    cases: list[tuple[Code, Stewards]] = [
        (Code.ACCEPTANCE, replace(good, acceptances=good.acceptances[:1])),
        (Code.ACCEPTANCE, replace(good, authority=replace(good.authority, threshold=2))),
        (Code.ACCEPTANCE, stewards_op(NO_COMMUNITY, "x", "y")),
        (Code.OP_SHAPE, stewards_op(town.community, "x", "x")),
        (Code.OP_SHAPE, stewards_op(town.community, "x", threshold=2)),
    ]
    for code, op in cases:
        verdict = ledger.judge(town.propose(op))
        assert isinstance(verdict, Refused) and verdict.code is code


def test_acts_count_for_what_follows_in_the_same_entry(ledger: Ledger, town: Town) -> None:
    decide(
        ledger,
        town,
        town.admit("zoe", limit=1),
        Limits(((ZOE, 30),)),
        Suspend(ZOE, 2),
        Reinstate(ZOE),
        Amend(replace(PLAIN_CHARTER, commons_limit=9)),
        charge(ZOE, COMMONS, 5),
        charge(COMMONS, ZOE, 7),
        send(ZOE, 7),
    )
    commons = ledger.commons
    assert (commons.limit(ZOE), commons.level(ZOE), commons.adjust(ZOE), commons.adjust(COMMONS)) == (30, 0, 2, -2)
    assert (ledger.balance(ZOE), ledger.free(COMMONS), ledger.check_sum()) == (9, 0, 0)


def test_charges_cannot_sum_beyond_the_cap(ledger: Ledger, town: Town) -> None:
    for _ in range(16):
        decide(ledger, town, *[charge(ANA, COMMONS, AMOUNT_MAX)] * 62)
    decide(ledger, town, *[charge(ANA, COMMONS, AMOUNT_MAX)] * 8)
    assert ledger.commons.adjust(COMMONS) == BALANCE_MAX
    verdict = ledger.judge(town.propose(charge(BEN, COMMONS, 1)))
    assert isinstance(verdict, Refused) and verdict.code is Code.OVERFLOW


def test_each_height_remembers_what_was_in_force_at_it(ledger: Ledger, town: Town) -> None:
    decide(ledger, town, Limits(((ANA, 40),)))
    decide(ledger, town, Suspend(ANA, 1), charge(ANA, COMMONS, 5))
    decide(ledger, town, town.admit("zoe"), Amend(replace(PLAIN_CHARTER, commons_limit=9)))
    decide(ledger, town, Reinstate(ANA), Limits(((ANA, 60),)), charge(ANA, COMMONS, 5))
    commons, heights = ledger.commons, range(5)
    assert [commons.limit(ANA, height) for height in heights] == [100, 40, 40, 40, 60]
    assert [commons.level(ANA, height) for height in heights] == [0, 0, 1, 1, 0]
    assert [commons.adjust(ANA, height) for height in heights] == [0, 0, -5, -5, -10]
    assert [commons.adjust(COMMONS, height) for height in heights] == [0, 0, 5, 5, 10]
    assert [commons.limit(COMMONS, height) for height in heights] == [0, 0, 0, 9, 9]
    assert [commons.is_admitted(ZOE, height) for height in heights] == [False, False, False, True, True]
    assert [ledger.free(ANA, height) for height in heights] == [100, 40, 35, 35, 50]
    assert commons.limit(ZOE, 0) == 0 and commons.limit(AccountId(9)) == 0 == commons.adjust(AccountId(9))


def test_before_the_founding_there_is_no_charter() -> None:
    with pytest.raises(LookupError, match="no community"):
        Ledger().commons.charter()
    with pytest.raises(LookupError, match="no community"):
        Ledger().commons.stewards()


def test_a_timeline_gives_the_step_in_force() -> None:
    line = Timeline(3, "a")
    for height, value in ((5, "b"), (6, "b"), (8, "c")):
        line.set(height, value)
    assert [line.at(height) for height in (0, 3, 4, 5, 7, 8, 99, None)] == ["a", "a", "a", "b", "b", "c", "c", "c"]
