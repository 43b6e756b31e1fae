"""The stream of what happens to the accounts of this wallet, over HTTP: server-sent events that can be taken up again.

Each event names its place (`wallet.programs.feed`); so does the beginning of the stream, and each sign of life while
nothing happens. Whoever comes back with the last one misses nothing.
"""

from collections.abc import AsyncIterator

import msgspec
import trio
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from node.web.calls import FLAG, Call, Query, flag_in
from node.web.problem import Failed, Problem
from node.web.scopes import Scope

from ..programs.feed import Feed
from ..programs.happenings import At, Happening, read_at

KEEP_ALIVE_S = 15.0
LISTENERS_MAX = 16

QUERY = (
    Query("after", str, "the place of the event to go on behind, 0 for the beginning; so does Last-Event-ID"),
    Query("once", str, "1 ends the stream where nothing more is known", FLAG),
)


class EventsApi:
    """Serves all listeners of one wallet."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._listeners = 0

    def routes(self) -> list[Call]:
        """The table of addresses."""
        return [
            Call("GET", "/v1/wallet/events", self.events, Scope.READ, "what happens to the accounts of this wallet",
                 bytes, query=QUERY, media="text/event-stream")
        ]  # fmt: skip

    async def events(self, request: Request) -> Response:
        """What happens to the accounts of this wallet, behind `after` or Last-Event-ID; else from now on.

        With `once=1` it ends where nothing more is known.
        """
        if self._listeners >= LISTENERS_MAX:
            raise Failed(Problem(503, "too_many_listeners", "too many event streams are open", "close one first"))
        named = request.headers.get("last-event-id") or request.query_params.get("after")
        after = read_at(named) if named else self._feed.newest()
        told = self._told(after, ends=flag_in(request, "once"))
        return StreamingResponse(told, media_type="text/event-stream")

    async def _told(self, after: At, *, ends: bool) -> AsyncIterator[bytes]:
        self._listeners += 1
        try:
            yield place(after)
            while True:
                page = self._feed.page(after)
                for happening in page.happenings:
                    yield event(happening)
                after = page.upto
                if page.is_last and ends:
                    return
                if page.is_last and not await self._moved(after):
                    yield place(after)
        finally:
            self._listeners -= 1

    async def _moved(self, after: At) -> bool:
        """Wait for something beyond `after`; False when it is time to show that the connection lives."""
        with trio.move_on_after(KEEP_ALIVE_S):
            await self._feed.wait(after)
            return True
        return False


def place(at: At) -> bytes:
    """Where the stream is, without an event: whoever is cut off goes on behind it."""
    return f"id: {at}\n\n".encode()


def event(happening: Happening) -> bytes:
    """One event."""
    content = msgspec.json.encode(happening.view()).decode()
    return f"id: {happening.at}\nevent: {happening.event}\ndata: {content}\n\n".encode()
