"""Certificates and what they cover, tails that give way, and statements by witnesses that count or do not."""

from dataclasses import replace

from protocol.base import MARK_BLOCK, TAIL_MAX, Signature
from protocol.ops import Recv
from protocol.signing import Tag, sign
from protocol.statements import Certificate, ForkProof, Mark, Nack, Place, gather
from protocol.verdict import Code
from tests.builders import Town, found, key
from tests.vectors.replaying import UNSIGNED
from tests.vectors.writing import Story, send


def story() -> Story:
    town = found("ana", "ben", "cleo", limit=1000, witnesses=4, quorum=3)
    tale = Story("finality", "What a quorum's votes make final, how much may wait for them, and what gives way.", town)
    tale.open("ana", "ben")
    _quorums(tale, town)
    _prefixes(tale, town)
    _backlog(tale, town)
    _giving_way(tale, town)
    _other_branch(tale, town)
    _decisions(tale, town)
    _statements(tale, town)
    return tale


def _quorums(tale: Story, town: Town) -> None:
    paid = tale.entry("ana pays ben 10", "R3.9", town.write("ana", send(town["ben"], 10)))
    place = town.place(paid)
    right = town.certificate(paid, by=(0, 2, 3))
    first, *others = right.votes
    wrong = {
        "two votes of the three that are needed": Certificate(place, right.votes[:2]),
        "no vote at all": Certificate(place, ()),
        "three votes, one of a witness that there is not": Certificate(
            place, (*right.votes[:2], (4, *right.votes[2][1:]))
        ),
        "three right votes and a wrong one": Certificate(place, (first, (1, 5, Signature(bytes(64))), *others)),
        "a vote under another number than was signed": Certificate(place, ((0, first[1] + 1, first[2]), *others)),
        "a vote of another witness than is said": Certificate(place, ((1, *first[1:]), *others)),
        "commits instead of votes": gather([town.vote(place, index, Tag.COMMIT) for index in (0, 1, 2)]),
        "votes for another entry": Certificate(place, town.certificate(town.draft("ana", send(town["ben"], 3))).votes),
        "votes for another account": Certificate(replace(place, account=town["ben"]), right.votes),
    }
    for name, certificate in wrong.items():
        tale.certificate(name, "R7.2", certificate, ("refused", "signature"))
    tale.certificate("votes of epoch 1", "R7.6", _votes_for(town, replace(place, epoch=1)), ("refused", "epoch_closed"))
    tale.waiting("nothing of this made it final", "R3.9", town.draft("ben", Recv(town["ana"], 0, 1, 10)), "reference")
    tale.certificate("three right votes, of witnesses 0, 2 and 3", "R7.2", right)
    tale.certificate("all four", "R7.6", town.certificate(paid, by=(0, 1, 2, 3)), ("duplicate", None))
    tale.final("ben takes it", "R3.9", town.write("ben", Recv(town["ana"], 0, 1, 10)))


def _votes_for(town: Town, place: Place) -> Certificate:
    """Votes of a quorum for any place at all."""
    return gather([town.vote(place, index) for index in range(town.quorum)])


def _prefixes(tale: Story, town: Town) -> None:
    ben = town["ben"]
    payments = [
        tale.entry(f"ana pays ben {amount}", "R7.3", town.write("ana", send(ben, amount))) for amount in (1, 2, 3)
    ]
    last = town.certificate(payments[-1])
    unknown = town.draft("ana", send(ben, 4))
    tale.certificate(
        "a certificate for an entry that is not here", "R7.6", town.certificate(unknown), ("waiting", "prev")
    )
    tale.certificate(
        "a certificate for an account that is not open",
        "R7.6",
        town.certificate(town.sign(town["cleo"], 0, town.community, 0, send(ben, 1))),
        ("waiting", "prev"),
    )
    tale.waiting(
        "ben takes the third before it is final", "R3.9", town.draft("ben", Recv(town["ana"], 0, 4, 16)), "reference"
    )
    tale.certificate("the third is certified: all three are final", "R7.3", last)
    tale.certificate(
        "a certificate of the second comes late", "R7.6", town.certificate(payments[1]), ("duplicate", None)
    )
    elsewhere = replace(town.place(payments[1]), incarnation=1)
    tale.certificate(
        "a certificate of the second in another incarnation",
        "R7.6",
        _votes_for(town, elsewhere),
        ("waiting", "prev"),
    )
    tale.final("ben takes all three", "R3.9", town.write("ben", Recv(town["ana"], 0, 4, 16)))


def _backlog(tale: Story, town: Town) -> None:
    ben = town["ben"]
    for count in range(1, TAIL_MAX + 1):
        last = tale.entry(f"entry {count} above what is final", "R7.4", town.write("ana", send(ben, count)))
    ninth = town.draft("ana", send(ben, 9))
    tale.refused("a ninth", "R3.16", ninth, "backlog")
    tale.refused(
        "a ninth that is over the limit: that comes first", "R15.2", town.draft("ana", send(ben, 10**6)), "limit"
    )
    tale.certificate("the eighth is certified", "R7.3", town.certificate(last))
    tale.final("now the ninth, in the same bytes", "R15.2", town.keep(ninth))


def _giving_way(tale: Story, town: Town) -> None:
    ana, ben = town["ana"], town["ben"]
    seq, prev, height = town.heads[ana]
    here = tale.entry(
        "ana pays ben 100, and elsewhere 200 at the same place", "R7.4", town.write("ana", send(ben, 100))
    )
    above = tale.entry("and 50 on top of the 100", "R7.4", town.write("ana", send(ben, 50)))
    other = town.sign(ana, seq + 1, prev, height, send(ben, 200))
    tale.entry("the other one arrives", "R3.6a", other, ("fork", None))
    proof = ForkProof(here, other)
    tale.step("the proof of it", "R9.1", "proof", proof.encode())
    tale.step(
        "the same entry twice proves nothing", "R9.1", "proof", ForkProof(here, here).encode(), ("refused", "signature")
    )
    tale.step(
        "entries at different places prove nothing",
        "R9.1",
        "proof",
        ForkProof(here, above).encode(),
        ("refused", "signature"),
    )
    forged = town.sign(ana, seq + 1, prev, height, send(ben, 7), by=("ben",))
    tale.step(
        "one of them not signed by ana proves nothing",
        "R9.1",
        "proof",
        ForkProof(here, forged).encode(),
        ("refused", "signature"),
    )
    certificate = town.certificate(other)
    tale.certificate("the witnesses voted for the other: the tail gives way", "R7.6", certificate, ("overruled", None))
    tale.certificate("its entry is not here yet", "R7.6", certificate, ("waiting", "prev"))
    tale.entry("now the other stands", "R7.4", town.keep(other))
    tale.certificate("and is final", "R7.3", certificate)
    tale.entry("what was here first", "R3.6a", here, ("fork", None))
    tale.waiting(
        "what stood above it: seq 2 places up waits",
        "R3.4",
        town.sign(ana, seq + 3, above.id, height, send(ben, 1)),
        "prev",
    )
    tale.refused("what stood above it: its prev is no entry here", "R3.4", above, "place")
    tale.certificate("votes for what gave way", "R7.6", town.certificate(here), ("refused", "conflict"))
    tale.final("ben takes the 200 and all before it", "R3.9", town.write("ben", Recv(ana, 0, seq + 1, 261)))


def _other_branch(tale: Story, town: Town) -> None:
    """A tail of two, and a certified branch of three beside it: by the chain alone nobody can tell that it leaves."""
    ana, ben = town["ana"], town["ben"]
    seq, id, height = town.heads[ana]
    for amount in (1, 2):
        tale.entry(f"ana pays ben {amount}", "R7.4", town.write("ana", send(ben, amount)))
    branch = []
    for at, outcome in enumerate((("fork", None), ("fork", None), ("waiting", "reference"))):
        signed = town.sign(ana, seq + 1 + at, id, height, send(ben, 20 + at))
        branch.append(signed)
        id = signed.id
        tale.entry(f"entry {at + 1} of another branch", "R7.6", signed, outcome)
    last = town.certificate(branch[-1])
    tale.certificate("the other branch is certified above the tail's head", "R7.6", last, ("waiting", "prev"))
    first = town.certificate(branch[0])
    tale.certificate("and at its foot", "R7.6", first, ("overruled", None))
    for signed in branch:
        tale.entry("an entry of it stands now", "R7.4", town.keep(signed))
    tale.certificate("the certificate of its last entry holds", "R7.6", last)


def _decisions(tale: Story, town: Town) -> None:
    signed, certificate = town.decide()
    place = certificate.place
    tale.decided(
        "an entry of account 0 with two commits of three",
        "R7.2",
        signed,
        Certificate(place, certificate.votes[:2]),
        ("refused", "signature"),
    )
    votes = gather([town.vote(place, index) for index in range(3)])
    tale.decided("with votes instead of commits", "R7.2", signed, votes, ("refused", "signature"))
    later = gather([town.vote(replace(place, incarnation=1), index, Tag.COMMIT) for index in range(3)])
    tale.decided("with commits of round 1 on ballots of round 0: decided is decided", "R8.4", signed, later)
    tale.decided("again, with the commits of round 0", "R3.1", signed, certificate, ("duplicate", None))
    tale.certificate("the commits of round 0 by themselves", "R7.6", certificate, ("duplicate", None))
    last = replace(place, incarnation=2**63 - 1)
    tale.certificate(
        "no commit at all, of the last round: it is decided", "R7.6", Certificate(last, ()), ("duplicate", None)
    )
    rival = town.ballots(replace(signed.entry, time=9), 1, (0,))
    tale.certificate(
        "commits for another entry at that place", "R7.6", town.certificate(rival), ("refused", "conflict")
    )
    ahead = replace(place, seq=5, incarnation=0)
    tale.certificate(
        "commits for a place above the next",
        "R7.6",
        gather([town.vote(ahead, index, Tag.COMMIT) for index in range(3)]),
        ("waiting", "height"),
    )
    signed, certificate = town.decide(round=2)
    other = town.ballots(replace(signed.entry, time=9), 2, (0,))
    tale.decided(
        "an entry with the certificate of another: that one is not here",
        "R8.4",
        other,
        certificate,
        ("waiting", "height"),
    )
    tale.decided("the next entry is decided in round 2", "R8.1", signed, certificate)
    rivals = ForkProof(signed, other)
    tale.step("its steward signed two entries in one round", "R9.1", "proof", rivals.encode())
    early = town.ballots(replace(town.founding.entry, time=9), 0, (0,))
    tale.step("the founding entry proves nothing", "R9.1", "proof", ForkProof(town.founding, early).encode(), UNSIGNED)
    open_place = town.propose(round=1)
    tale.step("a candidate of any round", "R8.1", "candidate", open_place.encode())


def _statements(tale: Story, town: Town) -> None:
    place = town.place(town.draft("ana", send(town["ben"], 1)))
    vote = town.vote(place, 2)
    tale.step("a vote", "R7.1", "vote", vote.encode())
    tale.step(
        "a vote said to be of another witness",
        "R7.1",
        "vote",
        replace(vote, witness=1).encode(),
        ("refused", "signature"),
    )
    tale.step(
        "a vote under another number",
        "R7.1",
        "vote",
        replace(vote, number=vote.number + 1).encode(),
        ("refused", "signature"),
    )
    tale.step(
        "a vote said to be a commit", "R7.1", "vote", replace(vote, tag=Tag.COMMIT).encode(), ("refused", "signature")
    )
    tale.step(
        "a vote of a witness that there is not",
        "R7.1",
        "vote",
        replace(vote, witness=4).encode(),
        ("refused", "signature"),
    )
    tale.step(
        "a vote with an index that no community can have",
        "R7.1",
        "vote",
        replace(vote, witness=16).encode(),
        ("malformed", None),
    )
    commit = town.vote(place, 2, Tag.COMMIT)
    tale.step("a commit to a member's entry, rightly signed: by nobody", "R7.1", "vote", commit.encode(), UNSIGNED)
    later = replace(place, epoch=1)
    tale.step("a vote of epoch 1", "R7.1", "vote", town.vote(later, 2).encode(), ("refused", "epoch_closed"))
    tale.step(
        "a vote of epoch 1, wrongly signed",
        "R7.1",
        "vote",
        replace(vote, place=later).encode(),
        ("refused", "epoch_closed"),
    )
    of_account_0 = replace(town.place(town.propose(round=2**32)), incarnation=2**63 - 1)
    tale.step("a vote in the last round there is", "R7.1", "vote", town.vote(of_account_0, 2).encode())
    tale.step("and a commit", "R7.1", "vote", town.vote(of_account_0, 2, Tag.COMMIT).encode())
    _nacks_and_marks(tale, town, place)


def _nacks_and_marks(tale: Story, town: Town, place: Place) -> None:
    witness = key("witness 1")
    signature = sign(witness, Tag.NACK, town.community, Nack.content(place, Code.LIMIT, 3))
    nack = Nack(place, 1, Code.LIMIT, 3, signature)
    tale.step("a nack", "R6.6", "nack", nack.encode())
    tale.step("a nack with another code", "R6.6", "nack", replace(nack, code=23).encode(), ("refused", "signature"))
    tale.step("a nack with another height", "R6.6", "nack", replace(nack, height=4).encode(), ("refused", "signature"))
    unknown = sign(witness, Tag.NACK, town.community, Nack.content(place, 255, 0))
    tale.step("a nack with a code that nobody knows", "R6.6", "nack", Nack(place, 1, 255, 0, unknown).encode())
    later = replace(place, epoch=1)
    signature = sign(witness, Tag.NACK, town.community, Nack.content(later, Code.LIMIT, 3))
    tale.step(
        "a nack of epoch 1", "R6.6", "nack", Nack(later, 1, Code.LIMIT, 3, signature).encode(),
        ("refused", "epoch_closed"),
    )  # fmt: skip
    signature = sign(witness, Tag.MARK, town.community, Mark.content(witness.public, MARK_BLOCK))
    mark = Mark(witness.public, MARK_BLOCK, signature)
    tale.step("a mark", "R11.2", "mark", mark.encode())
    tale.step(
        "a mark that says more", "R11.2", "mark", replace(mark, below=2 * MARK_BLOCK).encode(), ("refused", "signature")
    )
    stranger = key("eve")
    signature = sign(stranger, Tag.MARK, town.community, Mark.content(stranger.public, MARK_BLOCK))
    tale.step(
        "a mark of a key that is no witness",
        "R11.2",
        "mark",
        Mark(stranger.public, MARK_BLOCK, signature).encode(),
        ("refused", "signature"),
    )
