"""Yamux frames as they look on the wire: kinds, flags and the 12-byte header.

Source: the yamux specification, version 0. Big-endian: version, kind, flags, stream id, value; the
value is the length of a data frame's body, the size of a window update, or what the kind makes of it.
"""

import struct

HEADER = struct.Struct(">BBHII")
VERSION = 0
DATA, WINDOW_UPDATE, PING, GO_AWAY = range(4)
SYN, ACK, FIN, RST = 1, 2, 4, 8
BODY_BYTES_MAX = (64 << 10) - HEADER.size


class Overstepped(Exception):
    """The peer broke the multiplexer's rules; its connection is closed."""


def frame(kind: int, flags: int, stream_id: int, value: int) -> bytes:
    """A header; the body of a data frame follows it."""
    return HEADER.pack(VERSION, kind, flags, stream_id, value)
