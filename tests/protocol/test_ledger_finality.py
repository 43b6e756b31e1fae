"""Certificates, finality, and the uncertified tail that may be taken back."""

from dataclasses import replace

import pytest

from protocol.base import COMMONS, AccountId
from protocol.ledger import Ledger, Overruled
from protocol.ops import Bounce, Recv
from protocol.signing import Tag
from protocol.statements import gather
from protocol.verdict import Accepted, Code, Duplicate, Need, Refused, Waiting

from ..builders import PLAIN_CHARTER, Town, accept, confirm, decide, found, opened, send, settle
from .test_ledger_refusals import all_that_can_be_seen

ANA, BEN, EVE = AccountId(1), AccountId(2), AccountId(3)


@pytest.fixture
def town() -> Town:
    return found("ana", "ben", "eve", limit=100, witnesses=4, quorum=3)


@pytest.fixture
def ledger(town: Town) -> Ledger:
    ledger = opened(town)
    settle(ledger, town, town.write("ana", send(BEN, 10)))
    return ledger


def final_seq(ledger: Ledger, account: AccountId) -> int:
    chain = ledger.chain(account)
    assert chain is not None
    return chain.final_seq


def test_a_certificate_makes_final_all_before_it(ledger: Ledger, town: Town) -> None:
    written = [accept(ledger, town.write("ana", send(BEN, amount))) for amount in (1, 2, 3)]
    assert (final_seq(ledger, ANA), ledger.balance(BEN)) == (1, 10)
    confirm(ledger, town.certificate(written[1]))
    assert (final_seq(ledger, ANA), ledger.balance(BEN)) == (3, 13)
    chain = ledger.chain(ANA)
    assert chain is not None and [effects.signed for effects in chain.tail] == [written[2]]


def test_a_certificate_for_what_is_final_already_is_a_duplicate(ledger: Ledger, town: Town) -> None:
    written = [accept(ledger, town.write("ana", send(BEN, amount))) for amount in (1, 2)]
    confirm(ledger, town.certificate(written[1]))
    assert ledger.judge_certificate(town.certificate(written[0], by=(1, 2, 3))) == Duplicate()
    ledger.certify(town.certificate(written[0]))
    assert final_seq(ledger, ANA) == 3


def test_a_certificate_before_its_entry_waits(ledger: Ledger, town: Town) -> None:
    signed = town.write("ana", send(BEN, 1))
    assert ledger.judge_certificate(town.certificate(signed)) == Waiting(Need.PREV, ANA, 0, 2)
    assert Ledger().judge_certificate(town.certificate(signed)) == Waiting(Need.HEIGHT, COMMONS, 0, 0)


def test_too_few_votes_or_votes_that_are_not_of_the_witnesses_certify_nothing(ledger: Ledger, town: Town) -> None:
    signed = accept(ledger, town.write("ana", send(BEN, 1)))
    good = town.certificate(signed)
    votes = good.votes
    for bad in (
        replace(good, votes=votes[:2]),
        replace(good, votes=(votes[0], votes[0], votes[1])),
        replace(good, votes=(votes[0], votes[1], (3, *votes[2][1:]))),
        replace(good, votes=(*votes[:2], (9, *votes[2][1:]))),
        gather([town.vote(town.place(signed), witness, Tag.COMMIT) for witness in range(3)]),
    ):
        verdict = ledger.judge_certificate(bad)
        assert isinstance(verdict, Refused) and verdict.code is Code.SIGNATURE
    assert final_seq(ledger, ANA) == 1


def test_a_certificate_of_another_epoch_is_refused(ledger: Ledger, town: Town) -> None:
    signed = accept(ledger, town.write("ana", send(BEN, 1)))
    place = replace(town.place(signed), epoch=1)
    verdict = ledger.judge_certificate(gather([town.vote(place, witness) for witness in range(3)]))
    assert isinstance(verdict, Refused) and verdict.code is Code.EPOCH_CLOSED


def test_a_certificate_overrules_another_branch_held_in_the_tail(ledger: Ledger, town: Town) -> None:
    rival = town.draft("ana", send(EVE, 7))
    accept(ledger, town.write("ana", send(BEN, 1)))
    accept(ledger, town.write("ana", send(BEN, 2)))
    certificate = town.certificate(rival)
    assert ledger.judge_certificate(certificate) == Overruled(ANA, 2)
    assert [signed.seq for signed in ledger.rewind(ANA, 1)] == [2, 3]
    accept(ledger, rival)
    confirm(ledger, certificate)
    assert (ledger.balance(BEN), ledger.balance(EVE), ledger.check_sum()) == (10, 7, 0)


def test_a_certificate_against_a_final_branch_is_refused(ledger: Ledger, town: Town) -> None:
    rival = town.draft("ana", send(EVE, 7))
    settle(ledger, town, town.write("ana", send(BEN, 1)))
    verdict = ledger.judge_certificate(town.certificate(rival))
    assert isinstance(verdict, Refused) and verdict.code is Code.CONFLICT


def test_commits_decide_the_next_place_of_account_0_only(ledger: Ledger, town: Town) -> None:
    rival = town.certificate(town.propose(send(BEN, 1)))
    decided, certificate = town.decide()
    assert ledger.judge_certificate(certificate) == Accepted()
    later, later_certificate = town.decide()
    assert ledger.judge_certificate(later_certificate) == Waiting(Need.HEIGHT, COMMONS, 0, 1)
    accept(ledger, decided)
    ledger.certify(certificate)
    assert ledger.judge_certificate(certificate) == Duplicate()
    verdict = ledger.judge_certificate(rival)
    assert isinstance(verdict, Refused) and verdict.code is Code.CONFLICT
    assert ledger.judge(later).__class__.__name__ == "Effects"


def test_a_tail_is_taken_back_exactly(ledger: Ledger, town: Town) -> None:
    settle(ledger, town, town.write("ana", send(BEN, 4)))
    settle(ledger, town, town.write("eve", send(BEN, 6)))
    before = all_that_can_be_seen(ledger)
    written = [
        accept(ledger, town.write("ben", Bounce(ANA, 0, 1))),
        accept(ledger, town.write("ben", Recv(ANA, 0, 2, 14), send(EVE, 3))),
        accept(ledger, town.write("ben", Recv(EVE, 0, 1, 6), send(COMMONS, 2))),
    ]
    between = all_that_can_be_seen(ledger)
    assert ledger.rewind(BEN, 2) == written[2:]
    accept(ledger, written[2])
    assert all_that_can_be_seen(ledger) == between
    assert ledger.rewind(BEN, 0) == written
    assert all_that_can_be_seen(ledger) == before
    assert ledger.rewind(BEN, 0) == [] == ledger.rewind(EVE, 5)


def test_height_and_levy_are_taken_back_too() -> None:
    town = found("ana", "ben", charter=replace(PLAIN_CHARTER, levy_ppm=1000))
    ledger = opened(town)
    decide(ledger, town)
    settle(ledger, town, town.write("ana", send(BEN, 3)))
    for _ in range(2):
        decide(ledger, town)
        accept(ledger, town.write("ana", send(BEN, 5)))
    chain = ledger.chain(ANA)
    assert chain is not None and (chain.height, chain.levy_due) == (3, 13_000)
    ledger.rewind(ANA, 2)
    assert (chain.height, chain.levy_due) == (2, 8_000)
    ledger.rewind(ANA, 1)
    assert (chain.height, chain.levy_due, chain.final_height, chain.final_levy_due) == (1, 3_000, 1, 3_000)


def test_what_a_final_taking_has_passed_is_kept_no_longer(ledger: Ledger, town: Town) -> None:
    settle(ledger, town, town.write("ana", send(BEN, 4)))
    accept(ledger, town.write("ben", Bounce(ANA, 0, 1)))
    taking = accept(ledger, town.write("ben", Recv(ANA, 0, 2, 14)))
    pair = ledger._state.pairs.at(ANA, 0, BEN)
    assert (set(pair.parcels), set(pair.bounced)) == ({1, 2}, {1})
    confirm(ledger, town.certificate(taking))
    assert (pair.parcels, pair.bounced, ledger._state.pairs.open_to(BEN)) == ({}, {}, [])


def test_an_opening_that_is_not_final_can_be_taken_back_whole(town: Town) -> None:
    ledger = opened(town, "ana")
    before = all_that_can_be_seen(ledger)
    signed = accept(ledger, town.open("ben", send(EVE, 3)))
    assert ledger.rewind(BEN, -1) == [signed]
    assert all_that_can_be_seen(ledger) == before and ledger.chain(BEN) is None
    accept(ledger, signed)


def test_what_is_final_is_never_taken_back(ledger: Ledger) -> None:
    before = all_that_can_be_seen(ledger)
    with pytest.raises(ValueError, match="final up to seq 1"):
        ledger.rewind(ANA, 0)
    assert all_that_can_be_seen(ledger) == before


def test_a_taking_that_became_final_in_part_is_folded_in_part(ledger: Ledger, town: Town) -> None:
    settle(ledger, town, town.write("ana", send(BEN, 4)))
    first = accept(ledger, town.write("ben", Recv(ANA, 0, 1, 10)))
    accept(ledger, town.write("ben", Recv(ANA, 0, 2, 14)))
    confirm(ledger, town.certificate(first))
    root = ledger.state_root()
    ledger.rewind(BEN, 1)
    assert ledger.own(BEN) == 10 and ledger.state_root() == root
    assert [(row.upto, row.total, row.amount) for row in ledger.incoming(BEN)] == [(2, 14, 4)]


def test_ids_and_entries_can_be_looked_up_by_place(ledger: Ledger, town: Town) -> None:
    signed = accept(ledger, town.write("ana", send(BEN, 1)))
    assert ledger.id_at(ANA, 0, 2) == signed.id and ledger.entry_at(ANA, 0, 2) == signed
    assert ledger.id_at(COMMONS, 0, 0) == town.founding.id
    assert ledger.id_at(ANA, 0, 3) is None is ledger.id_at(ANA, 1, 0) and ledger.id_at(AccountId(8), 0, 0) is None
    assert ledger.entry_at(ANA, 0, 1) is None
    decide(ledger, town)
    assert list(ledger.accounts()) == [COMMONS, ANA, BEN, EVE]
