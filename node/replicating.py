"""Drives replication: one `Pull` for each linked peer, hints, and what waiting entries lack.

The thinking is in protocol/replication.py; here are the clock, the peers and the door.
"""

import trio

from protocol.base import AccountId
from protocol.messages import Compare, Deliver, Fetch, Heads, Hint, Index, Moved, Position, Proof, Since, Span, Want
from protocol.replication import Cursor, Pull, serve_compare, serve_fetch, serve_since, serve_want
from protocol.verdict import Need, Waiting

from .bookkeeper import Bookkeeper
from .exchange import Exchange
from .happenings import Forked, Happening
from .settling import once_settled
from .shelf import Shelf
from .transport import Pace

TICK_S = 1.0
GRACE_S = 0.25
"""What moved at a peer just now is mostly on its way here already: it is asked for only if it has not come by then."""
LACKING_MAX = 32
"""Spans that are asked for in one go on behalf of waiting entries."""
CURSORS_MAX = 1_000
COMPARES_MAX, COMPARES_WITHIN_S = 50, 10.0
"""Questions of one peer about ranges, or what moved, that are answered within so many seconds, since each may cost a
look at every account. A pull asks one at a time and seldom; what is not answered it asks again."""


class Replicator:
    """Keeps this node level with its peers."""

    def __init__(self, door: Bookkeeper, exchange: Exchange, shelf: Shelf) -> None:
        self._door = door
        self._exchange = exchange
        self._shelf = shelf
        self._pulls: dict[str, Pull] = {}
        self._cursors: dict[str, Cursor] = {}
        self._comparing: dict[str, Pace] = {}
        self._news: dict[str, tuple[Pull, Moved]] = {}
        self._news_came = trio.Event()
        exchange.answer_in_turn(Since, self._on_since)
        exchange.answer_in_turn(Fetch, lambda peer, ask: self._reply(peer, serve_fetch(shelf, ask)))
        exchange.answer_in_turn(Want, lambda peer, ask: self._reply(peer, serve_want(shelf, ask)))
        exchange.answer_in_turn(Compare, self._on_compare)
        exchange.answer(Index, self._on_index)
        exchange.answer(Moved, self._on_moved)
        exchange.answer(Heads, self._on_heads)
        exchange.answer(Deliver, self._on_deliver)
        exchange.answer(Hint, self._on_hint)
        exchange.answer(Proof, self._on_proof)
        exchange.on_link(self._on_link_up, self._on_link_down)
        door.listen(self._on_happening)

    async def tick(self) -> None:
        """Ask again, and ask for what waiting entries and certificates lack, for as long as the node runs."""
        while True:
            await trio.sleep(TICK_S)
            lacking = self._lacking()
            for peer, pull in list(self._pulls.items()):
                self._reply(peer, pull.tick(trio.current_time()))
                if lacking:
                    self._reply(peer, pull.want(lacking, trio.current_time()))

    async def follow_news(self) -> None:
        """Ask for what moved at peers and did not come by itself, for as long as the node runs."""
        while True:
            await self._news_came.wait()
            await trio.sleep(GRACE_S)
            self._news_came = trio.Event()
            news, self._news = self._news, {}
            for peer, (pull, moved) in news.items():
                if self._pulls.get(peer) is pull:
                    self._reply(peer, pull.on_moved(moved, trio.current_time()))

    def _lacking(self) -> list[Span]:
        spans: dict[AccountId, Span] = {}
        for waiting in self._door.waiting.needs():
            # What an author's own chain lacks is asked for only by the certificate below: it may be a dead branch.
            if waiting.need is not Need.PREV and len(spans) < LACKING_MAX:
                first = self._shelf.final_seq(waiting.account) + 1
                spans[waiting.account] = Span(waiting.account, waiting.incarnation, first, waiting.seq)
        for certificate in self._door.wanted()[:LACKING_MAX]:
            place = certificate.place
            first = self._shelf.final_seq(place.account) + 1
            spans[place.account] = Span(place.account, 0 if place.account == 0 else place.incarnation, first, place.seq)
        return [span for span in spans.values() if span.first <= span.last]

    def _reply(self, peer: str, messages: list) -> None:  # type: ignore[type-arg]
        """Say it once all that it may rest on is durable: heads are told from memory, which a crash would undo."""
        if messages:
            once_settled(self._door, lambda: self._send(peer, messages))

    def _send(self, peer: str, messages: list) -> None:  # type: ignore[type-arg]
        for message in messages:
            self._exchange.send(peer, message)

    # Links

    def _on_link_up(self, peer: str) -> None:
        neighbour = self._exchange.neighbours.get(peer)
        assert neighbour is not None
        pull = Pull(self._shelf, neighbour.hello.generation, neighbour.hello.row, self._cursors.get(peer))
        self._pulls[peer] = pull
        self._reply(peer, pull.start(trio.current_time()))

    def _on_link_down(self, peer: str) -> None:
        pull = self._pulls.pop(peer, None)
        if pull is not None and pull.cursor is not None:
            self._cursors[peer] = pull.cursor
            if len(self._cursors) > CURSORS_MAX:
                del self._cursors[next(iter(self._cursors))]

    # Answers

    def _on_index(self, peer: str, index: Index) -> None:
        if peer in self._pulls:
            self._reply(peer, self._pulls[peer].on_index(index, trio.current_time()))

    def _on_moved(self, peer: str, moved: Moved) -> None:
        pull = self._pulls.get(peer)
        if pull is None:
            return
        if moved.more or all(map(self._shelf.is_final, moved.heads)):
            self._reply(peer, pull.on_moved(moved, trio.current_time()))
        else:
            self._news[peer] = pull, moved
            self._news_came.set()

    def _on_since(self, peer: str, ask: Since) -> None:
        if not ask.briefly or self._may_compare(peer):
            self._reply(peer, serve_since(self._shelf, ask))

    def _on_compare(self, peer: str, ask: Compare) -> None:
        if self._may_compare(peer):
            self._reply(peer, serve_compare(self._shelf, ask))

    def _may_compare(self, peer: str) -> bool:
        """Count a question about all accounts. The pace outlives the link: peers are on the list, so it stays small."""
        pace = self._comparing.setdefault(peer, Pace(COMPARES_MAX, COMPARES_WITHIN_S))
        return pace.allows(trio.current_time())

    def _on_heads(self, peer: str, heads: Heads) -> None:
        if peer in self._pulls and (not heads.reply or self._may_compare(peer)):
            self._reply(peer, self._pulls[peer].on_heads(heads, trio.current_time()))

    def _on_deliver(self, peer: str, deliver: Deliver) -> None:
        verdicts = self._door.take(deliver.bundle)
        if deliver.serial:
            self._door.after_commit(lambda: self._continue(peer, deliver))
        elif peer in self._pulls:
            gaps = [self._gap_below(verdict) for verdict in verdicts if isinstance(verdict, Waiting)]
            if gaps:
                self._reply(peer, self._pulls[peer].want(gaps, trio.current_time()))

    def _gap_below(self, waiting: Waiting) -> Span:
        """What is missing under news that cannot be judged yet; who had the news has that too."""
        first = self._shelf.final_seq(waiting.account) + 1
        return Span(waiting.account, waiting.incarnation, min(first, waiting.seq), waiting.seq)

    def _continue(self, peer: str, deliver: Deliver) -> None:
        if peer in self._pulls:
            self._reply(peer, self._pulls[peer].on_delivered(deliver, trio.current_time()))

    def _on_hint(self, peer: str, hint: Hint) -> None:
        """News: take what came along, and pull the rest from the peer that told, or from any."""
        if hint.bundle.entries:
            self._door.take(hint.bundle)
        news = [position for position in hint.positions if not self._shelf.is_final(position)]
        source = peer if peer in self._pulls else next(iter(self._pulls), None)
        if news and source is not None:
            spans = [self._span_to(position) for position in news]
            self._reply(source, self._pulls[source].want(spans, trio.current_time()))
        elif not hint.positions and source is not None:
            self._reply(source, self._pulls[source].hurry(trio.current_time()))

    def _span_to(self, position: Position) -> Span:
        first = self._shelf.final_seq(position.account) + 1
        return Span(position.account, position.incarnation, first, position.seq)

    # Forks

    def _on_proof(self, peer: str, proof: Proof) -> None:
        self._door.show(proof.proof)

    def _on_happening(self, happening: Happening) -> None:
        if isinstance(happening, Forked):
            self._exchange.send_all(self._exchange.neighbours, Proof(happening.proof))
