"""What is taken of the acts that peers show: ballots of stewards for valid acts of the open place, and no more."""

import pytest

from protocol.base import AccountId
from protocol.entry import SignedEntry
from protocol.ledger import Effects, Ledger
from protocol.ops import Op, Suspend
from protocol.proposals import AUTOMATIC, WINDOW, Proposals
from protocol.rounds import Choice
from protocol.signing import Tag
from protocol.statements import Place, gather
from protocol.verdict import Code, Refused
from tests.builders import Town, charge, found, opened

BOARD = ("s0", "s1", "s2")


@pytest.fixture
def town() -> Town:
    return found("ana", "ben", stewards=BOARD, threshold=2, witnesses=4, quorum=3)


@pytest.fixture
def ledger(town: Town) -> Ledger:
    return opened(town)


@pytest.fixture
def open_place(town: Town, ledger: Ledger) -> Proposals:
    def judge(signed: SignedEntry) -> bool:
        return isinstance(ledger.judge_act(signed), Effects)

    return Proposals(town.community, ledger.commons.stewards(), 1, judge)


def dues(town: Town, amount: int = 5, *, round: int = 0, by: tuple[int, ...] = (0,)) -> SignedEntry:
    return town.propose(charge(town["ana"], AccountId(0), amount), round=round, by=by)


def test_an_act_is_complete_with_k_ballots_of_one_round_however_they_come(town: Town, open_place: Proposals) -> None:
    assert open_place.take(dues(town, by=(0,))) and open_place.ripe is None
    assert open_place.take(dues(town, round=1, by=(1,))) and open_place.ripe is None
    assert open_place.take(dues(town, by=(0, 2)))
    assert not open_place.take(dues(town, by=(0, 2)))  # nothing new
    (act,) = open_place.acts()
    assert act.is_complete and act.signers == (0, 1, 2) and act.signed == dues(town, by=(0, 2))
    assert open_place.ripe == Choice(0, act.id)
    assert open_place.shown() == [dues(town, by=(0, 2)), dues(town, round=1, by=(1,))]


def refused(town: Town) -> dict[str, SignedEntry]:
    good = dues(town)
    forged = SignedEntry(good.body, good.entry, good.id, ((1, good.signatures[0][1]),))
    nobody = SignedEntry(good.body, good.entry, good.id, ((7, good.signatures[0][1]),))
    later = town.ballots(good.entry.__class__(1, AccountId(0), 0, 2, good.id, 1, 0, ()), 0, (0,))
    op: Op = Suspend(AccountId(9), 1)
    return {
        "a ballot that its steward did not sign": forged,
        "a ballot of nobody": nobody,
        "no ballot at all": SignedEntry(good.body, good.entry, good.id, ()),
        "an act of another place": later,
        "an act that no rule allows": town.propose(op, by=(0,)),
        "a round beyond the window": dues(town, round=WINDOW, by=(0,)),
        "a member's entry": town.draft("ana"),
    }


@pytest.mark.parametrize("what", refused(found("ana", stewards=BOARD, threshold=2)))
def test_what_is_no_stewards_ballot_for_a_valid_act_is_left_aside(town: Town, open_place: Proposals, what: str) -> None:
    assert not open_place.take(refused(town)[what])
    assert open_place.acts() == [] and open_place.shown() == []


def test_whoever_signs_two_acts_in_one_round_is_known_and_waited_for_no_longer(
    town: Town, open_place: Proposals
) -> None:
    wanted = dues(town, by=(0,))
    open_place.take(wanted)
    open_place.take(dues(town, 6, by=(1,)))
    open_place.take(dues(town, round=1, by=(1,)))
    assert open_place.meeting_round(wanted.id, 2, {}) == 1  # steward 1 signed another act in round 0
    for amount in (7, 8, 9):
        open_place.take(dues(town, amount, by=(1,)))
    assert open_place.double_signers == (1,)
    assert len(open_place.acts()) == 3  # the third and fourth act of one steward's round are not kept
    assert open_place.meeting_round(wanted.id, 2, {}) == 0


def test_a_liar_alone_moves_nobody_and_uses_up_no_rounds(town: Town, open_place: Proposals) -> None:
    wanted = dues(town, by=(0,))
    open_place.take(wanted)
    for round in range(1, 2 * WINDOW):
        open_place.take(dues(town, round=round, by=(1,)))
    used = {0: wanted.id}
    assert open_place.duty(0, {wanted.id}, used) is None  # they meet in round 0 still
    assert len(open_place.shown()) == WINDOW
    assert open_place.meeting_round(dues(town, 6).id, 0, used) == 1


def test_a_wallet_gives_an_act_only_so_many_ballots_by_itself(town: Town, open_place: Proposals) -> None:
    wanted, other = dues(town), dues(town, 6)
    used = {0: wanted.id}
    open_place.take(wanted)
    for round in range(1, 60):
        open_place.take(dues(town, 6, round=round - 1, by=(1,)))  # it blocks wherever they would meet
        open_place.take(dues(town, round=round, by=(1,)))
        choice = open_place.duty(0, {wanted.id}, used)
        if choice is None:
            break
        assert choice.round not in used
        used[choice.round] = choice.id
    assert len(used) <= AUTOMATIC + 1 and other.id not in used.values()


def test_a_lock_is_carried_by_all_who_signed_anything_and_by_nobody_else(town: Town, open_place: Proposals) -> None:
    mine, held = dues(town, by=(0, 1)), dues(town, 6, round=1, by=(1, 2))
    open_place.take(mine)
    place = Place(0, AccountId(0), 1, 1, held.id)
    votes = gather([town.vote(place, witness, Tag.VOTE) for witness in range(3)])
    open_place.bind(votes, held)
    assert open_place.lock == held.id and open_place.evidence == {held.id: votes} and open_place.ripe is None
    assert open_place.duty(0, {mine.id}, {0: mine.id}) == Choice(2, held.id)
    assert open_place.duty(0, set(), {}) is None


def test_what_was_signed_far_below_the_rounds_that_count_is_no_news_again_and_again(
    town: Town, open_place: Proposals
) -> None:
    wanted = dues(town, round=2 * WINDOW, by=(0, 1))
    open_place.spend(2 * WINDOW - 1)
    assert open_place.take(wanted)
    for old in (dues(town, by=(2,)), dues(town, 6, by=(2,))):
        assert not open_place.take(old) and not open_place.take(old)
    assert open_place.shown() == [wanted] and [act.signers for act in open_place.acts()] == [(0, 1)]


def test_a_lock_binds_however_many_rounds_came_after_it(town: Town, open_place: Proposals) -> None:
    held = dues(town, 6, by=(1, 2))
    open_place.spend(2 * WINDOW)
    votes = gather([town.vote(Place(0, AccountId(0), 0, 1, held.id), witness, Tag.VOTE) for witness in range(3)])
    open_place.bind(votes, held)
    open_place.take(dues(town, round=2 * WINDOW + 1, by=(0,)))
    assert open_place.lock == held.id
    choice = open_place.duty(2, set(), {0: held.id})
    assert choice == Choice(2 * WINDOW + 2, held.id)  # in the round before steward 0 has signed another act
    assert open_place.take(dues(town, 6, round=choice.round, by=(2,)))
    assert open_place.at(choice) == dues(town, 6, round=choice.round, by=(2,))


def test_nothing_is_signed_again_while_the_witnesses_are_asked(town: Town, open_place: Proposals) -> None:
    first, second = dues(town, by=(0, 1)), dues(town, 6, round=1, by=(0,))
    open_place.take(first)
    open_place.take(second)
    assert open_place.duty(1, {first.id, second.id}, {0: first.id}) is None
    open_place.spend(0)
    assert open_place.duty(1, {first.id}, {0: first.id}) == Choice(2, first.id)


def test_an_act_is_judged_without_its_ballots_and_by_everything_else(town: Town, ledger: Ledger) -> None:
    bare = town.propose(charge(town["ana"], AccountId(0), 5), by=())
    assert isinstance(ledger.judge_act(bare), Effects)
    wrong = ledger.judge_act(town.propose(Suspend(AccountId(9), 1), by=()))
    assert isinstance(wrong, Refused) and wrong.code is Code.PAYEE_UNKNOWN
    founding = ledger.judge_act(town.founding)
    assert isinstance(founding, Refused) and founding.code is Code.PLACE
    with pytest.raises(ValueError, match="account 0"):
        ledger.judge_act(town.draft("ana"))
