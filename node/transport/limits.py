"""How much one peer may cost: every number of the transport, and the count of bad frames.

Knows neither sockets nor libp2p. The numbers follow the flood table of the project's threat model;
each says what happens when it is reached.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

FRAME_BYTES_MAX = 1 << 20
"""A longer frame is never sent; a peer that announces one is dropped before its bytes are read."""
OUTGOING_BYTES_MAX = 8 << 20
"""Waiting for one peer. When full, `send` says False and nothing is queued."""
OUTGOING_TOGETHER_MAX = 48 << 20
"""Waiting for all peers together: above it a peer for whom more than `OUTGOING_SHARE_BYTES` wait gets no more."""
OUTGOING_SHARE_BYTES = 512 << 10
UNREAD_BYTES_MAX = 128 << 10
"""Whole frames of one peer that nobody has taken yet. Above it the peer gets no new window."""
FRAME_COST_BYTES = 64
"""What a waiting frame counts beside its bytes, so that empty-handed frames do not pile up either."""
WINDOW_BYTES = 256 << 10
"""What a peer may send on a stream before we take it: the yamux default, and it never grows here."""
CONTROL_BYTES_MAX = 256 << 10
"""Answers (pongs, resets, windows) that a peer lets pile up unread; above it the connection is dropped."""
STRAY_BYTES_MAX = 4 << 20
"""Bytes in a row for streams that do not exist; above it the connection is dropped."""

CONNECTIONS_MAX = 128
CONNECTIONS_PER_PEER_MAX = 3
HANDSHAKES_MAX = 16
"""Inbound connections that have not yet proved who they are. A newcomer displaces the oldest one."""
HANDSHAKE_GRACE_S = 1.0
"""A handshake younger than this is not displaced: the newcomer is closed instead and tries again."""
HANDSHAKE_DEADLINE_S = 10.0
STREAMS_PER_PEER_MAX = 32
"""Further streams are reset."""
STREAMS_PER_MINUTE_MAX = 200
"""A peer that opens more than this in a minute is dropped."""

GUESTS_MAX = 16
"""Connections of peers that are not on the list, one a peer, beside those of `CONNECTIONS_MAX`. A newcomer displaces
the oldest guest of the address that has most of them."""
GUEST_GRACE_S = 2.0
"""A guest younger than this is not displaced: the newcomer is closed instead and tries again."""
GUEST_S = 60.0
"""How long a guest may stay."""
GUEST_BYTES_MAX = 2 << 20
"""What a guest may send in all, overhead included; above it the connection is dropped."""
WELCOME_S = 2.0
"""How long the guest connection of a peer that is known by now is kept, so that the answer it waits for arrives."""
QUESTION_BYTES_MAX = 16 << 10
"""The longest question at the doorstep; longer ones are not read."""
FOUNDING_BYTES_MAX = 256 << 10
"""The longest question where there is no community yet, and so the longest that is sent."""
REPLY_BYTES_MAX = 1 << 20
QUESTIONS_MAX = 64
"""Questions on one stream; then it is closed."""
CONVERSATIONS_MAX = 4
"""Of one known peer at the same time; further ones are reset."""
QUESTION_PAUSE_S = 0.05
"""Between an answer and the next question on the same stream."""
QUESTION_DEADLINE_S = 10.0
"""How long the next question may take to arrive as a whole, however slowly its bytes drip."""
ANSWER_DEADLINE_S = 20.0
"""How long an answer may take to be found."""
CONNECT_DEADLINE_S = 5.0
"""How long one address may take to accept a connection, before the next one is tried."""

WRITE_DEADLINE_S = 10.0
"""Longest time one write to the socket may take; then the connection is dropped, never cut."""
PING_AFTER_S = 6.0
"""Silence after which a peer is asked whether it is still there."""
SILENCE_MAX_S = 17.0
"""Silence after which a connection is dropped: a frozen process keeps its sockets open."""

DIAL_FIRST_WAIT_S = 0.2
DIAL_WAIT_MAX_S = 15.0
DIAL_WAIT_MAX_LOCAL_S = 1.0
"""The longest wait for a peer on this machine: a refused dial costs next to nothing there."""
STEADY_S = 5.0
"""A link that lived longer is replaced at once; one that ends sooner makes the dialler wait, and longer each time."""

BAD_FRAMES_MAX = 20
BAD_FRAMES_WITHIN_S = 60.0
BAN_S = 600.0

HINT_BYTES_MAX = 1024
HINT_PAUSE_S = 0.5
"""At most two hints a second leave this node."""
HINTS_PER_SECOND_MAX = 60
"""From one neighbour; further ones are dropped before their signature is looked at."""
HINTS_WAITING_MAX = 32
"""Hints waiting to leave, and hints received but not taken. Out: the oldest gives way. In: the newcomer is dropped."""
HINT_HEARTBEAT_S = 5

EVENTS_WAITING_MAX = 4096


@dataclass(frozen=True, slots=True)
class Allowance:
    """What the other end of one connection may do."""

    streams: int
    """How many it may have open that it opened; further ones are reset."""
    bytes: int | None
    """What it may send in all; above it the connection is dropped. None: no end, as for the peers we know."""


KNOWN = Allowance(STREAMS_PER_PEER_MAX, None)
GUEST = Allowance(4, GUEST_BYTES_MAX)
"""One stream is served; the rest is for libraries that first ask who we are, and wait."""
HOST = Allowance(0, QUESTIONS_MAX * (REPLY_BYTES_MAX + (64 << 10)))
"""Of one whom we ask at its doorstep: it answers on the stream that we opened."""


@dataclass(slots=True)
class Conduct:
    """Who behaved badly, and who is shut out for it. `clock` gives seconds that only grow."""

    clock: Callable[[], float]
    _bad: dict[str, deque[float]] = field(default_factory=dict)
    _banned_until: dict[str, float] = field(default_factory=dict)

    def mark(self, peer: str) -> bool:
        """Count one bad frame. True when it was one too many: the peer is banned from now on."""
        now = self.clock()
        times = self._bad.setdefault(peer, deque(maxlen=BAD_FRAMES_MAX))
        times.append(now)
        if len(times) < BAD_FRAMES_MAX or now - times[0] > BAD_FRAMES_WITHIN_S:
            return False
        del self._bad[peer]
        self._banned_until[peer] = now + BAN_S
        return True

    def is_banned(self, peer: str) -> bool:
        """Whether `peer` is shut out at this moment."""
        until = self._banned_until.get(peer)
        if until is None:
            return False
        if self.clock() < until:
            return True
        del self._banned_until[peer]
        return False


@dataclass(slots=True)
class Pace:
    """How often something may happen: `most` times within `within_s` seconds."""

    most: int
    within_s: float
    _times: deque[float] = field(default_factory=deque)

    def allows(self, now: float) -> bool:
        """Count one happening at `now`; False, and not counted, when it is one too many."""
        while self._times and now - self._times[0] > self.within_s:
            self._times.popleft()
        if len(self._times) >= self.most:
            return False
        self._times.append(now)
        return True
