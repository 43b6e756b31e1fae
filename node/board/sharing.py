"""Keeps the board level with linked peers: what is new goes out at once, and what was missed is found by fingerprints.

On every link, and every minute, a node tells the fingerprint of its whole board. Who holds something else answers
with the fingerprint of every author, in pages; of those that differ the records are asked for, a few authors at a time.
What was asked for in vain is not asked for again before something changed on either side: nodes may differ for good in
what they may keep. May not judge a record: that is the board's.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import trio

from protocol.base import AccountId
from protocol.messages import BOARD_AUTHORS_MAX, RECORDS_MAX, AskBoard, BoardState, Records
from protocol.record import SignedRecord

from .. import wallclock
from ..allowance import Allowance
from ..bookkeeper import Bookkeeper
from ..exchange import Exchange
from ..transport import Pace
from .board import Board

AUTHORS_ASKED = 16
"""Authors that are asked for, and answered, in one go."""
COALESCE_S = 0.05
"""How long news waits for company."""
TICK_S = 1.0
COMPARE_S = 60.0
"""How often the fingerprint of all is told."""
PATIENCE_S = 10.0
"""After this long without an answer a question counts as lost."""

RECORDS_PER_S, RECORDS_BURST = 100, 400
"""Of one peer: records that are looked at closely, which costs a signature check each. The rest is dropped, and found
again by comparing."""
RECORDS_PER_S_ALL, RECORDS_BURST_ALL = 300, 1_200
ROOM_TO_ASK = 100
"""What must be left of a peer's share before it is asked for more."""
STATES_MAX, STATES_WITHIN_S = 10, 60.0
"""Fingerprints of a peer that are answered with pages within so many seconds."""

Differs = tuple[bytes, bytes, int]
"""What an author's fingerprint is there and here, and our height: while all three stay, asking again is in vain."""


@dataclass(eq=False, slots=True)
class Repair:
    """What is known of one linked peer's board, and what is being asked of it."""

    lacking: dict[AccountId, bytes] = field(default_factory=dict)
    """Authors of whom the peer holds something else, with the fingerprint there."""
    asked: dict[AccountId, Differs] = field(default_factory=dict)
    asked_at: float | None = None
    """When the open question left; None when there is none."""
    share: Allowance = field(default_factory=lambda: Allowance(RECORDS_PER_S, RECORDS_BURST))
    states: Pace = field(default_factory=lambda: Pace(STATES_MAX, STATES_WITHIN_S))


class Sharing:
    """Spreads and repairs the board. `spread` and `compare` must be running."""

    def __init__(self, door: Bookkeeper, exchange: Exchange, board: Board) -> None:
        self._door = door
        self._exchange = exchange
        self._board = board
        self._peers: dict[str, Repair] = {}
        self._share_of_all = Allowance(RECORDS_PER_S_ALL, RECORDS_BURST_ALL)
        self._sources: dict[bytes, str] = {}
        self._news: list[tuple[SignedRecord, str | None]] = []
        self._news_came = trio.Event()
        exchange.answer(Records, self._on_records)
        exchange.answer_in_turn(BoardState, self._on_state)
        exchange.answer_in_turn(AskBoard, self._on_ask)
        exchange.on_link(self._on_link_up, self._on_link_down)
        board.on_change(self._on_change)

    # News

    def _on_change(self, fresh: list[SignedRecord]) -> None:
        self._news += [(signed, self._sources.pop(signed.id, None)) for signed in fresh]
        self._news_came.set()

    async def spread(self) -> None:
        """Tell linked peers what is new, for as long as the node runs."""
        while True:
            await self._news_came.wait()
            await trio.sleep(COALESCE_S)
            self._news_came = trio.Event()
            news, self._news = self._news, []
            for peer in self._exchange.neighbours:
                self._send(peer, [signed for signed, source in news if source != peer])

    def _send(self, peer: str, records: Sequence[SignedRecord]) -> None:
        for batch in _batches(records):
            self._exchange.send(peer, Records(batch))

    def _on_records(self, peer: str, message: Records) -> None:
        repair = self._peers.get(peer)
        if repair is None:
            return
        wanted = self._affordable(repair, message.records[:RECORDS_MAX])
        for signed in self._board.take(wanted, wallclock.now_s()):
            self._sources[signed.id] = peer
        if len(message.records) < RECORDS_MAX:
            repair.asked_at = None
            self._ask_on(peer, repair)

    def _affordable(self, repair: Repair, records: Sequence[SignedRecord]) -> list[SignedRecord]:
        """Those that are worth a close look, as far as the peer's share goes."""
        now, now_s = trio.current_time(), wallclock.now_s()
        wanted = []
        for signed in records:
            if self._board.quick_fault(signed, now_s) is not None:
                continue
            if not (repair.share.take(now) and self._share_of_all.take(now)):
                repair.asked.clear()  # what is dropped now was not asked for in vain
                break
            wanted.append(signed)
        return wanted

    # Repair

    async def compare(self) -> None:
        """Compare boards, ask on, and take down what has expired, for as long as the node runs."""
        compared_at = trio.current_time()
        while True:
            await trio.sleep(TICK_S)
            now = trio.current_time()
            if now - compared_at >= COMPARE_S:
                compared_at = now
                self._board.sweep(wallclock.now_s())
                self._exchange.send_all(self._peers, self._summary())
            for peer, repair in self._peers.items():
                if repair.asked_at is not None and now - repair.asked_at >= PATIENCE_S:
                    repair.asked_at = None
                self._ask_on(peer, repair)

    def _summary(self) -> BoardState:
        return BoardState(self._board.whole_fingerprint(), (), False)

    def _on_link_up(self, peer: str) -> None:
        self._peers[peer] = Repair()
        self._exchange.send(peer, self._summary())

    def _on_link_down(self, peer: str) -> None:
        self._peers.pop(peer, None)

    def _on_state(self, peer: str, state: BoardState) -> None:
        repair = self._peers.get(peer)
        if repair is None:
            return
        if state.authors:
            self._note_differences(repair, state)
            self._ask_on(peer, repair)
        elif state.fingerprint != self._board.whole_fingerprint() and repair.states.allows(trio.current_time()):
            for page in self._pages():
                self._exchange.send(peer, page)

    def _pages(self) -> Iterator[BoardState]:
        listed = [(author, self._board.fingerprint(author)) for author in self._board.authors()]
        whole = self._board.whole_fingerprint()
        for start in range(0, len(listed), BOARD_AUTHORS_MAX):
            page = tuple(listed[start : start + BOARD_AUTHORS_MAX])
            yield BoardState(whole, page, start + BOARD_AUTHORS_MAX < len(listed))

    def _note_differences(self, repair: Repair, state: BoardState) -> None:
        for author, there in state.authors:
            differs = self._differs(author, there)
            if self._board.knows(author) and there != differs[1] and repair.asked.get(author) != differs:
                repair.lacking[author] = there

    def _differs(self, author: AccountId, there: bytes) -> Differs:
        return there, self._board.fingerprint(author), self._door.ledger.commons.height

    def _ask_on(self, peer: str, repair: Repair) -> None:
        """Ask for the next authors, when the last ones were answered and the answer could be looked at."""
        if not repair.lacking or repair.asked_at is not None:
            return
        if repair.share.left(trio.current_time()) < ROOM_TO_ASK:
            return
        asked = list(repair.lacking)[:AUTHORS_ASKED]
        for author in asked:
            repair.asked[author] = self._differs(author, repair.lacking.pop(author))
        if self._exchange.send(peer, AskBoard(tuple(asked))):
            repair.asked_at = trio.current_time()

    def _on_ask(self, peer: str, ask: AskBoard) -> None:
        """Answer in full messages and one that is not full, which ends the answer."""
        authors = dict.fromkeys(ask.authors[:AUTHORS_ASKED])
        records = [signed for author in authors for signed in self._board.all_of(author)]
        self._send(peer, records)
        if len(records) % RECORDS_MAX == 0:
            self._exchange.send(peer, Records(()))


def _batches(records: Sequence[SignedRecord]) -> Iterator[tuple[SignedRecord, ...]]:
    for start in range(0, len(records), RECORDS_MAX):
        yield tuple(records[start : start + RECORDS_MAX])
