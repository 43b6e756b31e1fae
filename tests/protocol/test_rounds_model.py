"""The rounds of account 0, exhaustively: every order of votes and commits that a few witnesses can get into.

Honest witnesses are `rounds.Standing`s and follow exactly its answers. Liars are counted as having voted and
committed for everything in every round, which is the most that they can do; both entries have steward ballots in
every round. Two rules must hold in each state: never two decisions, and never an honest witness that the highest
lock shown cannot move. The rule without locks must be caught by the same search, or the search is blind.
"""

from collections.abc import Callable, Iterator
from itertools import product

import pytest

from protocol.base import EntryId
from protocol.rounds import Choice, Standing

ENTRIES = (EntryId(b"A" * 32), EntryId(b"B" * 32))
Town = tuple[Standing, ...]
Rule = Callable[[Standing, Choice, list[Choice]], bool]


def lock_rule(standing: Standing, choice: Choice, proven: list[Choice]) -> bool:
    """Whether any evidence there is lets this vote through."""
    return any(standing.refuses_vote(choice, shown) is None for shown in (None, *proven))


def no_lock_rule(standing: Standing, choice: Choice, proven: list[Choice]) -> bool:
    """A mutant: votes in every new round."""
    return choice.round > standing.highest


def proven_by(town: Town, choices: list[Choice], honest_needed: int, *, commits: bool) -> list[Choice]:
    """What the honest, together with the liars, make a quorum for."""
    said = [standing.commits if commits else standing.votes for standing in town]
    return [choice for choice in choices if sum(choice in own for own in said) >= honest_needed]


def moves(standing: Standing, choices: list[Choice], proven: list[Choice], rule: Rule) -> list[Standing]:
    """What one witness may become by one vote or one commit."""
    votes = [standing.voted(choice) for choice in choices if rule(standing, choice, proven)]
    commits = [
        standing.committed(choice)
        for choice in proven
        if choice not in standing.commits and standing.refuses_commit(choice) is None
    ]
    return votes + commits


class Walk:
    """All towns one move further. Moves are looked up, since few standings occur in many towns."""

    def __init__(self, choices: list[Choice], rule: Rule) -> None:
        self._choices, self._rule = choices, rule
        self._moves: dict[tuple[Standing, tuple[Choice, ...]], list[Standing]] = {}
        self._order: dict[Standing, int] = {}

    def further(self, town: Town, proven: list[Choice]) -> Iterator[Town]:
        """Witnesses are alike, so their order does not count."""
        for index, standing in enumerate(town):
            key = standing, tuple(proven)
            if key not in self._moves:
                self._moves[key] = moves(standing, self._choices, proven, self._rule)
            for changed in self._moves[key]:
                yield tuple(sorted((*town[:index], changed, *town[index + 1 :]), key=self._rank))

    def _rank(self, standing: Standing) -> int:
        return self._order.setdefault(standing, len(self._order))


def is_stuck(town: Town, rounds: int) -> bool:
    """Whether a fresh round with the highest lock's entry and evidence leaves some honest witness behind."""
    locks = [standing.lock for standing in town if standing.lock is not None]
    if not locks:
        return False
    top = max(locks, key=lambda lock: lock.round)
    return any(standing.refuses_vote(Choice(rounds, top.id), top) is not None for standing in town)


def explore(honest: int, honest_needed: int, rounds: int, rule: Rule) -> tuple[int, int, int]:
    """Visit every state: (how many, how many with two decisions, how many stuck)."""
    choices = [Choice(round, id) for round, id in product(range(rounds), ENTRIES)]
    start: Town = (Standing(),) * honest
    seen, waiting, two_decisions, stuck = {start}, [start], 0, 0
    walk = Walk(choices, rule)
    while waiting:
        town = waiting.pop()
        decided = {choice.id for choice in proven_by(town, choices, honest_needed, commits=True)}
        two_decisions += len(decided) > 1
        stuck += is_stuck(town, rounds)
        for further in walk.further(town, proven_by(town, choices, honest_needed, commits=False)):
            if further not in seen:
                seen.add(further)
                waiting.append(further)
    return len(seen), two_decisions, stuck


@pytest.mark.parametrize(
    ("witnesses", "quorum", "rounds"), [(4, 3, 2), (3, 2, 2), (2, 2, 2), (1, 1, 3)], ids=["4,3", "3,2", "2,2", "1,1"]
)
def test_no_order_of_votes_decides_twice_or_leaves_a_witness_stuck(witnesses: int, quorum: int, rounds: int) -> None:
    liars = 2 * quorum - witnesses - 1
    states, two_decisions, stuck = explore(witnesses - liars, quorum - liars, rounds, lock_rule)
    assert states > 1
    assert (two_decisions, stuck) == (0, 0)


def test_the_search_finds_two_decisions_when_there_is_no_lock() -> None:
    assert explore(3, 2, 2, no_lock_rule)[1] > 0


def test_the_search_finds_two_decisions_with_one_liar_too_many() -> None:
    assert explore(2, 1, 1, lock_rule)[1] > 0
