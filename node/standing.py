"""Where a signed entry stands: the few words that command, API and page all use for it (PROTOCOL section 5)."""

from enum import StrEnum


class Standing(StrEnum):
    """What has become of a signed entry."""

    RECORDED = "recorded"
    """Durable with its author: in the wallet's book, and soon in its node's journal."""
    FINAL = "final"
    """Its certificate is durable there, and another node holds the entry."""
    SEEN = "seen"
    """Final, and acknowledged by the payee's node."""
    CONFLICT = "conflict"
    """Another entry stands, or may come to stand, at its place."""
    REFUSED = "refused"
    """The witnesses refuse these bytes for good."""

    @property
    def is_final(self) -> bool:
        """Whether it is final, seen or not."""
        return self in (Standing.FINAL, Standing.SEEN)
