"""A value by height: what account 0 said, and from which of its entries on (PROTOCOL-RULES P1).

May not know what the values mean. Used by `commons`, so that an entry is judged by account 0 at the height it cites.
"""

from bisect import bisect_right
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Timeline(Generic[Value]):
    """A step function of the height. Steps are only added at its end."""

    __slots__ = ("_heights", "_values", "newest")

    newest: Value

    def __init__(self, height: int, value: Value) -> None:
        self._heights = [height]
        self._values = [value]
        self.newest = value

    def at(self, height: int | None) -> Value:
        """The value in force after account 0's entry `height`; the newest for None; the first for any before it."""
        heights = self._heights
        if height is None or height >= heights[-1]:
            return self.newest
        return self._values[max(0, bisect_right(heights, height) - 1)]

    def values(self) -> tuple[Value, ...]:
        """All values there ever were, the oldest first."""
        return tuple(self._values)

    def set(self, height: int, value: Value) -> None:
        """Put `value` in force from `height` on, which is not below the last step."""
        if value == self.newest:
            return
        self._heights.append(height)
        self._values.append(value)
        self.newest = value
