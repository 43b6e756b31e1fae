"""What a peer may have of something: so much a second, and what it saved up."""

from node.allowance import Allowance


def test_what_was_saved_up_may_be_had_at_once_and_then_so_much_a_second() -> None:
    share = Allowance(per_s=2, burst=5)
    assert [share.take(100.0) for _ in range(7)] == [True] * 5 + [False] * 2
    assert [share.take(101.0) for _ in range(3)] == [True, True, False]
    assert share.left(200.0) == 5


def test_what_is_refused_is_not_counted() -> None:
    share = Allowance(per_s=1, burst=3)
    assert not share.take(0.0, 4)
    assert share.take(0.0, 3) and not share.take(0.0)


def test_a_clock_that_stands_or_goes_back_gives_nothing() -> None:
    share = Allowance(per_s=1, burst=1)
    assert share.take(10.0)
    assert not share.take(10.0) and not share.take(9.0)
