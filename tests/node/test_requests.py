"""The box of requests: one for each one-time key, so many for a voucher, and nobody's invites take all the room."""

from dataclasses import replace

import pytest

from node.journal import DropRequest, KeepRequest
from node.strangers.requests import ADMITTED_MAX, ALL_MAX, ISSUER_MAX, RequestBox
from protocol import codec
from protocol.base import COMMONS, AccountId
from protocol.commons import SUSPENDED
from protocol.ops import Suspend
from protocol.request import Request
from tests.builders import Town, decide, found, key, opened, stewards_op
from tests.node.boards import Disk, PromptKeeper
from tests.papers import DAY_S, NOW_S, SEED, request, signed_request, voucher


@pytest.fixture
def town() -> Town:
    return found("ana", "ben", "cat", "dan")


class Box(RequestBox):
    """A box whose changes are durable at once, over a ledger of the town."""

    def __init__(self, town: Town) -> None:
        self.disk, self.ledger, self.changes = Disk(), opened(town), 0
        super().__init__(PromptKeeper(self.disk), lambda: self.ledger)
        self.on_change(self._count)

    def _count(self) -> None:
        self.changes += 1

    def admit(self, town: Town, name: str) -> None:
        signed, certificate = town.decide(town.admit(name))
        self.ledger.apply(self.ledger.judge(signed))  # type: ignore[arg-type]  # it is valid
        self.ledger.certify(certificate)


def seed_of(number: int) -> bytes:
    return number.to_bytes(32)


def invited(town: Town, name: str, number: int, issuer: AccountId = COMMONS, uses: int = 0) -> Request:
    """A request on the invite of that number."""
    return request(town, voucher(town, issuer, uses, seed_of(number)), name, seed=seed_of(number))


def test_a_request_waits_in_the_box_and_its_listeners_hear_of_it(town: Town) -> None:
    box = Box(town)
    asked, new = invited(town, "eve", 1), list[Request]()
    box.on_new(new.append)
    assert box.take(asked, NOW_S) is None
    assert box.live(NOW_S) == new == [asked] and box.changes == 1 and box.holds(asked.id)
    assert box.disk.writes == [[KeepRequest(asked.id, codec.encode(asked.plain()))]]
    assert box.take(asked, NOW_S) is None and box.changes == 1, "it is there already"


def test_a_request_that_is_no_good_changes_nothing_and_is_said_why(town: Town) -> None:
    box = Box(town)
    good = voucher(town)
    cases = {
        "handle_taken": signed_request(town, replace(request(town, good, "eve"), handle="ana"), SEED, "eve"),
        "expired": request(town, good, "eve", expires=NOW_S),
        "altered": request(town, voucher(town, by=key("eve")), "eve"),
        "not_issued": request(town, voucher(town, town["ana"], uses=3), "eve"),
        "signature": request(town, good, "eve", seed=seed_of(9)),
    }
    assert {box.take(asked, NOW_S): name for name, asked in cases.items()} == {name: name for name in cases}
    assert box.live(NOW_S) == [] and box.disk.writes == [] and box.changes == 0


def test_a_one_time_key_is_for_one_newcomer(town: Town) -> None:
    box = Box(town)
    assert box.take(invited(town, "eve", 1), NOW_S) is None
    assert box.take(invited(town, "fay", 1), NOW_S) == "used_up"
    assert [asked.handle for asked in box.live(NOW_S)] == ["eve"]
    box.admit(town, "eve")
    box.sweep(NOW_S)
    assert box.live(NOW_S) == [] and box.take(invited(town, "fay", 1), NOW_S) == "used_up", "also once it was used"


def test_a_voucher_for_several_takes_so_many(town: Town) -> None:
    box = Box(town)
    assert [box.take(invited(town, name, 1, uses=2), NOW_S) for name in ("eve", "fay", "gus")] == [
        None,
        None,
        "used_up",
    ]
    box.admit(town, "eve")
    assert box.take(invited(town, "gus", 1, uses=2), NOW_S) == "used_up"
    assert [asked.handle for asked in box.live(NOW_S)] == ["fay"]


def test_a_newcomer_may_ask_anew_with_another_handle_and_of_two_all_boxes_keep_the_same(town: Town) -> None:
    invite = voucher(town, seed=seed_of(1))
    first = request(town, invite, "eve", seed=seed_of(1), expires=NOW_S + 100)
    later = request(town, invite, "eve", greeting="I sing", seed=seed_of(1), expires=NOW_S + 101)
    boxes = [Box(town)]
    boxes.append(RequestBox(PromptKeeper(Disk()), lambda: boxes[0].ledger))  # type: ignore[arg-type]
    assert [boxes[0].take(asked, NOW_S) for asked in (first, later, first)] == [None, None, "older"]
    assert [boxes[1].take(asked, NOW_S) for asked in (later, first)] == [None, "older"]
    assert boxes[0].live(NOW_S) == boxes[1].live(NOW_S) == [later]
    assert boxes[0].disk.writes[-1] == [DropRequest(first.id), KeepRequest(later.id, codec.encode(later.plain()))]


def test_who_was_admitted_may_ask_again_and_it_is_no_fault(town: Town) -> None:
    box = Box(town)
    asked = invited(town, "eve", 1)
    box.take(asked, NOW_S)
    box.admit(town, "eve")
    assert box.live(NOW_S) == []
    box.sweep(NOW_S)
    assert box.take(asked, NOW_S) is None and box.take(invited(town, "eve", 2), NOW_S) is None
    assert box.live(NOW_S) == []


@pytest.mark.parametrize("end", ["the request's", "the invite's"])
def test_a_request_ends_by_the_clock(town: Town, end: str) -> None:
    box = Box(town)
    at = NOW_S + 60
    invite = voucher(town, expires=at if end == "the invite's" else NOW_S + DAY_S)
    asked = request(town, invite, "eve", expires=at if end == "the request's" else NOW_S + DAY_S)
    assert box.take(asked, NOW_S) is None
    assert box.live(at - 1) == [asked] and box.live(at) == []
    box.sweep(at - 1)
    assert box.holds(asked.id)
    box.sweep(at)
    assert not box.holds(asked.id) and box.disk.writes[-1] == [DropRequest(asked.id)] and box.changes == 2


@pytest.mark.parametrize("issuer", ["a steward who leaves", "a member who is suspended"])
def test_a_request_ends_when_its_invite_is_no_good_any_more(town: Town, issuer: str) -> None:
    box = Box(town)
    ends = invited(town, "eve", 1, COMMONS if issuer == "a steward who leaves" else town["ben"])
    stays = invited(town, "fay", 2, town["cat"])
    assert box.take(ends, NOW_S) is None and box.take(stays, NOW_S) is None
    box.sweep(NOW_S)
    assert box.live(NOW_S) == [ends, stays] and box.changes == 2
    leaves = stewards_op(town.community, "tom") if issuer == "a steward who leaves" else Suspend(town["ben"], SUSPENDED)
    decide(box.ledger, town, leaves)
    box.sweep(NOW_S)
    assert box.live(NOW_S) == [stays] and not box.holds(ends.id)
    assert box.disk.writes[-1] == [DropRequest(ends.id)] and box.changes == 3


def fill(box: RequestBox, town: Town, issuer: AccountId, count: int, first: int) -> list[str | None]:
    return [box.take(invited(town, f"eve{first + n}", first + n, issuer), NOW_S) for n in range(count)]


def test_invites_of_one_issuer_take_so_much_room_and_those_of_members_never_the_stewards(town: Town) -> None:
    box = Box(town)
    for turn, name in enumerate(("ana", "ben", "cat")):
        assert fill(box, town, town[name], ISSUER_MAX, 1000 * turn) == [None] * ISSUER_MAX
    assert fill(box, town, town["ana"], 1, 5000) == ["full"]
    assert fill(box, town, town["dan"], 1, 6000) == ["full"], "all members together"
    assert fill(box, town, COMMONS, ISSUER_MAX + 1, 7000) == [None] * ISSUER_MAX + ["full"]
    assert len(box.live(NOW_S)) == ALL_MAX


def test_what_the_disk_held_waits_again_and_what_cannot_be_read_is_left_out(
    town: Town, caplog: pytest.LogCaptureFixture
) -> None:
    box, asked = Box(town), invited(town, "eve", 1)
    box.restore([b"nothing", codec.encode(asked.plain())])
    assert box.live(NOW_S) == [asked] and "left out" in caplog.text


def test_of_those_that_were_admitted_so_many_are_remembered(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("node.strangers.requests.ADMITTED_MAX", 2)
    assert ADMITTED_MAX > 2
    box = Box(town)
    asked = [
        request(town, voucher(town, seed=seed_of(n), expires=NOW_S + 10 * n), f"eve{n}", seed=seed_of(n))
        for n in (1, 2, 3)
    ]
    for one in asked:
        box.take(one, NOW_S)
        box.admit(town, one.handle)
    box.sweep(NOW_S)
    assert [box.holds(one.id) for one in asked] == [False, True, True]


def test_a_full_disk_takes_no_request(town: Town) -> None:
    box = Box(town)
    box._keeper._changes = [DropRequest(b"")] * 5_000  # they could not be written
    assert box.take(invited(town, "eve", 1), NOW_S) == "busy"


def test_signatures_are_looked_at_last(town: Town) -> None:
    box = Box(town)
    box.take(invited(town, "eve", 1), NOW_S)
    forged = signed_request(town, invited(town, "fay", 1), seed_of(3), "gus")
    assert box.quick_fault(forged, NOW_S) == "used_up"
