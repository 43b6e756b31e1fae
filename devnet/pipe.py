"""The control pipe between a devnet and each of its children: one JSON object a line, both ways.

The parent asks and the child answers by number, in any order; a child also sends notes that nobody asked for
(`ready`, payments that it saw). It carries orders, never keys. Many questions may be under way at once; the asker
bounds them. When either end closes, the other sees it at once: a child whose parent is gone ends itself.
"""

import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

import trio

LINE_BYTES_MAX = 4 << 20
"""A longer line is not from one of our children."""
NOTES_MAX = 1000
"""Notes that wait to be read. When it is full the reader waits, and answers wait with it."""
CHUNK_BYTES = 1 << 16

Fields = Mapping[str, Any]
"""One JSON object. What is in it is checked where it is used."""


class PipeClosed(Exception):
    """The other end is gone, so the question will never be answered."""


class ChildRefused(Exception):
    """The child answered with an error: `code`, a sentence, and facts."""

    def __init__(self, code: str, message: str, facts: Fields) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.facts = dict(facts)


async def read_lines(stream: trio.abc.ReceiveStream) -> AsyncIterator[dict[str, Any]]:
    """Yield the objects that come in until the other end closes. Raises ValueError on what is no JSON object."""
    held = bytearray()
    while chunk := await _receive(stream):
        held += chunk
        *lines, rest = bytes(held).split(b"\n")
        held = bytearray(rest)
        if len(held) > LINE_BYTES_MAX:
            raise ValueError(f"a line of more than {LINE_BYTES_MAX} bytes")
        for line in lines:
            fields = json.loads(line)
            if not isinstance(fields, dict):
                raise ValueError("a JSON object was expected")
            yield fields


async def _receive(stream: trio.abc.ReceiveStream) -> bytes | bytearray:
    """Receive some bytes; none when the other end closed, orderly or not."""
    try:
        return await stream.receive_some(CHUNK_BYTES)
    except (trio.BrokenResourceError, trio.ClosedResourceError):
        return b""


class Writer:
    """Writes lines; those written while another is on its way leave together in one piece."""

    def __init__(self, stream: trio.abc.SendStream) -> None:
        self._stream = stream
        self._lock = trio.Lock()
        self._waiting = bytearray()

    async def write(self, fields: Fields) -> None:
        """Send one object. Raises PipeClosed."""
        self._waiting += json.dumps(fields, separators=(",", ":")).encode() + b"\n"
        async with self._lock:
            if not self._waiting:
                return
            batch, self._waiting = self._waiting, bytearray()
            try:
                await self._stream.send_all(bytes(batch))
            except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
                raise PipeClosed("the other end is gone") from error


class ParentEnd:
    """The devnet's end of one child's pipe. `run` must be running for answers to come."""

    def __init__(self, end: socket.socket) -> None:
        self._stream = trio.SocketStream(trio.socket.from_stdlib_socket(end))
        self._writer = Writer(self._stream)
        self._asked: dict[int, trio.MemorySendChannel[dict[str, Any]]] = {}
        self._number = 0
        self._closed = False
        self._tell, self.notes = trio.open_memory_channel[dict[str, Any]](NOTES_MAX)

    async def run(self) -> None:
        """Read answers and notes until the child closes its end."""
        try:
            async for fields in read_lines(self._stream):
                waiter = self._asked.pop(fields.get("n", 0), None)
                if waiter is not None:
                    waiter.send_nowait(fields)
                elif "note" in fields:
                    await self._tell.send(fields)
        finally:
            self._closed = True
            self._tell.close()
            for waiter in self._asked.values():
                waiter.close()
            self._stream.socket.close()

    async def tell(self, fields: Fields) -> None:
        """Send a line that asks nothing: the first, which says what the child is to be. Raises PipeClosed."""
        await self._writer.write(fields)

    async def ask(self, do: str, **facts: object) -> dict[str, Any]:
        """Give one order and wait for its answer. Raises ChildRefused, or PipeClosed when the child is gone."""
        if self._closed:
            raise PipeClosed("the child is gone")
        self._number += 1
        waiter, answer = trio.open_memory_channel[dict[str, Any]](1)
        self._asked[self._number] = waiter
        await self._writer.write({"n": self._number, "do": do, **facts})
        try:
            fields = await answer.receive()
        except trio.EndOfChannel:
            raise PipeClosed("the child ended before it answered") from None
        if "error" in fields:
            error = fields["error"]
            raise ChildRefused(error["code"], error["message"], error.get("facts", {}))
        return dict(fields["answer"])


Order = Callable[[Fields], Awaitable[Fields]]


class ChildEnd:
    """The child's end: runs each order in a task of its own and writes its answer."""

    def __init__(self, end: socket.socket) -> None:
        self._stream = trio.SocketStream(trio.socket.from_stdlib_socket(end))
        self._writer = Writer(self._stream)
        self._lines = read_lines(self._stream)

    async def first(self) -> dict[str, Any]:
        """Return the first line, which says what this child is to be. Raises PipeClosed."""
        async for fields in self._lines:
            return fields
        raise PipeClosed("the devnet ended before it said what to do")

    async def note(self, note: str, **facts: object) -> None:
        """Tell the parent something it did not ask for. Raises PipeClosed."""
        await self._writer.write({"note": note, **facts})

    async def serve(self, order: Order) -> None:
        """Carry out orders until the parent closes its end."""
        async with trio.open_nursery() as nursery:
            async for fields in self._lines:
                nursery.start_soon(self._carry_out, order, fields)
            nursery.cancel_scope.cancel()

    async def _carry_out(self, order: Order, fields: Fields) -> None:
        try:
            answer: Fields = {"n": fields["n"], "answer": await order(fields)}
        except ChildRefused as error:
            facts = {"code": error.code, "message": error.message, "facts": error.facts}
            answer = {"n": fields["n"], "error": facts}
        try:
            await self._writer.write(answer)
        except PipeClosed:
            return  # `serve` sees the same end of the pipe and stops.
