"""The submitter's side of votes and rounds: what counts, what does not, and when there is no hope."""

import pytest

from protocol.base import AccountId, Amount
from protocol.deciding import Deciding
from protocol.decisions import Denied, Voted
from protocol.entry import SignedEntry
from protocol.gathering import Gathering
from protocol.ledger import Ledger
from protocol.messages import AskCommit, Ballot, Bundle
from protocol.ops import Limits, Send, Suspend
from protocol.signing import Tag, sign
from protocol.statements import Nack, Vote
from protocol.verdict import Code
from protocol.witness import Witness
from tests.builders import Town, accept, confirm, found, opened

from .seats import seat

RAISE, FREEZE = Limits(((AccountId(1), 500),)), Suspend(AccountId(1), 2)


@pytest.fixture
def town() -> Town:
    return found("ana", "ben", witnesses=4)


def gathering(town: Town, signed: SignedEntry) -> Gathering:
    return Gathering(town.community, town.place(signed), [key.public for key in town.witnesses], town.quorum)


def nack(town: Town, signed: SignedEntry, witness: int, code: Code) -> Nack:
    place = town.place(signed)
    content = Nack.content(place, code, 0)
    return Nack(place, witness, code, 0, sign(town.witnesses[witness], Tag.NACK, town.community, content))


def test_q_votes_make_the_certificate_in_any_order(town: Town) -> None:
    signed = town.open("ana")
    gathered = gathering(town, signed)
    votes = [town.vote(town.place(signed), witness) for witness in (3, 1, 0)]
    assert [gathered.hear(vote) for vote in votes[:2]] == [None, None]
    assert gathered.unanswered == (0, 2)
    certificate = gathered.hear(votes[2])
    assert certificate is not None
    assert certificate == gathered.certificate
    confirm_on_new_ledger(town, signed, gathered)


def confirm_on_new_ledger(town: Town, signed: SignedEntry, gathered: Gathering) -> None:
    ledger = Ledger()
    accept(ledger, town.founding)
    accept(ledger, signed)
    assert gathered.certificate is not None
    confirm(ledger, gathered.certificate)


def test_what_does_not_count(town: Town) -> None:
    signed = town.open("ana")
    gathered = gathering(town, signed)
    vote = town.vote(town.place(signed), 1)
    wrong = [
        Vote(vote.tag, vote.place, 2, vote.number, vote.signature),
        Vote(vote.tag, vote.place, 1, vote.number + 1, vote.signature),
        Vote(vote.tag, vote.place, 9, vote.number, vote.signature),
        town.vote(town.place(town.founding), 1),
        town.vote(town.place(signed), 1, Tag.COMMIT),
    ]
    for statement in wrong:
        gathered.hear(statement)
    assert gathered.unanswered == (0, 1, 2, 3)
    gathered.hear(vote)
    gathered.hear(town.vote(town.place(signed), 1))
    assert list(gathered.unanswered) == [0, 2, 3]
    assert gathered.certificate is None


def test_refusals_for_good_of_more_than_n_minus_q_leave_no_hope(town: Town) -> None:
    signed = town.open("ana")
    gathered = gathering(town, signed)
    gathered.hear(nack(town, signed, 0, Code.CONFLICT))
    assert not gathered.is_hopeless
    assert gathered.unanswered == (1, 2, 3)
    gathered.hear(nack(town, signed, 3, Code.NEWEST))
    gathered.hear(nack(town, signed, 2, Code.CONFLICT))
    assert gathered.is_hopeless
    assert gathered.reasons == (Code.CONFLICT, Code.NEWEST)


@pytest.mark.parametrize("code", [Code.BEHIND, Code.BACKLOG, Code.BUDGET])
def test_a_refusal_that_passes_is_asked_again(town: Town, code: Code) -> None:
    signed = town.open("ana")
    gathered = gathering(town, signed)
    for witness in range(4):
        gathered.hear(nack(town, signed, witness, code))
    assert not gathered.is_hopeless
    assert gathered.unanswered == (0, 1, 2, 3)


def test_a_later_vote_stands_in_for_a_nack_but_not_the_other_way(town: Town) -> None:
    signed = town.open("ana")
    gathered = gathering(town, signed)
    gathered.hear(nack(town, signed, 1, Code.NEWEST))
    gathered.hear(town.vote(town.place(signed), 1))
    gathered.hear(nack(town, signed, 1, Code.NEWEST))
    assert gathered.nacks == {}
    assert gathered.unanswered == (0, 2, 3)


def test_a_forged_nack_is_nothing(town: Town) -> None:
    signed = town.open("ana")
    gathered = gathering(town, signed)
    genuine = nack(town, signed, 1, Code.CONFLICT)
    gathered.hear(Nack(genuine.place, 2, genuine.code, 0, genuine.signature))
    assert gathered.nacks == {}


# Account 0


def deciding(town: Town, ledger: Ledger, signed: SignedEntry) -> Deciding:
    keys = [key.public for key in town.witnesses]
    return Deciding(town.community, signed, 0, keys, town.quorum, ledger.commons.stewards())


def ask(machine: Deciding, witness: Witness) -> None:
    """One request and its answer."""
    match machine.request():
        case Ballot(_, signed, evidence):
            decision = witness.ballot(signed, evidence)
        case AskCommit(_, signed, votes):
            decision = witness.commit(votes, signed)
    match decision:
        case Voted(vote):
            machine.hear(vote)
        case Denied(refusal, shown):
            machine.hear(refusal, shown)


def test_from_ballots_to_the_decided_certificate(town: Town) -> None:
    ledger = opened(town)
    witnesses = [seat(town, ledger, index) for index in range(4)]
    signed = town.propose(RAISE)
    machine = deciding(town, ledger, signed)
    while machine.certificate is None:
        ask(machine, witnesses[machine.unanswered[0]])
    accept(ledger, signed)
    ledger.certify(machine.certificate)
    assert ledger.commons.limit(town["ana"]) == 500


def test_a_split_first_round_is_hopeless_and_the_next_one_decides(town: Town) -> None:
    ledger = opened(town)
    witnesses = [seat(town, ledger, index) for index in range(4)]
    for index in (0, 1):
        witnesses[index].ballot(town.propose(RAISE))
    machine = deciding(town, ledger, town.propose(FREEZE))
    for witness in witnesses:
        ask(machine, witness)
    assert machine.is_hopeless
    assert (machine.next_round, machine.locked) == (1, None)
    again = deciding(town, ledger, town.propose(FREEZE, round=1))
    while again.certificate is None:
        ask(again, witnesses[again.unanswered[0]])
    assert again.certificate.place.incarnation == 1


def test_a_lock_is_shown_and_says_what_the_next_round_must_carry(town: Town) -> None:
    ledger = opened(town)
    witnesses = [seat(town, ledger, index) for index in range(4)]
    hidden = town.propose(RAISE)
    first = deciding(town, ledger, hidden)
    for witness in witnesses[:3]:
        ask(first, witness)
    ask(first, witnesses[0])
    other = deciding(town, ledger, town.propose(FREEZE, round=1))
    for witness in witnesses:
        ask(other, witness)
    assert other.locked is not None
    votes, carried = other.locked
    assert (votes, carried.id, other.next_round) == (first.votes, hidden.id, 2)


def test_a_round_without_enough_ballots_does_not_push_the_next_one(town: Town) -> None:
    ledger = opened(town)
    machine = deciding(town, ledger, town.propose(RAISE))
    absurd = town.propose(FREEZE, round=10**9, by=())
    machine.hear(nack(town, machine.signed, 1, Code.CONFLICT), Bundle(entries=(absurd,)))
    assert machine.next_round == 1


def test_a_decided_place_is_noticed(town: Town) -> None:
    ledger = opened(town)
    machine = deciding(town, ledger, town.propose(RAISE))
    place = town.place(machine.signed)
    content = Nack.content(place, Code.PLACE, 1)
    refusal = Nack(place, 0, Code.PLACE, 1, sign(town.witnesses[0], Tag.NACK, town.community, content))
    assert not machine.is_overtaken
    machine.hear(refusal)
    assert machine.is_overtaken


def test_members_entries_are_not_decided_in_rounds(town: Town) -> None:
    ledger = opened(town)
    with pytest.raises(ValueError, match="only entries of account 0"):
        deciding(town, ledger, town.write("ana", Send(town["ben"], Amount(1))))
