"""A home that is up: node, wallet and API in one process, from start to a clean end.

The wallet hands signed bytes to the node through the same door as everybody else. While it is up, HOME/run holds the
lock that keeps a second one out, `api.json` with address and token (new at each start), and the log. Loads slowly (the
network and web libraries): commands import it only when they start a node.
"""

import logging
import secrets
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import trio

from node.api import FAILURES, NodeApi
from node.collector import spare_the_collector
from node.config import NodeConfig, choose_ports, read_config
from node.running import TOKEN_BYTES, alone, publish, take_ports, until_signal
from node.service import Node, run_node
from node.store import Store, open_store
from node.web.application import Guarded, application
from node.web.guard import Guard
from node.web.server import serve

from .api.wallet import WalletApi
from .feed import Feed
from .home import Home
from .service import Wallet, run_wallet

if TYPE_CHECKING:
    from trio_typing import TaskStatus

log = logging.getLogger("tally.up")


@dataclass(slots=True)
class Up:
    """A home that is up. Set `stop` to end it politely."""

    node: Node
    wallet: Wallet
    feed: Feed
    """What happens to the accounts of this home."""
    address: str
    """host:port of the API."""
    token: str = field(repr=False)
    stop: trio.Event = field(default_factory=trio.Event)


async def run_home(
    home: Home,
    *,
    passphrase: str | None = None,
    api_port: int | None = None,
    task_status: "TaskStatus[Up]" = trio.TASK_STATUS_IGNORED,
) -> None:
    """Run node, wallet and API of `home` until `Up.stop` is set or this is cancelled.

    `passphrase` unlocks the wallet before it is called up; None leaves it locked if it has one. `api_port` None takes
    the configured one. Raises StoreRefused (also for a second one on this home), HomeRefused, PortInUse,
    WrongPassphrase and what `run_node` and `run_wallet` raise, singly or in a group.
    """
    home.check()
    with alone(home.run):
        await _run_locked(home, passphrase, api_port, task_status)


async def _run_locked(home: Home, passphrase: str | None, api_port: int | None, task_status: "TaskStatus[Up]") -> None:
    config = choose_ports(read_config(home.root))
    listener = take_ports(config, api_port)
    try:
        await _run_open(home, config, open_store(home.root), passphrase, listener, task_status)
    finally:
        listener.close()
    log.info("down")


async def _run_open(
    home: Home, config: NodeConfig, store: Store, passphrase: str | None, listener: socket.socket,
    task_status: "TaskStatus[Up]",
) -> None:  # fmt: skip
    port: int = listener.getsockname()[1]
    async with trio.open_nursery() as nursery:
        node: Node = await nursery.start(run_node, config, store.journal, store.identity)
        wallet: Wallet = await nursery.start(run_wallet, home, node)
        if wallet.locked and passphrase is not None:
            await wallet.unlock(passphrase)
        up = Up(node, wallet, Feed(wallet, node), f"127.0.0.1:{port}", secrets.token_urlsafe(TOKEN_BYTES))
        await nursery.start(_serve, up, listener, port, nursery.cancel_scope)
        spare_the_collector()
        publish(home.run, up.address, up.token)
        log.info("up at %s", up.address)
        task_status.started(up)


async def _serve(
    up: Up, listener: socket.socket, port: int, ends_with: trio.CancelScope, task_status: "TaskStatus[None]"
) -> None:
    """Serve until `up.stop`, then end wallet and node too: nobody can ask them any more."""
    await serve(web_application(up, port), listener, up.stop, task_status=task_status)
    ends_with.cancel()


def web_application(up: Up, port: int) -> Guarded:
    """All routes of one home behind one guard."""
    wallet_api = WalletApi(up.wallet, up.node, up.stop)
    routes = [*NodeApi(up.node).routes(), *wallet_api.routes()]
    return Guarded(application(routes, {**FAILURES, **wallet_api.failures()}), Guard(port, up.token))


async def run_until_signal(home: Home, passphrase: str | None, when_up: Callable[[Up], None]) -> None:
    """Run `home` until the API, or SIGINT, SIGTERM or SIGHUP, tells it to end; a second signal ends it at once."""
    await until_signal(partial(run_home, home, passphrase=passphrase), when_up)
