"""Connections: takes a port of loopback and serves the application on it until told to stop.

hypercorn speaks HTTP on each connection; accepting, bounding and ending them is done here, because its own server has
no bound on connections and waits for ever for a reader that stands still.
"""

import errno
import logging
import socket
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import trio
from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.config import Config
from hypercorn.events import Event, Updated
from hypercorn.trio.tcp_server import TCPServer
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import ConnectionState
from starlette.types import ASGIApp

if TYPE_CHECKING:
    from trio_typing import TaskStatus

log = logging.getLogger("tally.web")

SEND_TIMEOUT_S = 20.0
KEEP_ALIVE_S = 15
GRACE_S = 1.0
CONNECTIONS_MAX = 64
"""Open at once; for one more, that which has waited longest without a question is closed."""


class PortInUse(Exception):
    """The port that the API was told to listen at is taken by another program."""

    def __init__(self, port: int) -> None:
        super().__init__(f"port {port} on this machine is in use by another program")
        self.port = port


def listen(port: int) -> socket.socket:
    """Take a port of loopback; 0 takes any free one. Raises PortInUse."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(CONNECTIONS_MAX)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise PortInUse(port) from None
        raise
    return listener


async def serve(
    app: ASGIApp,
    listener: socket.socket,
    stop: trio.Event,
    *,
    task_status: "TaskStatus[None]" = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve `app` (which is Guarded) until `stop`, then let answers under way end for GRACE_S seconds.

    When cancelled it ends at once. Leaves no task and no socket behind.
    """
    connections = _Connections(app, _config(), WorkerContext(None))
    async with trio.open_nursery() as handlers:
        try:
            async with trio.open_nursery() as accepting:
                accepting.start_soon(connections.accept, listener, handlers)
                task_status.started()
                await stop.wait()
                accepting.cancel_scope.cancel()
            await connections.finish()
            handlers.cancel_scope.cancel()
        finally:
            connections.cut()


class _PatientStream:
    """A connection whose peer must read within a deadline.

    hypercorn shields its sends from cancellation, so one reader that stands still would hold up the end of the
    server for ever; here the deadline is inside the shield.
    """

    def __init__(self, stream: trio.SocketStream) -> None:
        self._stream = stream
        self.socket = stream.socket
        self.receive_some = stream.receive_some
        self.send_eof = stream.send_eof
        self.aclose = stream.aclose
        self._sending: trio.CancelScope | None = None

    async def send_all(self, content: bytes) -> None:
        with trio.move_on_after(SEND_TIMEOUT_S) as self._sending:
            await self._stream.send_all(content)
        if self._sending.cancelled_caught:
            await trio.aclose_forcefully(self._stream)
            raise trio.BrokenResourceError("the reader stood still")

    def cut(self) -> None:
        """Stop waiting for the reader now."""
        if self._sending is not None:
            self._sending.cancel()


class _Connection(TCPServer):
    """hypercorn's, except that it ends as soon as the client has left and the last answer is given.

    hypercorn lets such a connection wait out its keep-alive, so a client that opens one for each call would soon have
    taken all of them.
    """

    _left = False
    is_asking = False
    """Whether a whole question came that is not answered yet."""

    async def _read_data(self) -> None:
        await super()._read_data()
        self._left = True
        await self.idle_task.stop()

    async def protocol_send(self, event: Event) -> None:
        if isinstance(event, Updated):
            self.is_asking = not event.idle
        if not (self._left and isinstance(event, Updated)):  # who has left asks nothing more: no waiting for it
            await super().protocol_send(event)


@dataclass(slots=True)
class _Connections:
    """Serves each accepted connection by hypercorn and knows which are open."""

    app: ASGIApp
    config: Config
    context: WorkerContext
    open: dict[_PatientStream, _Connection] = field(default_factory=dict)
    """The oldest first."""

    async def accept(self, listener: socket.socket, handlers: trio.Nursery) -> None:
        """Accept until cancelled. `handlers` outlives this call, so that answers under way can end."""
        accept = trio.SocketListener(trio.socket.from_stdlib_socket(listener))
        await trio.serve_listeners(self.serve, [accept], handler_nursery=handlers)

    async def serve(self, accepted: trio.SocketStream) -> None:
        if len(self.open) >= CONNECTIONS_MAX and not await self._make_room():
            await trio.aclose_forcefully(accepted)
            return
        stream = _PatientStream(accepted)
        wrapped = ASGIWrapper(self.app)  # type: ignore[arg-type]  # the same interface, typed apart
        self.open[stream] = connection = _Connection(
            wrapped, self.config, self.context, ConnectionState({}), stream  # type: ignore[arg-type]
        )  # fmt: skip
        try:
            await connection
        except Exception:
            # One connection that broke the HTTP machinery must not end the node.
            log.exception("a connection failed")
        finally:
            self.open.pop(stream, None)

    async def _make_room(self) -> bool:
        """Close who has waited longest without a question; False when all have one.

        A connection needs no token, so anybody here could take all of them and lock the owner out.
        """
        waiting = next((stream for stream, connection in self.open.items() if not connection.is_asking), None)
        if waiting is None:
            return False
        del self.open[waiting]
        await waiting.aclose()
        return True

    async def finish(self) -> None:
        """Close what is idle, and wait for the rest at most GRACE_S."""
        await self.context.terminated.set()
        with trio.move_on_after(GRACE_S):
            while self.open:
                await trio.sleep(GRACE_S / 50)

    def cut(self) -> None:
        for stream in self.open:
            stream.cut()


def _config() -> Config:
    config = Config()
    config.errorlog = None
    config.accesslog = None
    config.include_server_header = False
    config.keep_alive_timeout = KEEP_ALIVE_S
    return config
