"""The messages beside the chains: bounds are kept, and what stands inside is read as strictly as by itself."""

from dataclasses import replace

import pytest

from protocol import codec
from protocol.base import COMMONS, Malformed
from protocol.bodies import BODY_BYTES_MAX
from protocol.messages import FRAME_BYTES_MAX, decode_message, encode_message
from protocol.notices import BOARD_AUTHORS_MAX, RECORDS_MAX, REQUESTS_MAX, AskBoard, BoardState, Records, Requests
from protocol.record import KEY_BYTES_MAX, Kind

from ..builders import authority, found, send
from ..papers import SEED, card, record, request, signed_request, voucher

TOWN = found("ana", "ben")
ANA = TOWN["ana"]
ONE, ASKED = card(TOWN, ANA), request(TOWN, voucher(TOWN), "carl")
MARK = bytes(32)


def test_full_messages_fit_a_frame_and_read_back() -> None:
    largest = record(TOWN, ANA, Kind.OFFER, bytes(KEY_BYTES_MAX), bytes(BODY_BYTES_MAX), 2**63 - 1)
    names = tuple(f"key {number}" for number in range(16))
    unsigned = request(TOWN, voucher(TOWN), "carl", "g" * 200)
    widest = signed_request(TOWN, replace(unsigned, authority=authority(*names)), SEED, *names)
    assert (RECORDS_MAX, BOARD_AUTHORS_MAX, REQUESTS_MAX) == (64, 500, 32)
    for message in (
        Records((largest,) * RECORDS_MAX),
        Requests((widest,) * REQUESTS_MAX),
        BoardState(MARK, ((ANA, MARK),) * BOARD_AUTHORS_MAX, True),
        AskBoard((COMMONS,) * BOARD_AUTHORS_MAX),
        Records(()),
        Requests(()),
    ):
        frame = encode_message(message)
        assert decode_message(frame) == message
        assert len(frame) < FRAME_BYTES_MAX


WRONG: dict[str, tuple[codec.Plain, ...]] = {
    "a proposal of a member's entry": (25, TOWN.draft("ana", send(TOWN["ben"], 1)).encode()),
    "a proposal without a ballot": (25, TOWN.propose(by=()).encode()),
    "a proposal that is no entry": (25, b"\x90"),
    "a proposal of two": (25, TOWN.propose().encode(), TOWN.propose().encode()),
    "65 records": (26, (ONE.plain(),) * (RECORDS_MAX + 1)),
    "records that are bytes": (26, (codec.encode(ONE.plain()),)),
    "a record of kind 8": (26, ((1, 8, b"", 1, b"", ()),)),
    "a board's fingerprint of 31 bytes": (27, bytes(31), (), 0),
    "a board of 501 authors": (27, MARK, ((1, MARK),) * (BOARD_AUTHORS_MAX + 1), 0),
    "an author's fingerprint of 33 bytes": (27, MARK, ((1, bytes(33)),), 0),
    "an author without a fingerprint": (27, MARK, ((1,),), 0),
    "more that is 2": (27, MARK, (), 2),
    "501 authors asked for": (28, (1,) * (BOARD_AUTHORS_MAX + 1)),
    "an author of 2^32": (28, (2**32,)),
    "33 requests": (29, (ASKED.plain(),) * (REQUESTS_MAX + 1)),
    "a request cut short": (29, (ASKED.plain()[:7],)),
    "requests that are none": (29, ASKED.plain()),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_no_such_message_is_malformed(name: str) -> None:
    with pytest.raises(Malformed):
        decode_message(codec.encode(WRONG[name]))
