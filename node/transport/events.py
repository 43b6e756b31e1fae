"""What the transport tells about its links. Plain values; importing them loads nothing heavy."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LinkUp:
    """Frames can be exchanged with `peer` from now on."""

    peer: str


@dataclass(frozen=True, slots=True)
class LinkDown:
    """The link with `peer` is gone. What was sent and not answered may or may not have arrived."""

    peer: str


LinkEvent = LinkUp | LinkDown
