"""A node without a network for the tests of the API: real ledger, journal and door, and states that a test can set."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import trio

from node.api import FAILURES, NodeApi
from node.bookkeeper import Bookkeeper
from node.journal import Journal
from node.rebuilding import rebuild
from node.records import EntryRecord
from node.standing import Standing
from node.web.application import Guarded, application
from node.web.guard import Guard
from protocol.base import AccountId, EntryId
from protocol.entry import read_signed
from protocol.ledger import Ledger
from protocol.messages import Bundle
from protocol.verdict import Verdict
from tests.builders import Town
from tests.node.asgi import PORT, TOKEN


class QuietNode:
    """What the API needs of a node."""

    peer_id = "12D3KooWTest"
    is_witness = True

    def __init__(self, door: Bookkeeper) -> None:
        self.bookkeeper = door
        self.journal = door.journal

    @property
    def ledger(self) -> Ledger:
        return self.bookkeeper.ledger

    def connected(self) -> list[str]:
        return ["12D3KooWOther"]

    def problems(self) -> list[str]:
        return [] if self.bookkeeper.failed is None else [self.bookkeeper.failed]

    async def pay_in(self, signed_raw: bytes) -> Verdict:
        (verdict,) = await self.bookkeeper.submit(Bundle((read_signed(signed_raw),)))
        return verdict

    def state_of(self, account: AccountId, seq: int, id: EntryId) -> str:
        chain = self.ledger.chain(account)
        if chain is None or chain.id_at(seq) != id:
            return Standing.CONFLICT
        return Standing.FINAL if seq <= chain.final_seq else Standing.RECORDED


@asynccontextmanager
async def served(town: Town, folder: Path, vfs: str | None = None) -> AsyncIterator[tuple[QuietNode, Guarded]]:
    """Run a node of `town` that knows the founding entry alone, and give its guarded API."""
    journal = Journal.open(folder / "journal", create=True, vfs=vfs)
    try:
        journal.append([EntryRecord(town.founding)])
        node = QuietNode(Bookkeeper(rebuild(journal), journal))
        app = Guarded(application(NodeApi(node).routes(), FAILURES), Guard(PORT, TOKEN))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(node.bookkeeper.write)
            yield node, app
            nursery.cancel_scope.cancel()
    finally:
        journal.close()
