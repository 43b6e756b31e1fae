"""The wallet for notebooks and plain scripts: each call returns when it is answered.

Only sends what `questions` describes and gives back what `wire` makes of the answer; `asynchronous` is its twin.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Concatenate, ParamSpec, Self

import httpx

from ..errors import Unreachable
from . import questions, wire
from .answers import Event
from .questions import Answer, Pages, Question, Row, as_method

P = ParamSpec("P")


def asked(describe: Callable[P, Question[Answer]]) -> Callable[Concatenate["BlockingWallet", P], Answer]:
    """A method that asks what `describe` describes."""

    def ask(self: "BlockingWallet", /, *args: P.args, **kwargs: P.kwargs) -> Answer:
        return self.ask(describe(*args, **kwargs))

    return as_method(ask, describe)


def paged(describe: Callable[P, Pages[Row]]) -> Callable[Concatenate["BlockingWallet", P], Iterator[Row]]:
    """A method that goes through all rows of what `describe` describes."""

    def rows(self: "BlockingWallet", /, *args: P.args, **kwargs: P.kwargs) -> Iterator[Row]:
        pages, after = describe(*args, **kwargs), None
        while True:
            page, after = self.ask(pages.page(after))
            yield from page
            if after is None:
                return

    return as_method(rows, describe)


class BlockingWallet:
    """The running wallet of one home: `with wallet.open(home) as me`, or without `with` and `me.close()` at the end."""

    def __init__(self, home: Path, token: str | None = None) -> None:
        self._door = wire.Door(home, token)
        self._client = httpx.Client(trust_env=False, limits=wire.LIMITS)

    status = asked(questions.status)
    community = asked(questions.community)
    balance = asked(questions.balance)
    history = paged(questions.history)
    members = paged(questions.members)
    show = asked(questions.show)
    preview = asked(questions.preview)
    pay = asked(questions.pay)
    receive = asked(questions.receive)
    refund = asked(questions.refund)
    unlock = asked(questions.unlock)
    lock = asked(questions.lock)
    verify = asked(questions.verify)
    place = asked(questions.place)

    def events(self, after: str | None = None, *, patience_s: float = wire.PATIENCE_S) -> Iterator[Event]:
        """What happens to the accounts of this wallet behind the place `after` (an `Event.at`; "0" is the beginning),
        else from now on. Goes on by itself after a lost connection, without loss and without doubles.

        Raises Unreachable once the node has been away for `patience_s`.
        """
        reader = wire.EventReader(after, patience_s)
        while True:
            try:
                url, headers = self._door.call(reader.path())
                with self._client.stream("GET", url, headers=headers, timeout=wire.STREAM) as response:
                    if response.status_code >= 400:
                        raise wire.failure(response.read())
                    for line in response.iter_lines():
                        if (event := reader.line(line)) is not None:
                            yield event
            except (httpx.TransportError, Unreachable):
                reader.lost()
            time.sleep(wire.TRY_AGAIN_S)

    def ask(self, question: Question[Answer]) -> Answer:
        """Ask one thing. Raises the WalletError that the answer tells of."""
        url, headers = self._door.call(question.path)
        timeout = httpx.Timeout(question.timeout_s, connect=wire.CONNECT_S)
        try:
            response = self._client.request(question.method, url, json=question.body, headers=headers, timeout=timeout)
        except httpx.TransportError as error:
            raise wire.unanswered(error) from None
        return wire.answered(question, response.status_code, response.content)

    def close(self) -> None:
        """End all connections."""
        self._client.close()

    def __enter__(self) -> Self:
        self.status()  # so that a home where nothing runs is told at once
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
