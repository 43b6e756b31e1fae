"""The one address where programs call a home's process, from its start to its end.

What answers there changes once for a home that joins: first how the asking goes, then the whole wallet. Address and
token stay as HOME/run/api.json told them.
"""

import secrets
import socket
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import trio
from starlette.types import ASGIApp, Receive, Scope, Send

from node.running import TOKEN_BYTES, publish
from node.web.server import serve

from ..home import Home

if TYPE_CHECKING:
    from trio_typing import TaskStatus


@dataclass(slots=True)
class Front:
    """One process's address, token and end. Set `stop` to end it politely."""

    listener: socket.socket
    token: str = field(default_factory=lambda: secrets.token_urlsafe(TOKEN_BYTES), repr=False)
    stop: trio.Event = field(default_factory=trio.Event)
    _app: ASGIApp | None = None

    @property
    def port(self) -> int:
        """Of loopback."""
        port: int = self.listener.getsockname()[1]
        return port

    @property
    def address(self) -> str:
        """host:port of the API."""
        return f"127.0.0.1:{self.port}"

    @property
    def is_open(self) -> bool:
        """Tell whether anything answers yet."""
        return self._app is not None

    async def show(self, app: ASGIApp, home: Home, nursery: trio.Nursery) -> None:
        """Have `app`, which has its own guard, answer from now on; the first time, open and tell this user where.

        When `stop` is set, `nursery` is cancelled: nobody can ask any more.
        """
        is_first = not self.is_open
        self._app = app
        if is_first:
            await nursery.start(self._serve, nursery.cancel_scope)
            publish(home.run, self.address, self.token)

    async def _serve(self, ends_with: trio.CancelScope, task_status: "TaskStatus[None]") -> None:
        await serve(self, self.listener, self.stop, task_status=task_status)
        ends_with.cancel()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert self._app is not None
        await self._app(scope, receive, send)
