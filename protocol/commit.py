"""Commit before release: nothing leaves before the records that it rests on are durable.

One small machine that the node and the simulator share. A shell stages what its machines decided, writes one batch
at a time to the journal and releases that batch's messages after the commit. It knows neither what a record is nor
where a message goes. If a commit fails, the shell drops the outbox with all other memory and rebuilds from the
journal: what was staged has then never happened.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

RecordT = TypeVar("RecordT")
MessageT = TypeVar("MessageT")


@dataclass(frozen=True, slots=True)
class Batch(Generic[RecordT, MessageT]):
    """Records for one durable transaction, and the messages that may leave after it."""

    records: tuple[RecordT, ...]
    messages: tuple[MessageT, ...]


class Outbox(Generic[RecordT, MessageT]):
    """Holds messages back until everything that was staged before them is durable; one batch is out at a time."""

    def __init__(self) -> None:
        self._records: list[RecordT] = []
        self._messages: list[MessageT] = []
        self._writing: Batch[RecordT, MessageT] | None = None

    def stage(self, records: Sequence[RecordT] = (), messages: Sequence[MessageT] = ()) -> None:
        """Take what a machine decided. Messages without records wait too: they may repeat a vote being written."""
        self._records.extend(records)
        self._messages.extend(messages)

    @property
    def is_settled(self) -> bool:
        """Tell whether all that was ever staged is durable and has left."""
        return self._writing is None and not (self._records or self._messages)

    def take(self) -> Batch[RecordT, MessageT] | None:
        """Give the batch to write now, or None while another is being written or nothing is staged.

        A batch without records needs no transaction; `durable` follows at once.
        """
        if self._writing is not None or not (self._records or self._messages):
            return None
        self._writing = Batch(tuple(self._records), tuple(self._messages))
        self._records, self._messages = [], []
        return self._writing

    def durable(self) -> tuple[MessageT, ...]:
        """Say that the batch taken last is committed: returns the messages that may leave now, in order."""
        if self._writing is None:
            raise RuntimeError("nothing is being written")
        messages, self._writing = self._writing.messages, None
        return messages
