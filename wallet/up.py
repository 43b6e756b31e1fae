"""A home that is up: node, wallet and API in one process, from start to a clean end.

The wallet hands signed bytes to the node through the same door as everybody else. While it is up, HOME/run holds the
lock that keeps a second one out, `api.json` with address and token (new at each start), and the log. Loads slowly (the
network and web libraries): commands import it only when they start a node.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import trio

from node.api import FAILURES, NodeApi
from node.collector import spare_the_collector
from node.config import choose_ports, read_config
from node.running import alone, take_ports, until_signal
from node.service import Node, run_node
from node.store import Store, open_store
from node.web.application import Guarded, application
from node.web.guard import Guard

from . import keystore
from .api.acts import ActsApi
from .api.asking import asking_application
from .api.events import EventsApi
from .api.front import Front
from .api.hosts import HostsApi
from .api.people import PeopleApi
from .api.tokens import TokensApi
from .api.wallet import WalletApi
from .api.webhooks import WebhooksApi
from .home import Home
from .hosts.keeping import HostKeeper
from .hosts.publishing import Publisher, card_problems
from .joining.asking import Asking
from .joining.kept import read_joining
from .joining.opening import open_joined
from .people.people import People
from .programs.feed import Feed
from .programs.posting import Poster
from .programs.tokens import Tokens
from .programs.webhooks import Webhooks
from .service import Wallet, run_wallet
from .stewards.office import Office, open_office

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
    tokens: Tokens
    """Those for programs, besides the owner's."""
    webhooks: Webhooks
    office: Office
    hosts: HostKeeper
    """The community's hosts."""
    address: str
    """host:port of the API."""
    token: str = field(repr=False)
    stop: trio.Event = field(default_factory=trio.Event)


async def run_home(
    home: Home,
    *,
    passphrase: str | None = None,
    api_port: int | None = None,
    task_status: "TaskStatus[Up | Asking]" = trio.TASK_STATUS_IGNORED,
) -> None:
    """Run node, wallet and API of `home` until `Up.stop` is set or this is cancelled.

    A home that joins is up as `Asking` at first, and goes on as a whole one by itself once it is admitted.
    `passphrase` unlocks the wallet before it is called up; None leaves it locked if it has one. `api_port` None takes
    the configured one. Raises StoreRefused (also for a second one on this home), HomeRefused, PortInUse,
    WrongPassphrase and what `run_node` and `run_wallet` raise, singly or in a group.
    """
    home.check()
    with alone(home.run):
        await _run_locked(home, passphrase, api_port, task_status)


async def _run_locked(
    home: Home, passphrase: str | None, api_port: int | None, task_status: "TaskStatus[Up | Asking]"
) -> None:
    config = choose_ports(read_config(home.root))
    listener = take_ports(config, api_port)
    try:
        await _run_open(home, open_store(home.root), passphrase, Front(listener), task_status)
    finally:
        listener.close()
    log.info("down")


async def _run_open(
    home: Home, store: Store, passphrase: str | None, front: Front, task_status: "TaskStatus[Up | Asking]"
) -> None:
    async with trio.open_nursery() as nursery:
        if home.is_joining():
            await _join(home, store, passphrase, front, nursery, task_status)
        node: Node = await nursery.start(run_node, read_config(home.root), store.journal, store.identity)
        wallet: Wallet = await nursery.start(run_wallet, home, node)
        if wallet.locked and passphrase is not None:
            await wallet.unlock(passphrase)
        feed, tokens = Feed(wallet, node), Tokens(wallet.book, wallet.clerk)
        webhooks = Webhooks(wallet.book, wallet.clerk, feed, Poster().post)
        office = open_office(wallet, node)
        hosts = HostKeeper(home, node, wallet)
        up = Up(node, wallet, feed, tokens, webhooks, office, hosts, front.address, front.token, front.stop)
        await nursery.start(tokens.run)
        await nursery.start(webhooks.run)
        nursery.start_soon(office.acts.run)
        nursery.start_soon(open_joined, home, wallet)
        nursery.start_soon(Publisher.of(node, wallet).run)
        nursery.start_soon(up.hosts.run)
        wallet.concerns.append(partial(card_problems, node, wallet))
        was_open = front.is_open
        await front.show(web_application(up, front.port), home, nursery)
        spare_the_collector()
        log.info("up at %s", up.address)
        if not was_open:
            task_status.started(up)


async def _join(
    home: Home, store: Store, passphrase: str | None, front: Front, nursery: trio.Nursery,
    task_status: "TaskStatus[Up | Asking]",
) -> None:  # fmt: skip
    """Ask until this home is admitted; then it is a whole one."""
    try:
        if passphrase is not None:
            await trio.to_thread.run_sync(keystore.load, home, passphrase)  # so that a wrong one is told at once
        asking = Asking(home, read_joining(home), store.journal, front.address, front.stop)
        if asking.settle_if_admitted():
            return
        await front.show(Guarded(asking_application(asking), Guard(front.port, front.token)), home, nursery)
        log.info("up at %s", front.address)
        task_status.started(asking)
        await asking.run(store.identity.transport_seed)
    except BaseException:
        store.journal.close()
        raise


def web_application(up: Up, port: int) -> Guarded:
    """All routes of one home behind one guard."""
    people = People(up.node, up.wallet.signing_key)
    wallet_api = WalletApi(up.wallet, up.node, people, up.stop)
    rooms = (
        NodeApi(up.node),
        wallet_api,
        PeopleApi(up.wallet, up.node, people),
        EventsApi(up.feed),
        HostsApi(up.node, up.hosts),
        ActsApi(up.wallet, up.node, up.office),
        TokensApi(up.wallet, up.tokens),
        WebhooksApi(up.webhooks),
    )
    calls = [call for room in rooms for call in room.routes()]
    guard = Guard(port, up.token, up.tokens.find, up.tokens.holds)
    return Guarded(application(calls, {**FAILURES, **wallet_api.failures()}), guard)


async def run_until_signal(home: Home, passphrase: str | None, when_up: Callable[[Up | Asking], None]) -> None:
    """Run `home` until the API, or SIGINT, SIGTERM or SIGHUP, tells it to end; a second signal ends it at once."""
    await until_signal(partial(run_home, home, passphrase=passphrase), when_up)
