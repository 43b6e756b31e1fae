"""When a witness votes for a member's entry (PROTOCOL-RULES 6), one rule a test."""

import pytest

from protocol.base import COMMONS, TAIL_MAX, AccountId, Amount
from protocol.budget import Budget
from protocol.decisions import NeedMark, Stopped, Voted
from protocol.ledger import Ledger
from protocol.memory import Lock, WitnessMemory
from protocol.messages import Bundle
from protocol.ops import Limits, Op, Recv, Reinstate, Send, Suspend
from protocol.signing import Tag
from protocol.verdict import Code
from protocol.witness import Witness
from tests.builders import Town, accept, decide, found, key, opened, settle

from .seats import denied, footprint, fresh, open_memory, seat


@pytest.fixture
def town() -> Town:
    return found("ana", "ben", witnesses=4)


@pytest.fixture
def ledger(town: Town) -> Ledger:
    return opened(town)


def pay(town: Town, ledger: Ledger, amount: int = 10) -> int:
    """Ana pays Ben, recorded and not final; returns the seq."""
    return accept(ledger, town.write("ana", Send(town["ben"], Amount(amount)))).seq


def test_a_witness_votes_for_a_valid_entry_and_is_locked_on_it(town: Town, ledger: Ledger) -> None:
    witness = seat(town, ledger, index=2)
    seq = pay(town, ledger)
    vote = fresh(witness.consider(town["ana"], seq, 0.0))
    assert (vote.witness, vote.number, vote.tag) == (2, 0, Tag.VOTE)
    assert vote.is_by(town.witnesses[2].public, town.community)
    assert witness.memory.locks == {(town["ana"], 0): Lock(0, seq, vote.place.id)}


def test_the_number_is_inside_the_vote_and_rises(town: Town, ledger: Ledger) -> None:
    witness = seat(town, ledger)
    first = fresh(witness.consider(town["ana"], pay(town, ledger), 0.0))
    second = fresh(witness.consider(town["ana"], pay(town, ledger), 0.0))
    assert (first.number, second.number) == (0, 1)


def test_asked_again_it_gives_the_same_bytes(town: Town, ledger: Ledger) -> None:
    witness = seat(town, ledger)
    seq = pay(town, ledger)
    first = fresh(witness.consider(town["ana"], seq, 0.0))
    before = footprint(witness.memory)
    again = witness.consider(town["ana"], seq, 9.0)
    assert again == Voted(first, fresh=False)
    assert footprint(witness.memory) == before


def test_asked_again_after_a_restart_it_gives_the_same_bytes(town: Town, ledger: Ledger) -> None:
    seq = pay(town, ledger)
    vote = fresh(seat(town, ledger).consider(town["ana"], seq, 0.0))
    rebuilt = open_memory()
    rebuilt.keep(vote)
    assert seat(town, ledger, memory=rebuilt).consider(town["ana"], seq, 0.0) == Voted(vote, fresh=False)


def test_the_same_bytes_also_when_the_entry_is_final_and_far_below(town: Town, ledger: Ledger) -> None:
    witness = seat(town, ledger)
    first = settle(ledger, town, town.write("ana", Send(town["ben"], Amount(1))))
    vote = fresh(witness.consider(town["ana"], first.seq, 0.0))
    for _ in range(TAIL_MAX + 2):
        settle(ledger, town, town.write("ana", Send(town["ben"], Amount(1))))
    assert witness.consider(town["ana"], first.seq, 0.0) == Voted(vote, fresh=False)


def test_a_vote_for_an_ancestor_leaves_the_lock(town: Town, ledger: Ledger) -> None:
    witness = seat(town, ledger)
    lower, upper = pay(town, ledger), pay(town, ledger)
    fresh(witness.consider(town["ana"], upper, 0.0))
    fresh(witness.consider(town["ana"], lower, 0.0))
    assert witness.memory.locks[town["ana"], 0].seq == upper


def test_a_vote_for_a_descendant_moves_the_lock(town: Town, ledger: Ledger) -> None:
    witness = seat(town, ledger)
    lower, upper = pay(town, ledger), pay(town, ledger)
    fresh(witness.consider(town["ana"], lower, 0.0))
    fresh(witness.consider(town["ana"], upper, 0.0))
    assert witness.memory.locks[town["ana"], 0].seq == upper


def test_a_lock_rebuilt_from_the_journal_is_the_highest_vote(town: Town, ledger: Ledger) -> None:
    witness = seat(town, ledger)
    lower, upper = pay(town, ledger), pay(town, ledger)
    votes = [fresh(witness.consider(town["ana"], seq, 0.0)) for seq in (upper, lower)]
    rebuilt = WitnessMemory()
    for vote in votes:
        rebuilt.keep(vote)
    assert rebuilt.locks == witness.memory.locks


def test_off_its_lock_there_is_a_conflict_and_nothing_changes(town: Town, ledger: Ledger) -> None:
    witness = seat(town, ledger)
    account = town["ana"]
    rival = town.draft("ana", Send(town["ben"], Amount(11)))
    seq = pay(town, ledger)
    fresh(witness.consider(account, seq, 0.0))
    ledger.rewind(account, seq - 1)  # as a certificate for the rival would have it
    accept(ledger, rival)
    before = footprint(witness.memory)
    assert denied(witness.consider(account, seq, 0.0)).nack.code is Code.CONFLICT
    assert footprint(witness.memory) == before


def test_off_its_lock_it_still_gives_the_old_vote_for_what_both_branches_share(town: Town, ledger: Ledger) -> None:
    witness = seat(town, ledger)
    shared = pay(town, ledger)
    rival = town.draft("ana", Send(town["ben"], Amount(11)))
    seq = pay(town, ledger)
    vote = fresh(witness.consider(town["ana"], shared, 0.0))
    fresh(witness.consider(town["ana"], seq, 0.0))
    ledger.rewind(town["ana"], shared)
    accept(ledger, rival)
    assert witness.consider(town["ana"], shared, 0.0) == Voted(vote, fresh=False)
    assert denied(witness.consider(town["ana"], rival.seq, 0.0)).nack.code is Code.CONFLICT


def test_off_its_lock_there_is_a_conflict_also_when_the_chain_is_shorter(town: Town, ledger: Ledger) -> None:
    witness = seat(town, ledger)
    first, second = pay(town, ledger), pay(town, ledger)
    fresh(witness.consider(town["ana"], second, 0.0))
    ledger.rewind(town["ana"], first)
    assert denied(witness.consider(town["ana"], first, 0.0)).nack.code is Code.CONFLICT


def test_a_refusal_is_signed_and_carries_the_rival(town: Town, ledger: Ledger) -> None:
    witness = seat(town, ledger, index=1)
    rival = town.draft("ana", Send(town["ben"], Amount(11)))
    held = accept(ledger, town.write("ana", Send(town["ben"], Amount(10))))
    answer = denied(witness.refuse(town.place(rival), Code.CONFLICT, Bundle(entries=(held,))))
    assert answer.nack.is_by(town.witnesses[1].public, town.community)
    assert (answer.nack.place.id, answer.evidence.entries) == (rival.id, (held,))


LOWER = Limits(((AccountId(1), 5),))


@pytest.mark.parametrize(
    ("act", "inner"),
    [(LOWER, Code.LIMIT), (Suspend(AccountId(1), 1), Code.SUSPENDED), (Suspend(AccountId(1), 2), Code.FROZEN)],
    ids=["a lowered limit", "a suspension", "a freeze"],
)
def test_what_was_decided_since_the_cited_height_stops_a_payment(
    town: Town, ledger: Ledger, act: Op, inner: Code
) -> None:
    witness = seat(town, ledger)
    seq = pay(town, ledger)
    decide(ledger, town, act)
    before = footprint(witness.memory)
    answer = denied(witness.consider(town["ana"], seq, 0.0))
    assert (answer.nack.code, answer.inner, answer.nack.height) == (Code.NEWEST, inner, 1)
    assert footprint(witness.memory) == before


@pytest.mark.parametrize("act", [LOWER, Suspend(AccountId(2), 1)], ids=["a lowered limit", "a suspension"])
def test_an_entry_that_does_not_spend_is_voted_for_all_the_same(town: Town, ledger: Ledger, act: Op) -> None:
    witness = seat(town, ledger)
    paid = settle(ledger, town, town.write("ana", Send(town["ben"], Amount(10))))
    taken = accept(ledger, town.write("ben", Recv(town["ana"], 0, paid.seq, 10)))
    decide(ledger, town, act)
    fresh(witness.consider(town["ben"], taken.seq, 0.0))


def test_every_entry_below_is_checked_too(town: Town, ledger: Ledger) -> None:
    witness = seat(town, ledger)
    settle(ledger, town, town.write("ben", Send(town["ana"], Amount(50))))
    pay(town, ledger, 10)
    taking = accept(ledger, town.write("ana", Recv(town["ben"], 0, 1, 50)))
    decide(ledger, town, LOWER)
    assert denied(witness.consider(town["ana"], taking.seq, 0.0)).inner is Code.LIMIT


def test_what_it_voted_for_before_is_not_judged_anew(town: Town, ledger: Ledger) -> None:
    witness = seat(town, ledger)
    settle(ledger, town, town.write("ben", Send(town["ana"], Amount(50))))
    spent = pay(town, ledger, 10)
    taking = accept(ledger, town.write("ana", Recv(town["ben"], 0, 1, 50)))
    fresh(witness.consider(town["ana"], spent, 0.0))
    decide(ledger, town, LOWER)
    fresh(witness.consider(town["ana"], taking.seq, 0.0))


def test_what_is_final_is_not_judged_anew(town: Town, ledger: Ledger) -> None:
    witness = seat(town, ledger)
    paid = settle(ledger, town, town.write("ana", Send(town["ben"], Amount(10))))
    decide(ledger, town, Suspend(town["ana"], 2))
    fresh(witness.consider(town["ana"], paid.seq, 0.0))


def test_after_a_reinstatement_the_same_bytes_get_their_vote(town: Town, ledger: Ledger) -> None:
    witness = seat(town, ledger)
    seq = pay(town, ledger)
    decide(ledger, town, Suspend(town["ana"], 1))
    denied(witness.consider(town["ana"], seq, 0.0))
    decide(ledger, town, Reinstate(town["ana"]))
    fresh(witness.consider(town["ana"], seq, 0.0))


def test_eight_entries_above_the_certificate_get_votes(town: Town, ledger: Ledger) -> None:
    witness = seat(town, ledger)
    last = [pay(town, ledger, 1) for _ in range(TAIL_MAX)][-1]
    fresh(witness.consider(town["ana"], last, 0.0))


def test_a_budget_delays_and_changes_nothing(town: Town, ledger: Ledger) -> None:
    witness = seat(town, ledger, budget=Budget(per_minute=60, burst=1))
    first, second = pay(town, ledger), pay(town, ledger)
    fresh(witness.consider(town["ana"], first, 100.0))
    before = footprint(witness.memory)
    assert denied(witness.consider(town["ana"], second, 100.5)).nack.code is Code.BUDGET
    assert footprint(witness.memory) == before
    assert isinstance(witness.consider(town["ana"], first, 100.5), Voted), "the same bytes cost nothing"
    fresh(witness.consider(town["ana"], second, 101.0))


def test_without_an_open_number_there_is_no_vote_yet(town: Town, ledger: Ledger) -> None:
    witness = seat(town, ledger, memory=WitnessMemory())
    seq = pay(town, ledger)
    before = footprint(witness.memory)
    assert witness.consider(town["ana"], seq, 0.0) == NeedMark(64)
    assert footprint(witness.memory) == before


def test_a_dead_key_signs_nothing_at_all(town: Town, ledger: Ledger) -> None:
    witness = seat(town, ledger)
    seq = pay(town, ledger)
    vote = fresh(witness.consider(town["ana"], seq, 0.0))
    witness.memory.dead = "the store is old"
    assert witness.consider(town["ana"], seq, 0.0) == Stopped("the store is old")
    assert witness.refuse(vote.place, Code.CONFLICT) == Stopped("the store is old")
    assert witness.ballot(town.propose()) == Stopped("the store is old")


def test_it_cannot_be_asked_about_what_is_not_held(town: Town, ledger: Ledger) -> None:
    witness = seat(town, ledger)
    for account, seq in ((town["ana"], 1), (COMMONS, 0), (AccountId(99), 0)):
        with pytest.raises(LookupError):
            witness.consider(account, seq, 0.0)


def test_a_key_that_the_community_does_not_know_is_no_witness(ledger: Ledger) -> None:
    with pytest.raises(ValueError, match="not a witness"):
        Witness(key("a stranger"), ledger, WitnessMemory(), Budget())


def test_meeting_its_own_vote_is_harmless(town: Town, ledger: Ledger) -> None:
    witness = seat(town, ledger)
    vote = fresh(witness.consider(town["ana"], pay(town, ledger), 0.0))
    assert witness.meets(vote) is None


def test_meeting_its_own_signature_on_something_it_does_not_hold_ends_the_key(town: Town, ledger: Ledger) -> None:
    copy, witness = seat(town, ledger), seat(town, ledger)
    seq = pay(town, ledger)
    vote = fresh(copy.consider(town["ana"], seq, 0.0))
    assert "old or copied" in (witness.meets(vote) or "")
    assert isinstance(witness.consider(town["ana"], seq, 0.0), Stopped)


def test_a_certificate_with_an_unknown_own_vote_ends_the_key(town: Town, ledger: Ledger) -> None:
    signed = town.open("ana")
    foreign = town.certificate(signed, by=(1, 2, 3))
    assert seat(town, ledger).meets(foreign) is None
    assert seat(town, ledger, index=1).meets(foreign) is not None


def test_a_forged_signature_proves_nothing(town: Town, ledger: Ledger) -> None:
    forged = town.vote(town.place(town.founding), 1)
    witness = seat(town, ledger)
    as_own = type(forged)(forged.tag, forged.place, 0, forged.number, forged.signature)
    assert witness.meets(as_own) is None
