"""Looks for others on the local network: `python -m tests.real.nearby_process COMMUNITY NUMBER LISTEN`.

COMMUNITY is one byte in hex, NUMBER says whose key, LISTEN is a multiaddr. Says "ready", then each finding on a line,
and when standard input closes how many seconds it took to end.
"""

import sys
from functools import partial

import trio

from node.transport import meet_nearby, nearby
from node.transport.logs import capture_library_logs
from protocol.base import CommunityId

from .transport_echo import peer_of


def _say(*words: object) -> None:
    print(*words, flush=True)


async def main(community: str, number: str, listen: str) -> None:
    capture_library_logs()
    nearby.LOOK_AGAIN_S = 2.0
    async with trio.open_nursery() as nursery:
        whole = CommunityId(bytes.fromhex(community) * 32)
        nursery.start_soon(partial(meet_nearby, whole, peer_of(int(number)), listen, _say))
        _say("ready")
        await trio.to_thread.run_sync(sys.stdin.read)
        began = trio.current_time()
        nursery.cancel_scope.cancel()
    _say(f"{trio.current_time() - began:.2f}")


if __name__ == "__main__":
    trio.run(main, *sys.argv[1:])
