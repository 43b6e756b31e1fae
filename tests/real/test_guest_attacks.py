"""During and after every attack of strangers the node lives, has not grown much, and serves peers and honest strangers.

The attacked transport runs in a process of its own. Peer 1 is known and keeps its link; stranger 3 is honest and asks.
"""

from collections.abc import AsyncIterator, Iterator

import pytest
import trio

from node.transport import LinkUp, NotReached, Transport, open_transport

from .attacks import Attack, Target
from .guest_attacks import GUEST_ATTACKS
from .transport_echo import EchoProcess, echo_process, peer_of, seed_of

GROWTH_BYTES_MAX = 40 << 20
ASKED_WITHIN_S = 10.0


@pytest.fixture(scope="module")
def attacked() -> Iterator[EchoProcess]:
    """One process for all attacks: it also has to survive them one after the other."""
    with echo_process(0, [f"/p2p/{peer_of(1)}"]) as process:
        yield process


@pytest.fixture
async def member(attacked: EchoProcess, nursery: trio.Nursery) -> AsyncIterator[Transport]:
    """A known peer with a link from before the attack."""
    transport: Transport = await nursery.start(open_transport, seed_of(1), "", attacked.addresses, "aa")
    with trio.fail_after(5):
        assert await transport.links.receive() == LinkUp(attacked.peer_id)
    yield transport


async def _is_served(member: Transport, peer: str) -> None:
    with trio.fail_after(5):
        assert member.send_nowait(peer, b"are you there?"), "the known peer lost its link"
        assert await member.inbox.receive() == (peer, [b"are you there?"])


async def _asks(stranger: Transport, address: str) -> None:
    """An honest stranger, who tries again when the door is full."""
    with trio.fail_after(ASKED_WITHIN_S):
        while True:
            try:
                async with stranger.knock(address, 5) as door:
                    assert await door.ask(b"may I join?") == b"may I join?"
                    return
            except NotReached:
                await trio.sleep(0.2)


@pytest.mark.parametrize("attack", GUEST_ATTACKS, ids=[attack.__name__ for attack in GUEST_ATTACKS])
async def test_an_attack_of_strangers_keeps_neither_peers_nor_strangers_out(
    attack: Attack, attacked: EchoProcess, member: Transport, nursery: trio.Nursery
) -> None:
    before = attacked.ask("rss")
    stranger: Transport = await nursery.start(open_transport, seed_of(3), "", [], "aa")
    with trio.fail_after(40):
        async with trio.open_nursery() as attacking:
            attacking.start_soon(attack, Target(attacked.addresses[0], "aa"), seed_of(77))
            await trio.sleep(0.5)
            await _asks(stranger, attacked.addresses[0])
            await _is_served(member, attacked.peer_id)
            assert attacked.ask("rss") - before < GROWTH_BYTES_MAX
    assert attacked.is_alive()
    await _is_served(member, attacked.peer_id)
    await _asks(stranger, attacked.addresses[0])
    assert attacked.ask("rss") - before < GROWTH_BYTES_MAX
    nursery.cancel_scope.cancel()


def test_strangers_leave_no_line_in_the_log(attacked: EchoProcess) -> None:
    assert not attacked.said()
