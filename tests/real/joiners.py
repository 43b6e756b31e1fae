"""Homes that join for real, in one process over loopback: founders that are up, invites to them, and stewards' acts."""

import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import trio

from node.config import read_config, write_config
from protocol.base import COMMONS, ENTRY_VERSION, AccountId, EntryId
from protocol.entry import Entry, entry_id, sealed
from protocol.invite import Invite, Voucher
from protocol.ops import Admit
from protocol.request import Request
from protocol.signing import SecretKey, Tag, sign
from protocol.statements import ballot_content
from tests.real.homes import make_community
from wallet import keystore
from wallet.accounts import Keyring
from wallet.client import Client, connect
from wallet.home import Home
from wallet.joining.asking import Asking
from wallet.up import Up, run_home

PATIENCE_S = 20.0


@dataclass
class Founders:
    """A community whose members' homes are up in this process; the first one is its steward."""

    homes: dict[str, Home]
    ups: dict[str, Up]
    keys: Keyring

    @property
    def steward(self) -> Up:
        return next(iter(self.ups.values()))

    def invite(self, *names: str, uses: int = 0, expires_s: int = 3600, height: int | None = None) -> Invite:
        """A steward's invite to the nodes of these members, by default all."""
        node = self.steward.node
        commons, now, seed = node.ledger.commons, int(time.time()), secrets.token_bytes(32)
        key = SecretKey.from_seed(seed).public
        voucher = Voucher(key, COMMONS, uses, 500, now, now + expires_s, ())
        signature = sign(self.keys.steward_key(0), Tag.INVITE, commons.community, voucher.content())
        at = commons.height if height is None else height
        anchor = node.ledger.id_at(COMMONS, 0, at)
        assert anchor is not None
        places = tuple(self.address(name) for name in names or self.ups)
        signed = replace(voucher, signatures=((0, signature),))
        return Invite(commons.community, at, anchor, places, seed, signed)

    def address(self, name: str) -> str:
        node = self.ups[name].node
        return f"/ip4/127.0.0.1/tcp/{node.config.listen_port}/p2p/{node.peer_id}"

    async def requests(self, count: int = 1) -> list[Request]:
        """What has been left at the steward's node, once it is that many."""
        box = self.steward.node.requests
        await until(lambda: len(box.live(int(time.time()))) >= count)
        return box.live(int(time.time()))

    async def admit(self, request: Request, handle: str | None = None) -> AccountId:
        """Decide that whoever asked so is a member."""
        ledger = self.steward.node.ledger
        number = AccountId(len(ledger.commons.members) + 1)
        await self.decide(Admit(number, handle or request.handle, request.authority, 500))
        return number

    async def decide(self, *ops: Admit) -> None:
        """Have account 0 decide an entry that the steward signs."""
        node = self.steward.node
        height = node.ledger.commons.height
        prev = node.ledger.id_at(COMMONS, 0, height)
        assert prev is not None
        entry = Entry(ENTRY_VERSION, COMMONS, 0, height + 1, prev, height, int(time.time()), ops)
        content = ballot_content(height + 1, 0, EntryId(entry_id(entry.encode())))
        ballot = sign(self.keys.steward_key(0), Tag.BALLOT, node.community, content)
        decided = await node.decide(sealed(entry, ((0, ballot),)))
        assert decided.certificate is not None


@asynccontextmanager
async def founded(folder: Path, *names: str) -> AsyncIterator[Founders]:
    """Found a community of these members and have all their homes up."""
    homes = {name: Home(place) for name, place in make_community(folder, names).items()}
    for home in homes.values():
        config = read_config(home.root)
        write_config(replace(config, announce=(f"/ip4/127.0.0.1/tcp/{config.listen_port}",)))
    first = next(iter(homes.values()))
    keys = Keyring(keystore.load(first, None).entropy)
    async with trio.open_nursery() as nursery:
        ups: dict[str, Up] = {}
        for name, home in homes.items():
            up: Up | Asking = await nursery.start(run_home, home)
            assert isinstance(up, Up)
            ups[name] = up
        yield Founders(homes, ups, keys)
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def running(home: Home, passphrase: str | None = None) -> AsyncIterator[None]:
    """A home that is up, until the end."""
    async with trio.open_nursery() as nursery:
        await nursery.start(partial(run_home, home, passphrase=passphrase))
        yield
        nursery.cancel_scope.cancel()


async def ask(home: Home, what: str) -> Any:
    """What the running home answers to GET /v1/wallet/`what`."""
    client: Client = connect(home.root)
    return await trio.to_thread.run_sync(client.get, f"/v1/wallet/{what}")


async def order(home: Home, what: str, **body: object) -> Any:
    """What the running home answers to POST /v1/wallet/`what`."""
    client: Client = connect(home.root)
    return await trio.to_thread.run_sync(client.post, f"/v1/wallet/{what}", body)


async def standing(home: Home, *wanted: str, patience_s: float = PATIENCE_S) -> dict[str, Any]:
    """The status of a home, once it stands so."""
    found: dict[str, Any] = {}
    with trio.move_on_after(patience_s):
        while True:
            found = await ask(home, "status")
            if found["standing"] in wanted:
                return found
            await trio.sleep(0.1)
    raise AssertionError(found)


async def until(met: Callable[[], bool], patience_s: float = PATIENCE_S) -> None:
    """Wait until something is so."""
    with trio.fail_after(patience_s):
        while not met():
            await trio.sleep(0.05)
