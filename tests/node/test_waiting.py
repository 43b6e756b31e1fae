"""The waiting room gives back what may go on, and never holds more than its bounds."""

from node.waiting import WaitingRoom
from protocol.ops import Send
from protocol.verdict import Need, Waiting
from tests.builders import found

TOWN = found("ana", "ben", "cat")


def test_only_what_waited_for_that_account_and_seq_is_released() -> None:
    room = WaitingRoom()
    bens = TOWN.sign(TOWN["ben"], 3, bytes(32), 0)
    cats = TOWN.sign(TOWN["cat"], 3, bytes(32), 0)
    room.add(Waiting(Need.REFERENCE, TOWN["ana"], 0, 4), bens)
    room.add(Waiting(Need.PREV, TOWN["ana"], 0, 5), cats)
    assert room.released(TOWN["ana"], head=4, final=3) == []
    assert room.released(TOWN["ana"], head=5, final=3) == [cats]
    assert room.released(TOWN["ana"], head=5, final=4) == [bens]
    assert len(room) == 0


def test_an_author_has_a_bound_of_its_own_and_its_oldest_leaves_first() -> None:
    room = WaitingRoom(per_author_max=2)
    flood = [TOWN.sign(TOWN["ana"], seq, bytes(32), 0, Send(TOWN["ben"], 1)) for seq in range(4)]
    others = TOWN.sign(TOWN["ben"], 1, bytes(32), 0)
    room.add(Waiting(Need.PREV, TOWN["ben"], 0, 0), others)
    for signed in flood:
        room.add(Waiting(Need.PREV, TOWN["ana"], 0, signed.seq), signed)
    assert [signed.id in room for signed in flood] == [False, False, True, True]
    assert others.id in room


def test_a_full_room_lets_the_oldest_of_all_leave() -> None:
    room = WaitingRoom(entries_max=2)
    entries = [TOWN.sign(account, 1, bytes(32), 0) for account in (TOWN["ana"], TOWN["ben"], TOWN["cat"])]
    for signed in entries:
        room.add(Waiting(Need.HEIGHT, TOWN["ana"], 0, 9), signed)
    assert [signed.id in room for signed in entries] == [False, True, True]


def test_an_entry_that_waits_again_is_kept_once() -> None:
    room = WaitingRoom()
    signed = TOWN.sign(TOWN["ben"], 3, bytes(32), 0)
    room.add(Waiting(Need.PREV, TOWN["ben"], 0, 2), signed)
    room.add(Waiting(Need.REFERENCE, TOWN["ana"], 0, 7), signed)
    assert room.released(TOWN["ben"], head=9, final=9) == []
    assert room.released(TOWN["ana"], head=9, final=9) == [signed]
