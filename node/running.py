"""A node's process from start to a clean end, whatever runs in it: the lock, the ports, the log, the run file, signals.

Shared by `tally up` and `tally-node run`. While a home is up, HOME/run holds the lock that keeps a second process out,
`api.json` with address and token (new at each start), and the log. Knows no wallet.
"""

import json
import logging
import os
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

import trio

from .config import NodeConfig
from .filesystem import make_private_folder, replace_private_file
from .logbook import Logbook
from .storelock import StoreLock
from .web.server import listen

if TYPE_CHECKING:
    from trio_typing import TaskStatus

TOKEN_BYTES = 32


class Stoppable(Protocol):
    """Something that is up."""

    @property
    def stop(self) -> trio.Event:
        """Set it to end it politely."""
        ...


Up = TypeVar("Up", bound=Stoppable)


def keep_log(run: Path, name: str) -> None:
    """Write the log of this process to `name` in the folder HOME/run, a few files of a few megabytes at most."""
    os.umask(0o077)
    make_private_folder(run)
    handler = Logbook(run / name)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.INFO)


@contextmanager
def alone(run: Path) -> Iterator[None]:
    """Be the one process of a home, by the lock in HOME/run; at the end its run file goes.

    Raises StoreRefused, naming the other process.
    """
    make_private_folder(run)
    lock = StoreLock(run)
    try:
        yield
    finally:
        (run / "api.json").unlink(missing_ok=True)
        lock.release()


def take_ports(config: NodeConfig, api_port: int | None = None) -> socket.socket:
    """Listen for the API, at the configured port unless another is named.

    Raises PortInUse, also when another program has the port for peers, which is only looked at.
    """
    if config.listen_host and config.listen_port:
        listen(config.listen_port).close()  # so that it is named when another program has it
    return listen(config.api_port if api_port is None else api_port)


def publish(run: Path, address: str, token: str) -> None:
    """Tell this user's commands, and nobody else, where to call: HOME/run/api.json."""
    content = {"address": address, "token": token, "pid": os.getpid()}
    replace_private_file(run / "api.json", json.dumps(content).encode())


async def until_signal(run: Callable[..., Awaitable[None]], when_up: Callable[[Up], None]) -> None:
    """Run until it ends by itself, or SIGINT, SIGTERM or SIGHUP tells it to; a second signal ends it at once.

    `run(task_status=...)` tells what is up, which `when_up` hears.
    """
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM, signal.SIGHUP) as signals:
        async with trio.open_nursery() as nursery:
            up: Up = await nursery.start(partial(_ending, run, nursery.cancel_scope))
            when_up(up)
            async for _ in signals:
                if up.stop.is_set():
                    nursery.cancel_scope.cancel()
                up.stop.set()


async def _ending(
    run: Callable[..., Awaitable[None]], ends_with: trio.CancelScope, task_status: "TaskStatus[Up]"
) -> None:
    await run(task_status=task_status)
    ends_with.cancel()
