"""What plain sums say before a replay: what will be refused, why, and with which limit it would not."""

from hypothesis import given
from hypothesis import strategies as st

from devnet.outlook import look_ahead
from devnet.schedule import Step, foresee
from protocol.base import AMOUNT_MAX

STEPS = st.lists(st.builds(Step, st.integers(0, 4), st.integers(0, 4), st.integers(-2, 60)), max_size=40)


def test_each_row_to_be_refused_is_counted_with_its_reason() -> None:
    steps = [Step(0, 1, 60), Step(0, 2, 60), Step(1, 1, 5), Step(1, 2, 0), Step(1, 2, AMOUNT_MAX + 1), Step(0, 2, 41),
             Step(2, 1, 101)]  # fmt: skip
    outlook = look_ahead(steps, 100)
    assert (outlook.over_limit, outlook.to_oneself, outlook.not_payable, outlook.refused) == (3, 1, 2, 6)
    assert (outlook.foremost, outlook.foremost_rows) == (0, 2)
    assert outlook.limit_for_all == 161


def test_where_nothing_is_refused_nobody_is_named() -> None:
    outlook = look_ahead([Step(0, 1, 10), Step(1, 0, 10)], 10)
    assert (outlook.refused, outlook.foremost, outlook.limit_for_all) == (0, None, 10)
    assert look_ahead([], 0).refused == 0


@given(STEPS, st.integers(0, 200))
def test_it_counts_what_plain_sums_refuse_and_its_limit_is_the_least_that_is_enough(
    steps: list[Step], limit: int
) -> None:
    outlook = look_ahead(steps, limit)
    assert outlook.refused == foresee(steps, limit).count(False)
    assert look_ahead(steps, outlook.limit_for_all).over_limit == 0
    assert outlook.limit_for_all == 0 or look_ahead(steps, outlook.limit_for_all - 1).over_limit > 0
