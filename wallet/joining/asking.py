"""A home that asks to be admitted, while its process runs: from the first knock to a whole home.

`up` runs it before there is a node: only doorsteps are knocked at, nothing listens, nobody is linked. Loads slowly (the
network library). What it shows while it asks is a plain value, for the API and the command.
"""

import logging
import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypedDict

import trio

from node.journal import Journal
from node.store import open_store
from node.storelock import StoreLock
from node.transport import Transport, open_transport
from protocol.base import CommunityId
from protocol.invite import SEED_BYTES, Invite
from protocol.payment import community_text

from ..home import Home
from .applying import Applicant, turned_words
from .kept import Joining, held_account, read_joining, settle

LOOK_S = 15.0
"""How long a command that just looks or asks waits for the slowest door."""
ADMISSION_WAIT_S = 15.0

log = logging.getLogger("tally.asking")

FAULT_NEXT = {
    "handle_taken": "Stop with `tally down`, then ask with another name: tally init --join INVITE --handle OTHER",
    "expired": "Stop with `tally down`, then ask with a new invite: tally init --join INVITE --handle {handle}",
}
"""What to do next, by code; for all other faults as for one that has expired."""


class AskingView(TypedDict):
    """How the asking goes. `name` is empty until account 0 was read; `asked` are the doors that took the request."""

    standing: str
    """asking (nobody took the request yet), asked, admitted."""
    community: str
    name: str
    handle: str
    pid: int
    peer_id: str
    asked: list[str]
    problems: list[str]
    next: str


@asynccontextmanager
async def knocking(seed: bytes, community: CommunityId) -> AsyncIterator[Transport]:
    """A transport that only knocks, as the peer of this transport key."""
    async with trio.open_nursery() as nursery:
        transport: Transport = await nursery.start(open_transport, seed, "", [], community.hex())
        yield transport
        nursery.cancel_scope.cancel()


async def look(invite: Invite) -> Applicant:
    """Visit all doors of an invite once, as nobody in particular, and leave nothing there."""
    async with knocking(secrets.token_bytes(SEED_BYTES), invite.community) as transport:
        outlook = Applicant(invite, None, transport)
        with trio.move_on_after(LOOK_S):
            await outlook.look()
        return outlook


async def ask_now(home: Home) -> Applicant:
    """Leave the request of a home that was just made; wait a little if the invite needs no second step.

    When it is admitted meanwhile, it is a whole home. Raises StoreRefused while a node runs on it.
    """
    joining = read_joining(home)
    lock = StoreLock(home.run)
    try:
        store = open_store(home.root)
        try:
            async with knocking(store.identity.transport_seed, joining.community) as transport:
                applicant = Applicant(joining.invite, joining.request, transport)
                with trio.move_on_after(LOOK_S):
                    await applicant.look()
                if joining.invite.voucher.uses and applicant.is_asked and applicant.fault() is None:
                    with trio.move_on_after(ADMISSION_WAIT_S):
                        await applicant.ask()
            if applicant.admission is not None:
                admission = applicant.admission
                settle(home, joining, store.journal, admission.account, admission.reading.records)
            return applicant
        finally:
            store.journal.close()
    finally:
        lock.release()


class Asking:
    """One home on its way in. `run` ends when it is a whole home."""

    def __init__(self, home: Home, joining: Joining, journal: Journal, address: str, stop: trio.Event) -> None:
        self.home, self.joining = home, joining
        self.address = address
        """host:port of the API."""
        self.stop = stop
        """Set it to end the process politely."""
        self._journal = journal
        self._applicant: Applicant | None = None
        self._peer_id = ""

    def settle_if_admitted(self) -> bool:
        """Finish what a crash cut short: the journal has account 0 already, with this home's admission in it."""
        account = held_account(self._journal, self.joining)
        if account is not None:
            settle(self.home, self.joining, self._journal, account, [])
        return account is not None

    async def run(self, seed: bytes) -> None:
        """Ask until this home is admitted, and settle it in. `seed`: of the node's transport key."""
        async with knocking(seed, self.joining.community) as transport:
            self._peer_id = transport.peer_id
            self._applicant = Applicant(self.joining.invite, self.joining.request, transport)
            log.info("asking to be admitted as @%s", self.joining.handle)
            admission = await self._applicant.ask()
        settle(self.home, self.joining, self._journal, admission.account, admission.reading.records)
        log.info("admitted as account %s", admission.account)

    def view(self) -> AskingView:
        """How it stands now."""
        applicant = self._applicant
        is_admitted = applicant is not None and applicant.admission is not None
        fault = None if applicant is None or is_admitted else applicant.fault()
        ledger = None if applicant is None else applicant.ledger
        problems = [] if applicant is None else applicant.troubles()
        return {
            "standing": "admitted" if is_admitted else "asked" if applicant and applicant.is_asked else "asking",
            "community": community_text(self.joining.community),
            "name": "" if ledger is None else ledger.commons.name,
            "handle": self.joining.handle,
            "pid": os.getpid(),
            "peer_id": self._peer_id,
            "asked": [door.address for door in applicant.doors if door.left_at is not None] if applicant else [],
            "problems": problems if fault is None else [turned_words(fault), *problems],
            "next": "" if fault is None else fault_next(fault, self.joining.handle),
        }


def fault_next(code: str, handle: str) -> str:
    """What somebody does next whose asking is in vain for that reason."""
    return FAULT_NEXT.get(code, FAULT_NEXT["expired"]).format(handle=handle)
