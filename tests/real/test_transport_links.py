"""Links over real sockets on loopback: how they come up, come back, are refused, and are given back."""

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
import trio

from node.transport import LinkDown, LinkUp, Transport, dialling, open_transport, service

from .transport_echo import echo_process, peer_of, seed_of

ANYWHERE = "/ip4/127.0.0.1/tcp/0"


async def opened(nursery: trio.Nursery, number: int, peers: list[str], listen: str = ANYWHERE) -> Transport:
    """An open transport with the key of `number`."""
    transport: Transport = await nursery.start(open_transport, seed_of(number), listen, peers, "aa")
    return transport


def only(*numbers: int) -> list[str]:
    """Peers that may connect but are not dialled."""
    return [f"/p2p/{peer_of(number)}" for number in numbers]


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


async def until(happened: Callable[[], bool], within_s: float) -> None:
    """Wait for something to become true."""
    with trio.fail_after(within_s):
        while not happened():
            await trio.sleep(0.02)


async def echoed(asking: Transport, answering: Transport) -> bool:
    """Whether a frame gets from one to the other."""
    assert asking.send_nowait(answering.peer_id, b"hello")
    with trio.fail_after(3):
        return await answering.inbox.receive() == (asking.peer_id, [b"hello"])


async def test_a_peer_that_starts_later_is_linked_within_a_second_and_a_half(nursery: trio.Nursery) -> None:
    port = free_port()
    early = await opened(nursery, 1, [f"/ip4/127.0.0.1/tcp/{port}/p2p/{peer_of(2)}"], listen="")
    await trio.sleep(1)
    late = await opened(nursery, 2, only(1), f"/ip4/127.0.0.1/tcp/{port}")
    with trio.fail_after(1.5):
        assert await late.links.receive() == LinkUp(early.peer_id)
    assert await echoed(late, early) and await echoed(early, late)
    nursery.cancel_scope.cancel()


async def test_two_peers_that_dial_each_other_keep_one_link_and_lose_nothing(nursery: trio.Nursery) -> None:
    ports = {number: free_port() for number in (1, 2)}
    address = {n: f"/ip4/127.0.0.1/tcp/{port}" for n, port in ports.items()}
    first = await opened(nursery, 1, [f"{address[2]}/p2p/{peer_of(2)}"], address[1])
    second = await opened(nursery, 2, [f"{address[1]}/p2p/{peer_of(1)}"], address[2])
    await until(lambda: first.connected() == {second.peer_id}, 2)
    for number in range(50):
        await until(lambda: second.peer_id in first.connected(), 1)
        assert first.send_nowait(second.peer_id, bytes([number]))
        await trio.sleep(0.05)
    received: list[bytes] = []
    with trio.fail_after(3):
        while len(received) < 50:
            received += (await second.inbox.receive())[1]
    assert received == [bytes([number]) for number in range(50)]
    assert first.links.receive_nowait() == LinkUp(second.peer_id)
    with pytest.raises(trio.WouldBlock):
        first.links.receive_nowait()
    nursery.cancel_scope.cancel()


async def test_a_killed_peer_is_noticed_and_linked_again_when_it_returns(nursery: trio.Nursery) -> None:
    listen = f"/ip4/127.0.0.1/tcp/{free_port()}"
    with echo_process(2, only(1), listen) as peer:
        transport = await opened(nursery, 1, peer.addresses, listen="")
        assert await transport.links.receive() == LinkUp(peer.peer_id)
        peer.kill()
        with trio.fail_after(1):
            assert await transport.links.receive() == LinkDown(peer.peer_id)
        assert not transport.send_nowait(peer.peer_id, b"nobody there")
    with echo_process(2, only(1), listen) as peer, trio.fail_after(3):
        assert await transport.links.receive() == LinkUp(peer.peer_id)
    nursery.cancel_scope.cancel()


async def test_a_frozen_peer_is_dropped(nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "KEEPER_S", 0.1)
    monkeypatch.setattr(service, "PING_AFTER_S", 0.3)
    monkeypatch.setattr(service, "SILENCE_MAX_S", 1.0)
    with echo_process(2, only(1)) as peer:
        transport = await opened(nursery, 1, peer.addresses, listen="")
        assert await transport.links.receive() == LinkUp(peer.peer_id)
        await trio.sleep(2)
        assert transport.connected() == {peer.peer_id}, "a peer that answers pings is not dropped"
        peer.freeze()
        with trio.fail_after(2):
            assert await transport.links.receive() == LinkDown(peer.peer_id)
    nursery.cancel_scope.cancel()


async def test_a_denied_peer_is_dropped_at_once_and_comes_back_when_healed(nursery: trio.Nursery) -> None:
    server = await opened(nursery, 1, only(2))
    client = await opened(nursery, 2, server.addresses, listen="")
    for side, other in ((server, client), (client, server)):
        await until(lambda: bool(server.connected() and client.connected()), 2)
        side.deny({other.peer_id})
        await until(lambda: not server.connected() and not client.connected(), 0.5)
        await trio.sleep(1.5)
        assert not server.connected() and not client.connected()
        side.deny(set())
        await until(lambda: bool(server.connected() and client.connected()), 2)
    assert await echoed(client, server)
    nursery.cancel_scope.cancel()


async def test_a_stranger_is_not_linked_until_it_is_on_the_list(nursery: trio.Nursery) -> None:
    server = await opened(nursery, 1, only(3))
    stranger = await opened(nursery, 2, server.addresses, listen="")
    await trio.sleep(1)
    assert not server.connected() and not stranger.connected()
    server.allow(only(2, 3))
    await until(lambda: stranger.connected() == {server.peer_id}, 3)
    server.allow(only(3))
    await until(lambda: not server.connected(), 1)
    nursery.cancel_scope.cancel()


async def test_a_peer_that_is_not_who_the_list_says_is_not_linked(nursery: trio.Nursery) -> None:
    server = await opened(nursery, 1, only(2))
    wrong = server.addresses[0].replace(server.peer_id, peer_of(5))
    client = await opened(nursery, 2, [wrong], listen="")
    await trio.sleep(1)
    assert not server.connected() and not client.connected()
    client.allow(server.addresses)
    await until(lambda: client.connected() == {server.peer_id}, 3)
    nursery.cancel_scope.cancel()


async def test_twenty_bad_frames_shut_a_peer_out(nursery: trio.Nursery) -> None:
    server = await opened(nursery, 1, only(2))
    client = await opened(nursery, 2, server.addresses, listen="")
    await until(lambda: bool(server.connected()), 2)
    for _ in range(19):
        server.punish(client.peer_id)
    assert server.connected() == {client.peer_id}
    server.punish(client.peer_id)
    await until(lambda: not server.connected() and not client.connected(), 0.5)
    await trio.sleep(1)
    assert not server.connected()
    nursery.cancel_scope.cancel()


async def test_hints_reach_the_others_and_never_come_back(nursery: trio.Nursery) -> None:
    server = await opened(nursery, 1, only(2, 3))
    second = await opened(nursery, 2, server.addresses, listen="")
    third = await opened(nursery, 3, server.addresses, listen="")
    await until(lambda: len(server.connected()) == 2, 2)
    with trio.fail_after(15):
        while third.hints.statistics().current_buffer_used == 0:
            assert second.publish(b"there is news")
            await trio.sleep(0.5)
        assert await third.hints.receive() == (second.peer_id, b"there is news")
    assert second.hints.statistics().current_buffer_used == 0
    assert not second.publish(b"") and not second.publish(bytes(2000))
    nursery.cancel_scope.cancel()


async def test_an_address_that_is_taken_is_said_so_at_once(nursery: trio.Nursery) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        with pytest.raises(OSError):
            await opened(nursery, 1, [], f"/ip4/127.0.0.1/tcp/{taken.getsockname()[1]}")


async def test_a_peer_that_takes_nothing_keeps_no_other_waiting(nursery: trio.Nursery) -> None:
    server = await opened(nursery, 1, only(2, 3))
    deaf = await opened(nursery, 2, server.addresses, listen="")
    good = await opened(nursery, 3, server.addresses, listen="")
    await until(lambda: len(server.connected()) == 2, 2)
    frame = bytes(900_000)
    await until(lambda: not server.send_nowait(deaf.peer_id, frame), 10)
    assert await echoed(server, good) and await echoed(good, server)
    assert server.connected() == {deaf.peer_id, good.peer_id}
    nursery.cancel_scope.cancel()


async def test_nothing_is_kept_of_the_bad_hints_of_strangers(nursery: trio.Nursery) -> None:
    server = await opened(nursery, 1, only(2))
    for _ in range(20):
        server.punish(peer_of(3))
    server.allow(only(2, 3))
    stranger = await opened(nursery, 3, server.addresses, listen="")
    await until(lambda: server.connected() == {stranger.peer_id}, 2)
    nursery.cancel_scope.cancel()


def open_descriptors() -> int:
    """How many files and sockets this process has open."""
    return len(os.listdir("/proc/self/fd"))


async def test_ten_openings_and_closings_leave_nothing_behind() -> None:
    async def once() -> None:
        async with trio.open_nursery() as nursery:
            server = await opened(nursery, 1, only(2))
            client = await opened(nursery, 2, server.addresses, listen="")
            await until(lambda: bool(server.connected() and client.connected()), 2)
            assert await echoed(client, server)
            nursery.cancel_scope.cancel()

    await once()
    await trio.sleep(0.3)
    descriptors, tasks = open_descriptors(), trio.lowlevel.current_statistics().tasks_living
    threads = len(list(Path("/proc/self/task").iterdir()))
    for _ in range(10):
        await once()
    await trio.sleep(0.3)
    assert open_descriptors() <= descriptors
    assert trio.lowlevel.current_statistics().tasks_living <= tasks
    assert len(list(Path("/proc/self/task").iterdir())) <= threads


def nobody_at() -> str:
    """An address of this machine where nobody answers, though it takes connections."""
    return f"/ip4/127.0.0.1/tcp/{free_port()}"


async def test_the_addresses_of_a_peer_are_tried_in_turn_and_the_good_one_stays_first(nursery: trio.Nursery) -> None:
    server = await opened(nursery, 1, only(2))
    good = server.addresses[0]
    with socket.create_server(("127.0.0.1", 0), backlog=0) as silent:
        entries = [f"{nobody_at()}/p2p/{server.peer_id}", good, f"{nobody_at()}/p2p/{server.peer_id}", good]
        client = await opened(nursery, 2, entries, listen="")
        await until(lambda: client.connected() == {server.peer_id}, 3)
        dialler = client._diallers.of[server.peer_id]
        assert len(dialler.addresses) == 3, "one that is named twice is one"
        client.allow(entries)
        assert client._diallers.of[server.peer_id] is dialler, "the same list changes nothing"
        server.deny({client.peer_id})
        await until(lambda: not client.connected(), 2)
        server.deny(set())
        await until(lambda: client.connected() == {server.peer_id}, 3)
        client.allow([f"/ip4/127.0.0.1/tcp/{silent.getsockname()[1]}/p2p/{server.peer_id}", *entries])
        assert client.connected() == {server.peer_id}, "new addresses do not end a link"
    nursery.cancel_scope.cancel()


async def test_a_hurried_peer_is_dialled_at_once(nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialling, "DIAL_FIRST_WAIT_S", 60.0)
    monkeypatch.setattr(dialling, "DIAL_WAIT_MAX_LOCAL_S", 60.0)
    listen = f"/ip4/127.0.0.1/tcp/{free_port()}"
    early = await opened(nursery, 1, [f"{listen}/p2p/{peer_of(2)}"], listen="")
    await trio.sleep(0.3)
    late = await opened(nursery, 2, only(1), listen)
    await trio.sleep(0.5)
    assert not early.connected()
    early.hurry(peer_of(7))
    early.hurry(late.peer_id)
    await until(lambda: early.connected() == {late.peer_id}, 1.5)
    nursery.cancel_scope.cancel()
