"""What the door tells after a commit: frozen values, handed to every listener in the order they became true.

A listener is a plain function that must not wait and must not fail. Whoever is told may rely on the facts: they are
durable.
"""

from collections.abc import Callable
from dataclasses import dataclass

from protocol.entry import SignedEntry
from protocol.messages import Position
from protocol.statements import Certificate, ForkProof


@dataclass(frozen=True, slots=True)
class Entered:
    """An entry was applied to the ledger."""

    signed: SignedEntry


@dataclass(frozen=True, slots=True)
class Certified:
    """A certificate made its account final up to its place (for account 0: the entry is decided)."""

    certificate: Certificate
    settled: tuple[SignedEntry, ...]
    """The entries that were not final before, ascending."""


@dataclass(frozen=True, slots=True)
class Overturned:
    """A certificate for another branch displaced these entries, which are not part of the ledger any more."""

    undone: tuple[SignedEntry, ...]


@dataclass(frozen=True, slots=True)
class Forked:
    """Two validly signed entries for one place came to light, the first such pair of that account and incarnation."""

    proof: ForkProof


@dataclass(frozen=True, slots=True)
class SeenByPayee:
    """The payee's node acknowledged the entry at this place."""

    position: Position


Happening = Entered | Certified | Overturned | Forked | SeenByPayee
Listener = Callable[[Happening], None]
