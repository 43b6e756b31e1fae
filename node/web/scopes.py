"""What a token opens: four scopes, each with all that those before it open.

Pure words. Who has which token is not known here: `guard` finds it out, `calls` compares it with what a call needs.
"""

from dataclasses import dataclass
from enum import IntEnum


class Scope(IntEnum):
    """How far a token reaches; `word` is what people and programs write."""

    READ = 1
    """Look."""
    REQUEST = 2
    """Also ask for money, preview and take in."""
    SPEND = 3
    """Also pay, within the token's daily cap."""
    OWNER = 4
    """Everything; only the token in run/api.json, new at each start."""

    @property
    def word(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Grant:
    """What the guard found behind a token. Holds nothing secret."""

    name: str
    scope: Scope
    hash: bytes = b""
    """What the token is known by in the wallet's book; empty for the owner's, which is in no book."""
    cap: int = 0
    """Smallest units that it may pay within 24 hours."""


OWNER = Grant("", Scope.OWNER)
"""The one token that has no name and no cap."""
