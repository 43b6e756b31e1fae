"""Paying, taking in and sending back; totals, watermarks and the credit limit to the last unit."""

from protocol.ops import Bounce, PublicNote, Recv, SealedNote
from tests.builders import Town, found
from tests.vectors.writing import Story, send


def story() -> Story:
    town = found("ana", "ben", "cleo", "dora", limit=100, witnesses=4, quorum=3)
    tale = Story("payments", "Ana and Ben pay, take in, bounce and reach their limits to the last unit.", town)
    tale.open("ana", "ben", "cleo")
    _first_payment(tale, town)
    _taking(tale, town)
    _bouncing(tale, town)
    _limits(tale, town)
    _totals(tale, town)
    return tale


def _first_payment(tale: Story, town: Town) -> None:
    ana, ben = town["ana"], town["ben"]
    paid = town.write("ana", send(ben, 10, PublicNote("bread")))
    tale.entry("ana pays ben 10 with a note", "R3.9", paid)
    tale.entry("the same bytes again", "R3.1", paid, ("duplicate", None))
    tale.waiting("ben takes it before it is final", "R3.9", town.draft("ben", Recv(ana, 0, 1, 10)), "reference")
    tale.waiting("ben bounces it before it is final", "R3.9", town.draft("ben", Bounce(ana, 0, 1)), "reference")
    tale.certificate("ana's payment is final", "R7.3", town.certificate(paid))
    tale.certificate(
        "its certificate again, by other witnesses", "R7.6", town.certificate(paid, by=(1, 2, 3)), ("duplicate", None)
    )
    tale.refused("ben states a total one too high", "R3.9", town.draft("ben", Recv(ana, 0, 1, 11)), "total")
    tale.refused("ben states a total one too low", "R3.9", town.draft("ben", Recv(ana, 0, 1, 9)), "total")
    tale.refused("cleo takes what is ben's", "R3.9", town.draft("cleo", Recv(ana, 0, 1, 10)), "total")
    tale.refused(
        "cleo takes nothing, where nothing is", "R3.9", town.draft("cleo", Recv(ana, 0, 1, 0)), "nothing_there"
    )
    tale.refused(
        "ben takes up to where no parcel stands", "R3.9", town.draft("ben", Recv(ana, 0, 0, 0)), "nothing_there"
    )
    tale.waiting("ben takes from another incarnation", "R3.9", town.draft("ben", Recv(ana, 1, 1, 10)), "reference")
    tale.waiting("ben takes from beyond ana's head", "R3.9", town.draft("ben", Recv(ana, 0, 2, 10)), "reference")
    tale.waiting(
        "ben takes from an account that is not open",
        "R3.9",
        town.draft("ben", Recv(town["dora"], 0, 0, 1)),
        "reference",
    )


def _taking(tale: Story, town: Town) -> None:
    ana, ben = town["ana"], town["ben"]
    tale.final("ben takes the 10", "R3.9", town.write("ben", Recv(ana, 0, 1, 10)))
    tale.refused("ben takes it again", "R3.9", town.draft("ben", Recv(ana, 0, 1, 10)), "watermark")
    tale.refused("ben takes below his watermark", "R3.9", town.draft("ben", Recv(ana, 0, 0, 0)), "watermark")
    tale.refused("ben bounces what he took", "R3.9", town.draft("ben", Bounce(ana, 0, 1)), "nothing_there")
    tale.final("ana pays ben 4 and cleo 6", "R3.9", town.write("ana", send(ben, 4), send(town["cleo"], 6)))
    tale.refused("ben states the new part and not the whole", "R3.9", town.draft("ben", Recv(ana, 0, 2, 4)), "total")
    tale.final(
        "ben takes it and pays it on in one entry",
        "R1.3",
        town.write("ben", Recv(ana, 0, 2, 14), send(town["cleo"], 14)),
    )
    tale.final("cleo takes from both in one entry", "R3.9", town.write("cleo", Recv(ana, 0, 2, 6), Recv(ben, 0, 2, 14)))
    tale.final("cleo pays dora, who has not opened", "R3.9", town.write("cleo", send(town["dora"], 5)))
    tale.final("dora opens and takes it in one entry", "R3.8", town.open("dora", Recv(town["cleo"], 0, 2, 5)))


def _bouncing(tale: Story, town: Town) -> None:
    ana, ben = town["ana"], town["ben"]
    tale.final("ana pays ben 10, at seq 3", "R3.15", town.write("ana", send(ben, 10)))
    tale.final("ana pays ben 5, at seq 4", "R3.15", town.write("ana", send(ben, 5)))
    tale.final("ana pays ben 20, at seq 5", "R3.15", town.write("ana", send(ben, 20, SealedNote(bytes(48)))))
    tale.refused("ben bounces where nothing is his", "R3.9", town.draft("ben", Bounce(ana, 0, 0)), "nothing_there")
    tale.final("ben bounces the 5", "R3.15", town.write("ben", Bounce(ana, 0, 4)))
    tale.refused("ben bounces it again", "R3.9", town.draft("ben", Bounce(ana, 0, 4)), "nothing_there")
    tale.refused("ben leaves the bounced 5 out of the total", "R3.15", town.draft("ben", Recv(ana, 0, 5, 44)), "total")
    tale.refused("ana bounces what came back to her", "R3.9", town.draft("ana", Bounce(ben, 0, 3)), "nothing_there")
    tale.final("ben takes the rest: 30", "R3.15", town.write("ben", Recv(ana, 0, 5, 49)))
    tale.refused("ben bounces below the watermark", "R3.15", town.draft("ben", Bounce(ana, 0, 3)), "nothing_there")
    tale.final("ana takes her 5 back", "R3.15", town.write("ana", Recv(ben, 0, 3, 5)))
    tale.final("ana pays ben 3 and again 7", "R3.9", town.write("ana", send(ben, 3)))
    tale.final("the 7", "R3.9", town.write("ana", send(ben, 7)))
    tale.final(
        "ben bounces both in one entry: one return of 10",
        "R3.9",
        town.write("ben", Bounce(ana, 0, 7), Bounce(ana, 0, 8)),
    )
    tale.refused("ana takes them as if they were two", "R3.9", town.draft("ana", Recv(ben, 0, 5, 12)), "total")
    tale.final("ana takes the 10: total 15", "R3.9", town.write("ana", Recv(ben, 0, 5, 15)))
    tale.final("ana pays ben 2 at seq 10", "R3.9", town.write("ana", send(ben, 2)))
    tale.final("ana pays ben 1 at seq 11", "R3.9", town.write("ana", send(ben, 1)))
    tale.final(
        "ben bounces the 2 and takes up to the 1, in one entry",
        "R3.15",
        town.write("ben", Bounce(ana, 0, 10), Recv(ana, 0, 11, 62)),
    )


def _limits(tale: Story, town: Town) -> None:
    cleo, dora = town["cleo"], town["dora"]
    tale.refused("dora, at 5 with a limit of 100, pays 106", "R3.16", town.draft("dora", send(cleo, 106)), "limit")
    tale.final("dora pays 105: exactly her limit", "R3.16", town.write("dora", send(cleo, 105)))
    tale.refused("dora pays 1 more", "R3.16", town.draft("dora", send(cleo, 1)), "limit")
    tale.refused(
        "dora pays two, together too much", "R3.16", town.draft("dora", send(cleo, 1), send(town["ana"], 1)), "limit"
    )
    tale.final("cleo pays dora 3", "R3.9", town.write("cleo", send(dora, 3)))
    tale.refused("dora takes 3 and pays 4", "R1.3", town.draft("dora", Recv(cleo, 0, 3, 8), send(cleo, 4)), "limit")
    tale.final(
        "dora pays 3 and takes 3: the order does not matter",
        "R1.3",
        town.write("dora", send(town["ben"], 3), Recv(cleo, 0, 3, 8)),
    )


def _totals(tale: Story, town: Town) -> None:
    cleo, dora = town["cleo"], town["dora"]
    tale.refused(
        "cleo takes 105 with the total of dora's first payment to her one off",
        "R3.9",
        town.draft("cleo", Recv(dora, 0, 1, 104)),
        "total",
    )
    tale.final("cleo takes all 105", "R3.9", town.write("cleo", Recv(dora, 0, 1, 105)))
    tale.final("cleo pays dora at seq 5", "R3.9", town.write("cleo", send(dora, 40)))
    tale.final("dora takes the 40 and is at the limit less 40", "R3.9", town.write("dora", Recv(cleo, 0, 5, 48)))
    tale.refused(
        "dora takes it again with a total that would fit", "R3.9", town.draft("dora", Recv(cleo, 0, 5, 96)), "watermark"
    )
