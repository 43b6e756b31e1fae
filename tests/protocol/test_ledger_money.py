"""Money through the ledger: the worked examples of the rules, each followed to the last unit."""

from dataclasses import replace

import pytest

from protocol.base import COMMONS, AccountId
from protocol.ledger import Effects, Incoming, Ledger
from protocol.ops import Amend, Bounce, Limits, PublicNote, Recv
from protocol.pairs import RETURN, SEND, Parcel
from protocol.verdict import Code, Need, Refused, Waiting

from ..builders import PLAIN_CHARTER, Town, accept, charge, decide, found, opened, send, settle


@pytest.fixture
def town() -> Town:
    return found("ana", "ben", "eve", limit=100)


@pytest.fixture
def ledger(town: Town) -> Ledger:
    return opened(town)


def code_of(verdict: object) -> Code | None:
    return verdict.code if isinstance(verdict, Refused) else None


def pay(ledger: Ledger, town: Town, payer: str, payee: str, amount: int) -> int:
    """A final payment; returns its seq."""
    return settle(ledger, town, town.write(payer, send(town[payee], amount))).seq


def test_a_payment_leaves_the_payer_at_once_and_reaches_the_payee_when_final(ledger: Ledger, town: Town) -> None:
    ana, ben = town["ana"], town["ben"]
    signed = accept(ledger, town.write("ana", send(ben, 10, PublicNote("bread"))))
    assert (ledger.balance(ana), ledger.balance(ben), ledger.check_sum()) == (-10, 0, 0)
    ledger.certify(town.certificate(signed))
    assert (ledger.balance(ana), ledger.balance(ben), ledger.check_sum()) == (-10, 10, 0)
    assert (ledger.own(ben), ledger.arriving(ben), ledger.free(ben)) == (0, 10, 100)
    settle(ledger, town, town.write("ben", Recv(ana, 0, 1, 10)))
    assert (ledger.own(ben), ledger.arriving(ben), ledger.free(ben)) == (10, 0, 110)


def three_payments(ledger: Ledger, town: Town) -> tuple[int, int, int]:
    """Ana sends Ben 10, 5 and 20, each in an entry of its own."""
    return pay(ledger, town, "ana", "ben", 10), pay(ledger, town, "ana", "ben", 5), pay(ledger, town, "ana", "ben", 20)


def test_bounce_then_recv_gives_the_rest_and_the_payer_takes_the_return(ledger: Ledger, town: Town) -> None:
    ana, ben = town["ana"], town["ben"]
    _, second, last = three_payments(ledger, town)
    bounced = settle(ledger, town, town.write("ben", Bounce(ana, 0, second)))
    assert ledger.incoming(ben) == [Incoming(ana, 0, last, 35, 30, (1, last))]
    assert ledger.parcel(ben, 0, bounced.seq, ana) == Parcel(bounced.seq, 5, RETURN)
    settle(ledger, town, town.write("ben", Recv(ana, 0, last, 35)))
    settle(ledger, town, town.write("ana", Recv(ben, 0, bounced.seq, 5)))
    assert (ledger.own(ana), ledger.own(ben), ledger.check_sum()) == (-30, 30, 0)


def test_recv_then_bounce_in_the_next_entry_finds_nothing_there(ledger: Ledger, town: Town) -> None:
    _, second, last = three_payments(ledger, town)
    accept(ledger, town.write("ben", Recv(town["ana"], 0, last, 35)))
    assert code_of(ledger.judge(town.draft("ben", Bounce(town["ana"], 0, second)))) is Code.NOTHING_THERE


def test_bounce_and_recv_in_one_entry_give_the_same_as_in_two(ledger: Ledger, town: Town) -> None:
    ana, ben = town["ana"], town["ben"]
    _, second, last = three_payments(ledger, town)
    settle(ledger, town, town.write("ben", Bounce(ana, 0, second), Recv(ana, 0, last, 35)))
    assert (ledger.own(ben), ledger.balance(ana), ledger.check_sum()) == (30, -30, 0)


def test_several_bounces_to_one_payer_are_one_return(ledger: Ledger, town: Town) -> None:
    ana, ben = town["ana"], town["ben"]
    first, second, _ = three_payments(ledger, town)
    signed = settle(ledger, town, town.write("ben", Bounce(ana, 0, first), Bounce(ana, 0, second)))
    assert ledger.parcel(ben, 0, signed.seq, ana) == Parcel(signed.seq, 15, RETURN)
    assert ledger.incoming(ana) == [Incoming(ben, 0, signed.seq, 15, 15, (signed.seq,))]


def test_a_return_cannot_be_bounced_again(ledger: Ledger, town: Town) -> None:
    pay(ledger, town, "ana", "ben", 10)
    back = settle(ledger, town, town.write("ben", Bounce(town["ana"], 0, 1)))
    assert code_of(ledger.judge(town.draft("ana", Bounce(town["ben"], 0, back.seq)))) is Code.NOTHING_THERE


def test_one_recv_may_take_a_part_and_the_next_the_rest(ledger: Ledger, town: Town) -> None:
    ana = town["ana"]
    first, second, last = three_payments(ledger, town)
    accept(ledger, town.write("ben", Recv(ana, 0, first, 10)))
    assert ledger.parcel(ana, 0, first, town["ben"]) is None
    assert ledger.parcel(ana, 0, second, town["ben"]) == Parcel(second, 5, SEND)
    accept(ledger, town.write("ben", Recv(ana, 0, last, 35)))
    assert ledger.own(town["ben"]) == 35


@pytest.mark.parametrize(
    ("upto", "total", "code"),
    [
        (3, 34, Code.TOTAL),
        (3, 36, Code.TOTAL),
        (2, 35, Code.TOTAL),
        (0, 0, Code.NOTHING_THERE),
    ],
)
def test_a_recv_must_state_what_is_there(ledger: Ledger, town: Town, upto: int, total: int, code: Code) -> None:
    three_payments(ledger, town)
    root = ledger.state_root()
    assert code_of(ledger.judge(town.draft("ben", Recv(town["ana"], 0, upto, total)))) is code
    assert ledger.state_root() == root


def test_a_recv_stands_exactly_at_a_parcel(ledger: Ledger, town: Town) -> None:
    pay(ledger, town, "ana", "ben", 10)
    pay(ledger, town, "ana", "eve", 10)
    assert code_of(ledger.judge(town.draft("ben", Recv(town["ana"], 0, 2, 10)))) is Code.NOTHING_THERE


def test_the_same_parcels_are_never_taken_twice(ledger: Ledger, town: Town) -> None:
    three_payments(ledger, town)
    settle(ledger, town, town.write("ben", Recv(town["ana"], 0, 3, 35)))
    assert code_of(ledger.judge(town.draft("ben", Recv(town["ana"], 0, 3, 35)))) is Code.WATERMARK


def test_what_is_not_final_cannot_be_taken_yet(ledger: Ledger, town: Town) -> None:
    accept(ledger, town.write("ana", send(town["ben"], 10)))
    assert ledger.incoming(town["ben"]) == []
    verdict = ledger.judge(town.draft("ben", Recv(town["ana"], 0, 1, 10)))
    assert verdict == Waiting(Need.REFERENCE, town["ana"], 0, 1)


def test_nobody_can_take_what_another_was_sent(ledger: Ledger, town: Town) -> None:
    pay(ledger, town, "ana", "ben", 10)
    assert code_of(ledger.judge(town.draft("eve", Recv(town["ana"], 0, 1, 10)))) is Code.TOTAL
    assert code_of(ledger.judge(town.draft("eve", Bounce(town["ana"], 0, 1)))) is Code.NOTHING_THERE


def test_one_bounce_undoes_an_attack_on_the_ceiling() -> None:
    town = found("ana", "ben", "eve", limit=2000, charter=replace(PLAIN_CHARTER, ceiling=100))
    ledger = opened(town)
    pay(ledger, town, "ana", "ben", 95)
    settle(ledger, town, town.write("ben", Recv(town["ana"], 0, 1, 95)))
    pay(ledger, town, "eve", "ben", 1000)
    pay(ledger, town, "eve", "ben", 3)
    assert code_of(ledger.judge(town.draft("ben", Recv(town["eve"], 0, 2, 1003)))) is Code.CEILING
    settle(ledger, town, town.write("ben", Bounce(town["eve"], 0, 1)))
    settle(ledger, town, town.write("ben", Recv(town["eve"], 0, 2, 1003)))
    assert ledger.own(town["ben"]) == 98


def test_above_the_ceiling_one_may_take_what_is_spent_in_the_same_entry() -> None:
    town = found("ana", "ben", limit=500, charter=replace(PLAIN_CHARTER, ceiling=100))
    ledger = opened(town)
    pay(ledger, town, "ana", "ben", 150)
    assert code_of(ledger.judge(town.draft("ben", Recv(town["ana"], 0, 1, 150)))) is Code.CEILING
    assert isinstance(ledger.judge(town.draft("ben", Recv(town["ana"], 0, 1, 150), send(COMMONS, 50))), Effects)
    decide(ledger, town, charge(COMMONS, town["ben"], 200, "a prize"))
    settle(ledger, town, town.write("ben", Recv(town["ana"], 0, 1, 150), send(town["ana"], 150)))
    assert ledger.own(town["ben"]) == 0


def test_a_lowered_limit_never_invalidates_the_past_and_binds_only_what_sends(ledger: Ledger, town: Town) -> None:
    ana, ben = town["ana"], town["ben"]
    pay(ledger, town, "eve", "ana", 10)
    old = ledger.commons.height
    decide(ledger, town, Limits(((ana, 40),)))
    settle(ledger, town, town.write("ana", send(ben, 60), height=old))
    assert ledger.free(ana) == -20
    both = town.draft("ana", Recv(town["eve"], 0, 1, 10), send(ben, 5))
    assert code_of(ledger.judge(both)) is Code.LIMIT
    settle(ledger, town, town.write("ana", Recv(town["eve"], 0, 1, 10)))
    assert (ledger.own(ana), ledger.free(ana)) == (-50, -10)


def test_a_charge_counts_at_once_for_one_who_never_writes_and_later_in_free(ledger: Ledger, town: Town) -> None:
    ana, eve = town["ana"], town["eve"]
    pay(ledger, town, "ana", "eve", 20)
    settle(ledger, town, town.write("eve", Recv(ana, 0, 1, 20)))
    decide(ledger, town, charge(eve, COMMONS, 50, "tools"))
    assert (ledger.balance(eve), ledger.balance(COMMONS), ledger.check_sum()) == (-30, 50, 0)
    assert (ledger.own(eve), ledger.free(eve)) == (20, 70)
    assert code_of(ledger.judge(town.draft("eve", send(ana, 71)))) is Code.LIMIT
    accept(ledger, town.write("eve", send(ana, 70)))


def test_a_charge_counts_at_once_within_its_own_entry(ledger: Ledger, town: Town) -> None:
    decide(ledger, town, charge(town["ana"], COMMONS, 50, "dues"), send(town["eve"], 50))
    assert (ledger.balance(town["ana"]), ledger.balance(COMMONS), ledger.balance(town["eve"])) == (-50, 0, 50)


def test_a_send_that_cites_a_height_before_the_admission_is_refused(ledger: Ledger, town: Town) -> None:
    old = ledger.commons.height
    decide(ledger, town, town.admit("zoe"))
    assert code_of(ledger.judge(town.draft("ana", send(town["zoe"], 5), height=old))) is Code.PAYEE_UNKNOWN
    accept(ledger, town.write("ana", send(town["zoe"], 5)))


LEVY = replace(PLAIN_CHARTER, levy_ppm=20_000)


def test_a_levy_of_two_percent_on_fifty_units_is_exactly_one_each_time() -> None:
    town = found("ana", "ben", limit=100_000, charter=LEVY)
    ledger = opened(town)
    for _ in range(200):
        assert code_of(ledger.judge(town.draft("ana", send(town["ben"], 50)))) is Code.LEVY
        settle(ledger, town, town.write("ana", send(town["ben"], 50), send(COMMONS, 1)))
    chain = ledger.chain(town["ana"])
    assert chain is not None and chain.levy_due == 0
    assert ledger.balance(COMMONS) == 200


def test_a_levy_on_small_sends_is_carried_and_falls_due_with_the_eighth() -> None:
    town = found("ana", "ben", limit=100_000, charter=LEVY)
    ledger = opened(town)
    for _ in range(7):
        settle(ledger, town, town.write("ana", send(town["ben"], 7)))
    assert code_of(ledger.judge(town.draft("ana", send(town["ben"], 7)))) is Code.LEVY
    settle(ledger, town, town.write("ana", send(town["ben"], 7), send(COMMONS, 1)))
    chain = ledger.chain(town["ana"])
    assert chain is not None and chain.levy_due == 8 * 140_000 - 1_000_000


def test_overpaid_levy_is_a_gift_and_not_a_credit() -> None:
    town = found("ana", "ben", limit=100_000, charter=LEVY)
    ledger = opened(town)
    settle(ledger, town, town.write("ana", send(COMMONS, 5)))
    assert code_of(ledger.judge(town.draft("ana", send(town["ben"], 50)))) is Code.LEVY


def test_the_commons_can_be_paid_take_in_and_pay_within_its_own_limit(ledger: Ledger, town: Town) -> None:
    pay_in = settle(ledger, town, town.write("ana", send(COMMONS, 40)))
    refused = ledger.judge(town.propose(send(town["ben"], 1)))
    assert code_of(refused) is Code.LIMIT
    assert ledger.incoming(COMMONS) == [Incoming(town["ana"], 0, pay_in.seq, 40, 40, (pay_in.seq,))]
    decide(ledger, town, Recv(town["ana"], 0, pay_in.seq, 40), send(town["ben"], 30))
    assert (ledger.own(COMMONS), ledger.balance(town["ben"])) == (10, 30)
    decide(ledger, town, Amend(replace(PLAIN_CHARTER, commons_limit=25)), send(town["ben"], 35))
    assert (ledger.free(COMMONS), ledger.check_sum()) == (0, 0)


def test_the_commons_pays_no_levy_has_no_ceiling_and_no_least_send() -> None:
    strict = replace(PLAIN_CHARTER, levy_ppm=500_000, ceiling=10, least_send=20, commons_limit=100)
    town = found("ana", "ben", charter=strict)
    ledger = opened(town)
    settle(ledger, town, town.write("ana", send(COMMONS, 50)))
    decide(ledger, town, Recv(town["ana"], 0, 1, 50), send(town["ben"], 7))
    assert ledger.own(COMMONS) == 43
    assert code_of(ledger.judge(town.draft("ana", send(town["ben"], 19)))) is Code.LEAST_SEND


def test_incoming_is_listed_by_payer_and_ready_to_be_taken(ledger: Ledger, town: Town) -> None:
    for payer in ("eve", "ana", "eve"):
        pay(ledger, town, payer, "ben", 10)
    incoming = ledger.incoming(town["ben"])
    assert [row.payer for row in incoming] == [town["ana"], town["eve"]]
    assert incoming[1].seqs == (1, 2)
    taking = [Recv(row.payer, row.incarnation, row.upto, row.total) for row in incoming]
    settle(ledger, town, town.write("ben", *taking))
    assert ledger.own(town["ben"]) == sum(row.amount for row in incoming) == 30
    assert ledger.incoming(town["ben"]) == []


def test_an_account_can_be_paid_before_it_is_opened(town: Town) -> None:
    ledger = opened(town, "ana")
    pay(ledger, town, "ana", "ben", 10)
    assert ledger.balance(town["ben"]) == 10 and ledger.chain(town["ben"]) is None
    opening = town.open("ben", Recv(town["ana"], 0, 1, 10), send(AccountId(3), 110))
    settle(ledger, town, opening)
    assert ledger.own(town["ben"]) == -100
