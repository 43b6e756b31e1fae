"""The levy: carried in millionths, so that splitting a payment neither evades nor overpays it."""

from dataclasses import replace

from protocol.ops import Amend, Bounce, Recv
from tests.builders import PLAIN_CHARTER, Town, found
from tests.vectors.writing import Story, send

TWO_PERCENT = replace(PLAIN_CHARTER, levy_ppm=20_000)


def story() -> Story:
    town = found("ana", "ben", "cleo", limit=10_000, witnesses=1, charter=TWO_PERCENT)
    tale = Story("levy", "Two in a hundred of what is sent to members is owed to the commons, to the millionth.", town)
    tale.open("ana", "ben", "cleo")
    _carried(tale, town)
    _paid(tale, town)
    _changed(tale, town)
    return tale


def _carried(tale: Story, town: Town) -> None:
    ben = town["ben"]
    for count in range(1, 8):
        tale.final(f"ana pays ben 7: {140 * count},000 millionths are due", "R3.17", town.write("ana", send(ben, 7)))
    tale.refused("the eighth 7 without a levy", "R3.17", town.draft("ana", send(ben, 7)), "levy")
    tale.final(
        "the eighth 7 with 1 to the commons: 120,000 are left", "R3.17", town.write("ana", send(ben, 7), send(0, 1))
    )
    tale.final("ana pays ben 43: 980,000", "R3.17", town.write("ana", send(ben, 43)))
    tale.refused("ana pays ben 1: 1,000,000 is due", "R3.17", town.draft("ana", send(ben, 1)), "levy")
    tale.refused("too much and no levy: the limit comes first", "R15.2", town.draft("ana", send(ben, 20_000)), "limit")


def _paid(tale: Story, town: Town) -> None:
    ana, ben, cleo = town["ana"], town["ben"], town["cleo"]
    tale.final(
        "ana pays the commons 5, far more than is due: nothing is due, nothing is kept",
        "R3.17",
        town.write("ana", send(0, 5)),
    )
    tale.refused("ben pays 50 without a levy", "R3.17", town.draft("ben", send(ana, 50)), "levy")
    tale.final("ben pays 49: 980,000", "R3.17", town.write("ben", send(ana, 49)))
    tale.refused(
        "ben pays ana 50 and cleo 51 with 2 to the commons: 3 are due",
        "R3.17",
        town.draft("ben", send(ana, 50), send(cleo, 51), send(0, 2)),
        "levy",
    )
    tale.final("with 3", "R3.17", town.write("ben", send(ana, 50), send(cleo, 51), send(0, 3)))
    tale.final("taking in costs no levy", "R3.17", town.write("cleo", Recv(ben, 0, 2, 51)))
    tale.final("bouncing costs none, and gives none back", "R3.17", town.write("ana", Bounce(ben, 0, 2)))
    tale.entry("ben pays in one entry what 48 of 50 would cost, not final", "R3.17", town.write("ben", send(cleo, 48)))
    tale.refused("ben pays 2 more: the tail counts", "R3.17", town.draft("ben", send(cleo, 2)), "levy")


def _changed(tale: Story, town: Town) -> None:
    ben = town["ben"]
    tale.decide("height 1: the levy is 100 %", "R5.1", Amend(replace(PLAIN_CHARTER, levy_ppm=1_000_000)))
    tale.final("cleo pays 10 citing height 0: 200,000", "R5.1", town.write("cleo", send(ben, 10), height=0))
    tale.final("ana pays the commons 10 at a levy of 100 %: none is due on it", "R3.17", town.write("ana", send(0, 10)))
    tale.refused("cleo pays 10 with 9 citing height 1", "R3.17", town.draft("cleo", send(ben, 10), send(0, 9)), "levy")
    tale.final(
        "cleo pays 10 with 10 citing height 1: 200,000 are carried",
        "R3.17",
        town.write("cleo", send(ben, 10), send(0, 10)),
    )
    tale.decide("height 2: no levy", "R5.1", Amend(PLAIN_CHARTER))
    tale.final("cleo pays 1,000 citing height 2: what is due stays", "R3.17", town.write("cleo", send(ben, 1000)))
    tale.decide("height 3: two in a hundred again", "R5.1", Amend(TWO_PERCENT))
    tale.refused(
        "cleo pays 40: with what was carried 1,000,000 is due", "R3.17", town.draft("cleo", send(ben, 40)), "levy"
    )
    tale.final("cleo pays 39", "R3.17", town.write("cleo", send(ben, 39)))
