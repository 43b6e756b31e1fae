"""When acts of account 0 take effect: limits, levels, charges and charters, by the height that an entry cites."""

from dataclasses import replace

from protocol.base import COMMONS, AccountId, Amount
from protocol.ops import Admit, Amend, Bounce, Charge, Limits, Recv, Reinstate, Suspend
from tests.builders import PLAIN_CHARTER, Town, authority, found
from tests.vectors.writing import Story, send


def story() -> Story:
    town = found("ana", "ben", "cleo", limit=100, witnesses=4, quorum=3)
    tale = Story("heights", "An act counts for entries that cite it or a later height, and for no other.", town)
    tale.open("ana", "ben", "cleo")
    _limits(tale, town)
    _levels(tale, town)
    _charges(tale, town)
    _least_send(tale, town)
    _ceiling(tale, town)
    return tale


def _limits(tale: Story, town: Town) -> None:
    ana, ben = town["ana"], town["ben"]
    tale.decide("height 1: ana's limit falls from 100 to 40", "R5.1", Limits(((ana, 40),)))
    tale.refused("ana pays 60 citing height 1", "R5.4", town.draft("ana", send(ben, 60)), "limit")
    tale.refused("ana pays 41 citing height 1", "R3.16", town.draft("ana", send(ben, 41)), "limit")
    tale.final("ana pays 60 citing height 0: valid for ever", "R5.4", town.write("ana", send(ben, 60), height=0))
    tale.refused("ana, 20 below her limit, pays 1", "R5.4", town.draft("ana", send(ben, 1)), "limit")
    tale.final("ben pays her 15", "R3.9", town.write("ben", send(ana, 15)))
    tale.refused("ana takes 15 and pays 1", "R5.4", town.draft("ana", Recv(ben, 0, 1, 15), send(ben, 1)), "limit")
    tale.final("ana takes 15: still below her limit, and valid", "R1.3", town.write("ana", Recv(ben, 0, 1, 15)))
    tale.refused("ana goes back to height 0", "R3.5", town.draft("ana", send(ben, 1), height=0), "height_fell")
    tale.decide("height 2: ana's limit rises to 50", "R5.1", Limits(((ana, 50),)))
    tale.refused("ana pays 5 citing height 1", "R5.1", town.draft("ana", send(ben, 5), height=1), "limit")
    tale.final("ana pays 5 citing height 2: exactly her limit", "R5.1", town.write("ana", send(ben, 5)))


def _levels(tale: Story, town: Town) -> None:
    ana, ben, cleo = town["ana"], town["ben"], town["cleo"]
    tale.decide("height 3: ben is suspended", "R5.1", Suspend(ben, 1))
    tale.refused("ben pays citing height 3", "R3.16", town.draft("ben", send(cleo, 1)), "suspended")
    tale.refused(
        "ben pays too much citing height 3: suspended comes first",
        "R15.2",
        town.draft("ben", send(cleo, 10**6)),
        "suspended",
    )
    tale.refused(
        "ben pays a stranger citing height 3: that comes first",
        "R15.2",
        town.draft("ben", send(AccountId(9), 1)),
        "payee_unknown",
    )
    tale.final("ben pays citing height 2", "R5.1", town.write("ben", send(cleo, 1), height=2))
    tale.final("ben, suspended, takes in", "R3.16", town.write("ben", Recv(ana, 0, 1, 60)))
    tale.refused(
        "ben goes back before his suspension", "R3.5", town.draft("ben", send(cleo, 1), height=2), "height_fell"
    )
    tale.final("ben, suspended, sends 5 back", "R3.16", town.write("ben", Bounce(ana, 0, 3)))
    tale.final("others may pay him", "R3.9", town.write("cleo", send(ben, 2)))
    tale.decide("height 4: ben is frozen", "R5.1", Suspend(ben, 2))
    tale.refused("ben, frozen, takes in", "R3.16", town.draft("ben", Recv(cleo, 0, 1, 2)), "frozen")
    tale.refused(
        "ben, frozen, pays too much: frozen comes first", "R15.2", town.draft("ben", send(cleo, 10**6)), "frozen"
    )
    tale.refused(
        "ben, frozen, states a wrong total: that comes first", "R15.2", town.draft("ben", Recv(cleo, 0, 1, 3)), "total"
    )
    tale.final("ben takes in, citing the height before", "R5.1", town.write("ben", Recv(cleo, 0, 1, 2), height=3))
    tale.decide(
        "height 5: frozen and reinstated in one entry, cleo suspended",
        "R4.3",
        Suspend(ben, 2),
        Reinstate(ben),
        Suspend(cleo, 1),
    )
    tale.refused(
        "ben, citing the height at which he is frozen", "R5.1", town.draft("ben", send(cleo, 1), height=4), "frozen"
    )
    tale.final("ben, citing height 5, pays", "R5.1", town.write("ben", send(cleo, 1)))
    tale.decide("height 6: cleo is reinstated", "R5.1", Reinstate(cleo))


def _charges(tale: Story, town: Town) -> None:
    ana, ben, cleo = town["ana"], town["ben"], town["cleo"]
    tale.decide("height 7: cleo is charged 50", "R5.4", Charge(cleo, COMMONS, Amount(50), "hall"))
    tale.refused("cleo, own -2, adjust -50, limit 100, pays 49", "R1.2", town.draft("cleo", send(ben, 49)), "limit")
    tale.final("citing height 6 she may", "R5.1", town.write("cleo", send(ben, 49), height=6))
    tale.refused("citing height 7, 1 is too much now", "R5.1", town.draft("cleo", send(ben, 1)), "limit")
    tale.final("cleo takes in what she has in flight", "R1.3", town.write("cleo", Recv(ben, 0, 6, 2)))
    tale.candidate("the commons may pay 50 and not 51", "R4.2", town.propose(send(ana, Amount(51))), "limit")
    tale.decide("height 8: the commons pays ana 50", "R4.2", send(ana, Amount(50)))
    tale.refused(
        "ana takes it citing height 8, with cleo's charge as total",
        "R3.9",
        town.draft("ana", Recv(COMMONS, 0, 8, 51)),
        "total",
    )
    tale.final(
        "ana takes it citing height 2: what is final is no matter of height",
        "R1.1",
        town.write("ana", Recv(COMMONS, 0, 8, 50), height=2),
    )
    tale.decide(
        "height 9: cleo gets 30 of her charge back out of a commons limit of 30",
        "R4.3",
        Amend(replace(PLAIN_CHARTER, commons_limit=30)),
        Charge(COMMONS, cleo, Amount(30), "too much"),
    )
    tale.candidate("the commons, at -30 of 30, pays 1", "R4.2", town.propose(send(ana, Amount(1))), "limit")
    tale.candidate(
        "a charge that leaves the commons below its limit is no send",
        "R4.2",
        town.propose(Charge(COMMONS, cleo, Amount(30), "")),
    )


def _least_send(tale: Story, town: Town) -> None:
    ana, ben = town["ana"], town["ben"]
    tale.decide("height 10: the least send is 5", "R5.1", Amend(replace(PLAIN_CHARTER, least_send=5, commons_limit=30)))
    tale.refused("ana pays 4 citing height 10", "R3.9", town.draft("ana", send(ben, 4)), "least_send")
    tale.final("ana pays 5", "R3.9", town.write("ana", send(ben, 5), height=9))
    tale.final("ana pays 5 citing height 10", "R3.9", town.write("ana", send(ben, 5)))
    tale.final("ben pays 4 citing height 9", "R5.1", town.write("ben", send(ana, 4), height=9))
    tale.final("ana pays 1 to the commons: no least send", "R3.9", town.write("ana", send(COMMONS, 1)))
    tale.decide(
        "account 0 takes it and pays 1: it has no least send", "R3.17", Recv(ana, 0, 7, 1), send(ben, Amount(1))
    )


def _ceiling(tale: Story, town: Town) -> None:
    ana, ben, cleo = town["ana"], town["ben"], town["cleo"]
    tale.decide(
        "height 12: a ceiling of 20; dora is admitted",
        "R5.1",
        Amend(replace(PLAIN_CHARTER, ceiling=20)),
        Admit(AccountId(4), "dora", authority("dora"), 2000),
    )
    town.members.append("dora")
    dora = town["dora"]
    tale.open("dora")
    tale.final("dora pays ana 20 more than she may hold", "R3.16", town.write("dora", send(ana, 1000)))
    tale.final("dora pays ana 3", "R3.16", town.write("dora", send(ana, 3)))
    tale.refused("ana takes both", "R3.16", town.draft("ana", Recv(dora, 0, 2, 1003)), "ceiling")
    tale.final(
        "ana bounces the large one and takes the small one",
        "R3.16",
        town.write("ana", Bounce(dora, 0, 1), Recv(dora, 0, 2, 1003)),
    )
    tale.final("dora pays ana 28", "R3.16", town.write("dora", send(ana, 28)))
    tale.final("dora pays ana 1", "R3.16", town.write("dora", send(ana, 1)))
    tale.refused(
        "ana, at -8, takes 29: 1 above the ceiling", "R3.16", town.draft("ana", Recv(dora, 0, 4, 1032)), "ceiling"
    )
    tale.final("ana takes 28: exactly the ceiling", "R3.16", town.write("ana", Recv(dora, 0, 3, 1031)))
    tale.refused("ana takes 1 more", "R3.16", town.draft("ana", Recv(dora, 0, 4, 1032)), "ceiling")
    tale.refused(
        "ana takes 1 more and bounces nothing of it",
        "R3.8",
        town.draft("ana", Recv(dora, 0, 4, 1032), Bounce(dora, 0, 4)),
        "op_shape",
    )
    tale.decide(
        "height 13: the commons gives ana 10: adjust is part of it",
        "R3.16",
        Charge(COMMONS, ana, Amount(10), ""),
        Amend(replace(PLAIN_CHARTER, ceiling=20, commons_limit=100)),
    )
    tale.final(
        "ana, above the ceiling, takes 1 and pays 1: no higher than before",
        "R3.16",
        town.write("ana", Recv(dora, 0, 4, 1032), send(ben, 1)),
    )
    tale.final("an entry without a recv has no ceiling", "R3.16", town.write("ana", send(ben, 2)))
    tale.final("dora pays ana 1 again", "R3.9", town.write("dora", send(ana, 1)))
    tale.refused(
        "ana, at 18 + 10, takes 1 and pays nothing", "R3.16", town.draft("ana", Recv(dora, 0, 5, 1033)), "ceiling"
    )
    tale.refused(
        "ana takes 1 citing height 13", "R3.16", town.draft("ana", Recv(dora, 0, 5, 1033), height=13), "ceiling"
    )
    tale.decide("height 14: the ceiling is lifted", "R5.1", Amend(PLAIN_CHARTER))
    tale.final("ana takes 1 citing height 14", "R3.16", town.write("ana", Recv(dora, 0, 5, 1033)))
    tale.final("dora pays cleo 36, who takes it", "R3.9", town.write("dora", send(cleo, 36)))
    tale.final("cleo takes 36", "R3.9", town.write("cleo", Recv(dora, 0, 6, 36)))
