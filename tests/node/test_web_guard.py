"""Who is let in, as a table: a line of headers and a body a row, and what comes of it."""

import logging
from collections.abc import AsyncIterator

import pytest
import trio
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Message

from node.web.application import Guarded, answer, application
from node.web.calls import Call, read_body
from node.web.guard import BODY_BYTES_MAX, WRONG_TOKENS_MAX, Guard
from node.web.scopes import Grant, Scope
from tests.node.asgi import BEARER, HOST, JSON, PORT, TOKEN, Answer, call

Header = tuple[bytes, bytes]


def found(token: str) -> Grant | None:
    """Who has a token besides the owner: its name is its scope."""
    return Grant(token, Scope[token.upper()]) if token in ("read", "request", "spend") else None


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


class Server:
    """A guarded application that counts what reached it."""

    def __init__(self) -> None:
        self.reached: list[object] = []
        self.clock = Clock()
        self.revoked = False
        calls = [
            Call("GET", "/things", self._things, Scope.READ, "look", dict),
            Call("POST", "/things", self._make, Scope.SPEND, "make", dict, dict[str, int], status=201),
            Call("DELETE", "/things/{id}", self._things, Scope.OWNER, "take away", dict),
            Call("GET", "/broken", self._broken, Scope.READ, "break", dict),
            Call("GET", "/endless", self._endless, Scope.READ, "go on", bytes),
            Call("GET", "/open", self._opens_itself, Scope.READ, "open", dict),
        ]
        self.app = Guarded(application(calls), Guard(PORT, TOKEN, found, lambda _: not self.revoked), self.clock)

    async def _things(self, _: Request) -> Response:
        self.reached.append("read")
        return answer({"things": 1})

    async def _make(self, request: Request) -> Response:
        self.reached.append(await read_body(request, dict[str, int]))
        return answer({}, 201)

    async def _broken(self, _: Request) -> Response:
        raise ValueError("the secret inside")

    async def _endless(self, _: Request) -> Response:
        async def pieces() -> AsyncIterator[bytes]:
            while True:
                yield b"piece"
                await trio.lowlevel.checkpoint()

        return StreamingResponse(pieces())

    async def _opens_itself(self, _: Request) -> Response:
        return Response("", headers={"Access-Control-Allow-Origin": "*", "X-Frame-Options": "SAMEORIGIN"})


def header(name: str, value: str) -> Header:
    return name.encode(), value.encode("latin-1")


def length(size: int) -> Header:
    return header("content-length", str(size))


def host(value: str) -> list[Header]:
    return [header("host", value), BEARER]


def with_(*more: Header) -> list[Header]:
    return [HOST, BEARER, *more]


def token(value: str) -> list[Header]:
    return [HOST, header("authorization", value)]


READS: list[tuple[str, list[Header], int, str]] = [
    ("by its address", host("127.0.0.1:4242"), 200, ""),
    ("by its name", host("localhost:4242"), 200, ""),
    ("by its name in capitals", host("LocalHost:4242"), 200, ""),
    ("by its second address", host("[::1]:4242"), 200, ""),
    ("without a host", [BEARER], 403, "host_not_allowed"),
    ("with an empty host", host(""), 403, "host_not_allowed"),
    ("with two hosts", [HOST, HOST, BEARER], 403, "host_not_allowed"),
    ("by a foreign name", host("evil.example:4242"), 403, "host_not_allowed"),
    ("by a foreign name that begins like ours", host("localhost:4242.evil.example"), 403, "host_not_allowed"),
    ("by a name with a point behind", host("localhost.:4242"), 403, "host_not_allowed"),
    ("without the port", host("127.0.0.1"), 403, "host_not_allowed"),
    ("by another port", host("127.0.0.1:80"), 403, "host_not_allowed"),
    ("by another loopback address", host("127.0.0.2:4242"), 403, "host_not_allowed"),
    ("by the address that means all", host("0.0.0.0:4242"), 403, "host_not_allowed"),
    ("with a user in the host", host("a@127.0.0.1:4242"), 403, "host_not_allowed"),
    ("with bytes that are no text in the host", [(b"host", b"\xff\xfe"), BEARER], 403, "host_not_allowed"),
    ("from its own page", with_(header("origin", "http://localhost:4242")), 200, ""),
    ("from its own page by address", with_(header("origin", "http://127.0.0.1:4242")), 200, ""),
    ("from a foreign page", with_(header("origin", "https://evil.example")), 403, "origin_not_allowed"),
    ("from a page of another port", with_(header("origin", "http://localhost:8080")), 403, "origin_not_allowed"),
    ("from our page by https", with_(header("origin", "https://localhost:4242")), 403, "origin_not_allowed"),
    ("from a page without an origin", with_(header("origin", "null")), 403, "origin_not_allowed"),
    ("from an empty origin", with_(header("origin", "")), 403, "origin_not_allowed"),
    ("from two origins",
     with_(header("origin", "http://localhost:4242"), header("origin", "http://localhost:4242")),
     403, "origin_not_allowed"),
    ("same origin by the browser's word", with_(header("sec-fetch-site", "same-origin")), 200, ""),
    ("typed into the address line", with_(header("sec-fetch-site", "none")), 200, ""),
    ("cross site by the browser's word", with_(header("sec-fetch-site", "cross-site")), 403, "cross_site"),
    ("from another port by the browser's word", with_(header("sec-fetch-site", "same-site")), 403, "cross_site"),
    ("with an unknown word of the browser", with_(header("sec-fetch-site", "near")), 403, "cross_site"),
    ("without a token", [HOST], 401, "token_missing"),
    ("with an empty token", token("Bearer "), 401, "token_wrong"),
    ("with a wrong token", token("Bearer " + "x" * 43), 401, "token_wrong"),
    ("with a token that is too short", token("Bearer " + TOKEN[:-1]), 401, "token_wrong"),
    ("with a token that is too long", token("Bearer " + TOKEN + "t"), 401, "token_wrong"),
    ("with a token that is no ASCII", token("Bearer \xff\xe9"), 401, "token_wrong"),
    ("with the token alone", token(TOKEN), 401, "token_wrong"),
    ("with the token as another scheme", token("Basic " + TOKEN), 401, "token_wrong"),
    ("with the scheme in small letters", token("bearer " + TOKEN), 200, ""),
    ("with the token twice", [HOST, BEARER, BEARER], 401, "token_wrong"),
    ("with the token as a cookie", [HOST, header("cookie", f"token={TOKEN}")], 401, "token_missing"),
    ("with the right token from a foreign page", [HOST, BEARER, header("origin", "http://x")], 403,
     "origin_not_allowed"),
]  # fmt: skip

WRITES: list[tuple[str, list[Header], bytes, int, str]] = [
    ("JSON", with_(JSON, length(7)), b'{"a":1}', 201, ""),
    ("JSON that says UTF-8", with_(header("content-type", "application/json; charset=utf-8"), length(7)), b'{"a":1}',
     201, ""),
    ("no body", with_(), b"", 201, ""),
    ("an announced empty body", with_(length(0)), b"", 201, ""),
    ("a body without a type", with_(length(7)), b'{"a":1}', 415, "not_json"),
    ("a form", with_(header("content-type", "application/x-www-form-urlencoded"), length(3)), b"a=1", 415, "not_json"),
    ("text", with_(header("content-type", "text/plain"), length(7)), b'{"a":1}', 415, "not_json"),
    ("JSON in another charset", with_(header("content-type", "application/json; charset=utf-16"), length(2)), b"{}",
     415, "not_json"),
    ("two types", with_(JSON, header("content-type", "text/plain"), length(2)), b"{}", 415, "not_json"),
    ("a type that only begins like JSON", with_(header("content-type", "application/json-seq"), length(2)), b"{}",
     415, "not_json"),
    ("a packed body", with_(JSON, header("content-encoding", "gzip"), length(2)), b"{}", 415, "not_json"),
    ("a body in chunks without a type", with_(header("transfer-encoding", "chunked")), b"{}", 415, "not_json"),
    ("JSON that ends too early", with_(JSON, length(4)), b'{"a"', 400, "bad_request"),
    ("two JSON values", with_(JSON, length(4)), b"{}{}", 400, "bad_request"),
    ("bytes that are no UTF-8", with_(JSON, length(7)), b'{"\xff":1}', 400, "bad_request"),
    ("a list where an object belongs", with_(JSON, length(2)), b"[]", 400, "bad_request"),
    ("a value of the wrong type", with_(JSON, length(9)), b'{"a":"b"}', 400, "bad_request"),
    ("JSON ten thousand deep", with_(JSON, length(20000)), b"[" * 20000, 400, "bad_request"),
    ("a body announced too big", with_(JSON, length(BODY_BYTES_MAX + 1)), b"{}", 413, "body_too_big"),
    ("a body announced absurdly big", with_(JSON, header("content-length", "9" * 40)), b"{}", 413, "body_too_big"),
    ("a body in chunks that is too big", with_(JSON, header("transfer-encoding", "chunked")),
     b" " * (BODY_BYTES_MAX + 1), 413, "body_too_big"),
]  # fmt: skip


def assert_closed_to_pages(got: Answer) -> None:
    """Every answer, good or bad, keeps browsers' pages of other sites out."""
    assert not [name for name, _ in got.headers if name.lower().startswith(b"access-control-")]
    assert got.header(b"x-content-type-options") == [b"nosniff"]
    assert got.header(b"cache-control") == [b"no-store"]
    assert b"default-src 'none'" in got.header(b"content-security-policy")[0]


def assert_problem(got: Answer, status: int, code: str) -> None:
    assert got.status == status
    assert got.header(b"content-type") == [b"application/problem+json"]
    assert set(got.json) == {"type", "title", "status", "code", "detail", "facts", "next"}
    assert got.json["code"] == code
    assert got.json["status"] == status


@pytest.mark.parametrize(("headers", "status", "code"), [row[1:] for row in READS], ids=[row[0] for row in READS])
async def test_a_read_is_let_in_or_turned_away(headers: list[Header], status: int, code: str) -> None:
    server = Server()
    got = await call(server.app, "GET", "/things", headers=headers)
    assert_closed_to_pages(got)
    if status == 200:
        assert got.json == {"things": 1}
    else:
        assert_problem(got, status, code)
        assert server.reached == []


@pytest.mark.parametrize(
    ("headers", "body", "status", "code"), [row[1:] for row in WRITES], ids=[row[0] for row in WRITES]
)
async def test_a_body_is_taken_or_refused(headers: list[Header], body: bytes, status: int, code: str) -> None:
    server = Server()
    got = await call(server.app, "POST", "/things", headers=headers, body=body)
    assert_closed_to_pages(got)
    if status == 201:
        assert got.status == 201
        assert len(server.reached) == 1
    else:
        assert_problem(got, status, code)
        assert server.reached == []


SCOPES = [
    ("read", "GET", "/things", 200),
    ("read", "HEAD", "/things", 200),
    ("read", "POST", "/things", 403),
    ("read", "DELETE", "/things/1", 403),
    ("request", "GET", "/things", 200),
    ("request", "POST", "/things", 403),
    ("request", "DELETE", "/things/1", 403),
    ("spend", "GET", "/things", 200),
    ("spend", "POST", "/things", 201),
    ("spend", "DELETE", "/things/1", 403),
    (TOKEN, "DELETE", "/things/1", 200),
]


@pytest.mark.parametrize(("bearer", "method", "path", "status"), SCOPES)
async def test_a_token_opens_its_scope_and_those_before_it(bearer: str, method: str, path: str, status: int) -> None:
    server = Server()
    got = await call(server.app, method, path, headers=token(f"Bearer {bearer}"))
    assert got.status == status
    if status == 403:
        assert_problem(got, 403, "scope")
        assert got.json["facts"] == {"needs": "owner" if method == "DELETE" else "spend", "has": bearer}
        assert server.reached == []


async def test_a_stream_ends_when_its_token_is_revoked_and_not_before() -> None:
    server = Server()
    got: list[bytes] = []
    parts: list[Message] = [{"type": "http.request", "body": b"", "more_body": False}]
    async with trio.open_nursery() as nursery:

        async def send(message: Message) -> None:
            got.append(message.get("body", b""))
            if message["type"] == "http.response.body" and len(got) == 4:
                server.revoked = True
            if message["type"] == "http.response.body" and not message.get("more_body"):
                nursery.cancel_scope.cancel()

        async def receive() -> Message:
            if parts:
                return parts.pop()
            await trio.sleep_forever()
            raise AssertionError

        headers = token("Bearer read")
        scope = {"type": "http", "method": "GET", "path": "/endless", "raw_path": b"/endless", "query_string": b"",
                 "headers": headers, "root_path": "", "asgi": {"spec_version": "2.3"}}  # fmt: skip
        with trio.fail_after(5):
            await server.app(scope, receive, send)
    assert got == [b"", b"piece", b"piece", b"piece", b""]


async def test_a_wrong_method_is_told_all_the_right_ones() -> None:
    got = await call(Server().app, "PUT", "/things")
    assert_problem(got, 405, "method_not_allowed")
    assert set(got.header(b"allow")[0].decode().split(", ")) == {"GET", "HEAD", "POST"}


async def test_a_body_that_comes_in_pieces_is_put_together() -> None:
    server = Server()
    headers = with_(JSON, header("transfer-encoding", "chunked"))
    assert (await call(server.app, "POST", "/things", headers=headers, pieces=[b'{"a"', b":1", b"}"])).status == 201
    assert server.reached == [{"a": 1}]


async def test_the_eleventh_wrong_token_within_a_minute_is_told_to_wait() -> None:
    server = Server()
    wrong = token("Bearer wrong")
    for _ in range(WRONG_TOKENS_MAX):
        assert_problem(await call(server.app, path="/things", headers=wrong), 401, "token_wrong")
    server.clock.now_s += 12
    got = await call(server.app, path="/things", headers=wrong)
    assert_problem(got, 429, "too_many_tries")
    assert got.header(b"retry-after") == [b"48"]
    assert server.reached == []


async def test_the_right_token_is_let_in_while_wrong_ones_must_wait() -> None:
    server = Server()
    for _ in range(WRONG_TOKENS_MAX + 5):
        await call(server.app, path="/things", headers=token("Bearer wrong"))
    assert (await call(server.app, path="/things")).status == 200


async def test_wrong_tokens_are_forgotten_after_a_minute() -> None:
    server = Server()
    for _ in range(WRONG_TOKENS_MAX + 1):
        await call(server.app, path="/things", headers=token("Bearer wrong"))
    server.clock.now_s += 60
    assert_problem(await call(server.app, path="/things", headers=token("Bearer wrong")), 401, "token_wrong")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "not_found"),
        ("GET", "/things/", 404, "not_found"),
        ("GET", "/things/../things", 404, "not_found"),
        ("DELETE", "/things", 405, "method_not_allowed"),
        ("OPTIONS", "/things", 405, "method_not_allowed"),
        ("TRACE", "/things", 405, "method_not_allowed"),
    ],
)
async def test_a_wrong_address_or_method_is_a_problem_too(method: str, path: str, status: int, code: str) -> None:
    got = await call(Server().app, method, path)
    assert_problem(got, status, code)
    assert_closed_to_pages(got)


async def test_a_fault_inside_tells_nothing_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        got = await call(Server().app, path="/broken", query="q=private")
    assert_problem(got, 500, "internal")
    assert b"secret inside" not in got.body and b"ValueError" not in got.body
    assert "the secret inside" in caplog.text
    assert "private" not in caplog.text and TOKEN not in caplog.text


async def test_a_handler_cannot_open_the_server_to_other_sites() -> None:
    got = await call(Server().app, path="/open")
    assert got.status == 200
    assert_closed_to_pages(got)


async def test_a_preflight_of_a_foreign_page_is_refused() -> None:
    headers = [HOST, header("origin", "https://evil.example"), header("access-control-request-method", "POST")]
    got = await call(Server().app, "OPTIONS", "/things", headers=headers)
    assert_problem(got, 403, "origin_not_allowed")
    assert_closed_to_pages(got)


async def test_a_websocket_is_closed() -> None:
    sent: list[object] = []

    async def send(message: object) -> None:
        sent.append(message)

    async def receive() -> dict[str, object]:
        return {"type": "websocket.connect"}

    await Server().app({"type": "websocket", "headers": [HOST, BEARER]}, receive, send)
    assert sent == [{"type": "websocket.close", "code": 1008}]


def test_the_guard_never_shows_its_token() -> None:
    assert TOKEN not in repr(Guard(PORT, TOKEN))
