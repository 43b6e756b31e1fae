"""How a witness decides account 0 with the others (PROTOCOL-RULES 8): ballots, commits, locks, evidence."""

import pytest

from protocol.base import MARK_BLOCK, AccountId
from protocol.decisions import NeedMark, Voted
from protocol.entry import SignedEntry
from protocol.ledger import Ledger
from protocol.memory import WitnessMemory
from protocol.ops import Limits, Suspend
from protocol.rounds import Choice
from protocol.signing import Tag
from protocol.statements import Certificate, gather
from protocol.verdict import Code
from protocol.witness import Witness
from tests.builders import Town, accept, found, opened

from .seats import denied, footprint, fresh, open_memory, seat

RAISE = Limits(((AccountId(1), 500),))
FREEZE = Suspend(AccountId(1), 2)


@pytest.fixture
def town() -> Town:
    return found("ana", "ben", witnesses=4, stewards=("sam", "sue", "sid"), threshold=2)


@pytest.fixture
def ledger(town: Town) -> Ledger:
    return opened(town)


def votes_for(town: Town, signed: SignedEntry, by: tuple[int, ...] = (1, 2, 3)) -> Certificate:
    """The votes of other witnesses for a candidate."""
    return gather([town.vote(town.place(signed), witness, Tag.VOTE) for witness in by])


def test_a_candidate_with_enough_ballots_gets_a_vote(town: Town, ledger: Ledger) -> None:
    witness, candidate = seat(town, ledger), town.propose(RAISE)
    decision = witness.ballot(candidate)
    vote = fresh(decision)
    assert (vote.tag, vote.place.incarnation, vote.place.id) == (Tag.VOTE, 0, candidate.id)
    assert isinstance(decision, Voted)
    assert decision.beside.entries == (candidate,), "the body has to be durable with the vote"


def test_too_few_ballots_get_none(town: Town, ledger: Ledger) -> None:
    witness = seat(town, ledger)
    before = footprint(witness.memory)
    assert denied(witness.ballot(town.propose(RAISE, by=(1,)))).nack.code is Code.SIGNATURE
    assert footprint(witness.memory) == before


def test_ballots_of_one_round_do_not_serve_for_another(town: Town, ledger: Ledger) -> None:
    signed = town.propose(RAISE)
    moved = SignedEntry(signed.body, signed.entry, signed.id, signed.signatures, round=1)
    assert denied(seat(town, ledger).ballot(moved)).nack.code is Code.SIGNATURE


def test_an_invalid_candidate_gets_none(town: Town, ledger: Ledger) -> None:
    candidate = town.propose(Limits(((AccountId(99), 500),)))
    witness = seat(town, ledger)
    before = footprint(witness.memory)
    assert denied(witness.ballot(candidate)).nack.code < Code.RETIRED
    assert footprint(witness.memory) == before


def test_in_one_round_only_one_candidate_gets_a_vote(town: Town, ledger: Ledger) -> None:
    witness, first, second = seat(town, ledger), town.propose(RAISE), town.propose(FREEZE)
    fresh(witness.ballot(first))
    before = footprint(witness.memory)
    answer = denied(witness.ballot(second))
    assert (answer.nack.code, answer.evidence.entries) == (Code.CONFLICT, (first,))
    assert footprint(witness.memory) == before


def test_asked_again_it_gives_the_same_vote(town: Town, ledger: Ledger) -> None:
    witness, candidate = seat(town, ledger), town.propose(RAISE)
    vote = fresh(witness.ballot(candidate))
    assert witness.ballot(candidate) == Voted(vote, fresh=False)


def test_the_same_body_may_be_carried_into_another_round(town: Town, ledger: Ledger) -> None:
    witness = seat(town, ledger)
    fresh(witness.ballot(town.propose(RAISE)))
    assert fresh(witness.ballot(town.propose(RAISE, round=3))).place.incarnation == 3


def test_q_votes_get_a_commit_and_make_the_lock(town: Town, ledger: Ledger) -> None:
    witness, candidate = seat(town, ledger), town.propose(RAISE)
    votes = votes_for(town, candidate)
    decision = witness.commit(votes, candidate)
    commit = fresh(decision)
    assert (commit.tag, commit.place) == (Tag.COMMIT, votes.place)
    assert isinstance(decision, Voted)
    assert decision.beside.certificates == (votes,), "the evidence has to be durable with the commit"
    assert witness.memory.standing(1).lock == Choice(0, candidate.id)
    assert witness.commit(votes, candidate) == Voted(commit, fresh=False)


@pytest.mark.parametrize("by", [(1, 2), ()], ids=["two votes", "no votes"])
def test_fewer_than_q_votes_get_no_commit(town: Town, ledger: Ledger, by: tuple[int, ...]) -> None:
    witness, candidate = seat(town, ledger), town.propose(RAISE)
    votes = Certificate(town.place(candidate), votes_for(town, candidate).votes[: len(by)])
    before = footprint(witness.memory)
    assert denied(witness.commit(votes, candidate)).nack.code is Code.PROOF
    assert footprint(witness.memory) == before


def test_commits_are_no_votes(town: Town, ledger: Ledger) -> None:
    candidate = town.propose(RAISE)
    assert denied(seat(town, ledger).commit(town.certificate(candidate), candidate)).nack.code is Code.PROOF


def test_votes_for_one_body_get_no_commit_to_another(town: Town, ledger: Ledger) -> None:
    votes = votes_for(town, town.propose(RAISE))
    assert denied(seat(town, ledger).commit(votes, town.propose(FREEZE))).nack.code is Code.PROOF


def test_after_a_vote_in_a_higher_round_there_is_no_commit_in_a_lower(town: Town, ledger: Ledger) -> None:
    witness, candidate = seat(town, ledger), town.propose(RAISE)
    fresh(witness.ballot(town.propose(FREEZE, round=1)))
    before = footprint(witness.memory)
    assert denied(witness.commit(votes_for(town, candidate), candidate)).nack.code is Code.CONFLICT
    assert footprint(witness.memory) == before


def locked(town: Town, ledger: Ledger) -> tuple[Witness, SignedEntry, Certificate]:
    """A witness that is locked in round 0 on RAISE."""
    witness, candidate = seat(town, ledger), town.propose(RAISE)
    votes = votes_for(town, candidate)
    fresh(witness.commit(votes, candidate))
    return witness, candidate, votes


def test_a_locked_witness_shows_the_votes_that_locked_it(town: Town, ledger: Ledger) -> None:
    witness, candidate, votes = locked(town, ledger)
    before = footprint(witness.memory)
    answer = denied(witness.ballot(town.propose(FREEZE, round=1)))
    assert answer.nack.code is Code.LOCKED
    assert (answer.evidence.entries, answer.evidence.certificates) == ((candidate,), (votes,))
    assert footprint(witness.memory) == before


def test_a_locked_witness_shows_them_after_a_restart_too(town: Town, ledger: Ledger) -> None:
    witness, candidate, votes = locked(town, ledger)
    commit = witness.commit(votes, candidate)
    assert isinstance(commit, Voted)
    rebuilt = open_memory()
    rebuilt.keep_candidate(candidate)
    rebuilt.keep_evidence(votes)
    rebuilt.keep(commit.vote)
    again = seat(town, ledger, memory=rebuilt)
    answer = denied(again.ballot(town.propose(FREEZE, round=1)))
    assert (answer.evidence.entries, answer.evidence.certificates) == ((candidate,), (votes,))
    assert again.commit(votes, candidate) == Voted(commit.vote, fresh=False)


def test_evidence_of_a_later_round_moves_a_lock(town: Town, ledger: Ledger) -> None:
    witness, _, _ = locked(town, ledger)
    evidence = votes_for(town, town.propose(FREEZE, round=1))
    fresh(witness.ballot(town.propose(FREEZE, round=2), evidence))


def test_evidence_about_another_place_moves_nothing(town: Town, ledger: Ledger) -> None:
    witness, _, _ = locked(town, ledger)
    other = town.place(town.propose(FREEZE, round=1))
    elsewhere = type(other)(0, other.account, 1, other.seq + 1, other.id)
    evidence = gather([town.vote(elsewhere, index, Tag.VOTE) for index in (1, 2, 3)])
    before = footprint(witness.memory)
    assert denied(witness.ballot(town.propose(FREEZE, round=2), evidence)).nack.code is Code.LOCKED
    assert footprint(witness.memory) == before


def test_a_decided_place_is_told_by_the_height(town: Town, ledger: Ledger) -> None:
    witness, late = seat(town, ledger), town.propose(FREEZE)
    signed, certificate = town.decide(RAISE)
    accept(ledger, signed)
    ledger.certify(certificate)
    nack = denied(witness.ballot(late)).nack
    assert (nack.code, nack.height) == (Code.PLACE, 1)


def test_a_witness_that_lags_says_so(town: Town, ledger: Ledger) -> None:
    town.decide(RAISE)
    assert denied(seat(town, ledger).ballot(town.propose(FREEZE))).nack.code is Code.BEHIND


def test_ballots_and_commits_need_open_numbers(town: Town, ledger: Ledger) -> None:
    witness, candidate = seat(town, ledger, memory=WitnessMemory()), town.propose(RAISE)
    before = footprint(witness.memory)
    assert witness.ballot(candidate) == NeedMark(MARK_BLOCK)
    assert witness.commit(votes_for(town, candidate), candidate) == NeedMark(MARK_BLOCK)
    assert footprint(witness.memory) == before


def test_an_unknown_own_vote_among_the_evidence_ends_the_key(town: Town, ledger: Ledger) -> None:
    votes = votes_for(town, town.propose(RAISE))
    assert seat(town, ledger, index=1).meets(votes, Tag.VOTE) is not None
    assert seat(town, ledger, index=1).meets(votes) is None, "read as commits these signatures are nothing"
