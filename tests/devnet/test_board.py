"""The table of a devnet follows its events."""

from devnet.board import Board, MemberRow, in_columns, line_of

PAYMENT = {
    "event": "payment", "id": "pay1x", "state": "seen", "payer": "ana", "payee": "bob", "amount": "1.00",
    "memo": "bread", "ms": 31,
}  # fmt: skip
REFUSAL = {
    "event": "refused", "payer": "bob", "payee": "ana", "amount": "99.00", "memo": "cake", "code": "limit",
    "message": "it would go below the limit",
}  # fmt: skip


def board() -> Board:
    return Board("hours", 2, {"ana": MemberRow("steward, witness", limit=2000), "bob": MemberRow("member")})


def test_payments_and_refusals_are_counted_and_shown_newest_first() -> None:
    seen = board()
    seen.note(PAYMENT)
    seen.note(REFUSAL)
    assert (seen.paid, seen.refused, seen.members["ana"].payments) == (1, 1, 1)
    assert list(seen.newest) == [
        ("bob", "ana", "99.00", "cake", "refused: limit"),
        ("ana", "bob", "1.00", "bread", "seen in 31 ms"),
    ]


def test_balances_carry_their_sign_and_sum_to_nothing() -> None:
    seen = board()
    seen.note({"event": "balances", "balances": {"ana": -100, "bob": 100}, "sum": 0})
    assert [row[1] for row in seen.member_rows()] == ["-1.00", "+1.00"]
    assert seen.total == 0


def test_what_happens_to_a_node_and_to_all_is_shown() -> None:
    seen = board()
    seen.note({"event": "member", "handle": "bob", "state": "killed"})
    seen.note({"event": "partition", "words": "ana is cut off from the others"})
    assert seen.members["bob"].state == "killed"
    assert seen.counters().endswith("ana is cut off from the others")


def test_events_are_said_in_plain_lines() -> None:
    assert line_of(PAYMENT, "hours") == "ana paid bob 1.00 hours for bread: seen after 31 ms"
    assert line_of(REFUSAL, "hours") == "bob wanted to pay ana 99.00 hours: it would go below the limit"
    assert line_of({"event": "balances", "balances": {}, "sum": 0}, "hours") is None


def test_columns_line_up() -> None:
    assert in_columns([("a", "bbb", "c"), ("aaa", "b", "c")]) == ["a    bbb  c", "aaa  b    c"]
    assert in_columns([]) == []


def test_somebody_who_joined_from_elsewhere_is_shown_and_is_no_node_of_ours() -> None:
    seen = board()
    for balance in (0, -50):
        seen.note({"event": "balances", "balances": {"ana": 150, "bob": -100, "joe": balance}, "sum": 0})
    assert seen.member_rows()[-1] == ("joe", "-0.50", "", "member", "elsewhere", "")
    assert "of 2 nodes running" in seen.counters()
