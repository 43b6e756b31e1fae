"""Calls an ASGI application as a server would, without a socket."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.types import ASGIApp, Message

PORT = 4242
TOKEN = "t" * 43
HOST = (b"host", b"127.0.0.1:4242")
BEARER = (b"authorization", b"Bearer " + TOKEN.encode())
JSON = (b"content-type", b"application/json")


@dataclass(slots=True)
class Answer:
    """What came back."""

    status: int = 0
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def header(self, name: bytes) -> list[bytes]:
        return [value for found, value in self.headers if found.lower() == name]


async def call(
    app: ASGIApp,
    method: str = "GET",
    path: str = "/",
    *,
    headers: Sequence[tuple[bytes, bytes]] = (HOST, BEARER),
    body: bytes = b"",
    query: str = "",
    pieces: Sequence[bytes] | None = None,
) -> Answer:
    """Send one request and gather the answer. `pieces` sends the body in parts."""
    parts = list(pieces if pieces is not None else [body])
    answer = Answer()

    async def receive() -> Message:
        if not parts:
            return {"type": "http.disconnect"}
        part = parts.pop(0)
        return {"type": "http.request", "body": part, "more_body": bool(parts)}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            answer.status = message["status"]
            answer.headers = list(message["headers"])
        else:
            answer.body += message.get("body", b"")

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
        "path": path, "raw_path": path.encode(), "query_string": query.encode(), "root_path": "",
        "headers": list(headers), "client": ("127.0.0.1", 50000), "server": ("127.0.0.1", PORT),
    }  # fmt: skip
    await app(scope, receive, send)
    return answer


async def post(app: ASGIApp, path: str, content: Mapping[str, object]) -> Answer:
    """Send JSON with everything that is needed."""
    body = json.dumps(content).encode()
    length = (b"content-length", str(len(body)).encode())
    return await call(app, "POST", path, headers=(HOST, BEARER, JSON, length), body=body)
