"""A pull asks for little on the word of a peer that lies about what it holds."""

from collections.abc import Sequence

from protocol.base import AccountId, EntryId
from protocol.messages import Bundle, Deliver, Heads, Index, Message, Moved, Position, Since, Span, Want
from protocol.replication import INTERVAL_S, SPANS_KEPT_MAX, SPANS_MAX, Cursor, Pull, State

GENERATION = bytes(16)
UNKNOWN = EntryId(bytes(32))


class EmptyShelf:
    """A node that holds nothing."""

    def is_held(self, position: Position) -> bool:
        return False

    def is_final(self, position: Position) -> bool:
        return False

    def final_heads(self, first: int, last: int) -> list[Position]:
        return []

    def final_seq(self, account: AccountId) -> int:
        return -1

    def page(self, row: int, limit: int) -> Index:
        return Index((), 0, False)

    def records(self, rows: Sequence[int]) -> Bundle:
        return Bundle()

    def span(self, span: Span, entries_max: int) -> Bundle:
        return Bundle()


def pull() -> Pull:
    return Pull(EmptyShelf(), GENERATION, 0, Cursor(GENERATION, 0))


def wants(messages: list[Message]) -> list[Want]:
    return [message for message in messages if isinstance(message, Want)]


def test_a_chain_without_end_is_asked_for_once_and_then_looked_for_in_order() -> None:
    one = pull()
    asked = wants(one.want([Span(AccountId(1), 0, 0, 2**62)], 0.0))
    assert len(asked) == 1
    assert one.on_delivered(Deliver(asked[0].serial, Bundle()), 0.0) == [Since(0, briefly=False)]
    assert one.on_index(Index((), 0, False), 0.0) == []
    asked = wants(one.want([Span(AccountId(1), 0, 0, 2**62)], 1.0))
    assert one.on_delivered(Deliver(asked[0].serial, Bundle()), 1.0) == [], "not in order again so soon"


def test_wants_do_not_put_off_the_regular_look() -> None:
    one = pull()
    one.start(0.0)
    one.on_moved(Moved((), 0, False), 0.0)
    for second in range(1, INTERVAL_S):
        assert one.tick(float(second)) == []
        for want in wants(one.want([Span(AccountId(1), 0, 0, 5)], float(second))):
            if one.on_delivered(Deliver(want.serial, Bundle()), float(second)):
                one.on_index(Index((), 0, False), float(second))
    assert one.tick(float(INTERVAL_S)) == [Since(0, briefly=True)]


def test_heads_without_number_are_bounded_and_end() -> None:
    one, asked, serial = pull(), 0, 0
    heads = [Position(AccountId(account), 0, 2**62, UNKNOWN) for account in range(1, 20_001)]
    for at in range(0, len(heads), 1_000):
        answers = wants(one.on_heads(Heads((), tuple(heads[at : at + 1_000]), False), 0.0))
        asked += len(answers)
        serial = answers[-1].serial if answers else serial
    while answers := wants(one.on_delivered(Deliver(serial, Bundle()), 0.0)):
        serial, asked = answers[-1].serial, asked + 1
    assert asked <= SPANS_KEPT_MAX // SPANS_MAX + 2


def test_that_there_is_much_is_remembered_once_while_a_question_is_open() -> None:
    one = pull()
    asked = wants(one.want([Span(AccountId(1), 0, 0, 5)], 0.0))
    assert one.hurry(0.1) == [] and one.hurry(0.2) == []
    assert one.on_delivered(Deliver(asked[0].serial, Bundle()), 0.3) == [Since(0, briefly=False)]
    assert one.on_index(Index((), 0, False), 0.4) == [Since(0, briefly=True)]
    assert one.on_moved(Moved((), 0, False), 0.5) == []
    assert one.state is State.IDLE
