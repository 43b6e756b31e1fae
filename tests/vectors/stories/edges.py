"""The largest of everything: amounts, balances, entries, and one more."""

from protocol.base import AMOUNT_MAX, BALANCE_MAX, COMMONS, ENTRY_BYTES_MAX, OPS_MAX, AccountId, Amount
from protocol.entry import SignedEntry
from protocol.ops import Admit, Charge, Limits, PublicNote, Recv
from tests.builders import Town, authority, found
from tests.vectors.writing import Story, send

CROWD = [f"m{number:02}" for number in range(1, 65)]


def story() -> Story:
    first, rest = CROWD[:30], CROWD[30:]
    town = found(*first, limit=0, witnesses=1)
    tale = Story("edges", "The largest amount, balance, count of ops and size of an entry, each with one more.", town)
    admits = [Admit(AccountId(31 + at), name, authority(name), 0) for at, name in enumerate(rest)]
    town.members += rest
    tale.decide("the rest of 64 members", "R4.4", *admits)
    tale.decide("the first one's limit is the largest there is", "R14.9", Limits(((AccountId(1), BALANCE_MAX),)))
    tale.open("m01", "m02")
    _sizes(tale, town)
    _amounts(tale, town)
    _charges(tale, town)
    return tale


def _sizes(tale: Story, town: Town) -> None:
    tale.final(
        "64 ops: a send to each of the others and to account 0",
        "R3.8",
        town.write("m01", *(send(AccountId(number), 1) for number in (0, *range(2, 65)))),
    )
    tale.final("an entry of exactly 4096 bytes", "R14.8", town.keep(_sized(town, ENTRY_BYTES_MAX)))
    tale.malformed("an entry of 4097 bytes", "R14.8", _sized(town, ENTRY_BYTES_MAX + 1).encode())


def _sized(town: Town, size: int) -> SignedEntry:
    """The next entry of m01 with as many notes as make it exactly that long."""
    full = [send(AccountId(number), 1, PublicNote("x" * 200)) for number in range(2, 20)]
    for length in range(32, 257):
        signed = town.draft(
            "m01",
            *full,
            send(AccountId(20), 1, PublicNote("y" * length)),
            send(AccountId(21), 1, PublicNote("z" * 100)),
        )
        if len(signed.body) == size:
            return signed
    raise AssertionError(f"no note makes {size} bytes")


def _amounts(tale: Story, town: Town) -> None:
    spent = 64 + 20
    while spent + 64 * AMOUNT_MAX <= BALANCE_MAX:
        tale.final(
            f"the largest amount to 64 accounts, after {spent}",
            "R14.9",
            town.write("m01", *(send(AccountId(number), AMOUNT_MAX) for number in (0, *range(2, 65)))),
        )
        spent += 64 * AMOUNT_MAX
    left = BALANCE_MAX - spent
    count, rest = divmod(left, AMOUNT_MAX)
    sends = [send(AccountId(number), AMOUNT_MAX) for number in range(2, 2 + count)]
    tale.refused(
        "1 more than the largest balance below zero: overflow comes before the limit",
        "R3.16",
        town.draft("m01", *sends, send(COMMONS, rest + 1)),
        "overflow",
    )
    tale.final(
        "exactly the largest balance below zero, which is the limit",
        "R3.16",
        town.write("m01", *sends, send(COMMONS, rest)),
    )
    tale.refused("and 1 more", "R3.16", town.draft("m01", send(COMMONS, 1)), "overflow")
    seq, total = town.heads[town["m01"]][0], 2 + (15 + 1) * AMOUNT_MAX
    tale.final("m02 takes all that came to it", "R3.9", town.write("m02", Recv(AccountId(1), 0, seq, total)))


def _charges(tale: Story, town: Town) -> None:
    charge = Charge(COMMONS, AccountId(2), Amount(AMOUNT_MAX), "")
    for number in range(15):
        tale.decide(f"64 of the largest charges in one entry, {number + 1}", "R4.4", *[charge] * OPS_MAX)
    tale.candidate("40 more are the largest adjust", "R14.9", town.propose(*[charge] * 40))
    tale.candidate("41 more are too many", "R14.9", town.propose(*[charge] * 41), "overflow")
    back = Charge(AccountId(2), COMMONS, Amount(AMOUNT_MAX), "")
    tale.candidate("41 more and one back: only the end counts", "R1.3", town.propose(*[charge] * 41, back))
