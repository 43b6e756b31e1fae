"""Every refusal of a member's entry by its code, in the order of precedence; and after each of them nothing changed."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from protocol.base import AMOUNT_MAX, BALANCE_MAX, COMMONS, ENTRY_BYTES_MAX, GROSS_MAX, OPS_MAX, TAIL_MAX, AccountId
from protocol.entry import SignedEntry
from protocol.ledger import Effects, Ledger
from protocol.ops import (
    Admit,
    Bounce,
    Limits,
    Op,
    Open,
    PublicNote,
    Recv,
    Reinstate,
    SealedNote,
    Suspend,
    Unknown,
)
from protocol.verdict import Code, Duplicate, Fork, Need, Refused, Waiting

from ..builders import PLAIN_CHARTER, Town, accept, authority, charge, confirm, decide, found, opened, send, settle

ANA, BEN, EVE, NOBODY = AccountId(1), AccountId(2), AccountId(3), AccountId(9)


def all_that_can_be_seen(ledger: Ledger) -> object:
    """Everything a refusal must leave as it was."""
    chains = []
    for account in ledger.accounts():
        chain = ledger.chain(account)
        assert chain is not None
        chains.append((account, chain.seq, chain.id, chain.own, chain.levy_due, chain.final_seq, len(chain.tail)))
    money = [(ledger.balance(AccountId(account)), ledger.incoming(AccountId(account))) for account in range(10)]
    return ledger.state_root(), ledger.commons.height, chains, money


@pytest.fixture
def town() -> Town:
    return found("ana", "ben", "eve", limit=100, charter=replace(PLAIN_CHARTER, least_send=2))


@pytest.fixture
def ledger(town: Town) -> Ledger:
    """Ana has sent Ben 10 (final) and 5 (not final); Ben has written nothing but his opening."""
    ledger = opened(town)
    settle(ledger, town, town.write("ana", send(BEN, 10)))
    accept(ledger, town.write("ana", send(BEN, 5)))
    return ledger


Row = tuple[Code, Callable[[Town], SignedEntry]]


def of_ben(*ops: Op) -> Callable[[Town], SignedEntry]:
    return lambda town: town.draft("ben", *ops)


ROWS: dict[str, Row] = {
    "a body above 4 KiB": (Code.TOO_BIG, of_ben(*[Recv(AccountId(2**31 + n), 0, 2**40, 2**61) for n in range(200)])),
    "an unknown version": (Code.VERSION, lambda town: town.sign(BEN, 1, town.heads[BEN][1], 0, version=2)),
    "an account that was never admitted": (
        Code.ACCOUNT_UNKNOWN,
        lambda town: town.sign(NOBODY, 0, town.community, 0, by=("zoe",)),
    ),
    "a prev that is not the entry before": (Code.PLACE, lambda town: town.sign(BEN, 1, bytes(32), 0, send(ANA, 5))),
    "an incarnation that was never opened": (
        Code.PLACE,
        lambda town: town.sign(BEN, 1, town.heads[BEN][1], 0, send(ANA, 5), incarnation=1),
    ),
    "another's signature": (
        Code.SIGNATURE,
        lambda town: town.sign(BEN, 1, town.heads[BEN][1], 0, send(ANA, 5), by=("ana",)),
    ),
    "no signature": (Code.SIGNATURE, lambda town: replace(town.draft("ben", send(ANA, 5)), signatures=())),
    "a signature too many": (
        Code.SIGNATURE,
        lambda town: town.sign(BEN, 1, town.heads[BEN][1], 0, send(ANA, 5), by=("ben", "ben")),
    ),
    "an entry of another community": (
        Code.SIGNATURE,
        lambda town: found("eve", "ben").sign(BEN, 1, town.heads[BEN][1], 0, send(ANA, 5)),
    ),
    "an op of a kind not known": (Code.OP_UNKNOWN, of_ben(send(ANA, 5), Unknown(5, (1, 2)))),
    "an op that only account 0 has": (Code.OP_UNKNOWN, of_ben(Limits(((BEN, 1000),)))),
    "no op": (Code.OP_SHAPE, of_ben()),
    "too many ops": (Code.OP_SHAPE, of_ben(*[Bounce(ANA, 0, seq) for seq in range(OPS_MAX + 1)])),
    "a second open": (Code.OP_SHAPE, of_ben(Open(authority("ben"), bytes(32)))),
    "a payment to oneself": (Code.OP_SHAPE, of_ben(send(BEN, 5))),
    "an amount of zero": (Code.OP_SHAPE, of_ben(send(ANA, 0))),
    "a negative amount": (Code.OP_SHAPE, of_ben(send(ANA, -5))),
    "an amount above the cap": (Code.OP_SHAPE, of_ben(send(ANA, AMOUNT_MAX + 1))),
    "two sends to one payee": (Code.OP_SHAPE, of_ben(send(ANA, 5), send(ANA, 6))),
    "a note that turns text round": (Code.OP_SHAPE, of_ben(send(ANA, 5, PublicNote("bread \u202e")))),
    "a note with a line feed": (Code.OP_SHAPE, of_ben(send(ANA, 5, PublicNote("a\nb")))),
    "a note above 256 bytes": (Code.OP_SHAPE, of_ben(send(ANA, 5, PublicNote("ä" * 129)))),
    "a sealed note above 256 bytes": (Code.OP_SHAPE, of_ben(send(ANA, 5, SealedNote(bytes(257))))),
    "two recvs from one payer": (Code.OP_SHAPE, of_ben(Recv(ANA, 0, 1, 10), Recv(ANA, 0, 2, 15))),
    "a recv from oneself": (Code.OP_SHAPE, of_ben(Recv(BEN, 0, 0, 1))),
    "a bounce to oneself": (Code.OP_SHAPE, of_ben(Bounce(BEN, 0, 0))),
    "a bounce after a recv from the same payer": (Code.OP_SHAPE, of_ben(Recv(ANA, 0, 1, 10), Bounce(ANA, 0, 1))),
    "the same bounce twice": (Code.OP_SHAPE, of_ben(Bounce(ANA, 0, 1), Bounce(ANA, 0, 1))),
    "a send to whom one bounces": (Code.OP_SHAPE, of_ben(Bounce(ANA, 0, 1), send(ANA, 5))),
    "a bounce to whom one sends": (Code.OP_SHAPE, of_ben(send(ANA, 5), Bounce(ANA, 0, 1))),
    "a payee who is no member": (Code.PAYEE_UNKNOWN, of_ben(send(NOBODY, 5))),
    "less than the least send": (Code.LEAST_SEND, of_ben(send(ANA, 1))),
    "a total that is not the payer's": (Code.TOTAL, of_ben(Recv(ANA, 0, 1, 11))),
    "a recv up to where nothing stands": (Code.NOTHING_THERE, of_ben(Recv(ANA, 0, 0, 0))),
    "a bounce of nothing": (Code.NOTHING_THERE, of_ben(Bounce(ANA, 0, 0))),
    "more than balance and limit": (Code.LIMIT, of_ben(send(ANA, 101))),
    "more than balance and limit, counting what is in flight": (Code.LIMIT, of_ben(send(EVE, 105))),
}


@pytest.mark.parametrize("name", ROWS)
def test_refused_and_nothing_changed(ledger: Ledger, town: Town, name: str) -> None:
    code, write = ROWS[name]
    signed, before = write(town), all_that_can_be_seen(ledger)
    verdict = ledger.judge(signed)
    assert isinstance(verdict, Refused) and verdict.code is code, verdict
    assert verdict.facts and all_that_can_be_seen(ledger) == before


PRECEDENCE: dict[str, Row] = {
    "version before height": (Code.VERSION, lambda town: town.sign(BEN, 1, bytes(32), 9, version=2)),
    "place before signature": (Code.PLACE, lambda town: town.sign(BEN, 1, bytes(32), 0, send(ANA, 5), by=("eve",))),
    "signature before op_unknown": (
        Code.SIGNATURE,
        lambda town: town.sign(BEN, 1, town.heads[BEN][1], 0, Unknown(60, ()), by=("eve",)),
    ),
    "op_unknown before op_shape, wherever they stand": (Code.OP_UNKNOWN, of_ben(send(BEN, 0), Unknown(60, ()))),
    "op_shape before payee_unknown, wherever they stand": (Code.OP_SHAPE, of_ben(send(NOBODY, 5), send(BEN, 5))),
    "payee_unknown before least_send in one op": (Code.PAYEE_UNKNOWN, of_ben(send(NOBODY, 1))),
    "the first op that fails, not the lowest code": (Code.TOTAL, of_ben(Recv(ANA, 0, 1, 11), send(NOBODY, 5))),
    "the first op that fails, the other way round": (Code.PAYEE_UNKNOWN, of_ben(send(NOBODY, 5), Recv(ANA, 0, 1, 11))),
    "ops before the end of the entry": (Code.LEAST_SEND, of_ben(send(ANA, 500), send(EVE, 1))),
}


@pytest.mark.parametrize("name", PRECEDENCE)
def test_the_first_that_applies_is_given(ledger: Ledger, town: Town, name: str) -> None:
    code, write = PRECEDENCE[name]
    verdict = ledger.judge(write(town))
    assert isinstance(verdict, Refused) and verdict.code is code, verdict


def test_waiting_keeps_its_place_among_the_codes(ledger: Ledger, town: Town) -> None:
    waiting = Waiting(Need.REFERENCE, ANA, 0, 2)
    assert ledger.judge(town.draft("ben", Recv(ANA, 0, 2, 15), send(NOBODY, 5))) == waiting
    assert ledger.judge(town.draft("ben", Recv(ANA, 0, 2, 99), send(EVE, 500))) == waiting
    later = ledger.judge(town.draft("ben", send(NOBODY, 5), Recv(ANA, 0, 2, 15)))
    assert isinstance(later, Refused) and later.code is Code.PAYEE_UNKNOWN


def test_an_entry_that_cites_an_unknown_height_waits_for_it(ledger: Ledger, town: Town) -> None:
    assert ledger.judge(town.draft("ben", send(ANA, 5), height=3)) == Waiting(Need.HEIGHT, COMMONS, 0, 3)


def test_an_entry_without_the_one_before_it_waits_for_that(ledger: Ledger, town: Town) -> None:
    town.write("ben", send(ANA, 5))
    late = town.write("ben", send(ANA, 6))
    assert ledger.judge(late) == Waiting(Need.PREV, BEN, 0, 1)


def test_a_strange_prev_waits_while_the_head_may_still_give_way(ledger: Ledger, town: Town) -> None:
    stranger = town.sign(ANA, 3, bytes(32), 0, send(BEN, 5))
    assert ledger.judge(stranger) == Waiting(Need.REFERENCE, ANA, 0, 2)
    chain = ledger.chain(ANA)
    assert chain is not None
    confirm(ledger, town.certificate(chain.tail[-1].signed))
    verdict = ledger.judge(stranger)
    assert isinstance(verdict, Refused) and verdict.code is Code.PLACE


def test_what_refers_to_an_incarnation_that_was_never_opened_waits_for_it(ledger: Ledger, town: Town) -> None:
    for op in (Recv(ANA, 1, 0, 5), Bounce(ANA, 1, 0)):
        assert ledger.judge(town.draft("ben", op)) == Waiting(Need.REFERENCE, ANA, 1, 0)


def test_a_bounce_of_what_is_not_final_waits(ledger: Ledger, town: Town) -> None:
    assert ledger.judge(town.draft("ben", Bounce(ANA, 0, 2))) == Waiting(Need.REFERENCE, ANA, 0, 2)


def test_heights_never_fall_along_a_chain(ledger: Ledger, town: Town) -> None:
    decide(ledger, town)
    accept(ledger, town.write("ben", send(ANA, 5)))
    verdict = ledger.judge(town.draft("ben", send(ANA, 5), height=0))
    assert isinstance(verdict, Refused) and verdict.code is Code.HEIGHT_FELL


def test_an_account_begins_with_the_authority_it_was_admitted_with(town: Town) -> None:
    ledger = opened(town, "ana")
    cases: list[tuple[Code, tuple[Op, ...], tuple[str, ...], bytes]] = [
        (Code.PLACE, (send(ANA, 5),), ("ben",), town.community),
        (Code.PLACE, (), ("ben",), town.community),
        (Code.PLACE, (Open(authority("ben"), bytes(32)),), ("ben",), bytes(32)),
        (Code.OP_SHAPE, (Open(authority("eve"), bytes(32)),), ("ben",), town.community),
        (Code.PLACE, (send(ANA, 5), Open(authority("ben"), bytes(32))), ("ben",), town.community),
        (Code.SIGNATURE, (Open(authority("eve"), bytes(32)),), ("eve",), town.community),
    ]
    for code, ops, by, prev in cases:
        verdict = ledger.judge(town.sign(BEN, 0, prev, 0, *ops, by=by))
        assert isinstance(verdict, Refused) and verdict.code is code, verdict
    assert ledger.chain(BEN) is None


def test_a_suspended_account_may_take_and_return_but_not_send(ledger: Ledger, town: Town) -> None:
    decide(ledger, town, Suspend(BEN, 1))
    verdict = ledger.judge(town.draft("ben", send(EVE, 5)))
    assert isinstance(verdict, Refused) and verdict.code is Code.SUSPENDED
    accept(ledger, town.write("ben", Bounce(ANA, 0, 1)))


def test_a_frozen_account_may_do_nothing_until_it_is_reinstated(ledger: Ledger, town: Town) -> None:
    decide(ledger, town, Suspend(BEN, 2))
    for op in (send(EVE, 500), Bounce(ANA, 0, 1), Recv(ANA, 0, 1, 10)):
        verdict = ledger.judge(town.draft("ben", op))
        assert isinstance(verdict, Refused) and verdict.code is Code.FROZEN
    decide(ledger, town, Reinstate(BEN))
    accept(ledger, town.write("ben", Bounce(ANA, 0, 1)))


def test_a_suspension_counts_from_its_height_on_only(ledger: Ledger, town: Town) -> None:
    old = ledger.commons.height
    decide(ledger, town, Suspend(BEN, 2))
    accept(ledger, town.write("ben", send(EVE, 5), height=old))


def test_sums_beyond_their_caps_are_refused_not_saturated() -> None:
    town = found("ana", "ben", limit=BALANCE_MAX)
    ledger = Ledger(verify=lambda *_: True)
    accept(ledger, town.founding)
    for name in ("ana", "ben"):
        settle(ledger, town, town.open(name))
    for _ in range(BALANCE_MAX // AMOUNT_MAX):
        settle(ledger, town, town.write("ana", send(BEN, AMOUNT_MAX)))
    verdict = ledger.judge(town.draft("ana", send(BEN, 1)))
    assert isinstance(verdict, Refused) and verdict.code is Code.OVERFLOW


def test_all_that_was_ever_sent_to_one_payee_is_bounded_too(ledger: Ledger, town: Town) -> None:
    # Only millions of the largest payments get there, so the sum is put there by hand.
    ledger._state.pairs.at(ANA, 0, BEN).gross = GROSS_MAX - 5
    accept(ledger, town.write("ana", send(BEN, 5)))
    verdict = ledger.judge(town.draft("ana", send(BEN, 2)))
    assert isinstance(verdict, Refused) and verdict.code is Code.OVERFLOW


def test_a_joint_account_needs_as_many_different_keys_as_its_threshold() -> None:
    board = authority("x", "y", "z", threshold=2)
    town = found("ana", ops=(Admit(BEN, "co-op", board, 100),))
    ledger = Ledger()
    accept(ledger, town.founding)
    opening = Open(board, bytes(32))
    whole = town.sign(BEN, 0, town.community, 0, opening, by=("x", "y", "z"))
    first, second, third = whole.signatures
    for bad in ((first,), (first, first), (second, first), (first, (1, third[1]))):
        verdict = ledger.judge(replace(whole, signatures=bad))
        assert isinstance(verdict, Refused) and verdict.code is Code.SIGNATURE
    for good in ((first, second), (first, third), (first, second, third)):
        assert isinstance(ledger.judge(replace(whole, signatures=good)), Effects)


def test_the_tail_above_the_certificates_is_bounded(ledger: Ledger, town: Town) -> None:
    written = [accept(ledger, town.write("ben", send(ANA, 2))) for _ in range(TAIL_MAX)]
    verdict = ledger.judge(town.draft("ben", send(ANA, 2)))
    assert isinstance(verdict, Refused) and verdict.code is Code.BACKLOG
    confirm(ledger, town.certificate(written[0]))
    accept(ledger, town.write("ben", send(ANA, 2)))


def test_the_same_entry_again_is_a_duplicate_whoever_signed_it_how(ledger: Ledger, town: Town) -> None:
    signed = accept(ledger, town.write("ben", send(ANA, 5)))
    assert ledger.judge(signed) == Duplicate()
    assert ledger.judge(replace(signed, signatures=())) == Duplicate()


def test_a_second_entry_for_a_place_is_a_proof_against_its_author(ledger: Ledger, town: Town) -> None:
    rival = town.draft("ben", send(EVE, 6))
    held = accept(ledger, town.write("ben", send(ANA, 5)))
    before = all_that_can_be_seen(ledger)
    verdict = ledger.judge(rival)
    assert isinstance(verdict, Fork) and (verdict.proof.first, verdict.proof.second) == (held, rival)
    assert verdict.proof.is_about_one_place() and all_that_can_be_seen(ledger) == before


def test_a_rival_that_its_author_did_not_sign_proves_nothing(ledger: Ledger, town: Town) -> None:
    seq, prev, height = town.heads[BEN]
    forged = town.sign(BEN, seq + 1, prev, height, send(EVE, 6), by=("eve",))
    accept(ledger, town.write("ben", send(ANA, 5)))
    verdict = ledger.judge(forged)
    assert isinstance(verdict, Refused) and verdict.code is Code.SIGNATURE


def test_a_rival_of_a_final_entry_is_a_proof_when_the_journal_still_has_that(ledger: Ledger, town: Town) -> None:
    rival = town.draft("ben", send(EVE, 6))
    held = settle(ledger, town, town.write("ben", send(ANA, 5)))
    without = ledger.judge(rival)
    assert isinstance(without, Refused) and without.code is Code.PLACE
    ledger.lookup = lambda account, incarnation, seq: {(BEN, 0, 1): held}.get((account, incarnation, seq))
    assert isinstance(ledger.judge(rival), Fork)


def test_a_charge_may_leave_a_member_beyond_the_limit_who_then_can_only_take(ledger: Ledger, town: Town) -> None:
    decide(ledger, town, charge(BEN, COMMONS, 150, "a broken window"))
    assert ledger.free(BEN) == -50
    verdict = ledger.judge(town.draft("ben", send(ANA, 2)))
    assert isinstance(verdict, Refused) and verdict.code is Code.LIMIT
    accept(ledger, town.write("ben", Recv(ANA, 0, 1, 10)))


def test_an_entry_of_exactly_four_kibibytes_is_taken(ledger: Ledger, town: Town) -> None:
    decide(ledger, town, Limits(((BEN, 10**6),)))
    decide(ledger, town, *[town.admit(f"m{number}") for number in range(16)])
    ops = [send(AccountId(4 + number), 5, PublicNote("x" * 250)) for number in range(15)]
    # One more send costs 8 bytes and its text; 16 ops make the array's header 2 bytes longer.
    words = "x" * (ENTRY_BYTES_MAX - len(town.draft("ben", *ops).body) - 10)
    signed = town.draft("ben", *ops, send(AccountId(19), 5, PublicNote(words)))
    assert len(signed.body) == ENTRY_BYTES_MAX
    accept(ledger, signed)
