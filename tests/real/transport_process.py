"""A transport in a process of its own that sends every frame back: `python -m tests.real.transport_process`.

At its doorstep it answers a question with as many bytes as the question's number says, or with the question itself.

Reads one JSON line from standard input: seed (hex), listen, peers, topic. Answers with one JSON line:
peer_id and addresses. Then every further line "rss" is answered with the resident memory in bytes,
"cpu" with the CPU seconds used, "hints" with the hints received so far; it ends when standard input closes.
"""

import json
import os
import sys
import time
from pathlib import Path

import trio

from node.transport import Transport, open_transport


async def _echo(transport: Transport) -> None:
    async for peer, frames in transport.inbox:
        for frame in frames:
            transport.send_nowait(peer, frame)


async def _answer_knock(peer: str, question: bytes) -> bytes:
    return bytes(int(question)) if question.isdigit() else question


async def _count_hints(transport: Transport, counted: list[int]) -> None:
    async for _ in transport.hints:
        counted[0] += 1


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _say(answer: object) -> None:
    print(json.dumps(answer), flush=True)


async def _answer(line: str, hints: int) -> None:
    match line.strip():
        case "rss":
            _say(_resident_bytes())
        case "cpu":
            _say(time.process_time())
        case "hints":
            _say(hints)


async def main() -> None:
    wanted = json.loads(sys.stdin.readline())
    hints = [0]
    async with trio.open_nursery() as nursery:
        transport: Transport = await nursery.start(
            open_transport, bytes.fromhex(wanted["seed"]), wanted["listen"], wanted["peers"], wanted["topic"]
        )
        transport.serve_knocks(_answer_knock)
        nursery.start_soon(_echo, transport)
        nursery.start_soon(_count_hints, transport, hints)
        _say({"peer_id": transport.peer_id, "addresses": transport.addresses})
        while line := await trio.to_thread.run_sync(sys.stdin.readline):
            await _answer(line, hints[0])
        nursery.cancel_scope.cancel()


if __name__ == "__main__":
    trio.run(main)
