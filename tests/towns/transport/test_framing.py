"""Frames survive any cutting of the bytes that carry them; impossible lengths are refused unread."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.transport.framing import BadFrame, Splitter, pack
from node.transport.limits import FRAME_BYTES_MAX


@given(st.lists(st.binary(min_size=1, max_size=300), max_size=20), st.lists(st.integers(1, 400), min_size=1))
def test_frames_come_out_as_they_went_in_however_the_bytes_arrive(frames: list[bytes], cuts: list[int]) -> None:
    wire = b"".join(map(pack, frames))
    splitter, received, at, turn = Splitter(), [], 0, 0
    while at < len(wire):
        size = cuts[turn % len(cuts)]
        received += splitter.feed(wire[at : at + size])
        at, turn = at + size, turn + 1
    assert received == frames


def test_frames_that_arrive_together_come_out_together() -> None:
    assert Splitter().feed(pack(b"one") + pack(b"two") + b"\x00\x00") == [b"one", b"two"]


@pytest.mark.parametrize("size", [0, FRAME_BYTES_MAX + 1, 2**32 - 1])
def test_an_impossible_length_is_refused_before_its_bytes_come(size: int) -> None:
    with pytest.raises(BadFrame):
        Splitter().feed(size.to_bytes(4, "big"))


@pytest.mark.parametrize("size", [0, FRAME_BYTES_MAX + 1])
def test_a_frame_that_no_peer_would_take_is_not_packed(size: int) -> None:
    with pytest.raises(ValueError):
        pack(bytes(size))


def test_the_longest_frame_passes() -> None:
    frame = bytes(FRAME_BYTES_MAX)
    assert Splitter().feed(pack(frame)) == [frame]
