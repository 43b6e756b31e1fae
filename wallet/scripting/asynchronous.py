"""The wallet for scripts that use async and await, under trio and under asyncio alike.

Only sends what `questions` describes and gives back what `wire` makes of the answer; `blocking` is its twin.
"""

from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, Self

import anyio
import httpx

from ..errors import Unreachable
from . import questions, wire
from .answers import Event
from .questions import Answer, Pages, Question, Row, as_method

P = ParamSpec("P")


def asked(
    describe: Callable[P, Question[Answer]],
) -> Callable[Concatenate["AsyncWallet", P], Coroutine[Any, Any, Answer]]:
    """A method that asks what `describe` describes."""

    async def ask(self: "AsyncWallet", /, *args: P.args, **kwargs: P.kwargs) -> Answer:
        return await self.ask(describe(*args, **kwargs))

    return as_method(ask, describe)


def paged(describe: Callable[P, Pages[Row]]) -> Callable[Concatenate["AsyncWallet", P], AsyncIterator[Row]]:
    """A method that goes through all rows of what `describe` describes."""

    async def rows(self: "AsyncWallet", /, *args: P.args, **kwargs: P.kwargs) -> AsyncIterator[Row]:
        pages, after = describe(*args, **kwargs), None
        while True:
            page, after = await self.ask(pages.page(after))
            for row in page:
                yield row
            if after is None:
                return

    return as_method(rows, describe)


class AsyncWallet:
    """The running wallet of one home: `async with wallet.connect(home) as me`. Several tasks may use it at once."""

    def __init__(self, home: Path, token: str | None = None) -> None:
        self._door = wire.Door(home, token)
        self._client = httpx.AsyncClient(trust_env=False, limits=wire.LIMITS)

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

    async def events(self, after: str | None = None, *, patience_s: float = wire.PATIENCE_S) -> AsyncIterator[Event]:
        """What happens to the accounts of this wallet behind the place `after` (an `Event.at`; "0" is the beginning),
        else from now on. Goes on by itself after a lost connection, without loss and without doubles.

        Raises Unreachable once the node has been away for `patience_s`.
        """
        reader = wire.EventReader(after, patience_s)
        while True:
            try:
                url, headers = self._door.call(reader.path())
                async with self._client.stream("GET", url, headers=headers, timeout=wire.STREAM) as response:
                    if response.status_code >= 400:
                        raise wire.failure(await response.aread())
                    async for line in response.aiter_lines():
                        if (event := reader.line(line)) is not None:
                            yield event
            except (httpx.TransportError, Unreachable):
                reader.lost()
            await anyio.sleep(wire.TRY_AGAIN_S)

    async def ask(self, question: Question[Answer]) -> Answer:
        """Ask one thing. Raises the WalletError that the answer tells of."""
        url, headers = self._door.call(question.path)
        timeout = httpx.Timeout(question.timeout_s, connect=wire.CONNECT_S)
        try:
            response = await self._client.request(
                question.method, url, json=question.body, headers=headers, timeout=timeout
            )
        except httpx.TransportError as error:
            raise wire.unanswered(error) from None
        return wire.answered(question, response.status_code, response.content)

    async def close(self) -> None:
        """End all connections."""
        await self._client.aclose()

    async def __aenter__(self) -> Self:
        await self.status()  # so that a home where nothing runs is told at once
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
