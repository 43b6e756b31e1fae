"""The stream of what becomes durable, for whoever listens over HTTP: server-sent events with the journal's rows as ids.

Reads the journal, so a listener that comes back with the last id it saw misses nothing. Bounded: a page of rows is in
memory for each listener, and a slow listener only slows itself.
"""

from collections.abc import AsyncIterator

import msgspec
import trio

from .bookkeeper import Bookkeeper
from .records import CertificateRecord, EntryRecord
from .shapes import EntryView, PlaceView
from .views import entry_view, place_view

PAGE_ROWS = 200
KEEP_ALIVE_S = 15.0
LISTENERS_MAX = 16


class Feed:
    """Serves all listeners of one node."""

    def __init__(self, door: Bookkeeper) -> None:
        self._door = door
        self.listeners = 0

    @property
    def is_full(self) -> bool:
        return self.listeners >= LISTENERS_MAX

    async def follow(self, after: int) -> AsyncIterator[bytes]:
        """Give every entry and certificate above row `after`, then each new one; never ends by itself."""
        self.listeners += 1
        try:
            yield b": connected\n\n"
            while True:
                newest = self._door.journal.last_row
                page = self._door.journal.since(after, PAGE_ROWS)
                for row, record in page:
                    yield self._event(row, record)
                    after = row
                if len(page) < PAGE_ROWS:
                    after = max(after, newest)  # rows of other kinds are no news
                    if not await self._grew(after):
                        yield b": still here\n\n"
        finally:
            self.listeners -= 1

    async def _grew(self, above: int) -> bool:
        """Wait for a row above that one; False when it is time to show that the connection lives."""
        with trio.move_on_after(KEEP_ALIVE_S):
            await self._door.wait_rows(above)
            return True
        return False

    def _event(self, row: int, record: EntryRecord | CertificateRecord) -> bytes:
        kind, content = self._view(record)
        return f"id: {row}\nevent: {kind}\ndata: {msgspec.json.encode(content).decode()}\n\n".encode()

    def _view(self, record: EntryRecord | CertificateRecord) -> tuple[str, EntryView | PlaceView]:
        if isinstance(record, EntryRecord):
            return "entry", entry_view(record.signed, self._door.ledger.commons)
        return "certificate", place_view(record.certificate.place)
