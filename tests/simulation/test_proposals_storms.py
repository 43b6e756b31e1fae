"""Hundreds of storms among stewards: the model, and what is asked of it, are those of `tests/protocol`."""

import pytest

from tests.protocol.test_proposals_model import decides_by_itself, decides_one


@pytest.mark.parametrize("start", range(0, 360, 36))
def test_whatever_stewards_do_at_most_one_act_is_decided_and_pressing_together_decides_one(start: int) -> None:
    for seed in range(start, start + 36):
        decides_one(seed)


@pytest.mark.parametrize("start", range(0, 160, 40))
def test_where_nobody_lies_everybody_presses_once_and_the_wallets_do_the_rest(start: int) -> None:
    for seed in range(start, start + 40):
        decides_by_itself(seed)
