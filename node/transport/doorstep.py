"""The doorstep: questions and answers that anybody may try, on a stream of their own.

A question is one frame, the answer is one frame, and no question is read before the last one is answered. Both sides
know for certain who the other is. Everything has a bound: bytes, questions, pace, and the time of every wait. What
questions mean is not known here.

Writes only queue bytes for the connection's writer task (`stream`), so that none can be cut by a deadline.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import trio
from libp2p.custom_types import TProtocol
from libp2p.stream_muxer.exceptions import MuxedStreamError

from .framing import BadFrame, Splitter, length_of
from .limits import (
    ANSWER_DEADLINE_S,
    FOUNDING_BYTES_MAX,
    QUESTION_BYTES_MAX,
    QUESTION_DEADLINE_S,
    QUESTION_PAUSE_S,
    QUESTIONS_MAX,
    REPLY_BYTES_MAX,
)
from .logs import LOGGER
from .stream import MuxedStream

KNOCK = TProtocol("/tallystick/knock/1")
PIECE_BYTES = 64 << 10

Answer = Callable[[str, bytes], Awaitable[bytes | None]]
"""Client peer id and question in, reply out; None hangs up."""


class NotReached(OSError):
    """The other side was not reached, or has hung up. Its text is one plain reason, as "no answer"."""


@dataclass(frozen=True, slots=True)
class Answering:
    """Who answers, and how long a question may be, in bytes."""

    answer: Answer
    question_max: int = QUESTION_BYTES_MAX


class Frames:
    """Whole frames on a stream, at most `most` bytes each way in."""

    def __init__(self, stream: MuxedStream, most: int) -> None:
        self._stream = stream
        self._splitter = Splitter(most)
        self._waiting: list[bytes] = []

    async def receive(self) -> bytes:
        """The next frame. Raises BadFrame for an impossible length, MuxedStreamError when no more come."""
        while not self._waiting:
            self._waiting += self._splitter.feed(await self._stream.read(PIECE_BYTES))
        return self._waiting.pop(0)

    async def send(self, frame: bytes) -> None:
        """Queue a frame piece by piece, waiting while much is queued, so that who does not read keeps little here.

        Raises MuxedStreamError when the other side does not read.
        """
        await self._stream.write(length_of(frame))
        for start in range(0, len(frame), PIECE_BYTES):
            await self._stream.write(frame[start : start + PIECE_BYTES])


class Doorstep:
    """The asking side of one conversation. Valid inside `Transport.knock`."""

    def __init__(self, stream: MuxedStream, timeout_s: float) -> None:
        self.server_peer = stream.muxed_conn.peer
        self._frames = Frames(stream, REPLY_BYTES_MAX)
        self._timeout_s = timeout_s

    async def ask(self, frame: bytes) -> bytes:
        """The reply to one question, within the time that `knock` was given; one question at a time.

        Raises NotReached when none comes, ValueError for a question that is empty or too long to be read anywhere.
        """
        if not 0 < len(frame) <= FOUNDING_BYTES_MAX:
            raise ValueError(f"a question has 1 to {FOUNDING_BYTES_MAX} bytes, not {len(frame)}")
        try:
            with trio.fail_after(self._timeout_s):
                await self._frames.send(frame)
                return await self._frames.receive()
        except trio.TooSlowError:
            raise NotReached("no answer") from None
        except BadFrame:
            raise NotReached("it answers with what is no answer") from None
        except MuxedStreamError:
            raise NotReached("it has hung up") from None


async def converse(stream: MuxedStream, client: str, answering: Answering) -> None:
    """Answer one client until it has asked enough or is hung up on.

    Raises BadFrame, trio.TooSlowError or MuxedStreamError for what the client does wrong; the caller ends the stream.
    """
    frames = Frames(stream, answering.question_max)
    rested_at = trio.current_time()
    for _ in range(QUESTIONS_MAX):
        with trio.fail_after(QUESTION_DEADLINE_S):
            question = await frames.receive()
        await trio.sleep_until(rested_at)
        reply = await _reply(answering.answer, client, question)
        if reply is None:
            return
        await frames.send(reply)
        rested_at = trio.current_time() + QUESTION_PAUSE_S
    await _flushed(stream)


async def _reply(answer: Answer, client: str, question: bytes) -> bytes | None:
    try:
        with trio.fail_after(ANSWER_DEADLINE_S):
            reply = await answer(client, question)
    except Exception:  # a stranger chooses the question: a bug in its answer may not end the node
        LOGGER.exception("a question of %s at the doorstep could not be answered", client)
        return None
    if reply is not None and not 0 < len(reply) <= REPLY_BYTES_MAX:
        LOGGER.error("a reply of %d bytes does not fit the doorstep and is not sent", len(reply))
        return None
    return reply


async def _flushed(stream: MuxedStream) -> None:
    """Wait until the other side has had the last answer: it says something, or leaves."""
    await stream.close()
    with trio.move_on_after(QUESTION_DEADLINE_S):
        await stream.read(1)
