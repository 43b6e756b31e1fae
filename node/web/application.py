"""The web application: routes put together, every failure made a problem, the guard before all of it.

What is asked and answered is in `node.api` and `wallet.api`, as tables (`calls`); connections are in `server`. Nothing
here sends a CORS header, ever: no page of another site is to read an answer.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any

import msgspec
import trio
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Send
from starlette.types import Scope as Connection

from .calls import Call, routes_of
from .guard import BODY_BYTES_MAX, Guard, body_too_big
from .openapi import document
from .problem import CONTENT_TYPE, INTERNAL, Failed, Problem
from .scopes import Scope

log = logging.getLogger("tally.web")

BODY_TIMEOUT_S = 10.0

SECURITY_HEADERS = {
    b"cache-control": b"no-store",
    b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'",
    b"cross-origin-opener-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
    b"referrer-policy": b"no-referrer",
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"DENY",
}

FailureHandlers = dict[type[Exception], Callable[[Exception], Problem]]


def answer(content: object, status: int = 200) -> Response:
    """Answer with JSON."""
    return Response(msgspec.json.encode(content), status, media_type="application/json")


def problem_response(problem: Problem) -> Response:
    """Answer with a problem."""
    return Response(problem.encode(), problem.status, dict(problem.headers), CONTENT_TYPE)


def application(calls: Iterable[Call], failures: FailureHandlers | None = None) -> Starlette:
    """Put a table of calls together, with one more that gives the OpenAPI document of all of them.

    `failures` says which problem an exception of that type becomes.
    """

    async def failed(_: Request, error: Exception) -> Response:
        assert isinstance(error, Failed)
        return problem_response(error.problem)

    async def named(as_problem: Callable[[Exception], Problem], _: Request, error: Exception) -> Response:
        return problem_response(as_problem(error))

    handlers: dict[Any, Any] = {Failed: failed, HTTPException: _http_error, Exception: _internal}
    for kind, as_problem in (failures or {}).items():
        handlers[kind] = partial(named, as_problem)
    app = Starlette(routes=routes_of(documented(calls)), exception_handlers=handlers)
    app.router.redirect_slashes = False
    return app


def documented(calls: Iterable[Call]) -> list[Call]:
    """A table and the call that gives its document."""

    @cache
    def written() -> bytes:
        return msgspec.json.encode(document(everything))

    async def give(_: Request) -> Response:
        return Response(written(), media_type="application/json")

    own = Call("GET", "/v1/openapi.json", give, Scope.READ, "this document", dict[str, Any])
    everything = [*calls, own]
    return everything


async def _internal(_: Request, __: Exception) -> Response:
    # Starlette raises the fault again after this answer; Guarded logs it.
    return problem_response(INTERNAL)


async def _http_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    headers = dict(error.headers or {})
    if error.status_code == 405:
        allowed = headers.get("Allow", "")
        return problem_response(
            Problem(405, "method_not_allowed", "this address does not take that method", f"use {allowed}",
                    headers=headers)
        )  # fmt: skip
    if error.status_code == 404:
        return problem_response(Problem(404, "not_found", "there is nothing at this address", "see the README"))
    return problem_response(Problem(error.status_code, "bad_request", "the request could not be read"))


class Guarded:
    """An ASGI application behind the guard: turns strangers away, bounds bodies, hides what breaks inside."""

    def __init__(self, app: ASGIApp, guard: Guard, clock: Callable[[], float] = trio.current_time) -> None:
        self._app = app
        self._guard = guard
        self._clock = clock

    async def __call__(self, scope: Connection, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        elif scope["type"] == "http":
            await self._serve(scope, receive, _secured(send))

    async def _serve(self, scope: Connection, receive: Receive, send: "_Secured") -> None:
        found = self._guard.check(scope["headers"], self._clock())
        if isinstance(found, Problem):
            await problem_response(found)(scope, receive, send)
            return
        scope["grant"] = found
        body = await _read_all(receive)
        if isinstance(body, Problem):
            await problem_response(body)(scope, receive, send)
            return
        try:
            with trio.CancelScope() as send.serving:
                send.may_go_on = partial(self._guard.holds, found)
                await self._app(scope, _replay(body, receive), send)
        except Exception:
            # The one place that catches everything: a fault in one answer must not end the node. The path is
            # logged without its query, and the caller is told nothing of the inside.
            log.exception("the answer to %s %s failed", scope["method"], scope["path"])
            if not send.started:
                await problem_response(INTERNAL)(scope, receive, send)


async def _read_all(receive: Receive) -> bytes | Problem:
    """Take in a whole body of at most the cap within the time allowed."""
    parts: list[bytes] = []
    size = 0
    with trio.move_on_after(BODY_TIMEOUT_S):
        while True:
            message = await receive()
            if message["type"] != "http.request":
                return b""
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > BODY_BYTES_MAX:
                return body_too_big()
            if not message.get("more_body", False):
                return b"".join(parts)
    return Problem(408, "body_slow", "the body did not arrive in time", "send it again")


def _replay(body: bytes, receive: Receive) -> Receive:
    """Hand the body that was read already to the application, then whatever comes after it."""
    given = False

    async def receive_again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive_again


@dataclass(slots=True)
class _Secured:
    """Passes answers on with the security headers added and any CORS header taken away."""

    _send: Send
    started: bool = False
    may_go_on: Callable[[], bool] = lambda: True
    """Asked before each piece of an answer: a token may be revoked while a stream is open."""
    serving: trio.CancelScope = field(default_factory=trio.CancelScope)

    async def __call__(self, message: Message) -> None:
        if self.started and not self.may_go_on():
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})
            self.serving.cancel()
            return
        if message["type"] == "http.response.start":
            self.started = True
            message = {**message, "headers": secured_headers(message.get("headers", []))}
        await self._send(message)


def _secured(send: Send) -> _Secured:
    return _Secured(send)


def secured_headers(headers: Sequence[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Add what is missing of SECURITY_HEADERS and drop every `access-control-` header."""
    kept = [(name, value) for name, value in headers if not name.lower().startswith(b"access-control-")]
    present = {name.lower() for name, _ in kept}
    return kept + [(name, value) for name, value in SECURITY_HEADERS.items() if name not in present]
