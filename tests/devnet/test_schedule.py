"""Whatever order the rows finish in, the same ones are refused and every balance is the same."""

import random

from hypothesis import given
from hypothesis import strategies as st

from devnet.schedule import Schedule, Step, foresee, plain_sums

STEPS = st.lists(st.builds(Step, st.integers(0, 4), st.integers(0, 4), st.integers(0, 9)), max_size=60)


def run(steps: list[Step], limit: int, outstanding: int, seed: int) -> tuple[list[bool], dict[int, int]]:
    """Replay in a random order of finishing. Money moves at the end of a step, as on the real path."""
    schedule, chance = Schedule(steps, limit), random.Random(seed)
    balances = {account: 0 for step in steps for account in (step.payer, step.payee)}
    paid = [False] * len(steps)
    under_way: list[int] = []
    while schedule.left:
        while len(under_way) < outstanding and (index := schedule.take()) is not None:
            under_way.append(index)
        index = under_way.pop(chance.randrange(len(under_way)))
        step = steps[index]
        if step.payer != step.payee and step.amount > 0 and balances[step.payer] - step.amount >= -limit:
            balances[step.payer] -= step.amount
            balances[step.payee] += step.amount
            paid[index] = True
        schedule.done(index)
    return paid, balances


@given(STEPS, st.integers(0, 12), st.integers(1, 40), st.integers(0, 999))
def test_what_is_refused_follows_from_the_file_alone(
    steps: list[Step], limit: int, outstanding: int, seed: int
) -> None:
    paid, balances = run(steps, limit, outstanding, seed)
    assert paid == foresee(steps, limit)
    assert balances == plain_sums(steps, paid)


def test_rows_of_one_payer_go_one_by_one_and_others_beside_them() -> None:
    schedule = Schedule([Step(1, 2, 5), Step(1, 3, 5), Step(4, 5, 5)], 100)
    assert (schedule.take(), schedule.take(), schedule.take()) == (0, 2, None)
    schedule.done(0)
    assert schedule.take() == 1


def test_a_row_waits_for_what_its_payer_is_paid_before() -> None:
    schedule = Schedule([Step(1, 2, 5), Step(2, 3, 5)], 100)
    assert (schedule.take(), schedule.take()) == (0, None)
    schedule.done(0)
    assert schedule.take() == 1


def test_money_does_not_come_early_to_a_payer_who_is_to_be_refused() -> None:
    steps = [Step(1, 2, 50), Step(3, 1, 50)]
    schedule = Schedule(steps, 10)
    assert foresee(steps, 10) == [False, False]
    assert (schedule.take(), schedule.take()) == (0, None)


def test_the_longest_chain_starts_first() -> None:
    schedule = Schedule([Step(9, 8, 1), Step(1, 2, 1), Step(2, 3, 1), Step(3, 4, 1)], 100)
    assert (schedule.longest, schedule.take()) == (3, 1)


def test_nothing_to_do_is_done_at_once() -> None:
    schedule = Schedule([], 100)
    assert (schedule.left, schedule.take(), schedule.longest) == (0, None, 0)


def test_a_payment_to_oneself_or_of_nothing_is_not_allowed_and_blocks_nobody() -> None:
    steps = [Step(1, 1, 5), Step(1, 2, 0), Step(1, 2, -3), Step(1, 2, 5)]
    assert foresee(steps, 100) == [False, False, False, True]
    assert run(steps, 100, 8, 0)[1] == {1: -5, 2: 5}
