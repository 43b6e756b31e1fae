"""The board: the highest counter wins, withdrawn ones stay away, nobody has more slots than are his."""

import pytest

from node.journal import DropRecord, KeepRecord
from protocol import codec
from protocol.base import COMMONS, NUMBER_MAX, AccountId
from protocol.bodies import Offer, Profile
from protocol.record import SLOTS_MAX, Kind, SignedRecord
from tests.builders import Town, decide, found, key, opened, stewards_op
from tests.node.boards import Disk, board_of
from tests.papers import DAY_S, NOW_S, card, peer, record

BREAD = Offer("bread", "food", "", 5, NOW_S + DAY_S).body()


@pytest.fixture
def town() -> Town:
    return found("ana", "ben")


def offer(town: Town, name: str, slot: bytes = b"bread", counter: int = 1, body: bytes = BREAD) -> SignedRecord:
    return record(town, town[name], Kind.OFFER, slot, body, counter)


def test_a_new_record_fills_its_slot_and_listeners_hear_of_it(town: Town) -> None:
    disk = Disk()
    board = board_of(opened(town), disk)
    told: list[list[SignedRecord]] = []
    board.on_change(told.append)
    bread = offer(town, "ana")
    assert board.take([bread], NOW_S) == [bread]
    assert board.get(bread.slot) == bread and told == [[bread]]
    assert board.of_author(town["ana"]) == board.of_kind(Kind.OFFER) == [bread]
    assert board.of_kind(Kind.WANT) == board.of_author(town["ben"]) == []
    assert disk.writes == [[KeepRecord(bread.slot, codec.encode(bread.plain()))]]


def test_the_highest_counter_wins_in_any_order(town: Town) -> None:
    old, new = offer(town, "ana", counter=1), offer(town, "ana", counter=2)
    ledger = opened(town)
    for order in ([old, new], [new, old]):
        board = board_of(ledger)
        board.take(order, NOW_S)
        assert board.get(old.slot) == new
    assert board.fault(old, NOW_S) == board.fault(new, NOW_S) == "this record or a newer one is here already"


def test_of_two_with_one_counter_all_boards_keep_the_same(town: Town) -> None:
    one, other = offer(town, "ana"), offer(town, "ana", body=Offer("cake", "", "", 0, 0).body())
    ledger = opened(town)
    boards = [board_of(ledger) for _ in range(2)]
    boards[0].take([one, other], NOW_S)
    boards[1].take([other, one], NOW_S)
    assert boards[0].get(one.slot) == boards[1].get(one.slot)
    assert boards[0].whole_fingerprint() == boards[1].whole_fingerprint()


def test_what_was_withdrawn_does_not_come_back(town: Town) -> None:
    board = board_of(opened(town))
    bread, gone = offer(town, "ana"), offer(town, "ana", counter=2, body=b"")
    board.take([bread, gone], NOW_S)
    assert board.of_author(town["ana"]) == board.of_kind(Kind.OFFER) == []
    assert board.take([bread], NOW_S) == [] and board.get(bread.slot) == gone
    assert board.all_of(town["ana"]) == [gone], "others are told that it is withdrawn"


def test_what_a_steward_signed_gives_way_to_any_other_word_once_he_has_left() -> None:
    town = found("ana", stewards=("s0", "s1"), threshold=1)
    ledger = opened(town)
    board, shown = board_of(ledger), card(town, COMMONS, "host").record
    lie = record(town, COMMONS, Kind.CARD, shown.key, b"", NUMBER_MAX, by=key("s0"))
    right = record(town, COMMONS, Kind.CARD, shown.key, shown.body, by=key("s1"))
    assert board.take([lie], NOW_S) == [lie] and board.take([right], NOW_S) == []
    decide(ledger, town, stewards_op(town.community, "s1"))
    assert board.take([right], NOW_S) == [right] and board.get(right.slot) == right
    assert board.take([lie], NOW_S) == [] and board.get(right.slot) == right


def test_who_has_all_his_slots_full_gets_no_more_and_keeps_what_he_has(town: Town) -> None:
    board = board_of(opened(town))
    full = [offer(town, "ana", bytes([slot])) for slot in range(SLOTS_MAX[Kind.OFFER])]
    assert board.take(full, NOW_S) == full
    before = board.whole_fingerprint()
    more = offer(town, "ana", b"one more", counter=9)
    fault = board.fault(more, NOW_S)
    assert fault is not None and "32 records of this kind" in fault
    assert board.take([more], NOW_S) == [] and board.whole_fingerprint() == before
    assert board.take([offer(town, "ben"), offer(town, "ana", bytes([0]), counter=2)], NOW_S), "others, and changes"


def test_a_withdrawn_slot_gives_way_to_a_new_one_the_oldest_first(town: Town) -> None:
    disk = Disk()
    board = board_of(opened(town), disk)
    board.take([offer(town, "ana", bytes([slot])) for slot in range(SLOTS_MAX[Kind.OFFER])], NOW_S)
    first = offer(town, "ana", bytes([7]), counter=5, body=b"")
    second = offer(town, "ana", bytes([3]), counter=6, body=b"")
    board.take([second, first], NOW_S)
    more = offer(town, "ana", b"one more", counter=7)
    assert board.take([more], NOW_S) == [more]
    assert board.get(first.slot) is None and board.get(second.slot) == second
    assert [DropRecord(first.slot)] in disk.writes
    assert board.take([offer(town, "ana", bytes([7]))], NOW_S) == [], "what was withdrawn finds no place again"


def test_an_author_who_is_not_known_here_is_not_kept_and_may_come_again(town: Town) -> None:
    ledger = opened(town)
    board = board_of(ledger)
    admit = town.admit("carl")
    bread = offer(town, "carl")
    fault = board.fault(bread, NOW_S)
    assert fault is not None and "not known here" in fault and board.take([bread], NOW_S) == []
    signed, certificate = town.decide(admit)
    ledger.apply(ledger.judge(signed))  # type: ignore[arg-type]  # it is valid
    ledger.certify(certificate)
    assert board.take([bread], NOW_S) == [bread]


def test_a_signature_that_is_not_the_authors_changes_nothing(town: Town) -> None:
    disk = Disk()
    board = board_of(opened(town), disk)
    forged = record(town, town["ana"], Kind.PROFILE, b"", Profile("Ana").body(), by=key("ben"))
    fault = board.fault(forged, NOW_S)
    assert fault is not None and "not signed by its author" in fault
    assert board.take([forged], NOW_S) == [] and disk.writes == []


def test_cards_end_by_the_clock_and_give_their_slot_free(town: Town) -> None:
    board = board_of(opened(town))
    shown = card(town, town["ana"], expires=NOW_S + 60)
    lasting = card(town, COMMONS, "host", expires=NOW_S + DAY_S)
    board.take([shown, lasting], NOW_S)
    assert [(author, found.peer) for author, found in board.cards(NOW_S)] == [
        (COMMONS, peer("host")),
        (town["ana"], peer("node")),
    ]
    assert [found.peer for _, found in board.cards(NOW_S + 60)] == [peer("host")]
    assert [signed for signed, _ in board.cards_of(peer("node"))] == [shown]
    before = board.fingerprint(town["ana"])
    board.sweep(NOW_S + 60)
    assert board.get(shown.slot) is None and board.fingerprint(town["ana"]) != before
    assert board.take([shown], NOW_S + 60) == []


def test_an_expired_card_gives_way_before_the_sweep(town: Town) -> None:
    board = board_of(opened(town))
    shown = [card(town, town["ana"], f"node {n}", NOW_S + 60) for n in range(SLOTS_MAX[Kind.CARD])]
    board.take(shown, NOW_S)
    new = card(town, town["ana"], "new", NOW_S + DAY_S)
    assert board.take([new], NOW_S) == [] and board.take([new], NOW_S + 61) == [new]


def test_what_the_disk_held_is_up_again_and_what_cannot_be_read_is_left_out(
    town: Town, caplog: pytest.LogCaptureFixture
) -> None:
    bread, shown = offer(town, "ana"), card(town, town["ben"])
    board = board_of(opened(town))
    board.restore([codec.encode(bread.plain()), b"nothing", codec.encode(shown.plain())])
    assert board.authors() == [town["ana"], town["ben"]]
    assert [found.peer for _, found in board.cards(NOW_S)] == [peer("node")]
    assert "left out" in caplog.text


def test_a_disk_that_takes_nothing_ends_the_taking(town: Town) -> None:
    board = board_of(opened(town))
    board._keeper._changes = [DropRecord((AccountId(1), 1, b""))] * 5_000  # they could not be written
    fault = board.fault(offer(town, "ana"), NOW_S)
    assert fault is not None and "disk" in fault
