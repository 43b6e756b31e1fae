"""What compose makes, the judge accepts; what it says is prevented, the judge would refuse for the same reason."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.base import COMMONS, PPM, TAIL_MAX, AccountId, Amount
from protocol.compose import RECVS_MAX, Prevented, Wish, compose, levy_with
from protocol.entry import Entry, SignedEntry, sealed
from protocol.ledger import Effects, Ledger
from protocol.ops import Amend, Bounce, Charter, Limits, Open, PublicNote, Recv, Reinstate, Send, Suspend
from protocol.signing import Tag
from protocol.verdict import Code, Refused
from tests.builders import PLAIN_CHARTER, Town, authority, confirm, decide, found, key, opened, signatures

ANA, BEN, EVE = AccountId(1), AccountId(2), AccountId(3)
NAMES = ("ana", "ben", "eve")


def sign(town: Town, entry: Entry) -> SignedEntry:
    name = town.members[entry.account - 1]
    return sealed(entry, signatures([(0, key(name))], Tag.ENTRY, town.community, entry.encode()))


def do(ledger: Ledger, town: Town, account: AccountId, *wishes: Wish, final: bool = True, take: bool = True) -> Entry:
    """Compose, sign, have judged and apply: must work."""
    name = town.members[account - 1]
    opening = Open(authority(name), authority(name + " next").hash())
    entry = compose(ledger, account, wishes, time=7, opening=opening, take=take)
    assert isinstance(entry, Entry), entry
    signed = sign(town, entry)
    effects = ledger.judge(signed)
    assert isinstance(effects, Effects), effects
    ledger.apply(effects)
    if final:
        confirm(ledger, town.certificate(signed))
    return entry


def prevented(ledger: Ledger, account: AccountId, *wishes: Wish, bounces: Sequence[Bounce] = ()) -> Prevented:
    found = compose(ledger, account, wishes, time=7, bounces=bounces)
    assert isinstance(found, Prevented), found
    return found


def test_the_first_entry_opens_the_account_and_pays_at_once() -> None:
    town = found(*NAMES)
    ledger = opened(town, "ben")
    entry = do(ledger, town, ANA, Wish(BEN, 10))
    assert [type(op) for op in entry.ops] == [Open, Send] and entry.seq == 0
    assert ledger.balance(ANA) == -10


def test_what_is_in_flight_is_taken_in_before_paying() -> None:
    town = found(*NAMES, limit=10)
    ledger = opened(town)
    do(ledger, town, BEN, Wish(ANA, 10))
    do(ledger, town, EVE, Wish(ANA, 10))
    entry = do(ledger, town, ANA, Wish(BEN, 30))
    assert [type(op) for op in entry.ops] == [Recv, Recv, Send]
    assert ledger.balance(ANA) == -10


def test_what_is_not_final_is_left_where_it_is() -> None:
    town = found(*NAMES)
    ledger = opened(town)
    do(ledger, town, BEN, Wish(ANA, 10), final=False)
    assert prevented(ledger, ANA).code is Code.NOTHING_THERE


def test_many_payers_are_taken_in_by_several_entries() -> None:
    names = [f"member-{n}" for n in range(40)]
    town = found(*names)
    ledger = opened(town)
    decide(ledger, town, *[town.admit(f"late-{n}") for n in range(40)])
    for account in range(2, 81):
        do(ledger, town, AccountId(account), Wish(ANA, 1))
    assert len(do(ledger, town, ANA).ops) == RECVS_MAX
    assert len(do(ledger, town, ANA).ops) == 79 - RECVS_MAX
    assert ledger.own(ANA) == 79


def test_the_limit_is_told_with_its_facts() -> None:
    ledger = opened(found(*NAMES, limit=100))
    refusal = prevented(ledger, ANA, Wish(BEN, 130))
    assert refusal.code is Code.LIMIT
    assert refusal.facts == {"balance": 0, "limit": 100, "amount": 130, "missing": 30}


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        (Wish(ANA, 5), Code.OP_SHAPE),
        (Wish(BEN, 0), Code.OP_SHAPE),
        (Wish(BEN, -5), Code.OP_SHAPE),
        (Wish(BEN, 10**12 + 1), Code.OP_SHAPE),
        (Wish(BEN, 5, PublicNote("x" * 257)), Code.OP_SHAPE),
        (Wish(BEN, 5, PublicNote("turn \u202e round")), Code.OP_SHAPE),
        (Wish(AccountId(99), 5), Code.PAYEE_UNKNOWN),
        (Wish(BEN, 2), Code.LEAST_SEND),
    ],
)
def test_other_refusals_are_told_before_signing(wish: Wish, code: Code) -> None:
    town = found(*NAMES, charter=replace(PLAIN_CHARTER, least_send=3))
    assert prevented(opened(town), ANA, wish).code is code


def test_two_payments_to_one_payee_do_not_go_into_one_entry() -> None:
    ledger = opened(found(*NAMES))
    assert prevented(ledger, ANA, Wish(BEN, 1), Wish(BEN, 2)).code is Code.OP_SHAPE


def test_a_suspended_account_takes_in_and_does_not_pay_and_a_frozen_one_does_neither() -> None:
    town = found(*NAMES)
    ledger = opened(town)
    do(ledger, town, BEN, Wish(ANA, 10))
    decide(ledger, town, Suspend(ANA, 1))
    assert prevented(ledger, ANA, Wish(BEN, 1)).code is Code.SUSPENDED
    do(ledger, town, ANA)
    decide(ledger, town, Suspend(ANA, 2))
    assert prevented(ledger, ANA).code is Code.FROZEN
    decide(ledger, town, Reinstate(ANA))
    do(ledger, town, ANA, Wish(BEN, 1))


def test_the_tail_has_a_bound() -> None:
    town = found(*NAMES)
    ledger = opened(town)
    for _ in range(TAIL_MAX):
        do(ledger, town, ANA, Wish(BEN, 1), final=False)
    assert prevented(ledger, ANA, Wish(BEN, 1)).code is Code.BACKLOG


def test_the_levy_goes_to_the_commons_when_a_whole_unit_is_due() -> None:
    town = found(*NAMES, charter=replace(PLAIN_CHARTER, levy_ppm=20_000))
    ledger = opened(town)
    for _ in range(7):
        assert len(do(ledger, town, ANA, Wish(BEN, 7)).ops) == 1
    assert [levy_with(ledger, ANA, Wish(to, 7)) for to in (BEN, COMMONS)] == [1, 0]
    assert do(ledger, town, ANA, Wish(BEN, 7)).ops[1:] == (Send(COMMONS, Amount(1)),)
    assert levy_with(ledger, ANA, Wish(BEN, 7)) == 0
    facts = prevented(ledger, ANA, Wish(BEN, 50)).facts
    assert facts["levy"] == 1 and facts["missing"] == 7 * 8 + 1 + 50 + 1 - 100


def test_a_payment_to_the_commons_bears_no_levy_and_stays_the_amount_that_was_wished() -> None:
    town = found(*NAMES, charter=replace(PLAIN_CHARTER, levy_ppm=1_000_000))
    ledger = opened(town)
    assert do(ledger, town, ANA, Wish(COMMONS, 5)).ops == (Send(COMMONS, Amount(5)),)
    assert do(ledger, town, ANA, Wish(BEN, 7), Wish(COMMONS, 8)).ops == (Send(BEN, Amount(7)), Send(COMMONS, Amount(8)))
    refusal = prevented(ledger, ANA, Wish(BEN, 7), Wish(COMMONS, 6))
    assert (refusal.code, refusal.facts) == (Code.LEVY, {"missing": 1})
    assert do(ledger, town, ANA, Wish(BEN, 7)).ops == (Send(BEN, Amount(7)), Send(COMMONS, Amount(7)))


def test_above_the_ceiling_nothing_is_taken_in_unless_it_is_spent_at_once() -> None:
    town = found(*NAMES, charter=replace(PLAIN_CHARTER, ceiling=15))
    ledger = opened(town)
    do(ledger, town, BEN, Wish(ANA, 10))
    do(ledger, town, EVE, Wish(ANA, 9))
    assert do(ledger, town, ANA).ops == (Recv(BEN, 0, 1, 10),)
    assert prevented(ledger, ANA).code is Code.NOTHING_THERE
    assert [type(op) for op in do(ledger, town, ANA, Wish(BEN, 4)).ops] == [Recv, Send]


def test_a_bounce_leaves_that_payer_for_a_later_entry() -> None:
    town = found(*NAMES)
    ledger = opened(town)
    first = do(ledger, town, BEN, Wish(ANA, 10))
    do(ledger, town, BEN, Wish(ANA, 20))
    do(ledger, town, EVE, Wish(ANA, 5))
    entry = compose(ledger, ANA, time=7, bounces=[Bounce(BEN, 0, first.seq)])
    assert isinstance(entry, Entry)
    assert entry.ops == (Bounce(BEN, 0, first.seq), Recv(EVE, 0, 1, 5))
    assert isinstance(ledger.judge(sign(town, entry)), Effects)
    refusal = prevented(ledger, ANA, Wish(BEN, 1), bounces=[Bounce(BEN, 0, first.seq)])
    assert refusal.code is Code.OP_SHAPE


def test_who_is_not_a_member_writes_nothing() -> None:
    ledger = opened(found(*NAMES))
    assert prevented(ledger, AccountId(9), Wish(BEN, 1)).code is Code.ACCOUNT_UNKNOWN
    assert prevented(ledger, COMMONS, Wish(BEN, 1)).code is Code.ACCOUNT_UNKNOWN


step = st.tuples(
    st.integers(1, 3), st.lists(st.tuples(st.integers(0, 4), st.integers(1, 60)), max_size=3), st.booleans()
)


@given(
    st.sampled_from([0, 30]), st.sampled_from([0, 20_000, PPM]), st.sampled_from([1, 3]),
    st.lists(step, min_size=1, max_size=14), st.data(),
)  # fmt: skip
def test_the_judge_agrees_whatever_happens(
    ceiling: int, levy: int, least: int, steps: list[tuple[int, list[tuple[int, int]], bool]], data: st.DataObject
) -> None:
    charter = Charter(1, least, ceiling, levy, 0)
    town = found(*NAMES, limit=50, charter=charter)
    ledger = opened(town)
    for number, payments, final in steps:
        account, wishes = AccountId(number), [Wish(AccountId(to), amount) for to, amount in payments]
        entry = compose(ledger, account, wishes, time=0)
        if isinstance(entry, Entry):
            do(ledger, town, account, *wishes, final=final)
        elif entry.code not in (Code.BACKLOG, Code.NOTHING_THERE):
            _is_refused_for(entry.code, ledger, town, account, wishes)
        if data.draw(st.integers(0, 9)) == 0:
            decide(ledger, town, Limits(((account, data.draw(st.integers(0, 80))),)), Amend(charter))
        assert ledger.check_sum() == 0


def _is_refused_for(code: Code, ledger: Ledger, town: Town, account: AccountId, wishes: list[Wish]) -> None:
    """The entry that a careless wallet would have signed is refused for the reason that was predicted."""
    chain = ledger.chain(account)
    assert chain is not None
    recvs = [Recv(one.payer, one.incarnation, one.upto, one.total) for one in ledger.incoming(account)]
    taken = recvs if not ledger.commons.charter().ceiling else []
    sends = [Send(wish.to, Amount(wish.amount), wish.note) for wish in wishes]
    entry = Entry(1, account, 0, chain.seq + 1, chain.id, ledger.commons.height, 0, (*taken, *sends))
    verdict = ledger.judge(sign(town, entry))
    assert isinstance(verdict, Refused)
    assert verdict.code is code or {code, verdict.code} == {Code.LIMIT, Code.LEVY}
