"""Time and the network: one heap of things that will happen, and links that lose, delay, double and reorder.

Everything random is drawn from one generator that the seed made, so a seed is a whole history.
"""

import heapq
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from random import Random


@dataclass(frozen=True, slots=True)
class Weather:
    """How bad things are. Times in seconds, chances 0 to 1."""

    delay_s: float = 0.05
    """The longest a message takes; each takes its own time, so they overtake one another."""
    loss: float = 0.0
    twice: float = 0.0
    crash_every_s: float = 0.0
    """Mean time between crashes of a peer; 0 for none."""
    crash_on_vote: float = 0.0
    """Chance that a witness crashes just after a vote left it."""
    crash_before_release: float = 0.0
    """Chance that a peer crashes between a commit and the release of what waited for it."""
    cut: float = 0.0
    """Chance, each second, that the network falls into two parts for a while."""
    sync_s: float = 0.01
    """The longest that a commit takes."""


CALM = Weather()


class Timeline:
    """What will happen, in order of time."""

    def __init__(self, rng: Random) -> None:
        self.now = 0.0
        self.steps = 0
        self._rng = rng
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()

    def after(self, delay_s: float, act: Callable[[], None]) -> None:
        """Have `act` called in `delay_s` seconds."""
        heapq.heappush(self._heap, (self.now + delay_s, next(self._order), act))

    def soon(self, most_s: float, act: Callable[[], None]) -> None:
        """Have `act` called at a random moment within `most_s` seconds."""
        self.after(self._rng.uniform(most_s / 20, most_s), act)

    def every(self, mean_s: float, act: Callable[[], None], until: Callable[[], bool]) -> None:
        """Have `act` called again and again, about every `mean_s` seconds, until `until` says so."""

        def again() -> None:
            if not until():
                act()
                self.after(self._rng.uniform(0.5, 1.5) * mean_s, again)

        self.after(self._rng.uniform(0, mean_s), again)

    def run(self, until_s: float) -> None:
        """Let time pass up to `until_s`."""
        while self._heap and self._heap[0][0] <= until_s:
            self.now, _, act = heapq.heappop(self._heap)
            self.steps += 1
            act()
        self.now = until_s


class Network:
    """Carries messages between peers by number; `deliver(source, target, message)` is called at the other end."""

    def __init__(self, timeline: Timeline, rng: Random, lives: Callable[[int], int]) -> None:
        self.weather = CALM
        self.parts: frozenset[int] = frozenset()
        """Peers that are cut off from all others."""
        self.deliver: Callable[[int, int, object], None]
        self._timeline = timeline
        self._rng = rng
        self._lives = lives

    def send(self, source: int, target: int, message: object) -> None:
        """Put a message on its way. Links end with the life of the peer at their far end."""
        if (source in self.parts) != (target in self.parts) or self._rng.random() < self.weather.loss:
            return
        copies = 2 if self._rng.random() < self.weather.twice else 1
        life = self._lives(target)
        for _ in range(copies):
            self._timeline.soon(self.weather.delay_s, lambda: self._arrive(source, target, life, message))

    def _arrive(self, source: int, target: int, life: int, message: object) -> None:
        if self._lives(target) == life:
            self.deliver(source, target, message)
