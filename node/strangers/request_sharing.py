"""Passes requests to join from node to node, so that the stewards' nodes see what was left at any other one.

What is held is told on every new link and now and then, what is new to all linked peers at once. Judging is the box's;
here are the peers and how much of one is looked at.
"""

import trio

from protocol.base import COMMONS
from protocol.messages import REQUESTS_MAX, Requests
from protocol.request import Request

from .. import wallclock
from ..allowance import Allowance
from ..bookkeeper import Bookkeeper
from ..exchange import Exchange
from ..happenings import Certified, Happening
from .requests import RequestBox

REQUESTS_PER_S, REQUESTS_BURST = 1.0, 300
"""Of one peer: requests that are looked at closely, which costs a few signature checks each. What is dropped comes
again later."""
SWEEP_S = 60.0
RETELL_S = 600.0
"""How often all that is held is told again: who was behind could not judge it when it was new."""


class RequestSharing:
    """Spreads the box. `sweep` must be running."""

    def __init__(self, door: Bookkeeper, exchange: Exchange, box: RequestBox) -> None:
        self._exchange = exchange
        self._box = box
        self._sources: dict[bytes, str] = {}
        self._shares: dict[str, Allowance] = {}
        exchange.answer(Requests, self._on_requests)
        exchange.on_link(self._tell_all)
        box.on_new(self._on_new)
        door.listen(self._on_happening)

    async def sweep(self) -> None:
        """Let go what has ended, and tell again what is held, for as long as the node runs."""
        told_at = trio.current_time()
        while True:
            self._box.sweep(wallclock.now_s())
            if trio.current_time() - told_at >= RETELL_S:
                told_at = trio.current_time()
                for peer in self._exchange.neighbours:
                    self._tell_all(peer)
            await trio.sleep(SWEEP_S)

    def _on_happening(self, happening: Happening) -> None:
        if isinstance(happening, Certified) and happening.certificate.place.account == COMMONS:
            self._box.sweep(wallclock.now_s())

    def _tell_all(self, peer: str) -> None:
        held = self._box.live(wallclock.now_s())
        for start in range(0, len(held), REQUESTS_MAX):
            self._exchange.send(peer, Requests(tuple(held[start : start + REQUESTS_MAX])))

    def _on_new(self, request: Request) -> None:
        source = self._sources.pop(request.id, None)
        others = [peer for peer in self._exchange.neighbours if peer != source]
        self._exchange.send_all(others, Requests((request,)))

    def _on_requests(self, peer: str, message: Requests) -> None:
        share = self._shares.setdefault(peer, Allowance(REQUESTS_PER_S, REQUESTS_BURST))
        now, now_s = trio.current_time(), wallclock.now_s()
        for request in message.requests:
            if self._box.holds(request.id) or self._box.quick_fault(request, now_s) is not None:
                continue
            if not share.take(now):
                return
            self._box.take(request, now_s)
            if self._box.holds(request.id):
                self._sources[request.id] = peer
