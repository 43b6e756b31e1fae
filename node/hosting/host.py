"""A host's process: a node without any member's key, on its own, from start to a clean end.

In a home without a community it waits for its founder (`vacant`); once founded with, it goes on as a full node in the
same process: witness if the founding names its key, archive and relay always. Its API is on loopback from then on.
Loads slowly (the network and web libraries): commands import it only when they start a node.
"""

import logging
import secrets
import socket
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import trio

from .. import wallclock
from ..api import FAILURES, NodeApi
from ..collector import spare_the_collector
from ..config import NodeConfig, choose_ports, read_config
from ..running import TOKEN_BYTES, alone, publish, take_ports
from ..service import Node, run_node
from ..store import Store, has_community, open_store
from ..transport import open_transport
from ..web.application import Guarded, application
from ..web.guard import Guard
from ..web.server import serve
from .home import identity_of, void_card
from .vacant import Founding, wait_for_founder

if TYPE_CHECKING:
    from trio_typing import TaskStatus

log = logging.getLogger("tallystick.host")

NO_TOPIC = "vacant"
"""What stands for the community while there is none: nobody is known then, so nothing is gossiped."""


@dataclass(slots=True)
class HostUp:
    """A host that is up. Set `stop` to end it politely."""

    home: Path
    config: NodeConfig
    peer_id: str
    node: Node | None = None
    """None while it waits for its founder."""
    stop: trio.Event = field(default_factory=trio.Event)


async def run_host(home: Path, *, task_status: "TaskStatus[HostUp]" = trio.TASK_STATUS_IGNORED) -> None:
    """Run the host of `home` until `HostUp.stop` is set or this is cancelled.

    Raises StoreRefused (also for a second one on this home), PortInUse and what `run_node` raises, singly or in a
    group.
    """
    identity_of(home)
    with alone(home / "run"):
        config = choose_ports(read_config(home))
        listener = take_ports(config)
        try:
            await _run_open(home, config, listener, task_status)
        finally:
            listener.close()
    log.info("down")


async def _run_open(home: Path, config: NodeConfig, listener: socket.socket, task_status: "TaskStatus[HostUp]") -> None:
    store = open_store(home)
    up = HostUp(home, config, store.identity.peer_id)
    founding = None
    with ExitStack() as undo:
        undo.callback(store.journal.close)
        if has_community(store.journal):
            void_card(home)  # where a founding was cut short after its last record
        else:
            founding = await _wait(up, store, task_status)
        if up.stop.is_set():
            return
        up.config = read_config(home)
        undo.pop_all()  # from here on the node closes it
    await _serve(up, store, listener, founding, task_status)


async def _wait(up: HostUp, store: Store, task_status: "TaskStatus[HostUp]") -> Founding | None:
    """Wait for the founder; None when the host is to end first."""
    founding = None
    async with trio.open_nursery() as nursery:
        transport = await nursery.start(
            partial(open_transport, store.identity.transport_seed, up.config.listen, [], NO_TOPIC)
        )
        nursery.start_soon(_cancel_on, up.stop, nursery.cancel_scope)

        def ready() -> None:
            log.info("waiting at %s for a community to be founded with this host", up.config.listen)
            task_status.started(up)

        founding = await wait_for_founder(up.home, store, transport, wallclock.now_s, ready)
        nursery.cancel_scope.cancel()
    return founding


async def _cancel_on(stop: trio.Event, scope: trio.CancelScope) -> None:
    await stop.wait()
    scope.cancel()


async def _serve(
    up: HostUp, store: Store, listener: socket.socket, founding: Founding | None, task_status: "TaskStatus[HostUp]"
) -> None:
    """Run the full node and its API."""
    port: int = listener.getsockname()[1]
    token = secrets.token_urlsafe(TOKEN_BYTES)
    async with trio.open_nursery() as nursery:
        up.node = await nursery.start(run_node, up.config, store.journal, store.identity)
        for signed in () if founding is None else founding.records:
            fault = await up.node.publish(signed)
            if fault is not None:
                log.info("a record that came with the founding is not taken: %s", fault)
        app = Guarded(application(NodeApi(up.node).routes(), FAILURES), Guard(port, token))
        await nursery.start(_serve_api, app, listener, up.stop, nursery.cancel_scope)
        spare_the_collector()
        publish(up.home / "run", f"127.0.0.1:{port}", token)
        log.info("up at 127.0.0.1:%d, in the community %s", port, up.node.ledger.commons.name)
        if founding is None:
            task_status.started(up)


async def _serve_api(
    app: Guarded, listener: socket.socket, stop: trio.Event, ends_with: trio.CancelScope,
    task_status: "TaskStatus[None]",
) -> None:  # fmt: skip
    await serve(app, listener, stop, task_status=task_status)
    ends_with.cancel()
