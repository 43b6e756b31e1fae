"""The few words that all pages of the book share: how something is written, how it is read back, and who writes it.

Knows no page and no SQL, so that pages need not know the book that holds them.
"""

from collections.abc import Callable, Iterable
from typing import Any, Protocol

Value = int | str | bytes | None
Run = Callable[[str, tuple[Value, ...]], Iterable[tuple[Any, ...]]]
"""Runs one statement with its values, within the transaction that is open."""


class Jotting(Protocol):
    """Anything beside signed entries that goes to the disk in the same transactions."""

    def put(self, run: Run) -> None:
        """Write it with `run(statement, values)`."""
        ...


class Readable(Protocol):
    """The open book, as far as pages read it; `book.Book` fits it."""

    def rows(self, query: str, values: tuple[Value, ...] = ()) -> list[tuple[Any, ...]]:
        """What a query finds. Raises BookFailed."""
        ...


class Scribe(Protocol):
    """Who writes the book; `clerk.Clerk` fits it."""

    async def keep(self, piece: Jotting) -> None:
        """Return once `piece` is durable. Raises BookFailed."""
        ...
