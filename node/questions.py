"""Questions that cost more to answer than to ask: they wait here for their turn, so that no peer fills the node's time.

An honest node has one question open with each peer, now and then a second one that it believes lost; what a peer asks
beyond `QUESTIONS_MAX` is dropped, and asked again by whom it matters to. Knows nothing of what is asked.
"""

from collections import OrderedDict, deque

from protocol.messages import Message

QUESTIONS_MAX = 8
"""Questions of one peer that wait."""


class Questions:
    """What waits to be answered: of each peer in its order, the peers in turn."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[str, deque[Message]] = OrderedDict()

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def keep(self, peer: str, question: Message) -> None:
        """Put a question behind the others of its peer; drop it when that are too many."""
        asked = self._waiting.setdefault(peer, deque())
        if len(asked) < QUESTIONS_MAX:
            asked.append(question)

    def take(self) -> tuple[str, Message] | None:
        """The next question and who asks it; the peer goes behind the others."""
        if not self._waiting:
            return None
        peer, asked = self._waiting.popitem(last=False)
        question = asked.popleft()
        if asked:
            self._waiting[peer] = asked
        return peer, question

    def forget(self, peer: str) -> None:
        """Drop what a peer asked: its link is gone."""
        self._waiting.pop(peer, None)
