"""Bytes to plain values and back: canonical msgpack, one encoding for each value.

Plain values are unsigned integers below 2^63, `bytes`, `str` and tuples of these. No maps, floats,
nil, booleans or extension types. A decoder accepts only the bytes that it would have written itself
(msgpack alone reads many encodings as one value, and then two nodes disagree about a hash).

May not know what the values mean: the nouns check their own fields with the functions at the foot.
"""

from typing import Any

import msgpack

from .base import HASH_BYTES, NUMBER_MAX, Malformed

ITEMS_MAX = 1024
"""The longest array. It also bounds what a hostile array header can make a decoder allocate."""

_pack = msgpack.Packer(use_bin_type=True).pack
"""One writer for all: making one costs more than most values do. It keeps nothing between two values."""

Plain = Any
"""int | bytes | str | tuple[Plain, ...]: checked where it is read, by the functions below."""


def encode(value: Plain) -> bytes:
    """Write `value` in its one canonical encoding."""
    written: bytes = _pack(value)
    return written


def decode(raw: bytes, bytes_max: int) -> Plain:
    """Read one value from exactly `raw`.

    Raises Malformed when `raw` is longer than `bytes_max`, is not one whole value, or is not the canonical
    encoding of it. The types of the items are still to be checked.
    """
    if len(raw) > bytes_max:
        raise Malformed(f"{len(raw)} bytes, at most {bytes_max} allowed")
    try:
        value = msgpack.unpackb(
            raw,
            use_list=False,
            raw=False,
            strict_map_key=True,
            max_array_len=ITEMS_MAX,
            max_map_len=0,
            max_ext_len=0,
        )
        canonical = encode(value) == raw
    # msgpack reports broken input by many classes; RecursionError and OverflowError are not ValueErrors.
    except (ValueError, TypeError, RecursionError, OverflowError, msgpack.UnpackException) as error:
        raise Malformed(f"not msgpack as written here: {type(error).__name__}") from None
    if not canonical:
        raise Malformed("not the canonical encoding")
    return value


def plain(value: Plain) -> Plain:
    """Return `value` if all of it is of plain types: for what nobody here reads any further.

    Without recursion, because arrays may nest deeper than Python's own calls.
    """
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if type(item) is tuple:
            waiting += item
        elif type(item) is int:
            uint(item)
        elif type(item) not in (bytes, str):
            raise Malformed(f"a {type(item).__name__} is no plain value")
    return value


def items(value: Plain, count: int | None = None) -> tuple[Plain, ...]:
    """Return `value` as an array, of exactly `count` items if given."""
    if type(value) is not tuple or (count is not None and len(value) != count):
        raise Malformed("an array was expected" if count is None else f"an array of {count} was expected")
    return value


def uint(value: Plain, maximum: int = NUMBER_MAX) -> int:
    """Return `value` as an integer 0 .. maximum. (`type`, because True is an int to Python.)"""
    if type(value) is not int or not 0 <= value <= maximum:
        raise Malformed(f"an integer 0 .. {maximum} was expected")
    return value


def binary(value: Plain, size: int = HASH_BYTES) -> bytes:
    """Return `value` as exactly `size` bytes."""
    if type(value) is not bytes or len(value) != size:
        raise Malformed(f"{size} bytes were expected")
    return value


def blob(value: Plain, bytes_max: int) -> bytes:
    """Return `value` as at most `bytes_max` bytes."""
    if type(value) is not bytes or len(value) > bytes_max:
        raise Malformed(f"at most {bytes_max} bytes were expected")
    return value


def text(value: Plain, bytes_max: int) -> str:
    """Return `value` as text of at most `bytes_max` bytes in UTF-8."""
    if type(value) is not str or len(value.encode()) > bytes_max:
        raise Malformed(f"text of at most {bytes_max} bytes was expected")
    return value
