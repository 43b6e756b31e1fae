"""Commit before release, and the budget of votes."""

import pytest

from protocol.base import AccountId
from protocol.budget import Budget
from protocol.commit import Batch, Outbox

ANA, BEN = AccountId(1), AccountId(2)


def test_messages_leave_only_after_their_records_are_durable() -> None:
    outbox: Outbox[str, str] = Outbox()
    outbox.stage(["vote"], ["the vote"])
    assert outbox.take() == Batch(("vote",), ("the vote",))
    assert outbox.durable() == ("the vote",)
    assert outbox.take() is None


def test_one_batch_is_out_at_a_time_and_the_next_takes_all_that_waited() -> None:
    outbox: Outbox[str, str] = Outbox()
    outbox.stage(["a"], ["1"])
    outbox.take()
    outbox.stage(["b"], ["2"])
    outbox.stage(["c"])
    outbox.stage([], ["the first again"])
    assert outbox.take() is None
    assert outbox.durable() == ("1",)
    assert outbox.take() == Batch(("b", "c"), ("2", "the first again"))


def test_a_message_without_records_waits_behind_the_batch_that_is_being_written() -> None:
    outbox: Outbox[str, str] = Outbox()
    outbox.stage(["vote"], ["the vote"])
    outbox.take()
    outbox.stage([], ["the vote again"])
    assert outbox.take() is None
    outbox.durable()
    assert outbox.take() == Batch((), ("the vote again",))


def test_nothing_is_durable_that_was_not_taken() -> None:
    with pytest.raises(RuntimeError, match="nothing is being written"):
        Outbox().durable()


def test_a_budget_refills_with_time_up_to_its_burst() -> None:
    budget = Budget(per_minute=60, burst=2)
    for _ in range(2):
        assert budget.has(ANA, 0.0)
        budget.spend(ANA, 0.0)
    assert not budget.has(ANA, 0.5)
    assert budget.has(BEN, 0.5), "each account has its own"
    assert budget.has(ANA, 1.0)
    budget.spend(ANA, 100.0)
    budget.spend(ANA, 100.0)
    assert not budget.has(ANA, 100.5)


def test_a_budget_of_zero_is_none() -> None:
    budget = Budget()
    for _ in range(1000):
        assert budget.has(ANA, 0.0)
        budget.spend(ANA, 0.0)


@pytest.mark.parametrize(("per_minute", "burst"), [(-1, 1), (1, 0)])
def test_an_absurd_budget_is_refused(per_minute: int, burst: int) -> None:
    with pytest.raises(ValueError, match="a budget of"):
        Budget(per_minute, burst)
