"""Vote numbers, marks and the start of a witness (PROTOCOL-RULES 11)."""

import pytest

from protocol.base import MARK_BLOCK, PublicKey
from protocol.fence import LEAD, Fence, Keeper
from protocol.memory import WitnessMemory
from protocol.signing import Tag, sign
from protocol.statements import Mark, Vote
from tests.builders import Town, found, key


@pytest.fixture
def town() -> Town:
    return found("ana", witnesses=4)


def keys_of(town: Town) -> list[PublicKey]:
    return [secret.public for secret in town.witnesses]


def fence_of(town: Town, memory: WitnessMemory, *, index: int = 0, made_with_key: bool = False) -> Fence:
    return Fence(town.witnesses[index], town.community, keys_of(town), town.quorum, memory, made_with_key=made_with_key)


def mark_of(town: Town, index: int, below: int) -> Mark:
    public = town.witnesses[index].public
    return Mark(public, below, sign(town.witnesses[index], Tag.MARK, town.community, Mark.content(public, below)))


def used_memory(town: Town, votes: int = 3, below: int = MARK_BLOCK) -> WitnessMemory:
    """What a journal brings back after some votes in the first block."""
    memory = WitnessMemory()
    memory.keep_mark(mark_of(town, 0, below))
    for _ in range(votes):
        memory.keep(town.vote(town.place(town.founding), 0))
    return memory


def open_block(fence: Fence, town: Town) -> None:
    """Have the pending mark stored and kept by as many as are needed."""
    mark = fence.next_mark()
    assert mark is not None
    fence.stored()
    for other in range(1, town.quorum):
        fence.kept(other, mark.below)


@pytest.mark.parametrize(
    ("witnesses", "quorum", "needed"), [(1, 1, 0), (2, 2, 1), (3, 2, 2), (4, 3, 2), (5, 4, 3), (7, 5, 4)]
)
def test_a_restart_waits_for_enough_others(witnesses: int, quorum: int, needed: int) -> None:
    town = found("ana", witnesses=witnesses, quorum=quorum)
    fence = fence_of(town, used_memory(town))
    assert fence.answers_needed == needed
    for other in range(1, needed + 1):
        assert not fence.is_started
        fence.hears(other, None, None)
    assert fence.is_started


def test_the_same_witness_answers_only_once_and_the_own_answer_not_at_all(town: Town) -> None:
    fence = fence_of(town, used_memory(town))
    for witness in (0, 1, 1, 1):
        fence.hears(witness, None, None)
    assert not fence.is_started
    assert fence.next_mark() is None


def test_a_store_made_with_its_key_that_never_signed_starts_at_once(town: Town) -> None:
    assert fence_of(town, WitnessMemory(), made_with_key=True).is_started


def test_a_store_made_with_its_key_asks_once_it_has_signed(town: Town) -> None:
    assert not fence_of(town, used_memory(town), made_with_key=True).is_started


def test_an_empty_store_beside_an_older_key_asks(town: Town) -> None:
    assert not fence_of(town, WitnessMemory()).is_started


def test_a_first_life_ends_when_another_keeps_a_mark_of_the_key(town: Town) -> None:
    memory = WitnessMemory()
    fence = fence_of(town, memory, made_with_key=True)
    assert fence.hears(1, mark_of(town, 0, MARK_BLOCK), None) is not None
    assert memory.dead is not None
    assert not fence.is_started
    assert fence.next_mark() is None


def test_an_older_store_is_found_out_by_a_mark(town: Town) -> None:
    memory = used_memory(town)
    fence = fence_of(town, memory)
    assert fence.hears(1, mark_of(town, 0, 2 * MARK_BLOCK), None) is not None
    assert memory.dead is not None


def test_an_older_store_is_found_out_by_a_vote(town: Town) -> None:
    memory = used_memory(town)
    later = town.vote(town.place(town.founding), 0)
    assert "old or copied" in (fence_of(town, memory).hears(1, None, later) or "")


def test_a_copied_store_is_found_out_by_another_vote_under_the_same_number(town: Town) -> None:
    memory = used_memory(town, votes=1)
    place = town.place(town.founding)
    elsewhere = type(place)(0, place.account, 7, place.seq, place.id)
    signature = sign(town.witnesses[0], Tag.VOTE, town.community, elsewhere.content(0))
    assert fence_of(town, memory).hears(2, None, Vote(Tag.VOTE, elsewhere, 0, 0, signature)) is not None


def test_its_own_past_is_no_proof_against_it(town: Town) -> None:
    memory = WitnessMemory()
    memory.keep_mark(mark_of(town, 0, MARK_BLOCK))
    vote = town.vote(town.place(town.founding), 0)
    memory.keep(vote)
    fence = fence_of(town, memory)
    assert fence.hears(1, mark_of(town, 0, MARK_BLOCK), vote) is None
    assert memory.dead is None


def test_a_liar_cannot_make_a_proof(town: Town) -> None:
    memory = used_memory(town)
    fence = fence_of(town, memory)
    genuine = mark_of(town, 1, 10 * MARK_BLOCK)
    forged = Mark(town.witnesses[0].public, 10 * MARK_BLOCK, genuine.signature)
    vote = town.vote(town.place(town.founding), 1)
    posing = Vote(vote.tag, vote.place, 0, 999, vote.signature)
    assert fence.hears(1, forged, posing) is None
    assert fence.hears(1, genuine, vote) is None
    assert memory.dead is None


def test_after_a_restart_it_goes_on_in_a_new_block(town: Town) -> None:
    memory = used_memory(town, votes=3)
    fence = fence_of(town, memory)
    fence.hears(1, None, None)
    fence.hears(2, None, None)
    open_block(fence, town)
    assert (memory.next_number, memory.open_below) == (MARK_BLOCK, 2 * MARK_BLOCK)


def test_numbers_open_only_when_the_mark_is_stored_and_q_minus_1_others_keep_it(town: Town) -> None:
    memory = WitnessMemory()
    fence = fence_of(town, memory, made_with_key=True)
    mark = fence.next_mark()
    assert mark is not None
    assert mark.is_genuine(town.community)
    assert (mark.below, memory.mark_below, memory.open_below) == (MARK_BLOCK, 0, 0)
    fence.stored()
    assert (memory.mark_below, memory.open_below) == (MARK_BLOCK, 0)
    assert not fence.kept(0, mark.below), "the own word does not count"
    assert not fence.kept(1, mark.below - 1), "an older mark does not count"
    assert not fence.kept(1, mark.below)
    assert not fence.kept(1, mark.below), "nor the same witness twice"
    assert memory.open_below == 0
    assert fence.kept(3, mark.below)
    assert memory.open_below == MARK_BLOCK


def test_keepers_do_not_open_what_is_not_stored_by_oneself(town: Town) -> None:
    memory = WitnessMemory()
    fence = fence_of(town, memory, made_with_key=True)
    fence.next_mark()
    fence.kept(1, MARK_BLOCK)
    fence.kept(2, MARK_BLOCK)
    assert memory.open_below == 0
    fence.stored()
    assert memory.open_below == MARK_BLOCK


def test_a_witness_alone_opens_a_block_by_storing_its_mark() -> None:
    town, memory = found("ana"), WitnessMemory()
    fence = fence_of(town, memory, made_with_key=True)
    assert fence.next_mark() is not None
    fence.stored()
    assert memory.open_below == MARK_BLOCK


def test_only_one_mark_is_pending_at_a_time(town: Town) -> None:
    fence = fence_of(town, WitnessMemory(), made_with_key=True)
    mark = fence.next_mark()
    assert fence.next_mark() is None
    assert fence.pending == mark


def test_the_next_block_is_asked_for_a_little_before_the_end(town: Town) -> None:
    memory = WitnessMemory()
    fence = fence_of(town, memory, made_with_key=True)
    open_block(fence, town)
    memory.next_number = MARK_BLOCK - LEAD - 1
    assert fence.next_mark() is None
    memory.next_number = MARK_BLOCK - LEAD
    mark = fence.next_mark()
    assert mark is not None
    assert mark.below == 2 * MARK_BLOCK


def test_storing_without_a_pending_mark_is_a_broken_caller(town: Town) -> None:
    with pytest.raises(RuntimeError, match="no mark is pending"):
        fence_of(town, WitnessMemory(), made_with_key=True).stored()


def test_a_stranger_has_no_fence(town: Town) -> None:
    with pytest.raises(ValueError, match="not a witness"):
        Fence(key("a stranger"), town.community, keys_of(town), 3, WitnessMemory(), made_with_key=True)


def test_a_keeper_keeps_the_highest_genuine_mark_of_each_witness(town: Town) -> None:
    keeper = Keeper(town.community, keys_of(town))
    low, high = mark_of(town, 1, 64), mark_of(town, 1, 128)
    assert keeper.keep(high)
    assert not keeper.keep(low)
    assert not keeper.keep(high)
    assert not keeper.keep(Mark(high.witness, 512, high.signature)), "a forged one"
    assert not keeper.keep(Mark(key("a stranger").public, 64, low.signature))
    assert keeper.below(high.witness) == 128
    assert keeper.below(town.witnesses[2].public) == 0
    assert keeper.held(high.witness) == (high, None)


def test_a_keeper_tells_the_highest_vote_it_saw(town: Town) -> None:
    keeper = Keeper(town.community, keys_of(town))
    signed = town.open("ana")
    first, second = town.certificate(signed, by=(0, 1, 2)), town.certificate(signed, by=(1, 2, 3))
    keeper.saw(second)
    keeper.saw(first)
    _, vote = keeper.held(town.witnesses[1].public)
    assert vote is not None
    assert vote.number == 1
    assert vote.is_by(town.witnesses[1].public, town.community)
