"""What nodes say to one another: the table of messages by tag, and their bytes.

A message is the array [tag, field, ...] in one frame of at most 1 MiB. Entries, certificates, votes and nacks travel
inside as the exact bytes that were signed. A peer that sends a message which cannot be read is at fault (Malformed);
a message that is no use any more is simply ignored. Who is asked, and when, is not known here.
"""

from . import codec
from .asks import INSTANCE_BYTES as INSTANCE_BYTES
from .asks import Answer as Answer
from .asks import AskCommit as AskCommit
from .asks import AskHead as AskHead
from .asks import AskMark as AskMark
from .asks import Ballot as Ballot
from .asks import Head as Head
from .asks import KeepMark as KeepMark
from .asks import Marked as Marked
from .asks import MarkKept as MarkKept
from .asks import Missing as Missing
from .asks import Submit as Submit
from .base import Malformed
from .bundles import Bundle as Bundle
from .bundles import Position as Position
from .bundles import Range as Range
from .bundles import Span as Span
from .bundles import positions_of as positions_of
from .notices import BOARD_AUTHORS_MAX as BOARD_AUTHORS_MAX
from .notices import RECORDS_MAX as RECORDS_MAX
from .notices import REQUESTS_MAX as REQUESTS_MAX
from .notices import AskBoard as AskBoard
from .notices import BoardState as BoardState
from .notices import Propose as Propose
from .notices import Records as Records
from .notices import Requests as Requests
from .tells import GENERATION_BYTES as GENERATION_BYTES
from .tells import HEADS_MAX as HEADS_MAX
from .tells import PAGE_ROWS as PAGE_ROWS
from .tells import PROTOCOL_VERSION as PROTOCOL_VERSION
from .tells import Compare as Compare
from .tells import Deliver as Deliver
from .tells import Fetch as Fetch
from .tells import Heads as Heads
from .tells import Hello as Hello
from .tells import Hint as Hint
from .tells import Hosts as Hosts
from .tells import Index as Index
from .tells import Moved as Moved
from .tells import Proof as Proof
from .tells import Seen as Seen
from .tells import SeenThere as SeenThere
from .tells import Since as Since
from .tells import Want as Want

FRAME_BYTES_MAX = 1 << 20

Message = (
    Hello | Hosts | Submit | Answer | Missing | Deliver | Seen | Hint | Want | Since | Index | Fetch | Compare | Heads
    | Moved | AskHead | Head | AskMark | Marked | KeepMark | MarkKept | Ballot | AskCommit | Proof
    | Propose | Records | BoardState | AskBoard | Requests | SeenThere
)  # fmt: skip

MESSAGES: dict[int, type[Message]] = {
    kind.TAG: kind
    for kind in (
        Hello, Hosts, Submit, Answer, Missing, Deliver, Seen, Hint, Want, Since, Index, Fetch, Compare, Heads,
        Moved, AskHead, Head, AskMark, Marked, KeepMark, MarkKept, Ballot, AskCommit, Proof,
        Propose, Records, BoardState, AskBoard, Requests, SeenThere,
    )
}  # fmt: skip


def encode_message(message: Message) -> bytes:
    """Write a message as one frame's content."""
    return codec.encode((message.TAG, *message.plain()))


def decode_message(frame: bytes) -> Message:
    """Read one frame's content. Raises Malformed, also for a tag that is not in the table."""
    fields = codec.items(codec.decode(frame, FRAME_BYTES_MAX))
    kind = MESSAGES.get(codec.uint(fields[0])) if fields else None
    if kind is None:
        raise Malformed("not a message of this protocol version")
    return kind.read(fields[1:])
