"""Records that a wallet signs can be read by everybody, whatever stands in their slot."""

import pytest

from protocol import codec
from protocol.base import COMMONS, NUMBER_MAX
from protocol.record import Kind, Record, SignedRecord
from tests.builders import found, key
from tests.papers import NOW_S
from wallet.people.recording import signed_record


@pytest.mark.parametrize(
    ("held", "counter"), [(1, NOW_S), (NOW_S, NOW_S + 1), (NUMBER_MAX - 1, NUMBER_MAX), (NUMBER_MAX, NUMBER_MAX)]
)
def test_the_counter_is_above_what_stands_there_and_never_higher_than_can_be_read(held: int, counter: int) -> None:
    before = SignedRecord(Record(COMMONS, Kind.CARD, b"12D3Koo", held, b""), ())
    community = found("ana").community
    made = signed_record(key("s0"), community, *before.slot, b"", held=before, now_s=NOW_S)
    assert made.record.counter == counter
    assert SignedRecord.read(codec.decode(codec.encode(made.plain()), 4096)) == made
