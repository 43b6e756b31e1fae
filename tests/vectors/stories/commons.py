"""Account 0: admitting, limits, stewards, charter, and every way in which its ops can be wrong."""

from dataclasses import replace

from protocol.base import AMOUNT_MAX, BALANCE_MAX, COMMONS, AccountId, Amount, PublicKey
from protocol.entry import SignedEntry
from protocol.ops import (
    RESERVED_TAGS,
    Admit,
    Amend,
    Charge,
    Found,
    Limits,
    Open,
    Recv,
    Reinstate,
    Stewards,
    Suspend,
    Unknown,
)
from protocol.signing import Authority, Tag, sign
from protocol.statements import ballot_content
from tests.builders import PLAIN_CHARTER, Town, authority, found, key, signatures, stewards_op
from tests.vectors.writing import Story, send

SMALL_ORDER = PublicKey(bytes([1]) + bytes(31))
"""The neutral point: some libraries take it for a key that has signed everything."""


NO_POINT = PublicKey(b"\x02" + bytes(31))
CLEO = authority("cleo")


def story() -> Story:
    town = found("ana", "ben", limit=100, witnesses=4, quorum=3, stewards=("sue", "sid", "sam"), threshold=2)
    tale = Story("commons", "Three stewards, any two of whom sign, run account 0; the witnesses decide.", town)
    tale.open("ana", "ben")
    _places(tale, town)
    _ballots(tale, town)
    _admitting(tale, town)
    _limits_and_levels(tale, town)
    _charges_and_charters(tale, town)
    _kinds(tale, town)
    _stewards(tale, town)
    return tale


def _places(tale: Story, town: Town) -> None:
    entry = town.propose().entry
    tale.candidate("an empty entry at the next place", "R8.5", town.propose())
    tale.step(
        "a place too far",
        "R3.4",
        "candidate",
        town.ballots(replace(entry, seq=2), 0, (0, 1)).encode(),
        ("waiting", "prev"),
    )
    tale.step(
        "a height above what is decided",
        "R3.3",
        "candidate",
        town.ballots(replace(entry, height=1), 0, (0, 1)).encode(),
        ("waiting", "height"),
    )
    tale.candidate(
        "prev is not the founding entry", "R4.2", town.ballots(replace(entry, prev=bytes(32)), 0, (0, 1)), "place"
    )
    tale.candidate("incarnation 1", "R4.2", town.ballots(replace(entry, incarnation=1), 0, (0, 1)), "place")
    tale.candidate("version 0", "R3.2", town.ballots(replace(entry, version=0), 0, (0, 1)), "version")


def _ballots(tale: Story, town: Town) -> None:
    right = town.propose(round=3)
    content = ballot_content(right.seq, 3, right.id)
    ballots = {name: sign(key(name), Tag.BALLOT, town.community, content) for name in ("sue", "sid", "sam", "eve")}
    tale.candidate("ballots of the first and the third steward, in round 3", "R8.1", town.propose(round=3, by=(0, 2)))
    tale.candidate("ballots of all three", "R8.1", town.propose(by=(0, 1, 2)))
    wrong = {
        "a ballot of one steward": town.propose(by=(1,)),
        "no ballot": town.propose(by=()),
        "two ballots, said to be of another round": replace(right, round=2),
        "a ballot of a stranger": replace(right, signatures=((0, ballots["sue"]), (1, ballots["eve"]))),
        "two right ballots and a stranger's": replace(
            right, signatures=((0, ballots["sue"]), (1, ballots["sid"]), (2, ballots["eve"]))
        ),
        "two right ballots and an index that there is not": replace(
            right, signatures=((0, ballots["sue"]), (1, ballots["sid"]), (3, ballots["sam"]))
        ),
        "ballots in each other's places": replace(right, signatures=((0, ballots["sid"]), (1, ballots["sue"]))),
        "signed like a member's entry": replace(
            right, signatures=signatures([(0, key("sue")), (1, key("sid"))], Tag.ENTRY, town.community, right.body)
        ),
    }
    for name, signed in wrong.items():
        tale.candidate(name, "R8.1", signed, "signature")


def _admitting(tale: Story, town: Town) -> None:
    def admit(number: int, handle: str, limit: int = 50, named: Authority = CLEO) -> Admit:
        return Admit(AccountId(number), handle, named, limit)

    for name, op, code in (
        ("the number of a member", admit(2, "cleo"), "number"),
        ("a number left out", admit(4, "cleo"), "number"),
        ("number 0", admit(0, "cleo"), "number"),
        ("the handle of a member", admit(3, "ana"), "handle"),
        ("the handle of account 0", admit(3, "commons"), "handle"),
        ("a handle of one letter", admit(3, "c"), "handle"),
        ("a handle of 32 letters", admit(3, "c" * 32), "handle"),
        ("an empty handle", admit(3, ""), "handle"),
        ("a handle with a capital", admit(3, "Cleo"), "handle"),
        ("a handle that begins with a dash", admit(3, "-cleo"), "handle"),
        ("a handle with a line break at its end", admit(3, "cleo\n"), "handle"),
        ("a handle with a letter that is not ASCII", admit(3, "cléo"), "handle"),
        ("a handle with a digit that is not ASCII", admit(3, "cleo\u0661"), "handle"),
        ("a wrong number and a bad handle: the number comes first", admit(7, "C"), "number"),
        ("no key", admit(3, "cleo", named=Authority(1, ())), "op_shape"),
        ("threshold 0", admit(3, "cleo", named=Authority(0, authority("cleo").keys)), "op_shape"),
        ("threshold 2 of one key", admit(3, "cleo", named=Authority(2, authority("cleo").keys)), "op_shape"),
        (
            "one of two keys: not more than half",
            admit(3, "cleo", named=authority("cleo", "carl", threshold=1)),
            "op_shape",
        ),
        ("the same key twice", admit(3, "cleo", named=authority("cleo", "cleo")), "op_shape"),
        ("a key of small order", admit(3, "cleo", named=Authority(1, (SMALL_ORDER,))), "op_shape"),
        ("a key that is no point", admit(3, "cleo", named=Authority(1, (NO_POINT,))), "op_shape"),
    ):
        tale.candidate(f"admit: {name}", "R4.4", town.propose(op), code)
    tale.candidate(
        "two admits in one entry, the second one's number too high",
        "R4.4",
        town.propose(admit(3, "cleo"), admit(5, "dora")),
        "number",
    )
    tale.candidate("two admits of one handle", "R4.4", town.propose(admit(3, "cleo"), admit(4, "cleo")), "handle")
    tale.refused(
        "ana pays number 3 before it is admitted", "R5.4", town.draft("ana", send(AccountId(3), 1)), "payee_unknown"
    )
    town.members += ["cleo", "shop"]
    shop = authority("shop a", "shop b", "shop c", threshold=2)
    tale.decide(
        "cleo is admitted, and a shop that two of three keys sign for",
        "R4.4",
        admit(3, "cleo"),
        admit(4, "9-" + "x" * 29, BALANCE_MAX, shop),
    )
    tale.candidate(
        "the height is not seq - 1", "R4.2", town.ballots(replace(town.propose().entry, height=0), 0, (0, 1)), "place"
    )
    tale.refused(
        "ana pays cleo citing the height before",
        "R5.4",
        town.draft("ana", send(AccountId(3), 1), height=0),
        "payee_unknown",
    )
    tale.final("ana pays cleo citing her admission", "R5.4", town.write("ana", send(AccountId(3), 1)))
    _shop(tale, town, shop)


def _shop(tale: Story, town: Town, shop: Authority) -> None:
    opened = Open(shop, shop.hash())

    def signed(*names: str) -> SignedEntry:
        return town.sign(AccountId(4), 0, town.community, 1, opened, by=names)

    tale.refused("the shop opens with one signature of two", "R14.7", signed("shop a"), "signature")
    tale.refused("with two, in each other's places", "R14.7", signed("shop b", "shop a"), "signature")
    tale.refused(
        "citing a height at which it was no member",
        "R3.3",
        town.sign(AccountId(4), 0, town.community, 0, opened, by=("shop a", "shop b")),
        "account_unknown",
    )
    first = tale.entry("with two of three", "R14.7", signed("shop a", "shop b"))
    tale.certificate("it is final", "R7.3", town.certificate(town.keep(first)))


def _limits_and_levels(tale: Story, town: Town) -> None:
    ana, ben = town["ana"], town["ben"]
    for name, op, code in (
        ("no limits at all", Limits(()), "op_shape"),
        ("one account's limit twice", Limits(((ana, 1), (ana, 2))), "op_shape"),
        ("a stranger's limit", Limits(((ana, 1), (AccountId(9), 2))), "payee_unknown"),
        ("level 0", Suspend(ana, 0), "op_shape"),
        ("level 3", Suspend(ana, 3), "op_shape"),
        ("a stranger is suspended", Suspend(AccountId(9), 1), "payee_unknown"),
        ("a stranger is reinstated", Reinstate(AccountId(9)), "payee_unknown"),
        ("the limit of account 0, which is no member", Limits(((COMMONS, 5),)), "payee_unknown"),
        ("account 0 is suspended", Suspend(COMMONS, 1), "payee_unknown"),
        ("account 0 is reinstated", Reinstate(COMMONS), "payee_unknown"),
    ):
        tale.candidate(name, "R4.4", town.propose(op), code)
    tale.candidate(
        "a good op and a bad one: nothing of it is valid",
        "R4.3",
        town.propose(Limits(((ana, 1),)), Suspend(ben, 3)),
        "op_shape",
    )
    tale.candidate(
        "an admit and its limit in one entry",
        "R4.3",
        town.propose(Admit(AccountId(5), "eric", authority("eric"), 0), Limits(((AccountId(5), 7),))),
    )
    tale.candidate(
        "a limit and then the admit: too early",
        "R4.3",
        town.propose(Limits(((AccountId(5), 7),)), Admit(AccountId(5), "eric", authority("eric"), 0)),
        "payee_unknown",
    )
    tale.decide("limits of two members", "R4.4", Limits(((ana, 40), (ben, BALANCE_MAX))))
    tale.refused("ana, at -1, pays 40 citing her new limit", "R3.16", town.draft("ana", send(ben, 40)), "limit")
    tale.final("ana pays 39", "R3.16", town.write("ana", send(ben, 39)))


def _charges_and_charters(tale: Story, town: Town) -> None:
    ana, ben = town["ana"], town["ben"]
    for name, op, code in (
        ("a charge between two members", Charge(ana, ben, Amount(1), ""), "op_shape"),
        ("a charge from account 0 to itself", Charge(COMMONS, COMMONS, Amount(1), ""), "op_shape"),
        ("a charge of nothing", Charge(ana, COMMONS, Amount(0), ""), "op_shape"),
        ("a charge above the largest amount", Charge(ana, COMMONS, Amount(AMOUNT_MAX + 1), ""), "op_shape"),
        ("a reason that hides a code point", Charge(ana, COMMONS, Amount(1), "fee\u202e"), "op_shape"),
        ("a charge of a stranger", Charge(AccountId(9), COMMONS, Amount(1), ""), "payee_unknown"),
        ("charter version 2", Amend(replace(PLAIN_CHARTER, version=2)), "op_shape"),
        ("charter version 0", Amend(replace(PLAIN_CHARTER, version=0)), "op_shape"),
        ("a least send above the largest amount", Amend(replace(PLAIN_CHARTER, least_send=AMOUNT_MAX + 1)), "op_shape"),
        ("found, later", town.founding.entry.ops[0], "op_shape"),
        ("account 0 pays itself", send(COMMONS, Amount(1)), "op_shape"),
        ("account 0 pays a stranger", send(AccountId(9), Amount(1)), "payee_unknown"),
        ("account 0 takes what is not there", Recv(ana, 0, 0, 0), "nothing_there"),
        ("account 0 pays what it has not", send(ana, Amount(1)), "limit"),
    ):
        tale.candidate(name, "R4.4", town.propose(op), code)
    tale.candidate("65 ops", "R3.8", town.propose(*(Reinstate(ana) for _ in range(65))), "op_shape")
    tale.candidate("64 ops", "R3.8", town.propose(*(Reinstate(ana) for _ in range(64))))
    tale.decide(
        "ben is charged 10 and the commons pays 10 to ana: the charge counts at once",
        "R5.4",
        Charge(ben, COMMONS, Amount(10), "hall"),
        send(ana, Amount(10)),
    )
    tale.final("ana takes 10 from account 0", "R3.9", town.write("ana", Recv(COMMONS, 0, town.height, 10)))
    tale.final("ana pays 4 into the commons", "R3.9", town.write("ana", send(COMMONS, Amount(4))))
    tale.decide("account 0 takes them and pays ben", "R4.4", Recv(ana, 0, town.heads[ana][0], 4), send(ben, Amount(4)))


def _kinds(tale: Story, town: Town) -> None:
    tale.candidate("open in account 0", "R3.7", town.propose(Open(authority("ana"), bytes(32))), "op_unknown")
    for tag, name in RESERVED_TAGS.items():
        tale.candidate(f"the reserved op {name} in account 0", "R3.7", town.propose(Unknown(tag, ())), "op_unknown")


def _stewards(tale: Story, town: Town) -> None:
    right = stewards_op(town.community, "sue", "sven", threshold=1)
    assert isinstance(right, Stewards) and isinstance(town.founding.entry.ops[0], Found)
    for name, op, code in (
        ("one of two does not accept", replace(right, acceptances=right.acceptances[:1]), "acceptance"),
        ("nobody accepts", replace(right, acceptances=()), "acceptance"),
        ("they accepted another threshold", replace(right, authority=authority("sue", "sven")), "acceptance"),
        (
            "they accepted in another community",
            stewards_op(found("x", witnesses=1).community, "sue", "sven", threshold=1),
            "acceptance",
        ),
        ("a steward twice", stewards_op(town.community, "sue", "sue"), "op_shape"),
        ("no steward", Stewards(Authority(0, ()), ()), "op_shape"),
        ("threshold 0", Stewards(Authority(0, authority("sue").keys), ()), "op_shape"),
        ("threshold 3 of two", Stewards(Authority(3, authority("sue", "sven").keys), ()), "op_shape"),
    ):
        tale.candidate(f"stewards: {name}", "R4.9", town.propose(op), code)
    tale.decide("one of two new stewards may sign from the next place on", "R4.4", right)
    tale.candidate("the old stewards sign", "R4.4", town.propose(), "signature")
    town.stewards, town.threshold = ("sue", "sven"), 1
    tale.candidate("one of the new ones signs", "R4.4", town.propose(by=(1,)))
    tale.decide("and decides with the witnesses", "R4.4", Reinstate(town["ana"]))
