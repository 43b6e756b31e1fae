"""Between descriptions and HTTP, for both shells: where the wallet is, what a failure means, how a stream is read.

May not send anything and may not wait; `asynchronous` and `blocking` do that, in their two ways.
"""

import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path
from time import monotonic
from typing import Any, TypeVar
from urllib.parse import urlencode

import httpx

from ..client import CallFailed, connect
from ..errors import BY_CODE, Facts, Unreachable, WalletError
from .answers import Event, read
from .questions import Question

Answer = TypeVar("Answer")

CONNECT_S = 10.0
LIMITS = httpx.Limits(max_keepalive_connections=0)
"""A connection a call: a kept one may have ended meanwhile, and then nobody knows whether the call was heard."""
SILENCE_S = 45.0
"""A stream that shows no sign of life for so long is lost; the wallet gives one every 15 s."""
STREAM = httpx.Timeout(SILENCE_S, connect=CONNECT_S)
TRY_AGAIN_S = 0.5
PATIENCE_S = 300.0
"""How long a stream of events waits for a node that is away."""
REMEMBERED = 10_000
"""Payments of which a stream knows that it told of them as seen."""


@dataclass(frozen=True, slots=True)
class Door:
    """Where the wallet of one home is asked. Its address and token are read for each request: they are new at each
    start of the node, and a script may outlive that."""

    home: Path
    token: str | None = field(default=None, repr=False)
    """One made with `tally token`; None takes the one in HOME/run/api.json, which may do everything."""

    def call(self, path: str) -> tuple[str, dict[str, str]]:
        """The address of a call and its headers. Raises WalletError when nothing runs there."""
        try:
            run = connect(self.home).run
        except CallFailed as failed:
            raise _made(failed.code, failed.message, failed.facts, failed.next) from None
        token = run.token if self.token is None else self.token
        return f"http://{run.address}/v1/wallet/{path}", {"Authorization": f"Bearer {token}"}


def gone() -> Unreachable:
    """Nothing listens where the node was."""
    return Unreachable("The node of this home does not answer.", next="Start it with `tally up --detach`.")


def unanswered(error: httpx.TransportError) -> Unreachable:
    """There was no answer; unless no connection came about, what came of the question is not known here."""
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
        return gone()
    next = "Look with history(), or try again with the same ref: it is the same payment."
    return Unreachable("The node was asked and did not answer.", next=next)


def answered(question: Question[Answer], status: int, content: bytes) -> Answer:
    """Read an answer as the question says. Raises the WalletError that it tells of."""
    if status >= 400:
        raise failure(content)
    try:
        return question.read(question.parse(content))
    except (ValueError, LookupError, TypeError):  # msgspec's complaint about a shape is a ValueError
        raise Unreachable("The node's answer could not be read.", next="Is it of another version?") from None


def failure(content: bytes) -> WalletError:
    """The exception that a problem of the API tells of; one of an unknown code is a plain WalletError."""
    try:
        problem = json.loads(content)
        return _made(problem["code"], problem["detail"], problem["facts"], problem["next"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return Unreachable("The node's answer could not be read.", next="Is it of another version?")


def _made(code: str, message: str, facts: Mapping[str, Any], next: str) -> WalletError:
    kind = BY_CODE.get(code, WalletError)
    made = kind(message, _with_decimals(kind, facts), next)
    if kind.code != code:
        made.__dict__["code"] = code
    return made


def _with_decimals(kind: type[WalletError], facts: Mapping[str, Any]) -> Facts:
    return {name: _decimal(value) if name in kind.amounts else value for name, value in facts.items()}


def _decimal(value: Any) -> Any:
    try:
        return Decimal(value) if isinstance(value, str) else value
    except InvalidOperation:
        return value


class EventReader:
    """Reads a stream of server-sent events line by line, over one connection after the other.

    A payment that was seen is told again by a node that started anew; here it is told once.
    """

    def __init__(self, after: str | None, patience_s: float) -> None:
        self._after, self._patience_s = after, patience_s
        self._place = after
        self._content = ""
        self._seen: deque[str] = deque(maxlen=REMEMBERED)
        self._heard_at = monotonic()

    def path(self) -> str:
        """What to ask for now: all behind the last event. Begins a new connection."""
        self._content = ""
        return "events" if self._after is None else f"events?{urlencode({'after': self._after})}"

    def lost(self) -> None:
        """The connection ended or did not come about. Raises Unreachable once nothing was heard for too long."""
        if monotonic() - self._heard_at > self._patience_s:
            raise gone()

    def line(self, line: str) -> Event | None:
        """Take one line; returns an event when it was the last of one that is new."""
        self._heard_at = monotonic()
        name, _, value = line.partition(": ")
        if name == "id":
            self._place = value
        elif name == "data":
            self._content += value
        elif line == "":
            self._after, content, self._content = self._place, self._content, ""
            event = read(json.loads(content), Event) if content else None
            return None if event is None or self._was_told(event) else event
        return None

    def _was_told(self, event: Event) -> bool:
        if event.state != "seen" or event.id is None:
            return False
        if event.id in self._seen:
            return True
        self._seen.append(event.id)
        return False
