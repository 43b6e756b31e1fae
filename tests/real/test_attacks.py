"""After every attack the node under attack lives, has not grown much and serves an honest peer.

The attacked transport runs in a process of its own. Peer 1 is the honest one and keeps its link;
peer 2 is honest, too, and comes anew after each attack; the intruders are known peers, 10 and up.
"""

from collections.abc import AsyncIterator, Iterator

import pytest
import trio

from node.transport import LinkUp, Transport, open_transport

from .attacks import ATTACKS, Attack, Target
from .transport_echo import EchoProcess, echo_process, peer_of, seed_of

GROWTH_BYTES_MAX = 40 << 20
SERVED_WITHIN_S = 5.0
INTRUDERS = range(10, 10 + len(ATTACKS))


@pytest.fixture(scope="module")
def attacked() -> Iterator[EchoProcess]:
    """One process for all attacks: it also has to survive them one after the other."""
    known = [f"/p2p/{peer_of(number)}" for number in (1, 2, *INTRUDERS)]
    with echo_process(0, known) as process:
        yield process


@pytest.fixture
async def honest(attacked: EchoProcess, nursery: trio.Nursery) -> AsyncIterator[Transport]:
    """A linked peer from before the attack."""
    yield await _linked(attacked, nursery, 1)


async def _linked(attacked: EchoProcess, nursery: trio.Nursery, number: int) -> Transport:
    transport: Transport = await nursery.start(open_transport, seed_of(number), "", attacked.addresses, "aa")
    with trio.fail_after(SERVED_WITHIN_S):
        assert await transport.links.receive() == LinkUp(attacked.peer_id)
    return transport


async def _is_served(transport: Transport, peer: str) -> None:
    with trio.fail_after(SERVED_WITHIN_S):
        assert transport.send_nowait(peer, b"are you there?"), "the honest peer lost its link"
        assert await transport.inbox.receive() == (peer, [b"are you there?"])


@pytest.mark.parametrize(
    "number, attack", list(zip(INTRUDERS, ATTACKS, strict=True)), ids=[a.__name__ for a in ATTACKS]
)
async def test_an_attack_stops_nobody_else(
    number: int, attack: Attack, attacked: EchoProcess, honest: Transport, nursery: trio.Nursery
) -> None:
    before = attacked.ask("rss")
    with trio.fail_after(20):
        await attack(Target(attacked.addresses[0], "aa"), seed_of(number))
    assert attacked.is_alive()
    await _is_served(honest, attacked.peer_id)
    newcomer = await _linked(attacked, nursery, 2)
    await _is_served(newcomer, attacked.peer_id)
    assert attacked.ask("rss") - before < GROWTH_BYTES_MAX
    nursery.cancel_scope.cancel()


async def test_hints_still_arrive_after_all_attacks(attacked: EchoProcess, honest: Transport) -> None:
    before = attacked.ask("hints")
    with trio.fail_after(15):
        while attacked.ask("hints") == before:
            assert honest.publish(b"there is news")
            await trio.sleep(0.5)


def test_the_library_wrote_nothing_to_standard_error(attacked: EchoProcess) -> None:
    for line in attacked.said().splitlines():
        assert line.startswith("12D3Koo"), "every line is a warning of ours about a peer"
