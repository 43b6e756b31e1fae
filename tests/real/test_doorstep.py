"""The doorstep over real sockets: who may ask, what strangers do not get, and what becomes of them."""

import socket

import pytest
import trio

from node.transport import NotReached, Transport
from node.transport.limits import QUESTION_BYTES_MAX, QUESTIONS_MAX, REPLY_BYTES_MAX

from .test_transport_links import echoed, free_port, only, opened, until
from .transport_echo import peer_of

NOBODY: list[str] = []
KNOCK_S = 3.0


async def asker_and_question(peer: str, question: bytes) -> bytes:
    """The answer of most tests: who asked, and what."""
    return peer.encode() + b" " + question


async def reason_of(knocking: Transport, address: str, timeout_s: float = KNOCK_S) -> str:
    """Why an address is not reached."""
    with pytest.raises(NotReached) as refused:
        async with knocking.knock(address, timeout_s):
            pass
    return str(refused.value)


async def asked(knocking: Transport, address: str, question: bytes) -> bytes:
    """One question in a conversation of its own."""
    async with knocking.knock(address, KNOCK_S) as door:
        return await door.ask(question)


async def serving(nursery: trio.Nursery, number: int = 1, peers: list[str] = NOBODY) -> Transport:
    """A transport with a doorstep."""
    server = await opened(nursery, number, peers)
    server.serve_knocks(asker_and_question)
    return server


async def test_who_knows_nobody_and_listens_nowhere_asks_and_each_knows_the_other(nursery: trio.Nursery) -> None:
    server = await serving(nursery)
    stranger = await opened(nursery, 2, NOBODY, listen="")
    async with stranger.knock(server.addresses[0], KNOCK_S) as door:
        assert door.server_peer == server.peer_id
        for question in (b"hello", b"x" * QUESTION_BYTES_MAX):
            assert await door.ask(question) == stranger.peer_id.encode() + b" " + question
    assert not server.connected() and not stranger.connected(), "asking makes no link"
    assert not server._gate.open, "and takes no place of a known peer"
    await until(lambda: not server._gate.guests.here, 1)
    nursery.cancel_scope.cancel()


async def test_linked_peers_ask_beside_their_link_without_another_connection(nursery: trio.Nursery) -> None:
    server = await serving(nursery, 1, only(2))
    client = await opened(nursery, 2, server.addresses, listen="")
    client.serve_knocks(asker_and_question)
    await until(lambda: bool(server.connected() and client.connected()), 2)
    for _ in range(3):
        assert await asked(client, server.addresses[0], b"hello") == client.peer_id.encode() + b" hello"
        assert await asked(server, f"/p2p/{client.peer_id}", b"and you") == server.peer_id.encode() + b" and you"
    assert len(server._gate.open) == 1 and not server._gate.guests.here
    assert await echoed(client, server) and await echoed(server, client)
    nursery.cancel_scope.cancel()


async def test_a_known_peer_that_is_not_linked_asks_and_can_still_be_linked_after_it(nursery: trio.Nursery) -> None:
    server = await serving(nursery, 1, only(2))
    client = await opened(nursery, 2, NOBODY, listen="")
    async with client.knock(server.addresses[0], KNOCK_S) as door:
        assert await door.ask(b"hello") == client.peer_id.encode() + b" hello"
        client.allow(server.addresses)
        await trio.sleep(0.5)
        assert not client.connected(), "who is asked is not dialled meanwhile"
    await until(lambda: bool(server.connected() and client.connected()), 2)
    assert await echoed(client, server)
    nursery.cancel_scope.cancel()


async def test_each_reason_not_to_be_reached_is_plain(nursery: trio.Nursery) -> None:
    server = await serving(nursery)
    closed = await opened(nursery, 3, NOBODY)
    knocking = await opened(nursery, 2, NOBODY, listen="")
    address = server.addresses[0]
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent_at = f"/ip4/127.0.0.1/tcp/{silent.getsockname()[1]}/p2p/{server.peer_id}"
        assert await reason_of(knocking, silent_at, 0.3) == "no answer"
    assert await reason_of(knocking, f"/ip4/127.0.0.1/tcp/{free_port()}/p2p/{server.peer_id}") == "refused"
    assert await reason_of(knocking, closed.addresses[0]) == "refused", "nobody serves strangers there"
    another = address.replace(server.peer_id, peer_of(9))
    assert await reason_of(knocking, another) == "another peer answers there"
    for unreadable in ("", "hello", "/ip4/127.0.0.1/tcp/4", "/ip4/127.0.0.1/udp/4/p2p/x", f"{address[:20]}/p2p/"):
        assert await reason_of(knocking, unreadable) == "its address cannot be read"
    assert await reason_of(knocking, f"/p2p/{server.peer_id}") == "no address of it is known"
    assert "itself" in await reason_of(server, address)
    knocking.deny({server.peer_id})
    assert "does not talk to it" in await reason_of(knocking, address)
    nursery.cancel_scope.cancel()


async def test_what_is_no_node_does_not_speak(nursery: trio.Nursery) -> None:
    async def web_page(stream: trio.SocketStream) -> None:
        await stream.send_all(
            b"HTTP/1.1 400 Bad Request\r\nServer: one of somebody else's\r\nContent-Length: 0\r\n\r\n"
        )
        await trio.sleep(1)

    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    nursery.start_soon(trio.serve_listeners, web_page, listeners)
    knocking = await opened(nursery, 2, NOBODY, listen="")
    address = f"/ip4/127.0.0.1/tcp/{listeners[0].socket.getsockname()[1]}/p2p/{peer_of(1)}"
    assert await reason_of(knocking, address) == "it does not speak this protocol"
    linked = await opened(nursery, 3, only(4))
    client = await opened(nursery, 4, linked.addresses, listen="")
    await until(lambda: bool(client.connected()), 2)
    assert await reason_of(client, linked.addresses[0]) == "it does not speak this protocol", "an older version"
    assert await echoed(client, linked)
    nursery.cancel_scope.cancel()


async def test_a_stranger_that_dials_is_not_linked_and_can_still_ask(nursery: trio.Nursery) -> None:
    server = await serving(nursery)
    stranger = await opened(nursery, 2, server.addresses, listen="")
    for _ in range(5):
        await trio.sleep(0.3)
        assert await asked(stranger, server.addresses[0], b"let me in") == stranger.peer_id.encode() + b" let me in"
        assert not server.connected() and not stranger.connected()
    nursery.cancel_scope.cancel()


async def test_a_guest_that_becomes_known_gets_its_answer_and_comes_again_as_a_peer(nursery: trio.Nursery) -> None:
    server = await opened(nursery, 1, NOBODY)

    async def admit(peer: str, question: bytes) -> bytes:
        server.allow([f"/p2p/{peer}"])
        await trio.sleep(0.2)
        return b"welcome"

    server.serve_knocks(admit)
    stranger = await opened(nursery, 2, server.addresses, listen="")
    async with stranger.knock(server.addresses[0], KNOCK_S) as door:
        assert await door.ask(b"my card") == b"welcome"
    await until(lambda: stranger.connected() == {server.peer_id}, 2)
    assert await echoed(stranger, server)
    nursery.cancel_scope.cancel()


async def test_a_guest_that_stays_although_it_is_known_now_is_sent_away(nursery: trio.Nursery) -> None:
    server = await serving(nursery)
    guest = await opened(nursery, 2, NOBODY, listen="")
    async with guest.knock(server.addresses[0], KNOCK_S) as door:
        await door.ask(b"hello")
        server.allow(only(2))
        await until(lambda: not server._gate.guests.here, 3)
        with pytest.raises(NotReached, match="hung up"):
            await door.ask(b"still there?")
    nursery.cancel_scope.cancel()


async def test_who_is_denied_is_no_guest_and_stops_being_one(nursery: trio.Nursery) -> None:
    server = await serving(nursery)
    guest = await opened(nursery, 2, NOBODY, listen="")
    async with guest.knock(server.addresses[0], KNOCK_S) as door:
        await door.ask(b"hello")
        server.deny({guest.peer_id})
        with pytest.raises(NotReached, match="hung up"):
            await door.ask(b"still there?")
    assert await reason_of(guest, server.addresses[0]) == "refused"
    nursery.cancel_scope.cancel()


async def test_no_reply_a_fault_and_a_reply_too_long_all_hang_up(nursery: trio.Nursery) -> None:
    async def answer(peer: str, question: bytes) -> bytes | None:
        if question == b"fault":
            raise ZeroDivisionError
        return bytes(REPLY_BYTES_MAX + 1) if question == b"long" else None

    server = await opened(nursery, 1, NOBODY)
    server.serve_knocks(answer)
    guest = await opened(nursery, 2, NOBODY, listen="")
    for question in (b"nothing", b"fault", b"long"):
        with pytest.raises(NotReached, match="hung up"):
            await asked(guest, server.addresses[0], question)
    server.serve_knocks(asker_and_question)
    assert await asked(guest, server.addresses[0], b"hello")
    nursery.cancel_scope.cancel()


async def test_the_longest_reply_arrives_and_a_question_too_long_hangs_up(nursery: trio.Nursery) -> None:
    async def answer(peer: str, question: bytes) -> bytes:
        return bytes(REPLY_BYTES_MAX)

    server = await opened(nursery, 1, NOBODY)
    server.serve_knocks(answer)
    guest = await opened(nursery, 2, NOBODY, listen="")
    assert len(await asked(guest, server.addresses[0], b"much")) == REPLY_BYTES_MAX
    with pytest.raises(NotReached, match="hung up"):
        await asked(guest, server.addresses[0], bytes(QUESTION_BYTES_MAX + 1))
    with pytest.raises(ValueError, match="a question has"):
        await asked(guest, server.addresses[0], b"")
    server.serve_knocks(answer, question_max=2 * QUESTION_BYTES_MAX)
    assert await asked(guest, server.addresses[0], bytes(QUESTION_BYTES_MAX + 1))
    nursery.cancel_scope.cancel()


async def test_a_conversation_has_so_many_questions(nursery: trio.Nursery) -> None:
    server = await serving(nursery)
    guest = await opened(nursery, 2, NOBODY, listen="")
    async with guest.knock(server.addresses[0], KNOCK_S) as door:
        for _ in range(QUESTIONS_MAX):
            await door.ask(b"again")
        with pytest.raises(NotReached, match="hung up"):
            await door.ask(b"once more")
    nursery.cancel_scope.cancel()


async def test_a_slow_answer_is_no_answer(nursery: trio.Nursery) -> None:
    async def answer(peer: str, question: bytes) -> bytes:
        await trio.sleep_forever()
        raise AssertionError

    server = await opened(nursery, 1, NOBODY)
    server.serve_knocks(answer)
    guest = await opened(nursery, 2, NOBODY, listen="")
    with pytest.raises(NotReached, match="no answer"):
        async with guest.knock(server.addresses[0], 0.5) as door:
            await door.ask(b"hello")
    await until(lambda: not server._gate.guests.here, 1)
    nursery.cancel_scope.cancel()


async def test_a_guest_hears_no_hints_and_its_own_reach_nobody(nursery: trio.Nursery) -> None:
    server = await serving(nursery, 1, only(3))
    member = await opened(nursery, 3, server.addresses, listen="")
    guest = await opened(nursery, 2, server.addresses, listen="")
    await until(lambda: server.connected() == {member.peer_id}, 2)
    async with guest.knock(server.addresses[0], KNOCK_S) as door:
        await door.ask(b"hello")
        for transport in (guest, server):
            assert transport.publish(b"there is news")
        await trio.sleep(3)
    assert not guest.hints.statistics().current_buffer_used
    assert not server.hints.statistics().current_buffer_used
    nursery.cancel_scope.cancel()
