"""The rule of one witness at one place of account 0 (PROTOCOL-RULES 8), one rule a test."""

import pytest

from protocol.base import EntryId
from protocol.rounds import Choice, Standing
from protocol.verdict import Code

A, B = EntryId(b"A" * 32), EntryId(b"B" * 32)
LOCKED_IN_1 = Standing().voted(Choice(1, A)).committed(Choice(1, A))


def test_a_fresh_place_takes_a_vote_in_any_round() -> None:
    assert Standing().highest == -1
    assert Standing().refuses_vote(Choice(0, A), None) is None
    assert Standing().refuses_vote(Choice(7, A), None) is None


def test_in_one_round_there_is_never_a_second_vote() -> None:
    assert Standing().voted(Choice(3, A)).refuses_vote(Choice(3, B), None) is Code.CONFLICT


def test_a_round_below_the_highest_is_over() -> None:
    assert Standing().voted(Choice(3, A)).refuses_vote(Choice(2, B), None) is Code.CONFLICT
    assert Standing().voted(Choice(3, A)).refuses_commit(Choice(2, B)) is Code.CONFLICT


def test_a_vote_alone_does_not_lock() -> None:
    assert Standing().voted(Choice(0, A)).refuses_vote(Choice(1, B), None) is None


def test_a_commit_uses_its_round_up_for_votes() -> None:
    committed = Standing().committed(Choice(2, A))
    assert committed.refuses_vote(Choice(2, A), None) is Code.CONFLICT
    assert committed.refuses_vote(Choice(3, A), None) is None


def test_a_lock_lets_only_its_own_entry_through() -> None:
    assert LOCKED_IN_1.refuses_vote(Choice(2, A), None) is None
    assert LOCKED_IN_1.refuses_vote(Choice(2, B), None) is Code.LOCKED


@pytest.mark.parametrize(
    ("evidence", "moves"),
    [
        (Choice(1, B), True),
        (Choice(2, B), True),
        (Choice(0, B), False),
        (Choice(3, B), False),
        (Choice(2, A), False),
    ],
    ids=["of the lock's round", "of a later round", "of an earlier round", "of the round itself", "for another entry"],
)
def test_q_votes_move_a_lock_when_they_are(evidence: Choice, moves: bool) -> None:
    assert (LOCKED_IN_1.refuses_vote(Choice(3, B), evidence) is None) is moves


def test_a_commit_in_a_later_round_moves_the_lock() -> None:
    assert LOCKED_IN_1.refuses_commit(Choice(2, B)) is None
    assert LOCKED_IN_1.committed(Choice(2, B)).lock == Choice(2, B)


def test_a_commit_needs_no_vote_of_ones_own_in_that_round() -> None:
    assert Standing().voted(Choice(0, A)).refuses_commit(Choice(0, B)) is None


def test_in_one_round_there_is_never_a_second_commit() -> None:
    assert LOCKED_IN_1.refuses_commit(Choice(1, B)) is Code.CONFLICT
