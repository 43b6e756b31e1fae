"""The web server over real sockets: ports, bytes that are no HTTP, and an end that nobody can hold up."""

import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
import trio
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from node.console.exits import UNREACHABLE
from node.web.application import Guarded, answer, application
from node.web.calls import Call
from node.web.guard import BODY_BYTES_MAX, WRONG_TOKENS_MAX, Guard
from node.web.scopes import Scope
from node.web.server import CONNECTIONS_MAX, GRACE_S, KEEP_ALIVE_S, PortInUse, listen, serve
from wallet.client import CallFailed, Client, RunFile

TOKEN = "t" * 43


async def hello(_: Request) -> Response:
    return answer({"hello": 1})


async def echo(request: Request) -> Response:
    return answer({"bytes": len(await request.body())})


async def endless(_: Request) -> Response:
    async def pieces() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 65_536
            await trio.sleep(0)

    return StreamingResponse(pieces())


@asynccontextmanager
async def serving() -> AsyncIterator[tuple[int, trio.Event]]:
    """A server on a free port, and the event that ends it."""
    listener = listen(0)
    port: int = listener.getsockname()[1]
    calls = [
        Call("GET", "/hello", hello, Scope.READ, "greet", dict),
        Call("POST", "/echo", echo, Scope.READ, "count", dict),
        Call("GET", "/endless", endless, Scope.READ, "go on", bytes),
    ]
    stop = trio.Event()
    async with trio.open_nursery() as nursery:
        await nursery.start(serve, Guarded(application(calls), Guard(port, TOKEN)), listener, stop)
        yield port, stop
        stop.set()


def request(port: int, method: str = "GET", path: str = "/hello", more: str = "") -> bytes:
    head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {TOKEN}\r\n{more}\r\n"
    return head.encode()


async def said(port: int, content: bytes) -> bytes:
    """What the server answers to these bytes, until it closes or falls silent."""
    stream = await trio.open_tcp_stream("127.0.0.1", port)
    answered = b""
    async with stream:
        await stream.send_all(content)
        with trio.move_on_after(1):
            async for part in stream:
                answered += part
                if b"\r\n\r\n" in answered and b"}" in answered:
                    break
    return answered


async def test_a_call_is_answered_and_the_connection_serves_the_next() -> None:
    with trio.fail_after(10):
        async with serving() as (port, _):
            stream = await trio.open_tcp_stream("127.0.0.1", port)
            async with stream:
                for _ in range(3):
                    await stream.send_all(request(port))
                    got = b""
                    while not got.endswith(b'{"hello":1}'):
                        got += await stream.receive_some()
                    assert got.startswith(b"HTTP/1.1 200")


BROKEN: list[tuple[str, Callable[[int], bytes]]] = [
    ("no HTTP", lambda _: b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100) + b"\r\n\r\n"),
    ("an endless header", lambda port: b"GET / HTTP/1.1\r\nX: " + b"a" * 40_000 + b"\r\n\r\n"),
    ("two lengths", lambda port: request(port, "POST", "/echo", "Content-Length: 2\r\nContent-Length: 3\r\n") + b"{}"),
    ("a length that is no number",
     lambda port: request(port, "POST", "/echo", "Content-Type: application/json\r\nContent-Length: x\r\n")),
    ("length and chunks together",
     lambda port: request(port, "POST", "/echo", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n") + b"0\r\n\r\n"),
    ("a broken chunk",
     lambda port: request(port, "POST", "/echo", "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n")
     + b"zz\r\n"),
    ("an upgrade to another protocol",
     lambda port: request(port, more="Connection: Upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n")),
    ("HTTP/2 from the start", lambda _: b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(50)),
    ("a websocket",
     lambda port: request(port, more="Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                                     "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n")),
    ("half a request", lambda _: b"GET /hello HT"),
]  # fmt: skip


@pytest.mark.parametrize("content", [row[1] for row in BROKEN], ids=[row[0] for row in BROKEN])
async def test_bytes_that_are_no_proper_call_end_nothing(content: Callable[[int], bytes]) -> None:
    with trio.fail_after(20):
        async with serving() as (port, _):
            assert b'"hello"' not in await said(port, content(port)) or b"h2c" in content(port)
            assert b"200" in await said(port, request(port))


async def test_a_body_in_chunks_is_cut_off_at_the_cap() -> None:
    with trio.fail_after(20):
        async with serving() as (port, _):
            head = request(port, "POST", "/echo", "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n")
            size = BODY_BYTES_MAX + 1
            got = await said(port, head + f"{size:x}\r\n".encode() + b" " * size + b"\r\n0\r\n\r\n")
            assert b" 413 " in got.splitlines()[0] and b"body_too_big" in got


async def test_the_server_stops_at_once_when_nothing_is_under_way() -> None:
    with trio.fail_after(10):
        async with serving() as (port, stop):
            await said(port, request(port))
            idle = await trio.open_tcp_stream("127.0.0.1", port)
            async with idle:
                started = trio.current_time()
                stop.set()
                assert await idle.receive_some() == b""
        assert trio.current_time() - started < GRACE_S


async def test_a_reader_that_stands_still_does_not_hold_up_the_end() -> None:
    with trio.fail_after(10):
        async with serving() as (port, stop):
            stuck = await trio.open_tcp_stream("127.0.0.1", port)
            await stuck.send_all(request(port, path="/endless"))
            await stuck.receive_some()
            await trio.sleep(0.3)  # until the buffers between the two are full
            started = trio.current_time()
            stop.set()
        assert trio.current_time() - started < GRACE_S + 1
        await stuck.aclose()


async def test_a_cancelled_server_ends_at_once_even_with_a_reader_that_stands_still() -> None:
    with trio.fail_after(10):
        with trio.CancelScope() as scope:
            async with serving() as (port, _):
                stuck = await trio.open_tcp_stream("127.0.0.1", port)
                await stuck.send_all(request(port, path="/endless"))
                await stuck.receive_some()
                await trio.sleep(0.3)
                started = trio.current_time()
                scope.cancel()
        assert trio.current_time() - started < 1
        await stuck.aclose()


async def held_streams(port: int, content: bytes) -> list[trio.SocketStream]:
    """As many connections as there may be, each of which said this much."""
    held = [await trio.open_tcp_stream("127.0.0.1", port) for _ in range(CONNECTIONS_MAX)]
    for stream in held:
        await stream.send_all(content)
    await trio.sleep(0.3)
    return held


@pytest.mark.parametrize("content", [b"", b"GET /hello HTTP/1.1\r\nHost: x\r\nX-Slow:", b"GET / HTTP/1.1\r\n\r\n"])
async def test_who_asks_nothing_or_has_no_token_keeps_nobody_out(content: bytes) -> None:
    with trio.fail_after(20):
        async with serving() as (port, _):
            held = await held_streams(port, content)
            for _ in range(3):
                assert b"200" in await said(port, request(port))
            for stream in held:
                await stream.aclose()


async def test_one_connection_too_many_is_closed_while_all_others_are_answered() -> None:
    with trio.fail_after(20):
        async with serving() as (port, _):
            held = await held_streams(port, request(port, path="/endless"))
            assert await said(port, request(port)) == b""
            assert b"200" in await held[0].receive_some()
            for stream in held:
                await stream.aclose()
            await trio.sleep(0.5)
            assert b"200" in await said(port, request(port))


def call_in_turn(port: int, calls: int) -> None:
    """Call as commands do: each on its own connection, left when the answer is read."""
    client = Client(RunFile(f"127.0.0.1:{port}", TOKEN, 1))
    for _ in range(calls):
        assert client.get("/hello") == {"hello": 1}


async def test_calls_one_after_another_on_their_own_connections_leave_none_open() -> None:
    with trio.fail_after(20):
        async with serving() as (port, _):
            await trio.to_thread.run_sync(call_in_turn, port, 300)
            await trio.sleep(0.5)
            held = [await trio.open_tcp_stream("127.0.0.1", port) for _ in range(CONNECTIONS_MAX)]
            for stream in held:
                await stream.send_all(request(port))
                assert b"200" in await stream.receive_some()
            for stream in held:
                await stream.aclose()


async def all_said(stream: trio.SocketStream) -> bytes:
    """Everything up to the server's end of the connection, which must come well before an idle one's."""
    with trio.fail_after(KEEP_ALIVE_S / 3):
        return b"".join([part async for part in stream])


async def test_who_has_said_all_still_hears_every_answer_and_then_the_end() -> None:
    with trio.fail_after(20):
        async with serving() as (port, _):
            for calls in (1, 3):
                async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
                    await stream.send_all(request(port) * calls)
                    await stream.send_eof()
                    assert (await all_said(stream)).count(b'{"hello":1}') == calls


async def test_a_connection_that_is_left_between_two_calls_ends_at_once() -> None:
    with trio.fail_after(20):
        async with serving() as (port, _):
            async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
                await stream.send_all(request(port))
                assert b"200" in await stream.receive_some()
                await trio.sleep(0.1)  # until the server waits for the next call
                await stream.send_eof()
                assert b"200" not in await all_said(stream)


async def test_a_stream_ends_when_its_reader_leaves() -> None:
    with trio.fail_after(20):
        async with serving() as (port, _):
            for _ in range(CONNECTIONS_MAX + 1):
                async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
                    await stream.send_all(request(port, path="/endless"))
                    assert b"200" in await stream.receive_some()
            await trio.sleep(0.5)
            assert b"200" in await said(port, request(port))


def call_with(port: int, token: str) -> CallFailed:
    with pytest.raises(CallFailed) as refused:
        Client(RunFile(f"127.0.0.1:{port}", token, 1)).get("/hello")
    return refused.value


async def test_a_command_with_the_token_of_an_earlier_start_hears_that_its_node_is_not_there() -> None:
    with trio.fail_after(20):
        async with serving() as (port, _):
            for _ in range(WRONG_TOKENS_MAX + 1):  # the last is told to wait
                error = await trio.to_thread.run_sync(call_with, port, "o" * 43)
                assert (error.code, error.exit_status) == ("unreachable", UNREACHABLE)
                assert "try again" in error.next and "tally up" in error.next and "oken" not in str(error.error)


def test_a_port_in_use_is_named() -> None:
    taken = listen(0)
    port: int = taken.getsockname()[1]
    with pytest.raises(PortInUse, match=f"port {port} on this machine is in use"):
        listen(port)
    taken.close()
    listen(port).close()


def test_the_server_listens_on_loopback_alone() -> None:
    listener = listen(0)
    assert listener.getsockname()[0] == "127.0.0.1"
    assert listener.family is socket.AF_INET
    listener.close()
