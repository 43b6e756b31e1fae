"""The same seed is the same community; traffic and faults follow from it."""

import pytest

from devnet.faults import NoSuchMember, deny_lists, read_names
from devnet.plan import MEMBERS_MAX, NAMES, Plan, quorum_of
from devnet.traffic import REST_S, Traffic
from protocol.ops import is_handle


def test_every_name_is_a_handle_and_no_two_are_alike() -> None:
    assert all(is_handle(name) for name in NAMES)
    assert len(set(NAMES)) == len(NAMES) == MEMBERS_MAX


def test_the_same_seed_gives_the_same_people() -> None:
    assert Plan().people == Plan().people
    assert Plan(seed=1).people != Plan(seed=2).people


def test_the_first_are_the_witnesses_and_the_very_first_is_the_steward() -> None:
    people = Plan(members=6, witnesses=3).people
    assert [person.role for person in people] == ["steward, witness", "witness", "witness", *["member"] * 3]


def test_a_plan_that_was_kept_is_read_back() -> None:
    plan = Plan(members=5, witnesses=4, seed=3)
    assert Plan.read(plan.plain()) == plan


@pytest.mark.parametrize(("members", "witnesses"), [(0, 1), (4, 5), (MEMBERS_MAX + 1, 4), (4, 0), (40, 17)])
def test_a_plan_nobody_can_carry_out_is_refused(members: int, witnesses: int) -> None:
    with pytest.raises(ValueError, match="members"):
        Plan(members=members, witnesses=witnesses)


def test_quorums_are_those_of_the_protocol() -> None:
    assert [quorum_of(count) for count in (1, 2, 3, 4, 5, 7)] == [1, 2, 2, 3, 4, 5]
    assert all(0 <= 2 * quorum_of(count) - count - 1 for count in range(1, 17))


def test_traffic_is_the_same_for_the_same_seed_and_stays_among_those_that_run() -> None:
    people = Plan().people
    balances = {person.handle: 0 for person in people[:3]}
    chosen = [Traffic(people, "busy", 5).next(balances, 0.0) for _ in range(2)]
    assert chosen[0] == chosen[1]
    for seed in range(50):
        intent = Traffic(people, "busy", seed).next(balances, 0.0)
        assert intent is not None
        assert intent.payer != intent.payee
        assert {intent.payer, intent.payee} <= set(balances)
        assert intent.amount >= 1


def test_one_member_pays_one_thing_at_a_time() -> None:
    traffic = Traffic(Plan(members=2, witnesses=2).people, "busy", 1)
    balances = {"ana": 0, "bob": 0}
    first, second = traffic.next(balances, 0.0), traffic.next(balances, 0.0)
    assert first is not None
    assert second is not None
    assert {first.payer, second.payer} == {"ana", "bob"}
    assert traffic.next(balances, 0.0) is None
    traffic.paid("ana")
    assert traffic.next(balances, 0.0) is not None


def test_who_was_refused_rests_and_who_is_in_conflict_is_left_alone() -> None:
    traffic = Traffic(Plan(members=2, witnesses=2).people, "calm", 1)
    traffic.failed("ana", "limit", 100.0)
    traffic.failed("bob", "conflict", 100.0)
    balances = {"ana": 0, "bob": 0}
    assert traffic.next(balances, 100.0 + REST_S - 1) is None
    intent = traffic.next(balances, 100.0 + REST_S)
    assert intent is not None
    assert intent.payer == "ana"
    assert traffic.left_alone == {"bob"}


def test_traffic_that_is_off_never_pays() -> None:
    assert Traffic(Plan().people, "off", 1).gap_s() == float("inf")
    assert 0 <= Traffic(Plan().people, "calm", 1).gap_s() < 10


def test_both_sides_of_a_partition_refuse_each_other_and_healing_forgets_it() -> None:
    peers = {"ana": "A", "bob": "B", "carla": "C", "dan": "D"}
    assert deny_lists(peers, ["ana", "bob"]) == {
        "ana": ["C", "D"], "bob": ["C", "D"], "carla": ["A", "B"], "dan": ["A", "B"],
    }  # fmt: skip
    assert deny_lists(peers, []) == {handle: [] for handle in peers}
    with pytest.raises(NoSuchMember, match="'zoe'"):
        deny_lists(peers, ["zoe"])


def test_names_are_read_with_or_without_an_at_sign() -> None:
    assert read_names("ana, @bob,,") == ["ana", "bob"]
