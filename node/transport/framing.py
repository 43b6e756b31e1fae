"""Frames on a byte stream: a 4-byte big-endian length, then that many bytes.

Plain functions over bytes: no sockets, no tasks. A frame has at least one byte and at most
`FRAME_BYTES_MAX`; a peer that announces anything else has broken the protocol.
"""

import struct

from .limits import FRAME_BYTES_MAX

_LENGTH = struct.Struct(">I")
LENGTH_BYTES = _LENGTH.size


class BadFrame(ValueError):
    """The peer announced a frame that no correct node sends. The stream cannot be read further."""


def pack(frame: bytes) -> bytes:
    """The bytes that carry `frame`. Raises ValueError when it is empty or too long: a broken caller."""
    return length_of(frame) + frame


def length_of(frame: bytes) -> bytes:
    """The bytes that go before `frame`. Raises ValueError as `pack`."""
    size = len(frame)
    if not 0 < size <= FRAME_BYTES_MAX:
        raise ValueError(f"a frame has 1 to {FRAME_BYTES_MAX} bytes, not {size}")
    return _LENGTH.pack(size)


class Splitter:
    """Cuts arriving bytes into whole frames and keeps the unfinished rest.

    Holds at most one unfinished frame, so never more than `most` bytes plus one arrival.
    """

    __slots__ = ("_most", "_rest")

    def __init__(self, most: int = FRAME_BYTES_MAX) -> None:
        self._most = most
        self._rest = bytearray()

    def feed(self, arrived: bytes) -> list[bytes]:
        """The frames that `arrived` completes, in order. Raises BadFrame on an impossible length."""
        rest = self._rest
        rest += arrived
        frames: list[bytes] = []
        start, end = 0, len(rest)
        while end - start >= LENGTH_BYTES:
            (size,) = _LENGTH.unpack_from(rest, start)
            if not 0 < size <= self._most:
                raise BadFrame(f"a peer announced a frame of {size} bytes; 1 to {self._most} are allowed")
            stop = start + LENGTH_BYTES + size
            if stop > end:
                break
            frames.append(bytes(rest[start + LENGTH_BYTES : stop]))
            start = stop
        del rest[:start]
        return frames
