"""The network behind one seam: libp2p 0.8.1, kept fast and kept from ending the node.

Nothing outside this package imports libp2p. Importing the package takes about a second, because
the library does; commands that do not talk to the network must not import it.
"""

from .doorstep import Doorstep, NotReached
from .events import LinkDown, LinkEvent, LinkUp
from .limits import FOUNDING_BYTES_MAX, FRAME_BYTES_MAX, HINT_BYTES_MAX, REPLY_BYTES_MAX, Pace
from .nearby import meet_nearby
from .service import Transport, can_be_dialled, open_transport

__all__ = [
    "FOUNDING_BYTES_MAX",
    "FRAME_BYTES_MAX",
    "HINT_BYTES_MAX",
    "REPLY_BYTES_MAX",
    "Doorstep",
    "LinkDown",
    "LinkEvent",
    "LinkUp",
    "NotReached",
    "Pace",
    "Transport",
    "can_be_dialled",
    "meet_nearby",
    "open_transport",
]
