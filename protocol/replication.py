"""How two nodes find out what one lacks of the other: a plain state machine for each linked peer.

Messages in, messages out; what it may ask of the store is `Shelf`. A pull from one peer goes through these states:
idle, looking (which heads moved since a row of the peer's journal?), indexing (a page of that journal was asked for,
because much is missing), fetching (records or spans were asked for), comparing (range fingerprints, when the journal is
not known by row). At most one question is open at a time, so the answers set the pace. Everything is idempotent: a
question that was lost is simply asked again by `tick`.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import islice
from typing import Protocol

from .base import ACCOUNT_MAX, TAIL_MAX, AccountId, digest
from .codec import encode
from .entry import SignedEntry
from .messages import (
    HEADS_MAX,
    PAGE_ROWS,
    Bundle,
    Compare,
    Deliver,
    Fetch,
    Heads,
    Index,
    Message,
    Moved,
    Position,
    Range,
    Since,
    Span,
    Want,
)
from .statements import Certificate

FETCH_ROWS = 100
"""Records asked for at a time: their entries fit one frame at their largest."""
SPAN_ENTRIES = 100
SPANS_MAX = 32
WANT_BYTES_MAX = 256 << 10
"""An answer does not grow beyond this by a further span, so that none takes long; the first one always fits a frame."""
ITEM_BYTES = 3
"""What the encoding puts before the bytes of an entry or certificate."""
SPANS_KEPT_MAX = 4_096
"""Spans that wait to be asked for."""
SPANS_ENTRIES_MAX = 1_000
"""When more than this is missing it is asked for by rows, which come in an order in which each can be judged."""
SMALL_RANGE = 32
"""A range that differs and holds no more chains than this is told head by head."""
PARTS = 16
RANGES_MAX = 256
"""Ranges of one message that are looked at, or sent: what is left over shows in the next comparing."""
PATIENCE_S = 10
"""After this long without an answer the open question counts as lost."""
READ_AGAIN_S = 5
"""Spans that were asked for in vain make a peer's journal be read row by row, at most this often."""
INTERVAL_S = 15
"""Without other news, a peer is asked this often what came since."""


class Shelf(Protocol):
    """What replication may ask of a node's store.

    Pages, records and spans are of the journal. Whether something is held or final, and heads, may be a commit ahead of
    it: so an answer leaves once all that it may rest on is durable.
    """

    def is_held(self, position: Position) -> bool: ...
    def is_final(self, position: Position) -> bool: ...
    def final_heads(self, first: int, last: int) -> list[Position]: ...
    def final_seq(self, account: AccountId) -> int: ...
    def page(self, row: int, limit: int) -> Index: ...
    def moved(self, row: int, limit: int) -> Moved: ...
    def records(self, rows: Sequence[int]) -> Bundle: ...
    def span(self, span: Span, entries_max: int) -> Bundle: ...


class State(Enum):
    """What is open with the peer."""

    IDLE = "idle"
    LOOKING = "looking"
    INDEXING = "indexing"
    FETCHING = "fetching"
    COMPARING = "comparing"


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a peer's journal was read: its generation (a journal made anew starts again) and the row."""

    generation: bytes
    row: int


def fingerprint(heads: Iterable[Position]) -> bytes:
    """Sum of the hashes of heads, modulo 2^256: the same for the same set in any order, 32 bytes."""
    total = sum(int.from_bytes(digest(b"tally head", encode(head.plain()))) for head in heads)
    return (total % 2**256).to_bytes(32)


def range_of(shelf: Shelf, first: int, last: int) -> Range:
    """Describe the chains of accounts `first` .. `last` as held here."""
    heads = shelf.final_heads(first, last)
    return Range(first, last, len(heads), fingerprint(heads))


class Pull:
    """What is being asked of one peer."""

    def __init__(self, shelf: Shelf, generation: bytes, row: int, cursor: Cursor | None) -> None:
        """`generation` and `row` are the peer's, from its Hello; `cursor` how far it was read before, if it was."""
        self._shelf = shelf
        self._generation = generation
        self._row_at_hello = row
        self._row = cursor.row if cursor is not None and cursor.generation == generation else None
        self._state = State.IDLE
        self._asked_at = 0.0
        self._began_at = 0.0
        self._read_at = float("-inf")
        self._serial = 0
        self._missing: list[int] = []
        self._page: Index | None = None
        self._spans: dict[Span, None] = {}
        self._hoped: dict[AccountId, int] = {}
        """Up to where the spans asked for since the last rest would make accounts final."""
        self._is_hurried = False
        self._looked: Moved | None = None
        """The heads that moved at the peer, until they are final here: then its journal is read to that row."""

    @property
    def cursor(self) -> Cursor | None:
        """To be remembered for the next link with this peer, or None while its journal was not read by row."""
        return None if self._row is None else Cursor(self._generation, self._row)

    @property
    def state(self) -> State:
        return self._state

    def start(self, now: float) -> list[Message]:
        """Ask for what is missing here: by row if the journal is known or all of it is new here, else by range."""
        self._began_at, self._is_hurried = now, False
        if self._row is not None:
            return self._ask(State.LOOKING, Since(self._row, briefly=True), now)
        if not self._shelf.final_heads(1, ACCOUNT_MAX):
            self._row = 0
            return self._ask(State.INDEXING, Since(0, briefly=False), now)
        return self._ask(State.COMPARING, Compare((range_of(self._shelf, 0, ACCOUNT_MAX),)), now)

    def tick(self, now: float) -> list[Message]:
        """To be called about once a second: asks again what was lost, and now and then what is new."""
        if self._state is State.IDLE:
            return self.start(now) if now - self._began_at >= INTERVAL_S else []
        if now - self._asked_at < PATIENCE_S:
            return []
        self._missing, self._spans, self._page, self._looked, self._hoped = [], {}, None, None, {}
        return self.start(now)

    def hurry(self, now: float) -> list[Message]:
        """Ask what came since, because the peer says that much did: at once, or after the question that is open."""
        if self._state is State.IDLE:
            return self.start(now)
        self._is_hurried = True
        return []

    def want(self, spans: Iterable[Span], now: float) -> list[Message]:
        """Ask for spans that a hint or a waiting entry named; later, if another question is open."""
        self._keep(spans)
        return self._next_span(now) if self._state is State.IDLE else []

    def _keep(self, spans: Iterable[Span]) -> None:
        """Have spans asked for in their turn. When there are too many, the rest is found again by comparing."""
        for span in spans:
            if len(self._spans) < SPANS_KEPT_MAX:
                self._spans[span] = None

    def on_moved(self, moved: Moved, now: float) -> list[Message]:
        """Which heads moved at the peer: want what is not final here, span by span, or row by row if it is much."""
        if self._state is not State.LOOKING:
            return []
        spans = [span for head in moved.heads if (span := self._span_to(head)) is not None]
        if moved.more or sum(span.last - span.first + 1 for span in spans) > SPANS_ENTRIES_MAX:
            return self._ask(State.INDEXING, Since(self._row or 0, briefly=False), now)
        self._looked = moved
        self._keep(spans)
        return self._next_span(now)

    def _span_to(self, head: Position) -> Span | None:
        """What is missing here up to a head of the peer's."""
        if self._shelf.is_final(head):
            return None
        first = self._shelf.final_seq(head.account) + 1
        return Span(head.account, head.incarnation, min(first, head.seq), head.seq)

    def on_index(self, index: Index, now: float) -> list[Message]:
        """A page of the peer's journal: fetch what is not here."""
        if self._state is not State.INDEXING:
            return []
        self._page = index
        self._missing = [
            row
            for row, is_certificate, position in index.rows
            if not (self._shelf.is_final(position) if is_certificate else self._shelf.is_held(position))
        ]
        return self._next_fetch(now)

    def on_delivered(self, deliver: Deliver, now: float) -> list[Message]:
        """What was asked for is here, and durable: go on."""
        if self._state is not State.FETCHING or deliver.serial != self._serial:
            return []
        return self._next_fetch(now) if self._page is not None else self._next_span(now)

    def on_heads(self, heads: Heads, now: float) -> list[Message]:
        """The peer's heads in ranges that differ: want what is final there and not here, answer with ours if asked."""
        spans = [span for head in heads.heads if (span := self._span_to(head)) is not None]
        # Account 0 first: nothing else can be judged without it.
        messages = heads_messages(self._shelf, heads.ranges, reply=False) if heads.reply else []
        if self._state is State.COMPARING:
            self._state = State.IDLE
            if not heads.ranges and not heads.heads:
                # All that was final there when the link came up is final here: from now on rows tell the rest.
                self._row = self._row_at_hello
        return messages + self.want(sorted(spans, key=lambda span: span.account), now)

    def _next_fetch(self, now: float) -> list[Message]:
        assert self._page is not None
        if self._missing:
            rows, self._missing = self._missing[:FETCH_ROWS], self._missing[FETCH_ROWS:]
            self._serial += 1
            return self._ask(State.FETCHING, Fetch(self._serial, tuple(rows)), now)
        self._row, more, self._page = max(self._page.last, self._row or 0), self._page.more, None
        if more:
            return self._ask(State.INDEXING, Since(self._row, briefly=False), now)
        return self._next_span(now)

    def _next_span(self, now: float) -> list[Message]:
        """Ask for the next spans; each is asked for until it is final here or brings nothing new."""
        pending = []
        for span in self._spans:
            lowest = self._shelf.final_seq(span.account) + 1
            first = max(span.first, lowest)
            # What lies further above brought nothing when its beginning was asked for: nobody has it.
            if first <= min(span.last, lowest + TAIL_MAX):
                pending.append(Span(span.account, span.incarnation, first, span.last))
        asked, self._spans = pending[:SPANS_MAX], dict.fromkeys(pending[SPANS_MAX:])
        if not asked:
            return self._finish_look(now)
        self._keep(Span(s.account, s.incarnation, s.first + SPAN_ENTRIES, s.last) for s in asked
                   if s.last - s.first >= SPAN_ENTRIES)  # fmt: skip
        self._hoped.update((s.account, max(s.last, self._hoped.get(s.account, 0))) for s in asked)
        self._serial += 1
        return self._ask(State.FETCHING, Want(self._serial, tuple(asked)), now)

    def _finish_look(self, now: float) -> list[Message]:
        """The spans are through. What is not final even so depends on one another: rows come in an order that works."""
        looked, hoped, self._looked, self._hoped = self._looked, self._hoped, None, {}
        if looked is not None and all(self._shelf.is_final(head) for head in looked.heads):
            self._row = max(self._row or 0, looked.last)
            return self._rest(now)
        was_in_vain = any(self._shelf.final_seq(account) < seq for account, seq in hoped.items())
        if looked is None and not (was_in_vain and now - self._read_at >= READ_AGAIN_S):
            return self._rest(now)
        self._read_at = now
        return self._ask(State.INDEXING, Since(self._row or 0, briefly=False), now)

    def _ask(self, state: State, question: Message, now: float) -> list[Message]:
        self._state, self._asked_at = state, now
        return [question]

    def _rest(self, now: float) -> list[Message]:
        self._state = State.IDLE
        return self.start(now) if self._is_hurried else []


def serve_since(shelf: Shelf, ask: Since) -> list[Message]:
    """Answer with the next page of this node's journal."""
    return [shelf.moved(ask.row, HEADS_MAX) if ask.briefly else shelf.page(ask.row, PAGE_ROWS)]


def serve_fetch(shelf: Shelf, ask: Fetch) -> list[Message]:
    """Answer with the records at the rows asked for, in their order."""
    return [Deliver(ask.serial, shelf.records(sorted(ask.rows)[:FETCH_ROWS]))]


def serve_want(shelf: Shelf, ask: Want) -> list[Message]:
    """Answer with the spans asked for, as far as they fit one frame and no entry twice; the rest is asked for again."""
    entries: list[SignedEntry] = []
    certificates: list[Certificate] = []
    size = 0
    for span in _onward(ask.spans[:SPANS_MAX]):
        bundle = shelf.span(span, SPAN_ENTRIES)
        size += sum(len(signed.encode()) + ITEM_BYTES for signed in bundle.entries)
        size += sum(len(certificate.encode()) + ITEM_BYTES for certificate in bundle.certificates)
        if entries and size > WANT_BYTES_MAX:
            break
        entries += bundle.entries
        certificates += bundle.certificates
    return [Deliver(ask.serial, Bundle(tuple(entries), tuple(certificates)))]


def _onward(spans: Iterable[Span]) -> Iterator[Span]:
    """The spans without what lies below the end of one before it in the same chain: no entry is read twice."""
    free: dict[tuple[AccountId, int], int] = {}
    for span in spans:
        chain = span.account, span.incarnation
        first = max(span.first, free.get(chain, 0))
        if first <= span.last:
            free[chain] = min(span.last, first + SPAN_ENTRIES - 1) + 1
            yield Span(span.account, span.incarnation, first, span.last)


def serve_compare(shelf: Shelf, ask: Compare) -> list[Message]:
    """Answer each range that differs: with heads when it is small on one side, else with its parts."""
    small: list[tuple[int, int]] = []
    parts: list[Range] = []
    asked = {(theirs.first, theirs.last): theirs for theirs in ask.ranges}
    for first, last in _apart(asked):
        theirs, ours = asked[first, last], range_of(shelf, first, last)
        if ours == theirs:
            continue
        if min(ours.count, theirs.count) <= SMALL_RANGE or first == last:
            small.append((first, last))
        elif len(parts) < RANGES_MAX:
            parts += split(shelf, ours)
    messages = heads_messages(shelf, small, reply=True)
    if parts:
        messages.append(Compare(tuple(parts[:RANGES_MAX])))
    if not messages:
        messages.append(Heads((), (), reply=False))  # nothing differs: this ends the comparing
    return messages


def _apart(ranges: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """The first ranges, without those that begin before others have ended: no account is looked at twice."""
    free = 0
    for first, last in islice(ranges, RANGES_MAX):
        if first >= free:
            free = max(free, last + 1)
            yield first, last


def split(shelf: Shelf, whole: Range) -> list[Range]:
    """Cut a range into parts with about as many chains each."""
    heads = shelf.final_heads(whole.first, whole.last)
    step = max(1, -(-len(heads) // PARTS))
    borders = [heads[at].account for at in range(step, len(heads), step)]
    firsts = [whole.first, *borders]
    lasts = [*(border - 1 for border in borders), whole.last]
    return [range_of(shelf, first, last) for first, last in zip(firsts, lasts, strict=True)]


def heads_messages(shelf: Shelf, ranges: Sequence[tuple[int, int]], *, reply: bool) -> list[Message]:
    """This node's heads in `ranges`, in pages; only the last page asks for the peer's."""
    ranges = list(_apart(ranges))
    heads = [head for first, last in ranges for head in shelf.final_heads(first, last)]
    if not ranges:
        return []
    pages = [tuple(heads[at : at + HEADS_MAX]) for at in range(0, len(heads), HEADS_MAX)] or [()]
    spans = tuple(ranges)
    return [Heads(spans if page is pages[-1] else (), page, reply and page is pages[-1]) for page in pages]
