"""A running node: puts journal, ledger, door, transport, witness, replication and board together, in one nursery.

`Node` is what the wallet in the same process and the APIs use. It holds no member's key: what arrives here is signed.
"""

import logging
from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import trio

from protocol.base import AccountId, CommunityId, EntryId, Signature
from protocol.budget import Budget
from protocol.deciding import Deciding
from protocol.entry import SignedEntry, read_signed
from protocol.ledger import Ledger
from protocol.messages import Answer, AskHead, Bundle, Head, Hello, Message, Submit
from protocol.record import SignedRecord
from protocol.signing import RememberingVerify, SecretKey, Tag, sign
from protocol.verdict import Accepted, Duplicate, Verdict

from . import wallclock
from .acknowledging import Acknowledger
from .acquaintances import Acquaintances
from .asking import Asker
from .board import Board, Keeper, Sharing
from .bookkeeper import Bookkeeper
from .config import NodeConfig
from .exchange import Exchange
from .identity import Identity
from .journal import BoardStore, Journal
from .proposing import Proposer
from .rebuilding import rebuild
from .replicating import Replicator
from .shelf import Shelf
from .spreading import Spreader
from .standing import Standing
from .strangers.doorstep import Doorstep
from .strangers.request_sharing import RequestSharing
from .strangers.requests import RequestBox
from .submission import Submitter
from .tickets import DoorClosed
from .tracking import Tracker
from .transport import Transport, meet_nearby, open_transport
from .witnessing import Witnessing

if TYPE_CHECKING:
    from trio_typing import TaskStatus

logger = logging.getLogger("tallystick.node")

ASK_TIMEOUT_S = 10.0
LINKING_S = 15.0
"""How long after the start it is no problem that links are missing."""


class Node:
    """One running node. Made by `run_node`; ends with it."""

    def __init__(self, config: NodeConfig, identity: Identity, door: Bookkeeper, transport: Transport) -> None:
        self.config = config
        self._began_at = trio.current_time()
        self.bookkeeper = door
        self.journal = door.journal
        self.transport = transport
        self.shelf = Shelf(door)
        commons = door.ledger.commons
        key = _witness_key(config, identity, door.ledger)
        self.exchange = Exchange(transport, door, commons.community, _hello(door, key, transport.peer_id))
        budget = Budget(config.votes_per_minute, config.votes_burst)
        self.witnessing = None if key is None else Witnessing(key, door, self.exchange, budget)
        own = b"" if key is None else bytes(key.public)
        self.tracker = Tracker(door, self.shelf, own, self.exchange.hosted)
        self.acknowledger = Acknowledger(door, self.exchange, self.tracker)
        self.spreader = Spreader(door, self.exchange, self.shelf, self.tracker)
        self.submitter = Submitter(
            door, self.exchange, self.shelf, self.tracker, own, self._vote_here, self.spreader.beside
        )
        self.asker = Asker(door, self.exchange, self.witnessing)
        self.proposer = Proposer(door, self.exchange, self.asker)
        self.replicator = Replicator(door, self.exchange, self.shelf)
        board_store = BoardStore.open(door.journal.folder)
        self._keeper = Keeper(board_store)
        self.board = Board(self._keeper, lambda: door.ledger)
        self.board.restore(board_store.records())
        self.sharing = Sharing(door, self.exchange, self.board)
        self.requests = RequestBox(self._keeper, lambda: door.ledger)
        self.requests.restore(board_store.requests())
        self.request_sharing = RequestSharing(door, self.exchange, self.requests)
        self.doorstep = Doorstep(transport.peer_id, door, self.shelf, self.board, self.requests)
        transport.serve_knocks(self.doorstep.answer)
        self.acquaintances = Acquaintances(config.peers, transport, door, self.exchange, self.board)
        self.exchange.answer(Answer, self._on_answer)

    # Facts

    @property
    def ledger(self) -> Ledger:
        """The ledger, to read. After a failed commit it is another object: never keep it."""
        return self.bookkeeper.ledger

    @property
    def community(self) -> CommunityId:
        return self.ledger.commons.community

    @property
    def peer_id(self) -> str:
        return self.transport.peer_id

    @property
    def is_witness(self) -> bool:
        return self.witnessing is not None

    def connected(self) -> list[str]:
        """Peer ids of the nodes of this community that are linked now."""
        return sorted(self.exchange.neighbours)

    def problems(self) -> list[str]:
        """What is wrong with this node, in words; empty when all is well."""
        found = []
        if self.bookkeeper.failed is not None:
            found.append(f"nothing is signed or taken in any more, only shown: {self.bookkeeper.failed}")
        if self.witnessing is not None and self.witnessing.dead is not None:
            found.append(f"this witness never votes again and must be replaced: {self.witnessing.dead}")
        found += self._lonely()
        return [*found, *self.acquaintances.problems()]

    def _lonely(self) -> list[str]:
        """Say that too few witnesses are linked, once there was time enough for links."""
        commons = self.ledger.commons
        own = 0 if self.witnessing is None else 1
        linked = own + len(self.exchange.neighbours.witnesses(commons.witnesses))
        if linked >= commons.quorum or trio.current_time() - self._began_at < LINKING_S:
            return []
        many = f"{linked} of {len(commons.witnesses)} witnesses {'is' if linked == 1 else 'are'} linked"
        return [f"{many}, and {commons.quorum} are needed: until then no payment becomes final"]

    # For the wallet and the APIs

    async def pay_in(self, signed_raw: bytes, instance: bytes = b"") -> Verdict:
        """Take one signed entry through the door and bring it to the witnesses. Durable when this returns, unless
        `instance` is named: the nonce under whose lease it was signed.

        Whoever names one keeps the bytes durably itself and hands them in again after a crash, so they need not wait
        for the journal, which writes them with what follows. Raises Malformed, or DoorClosed when nothing is taken.
        """
        signed = read_signed(signed_raw)
        (verdict,) = self.bookkeeper.take(Bundle((signed,)))
        if not instance:
            await self.bookkeeper.ticket.durable()
        if isinstance(verdict, Accepted | Duplicate) and signed.account != 0:
            self.submitter.submit(signed, instance)
        return verdict

    def check_open(self) -> None:
        """Raise DoorClosed when nothing can be recorded any more."""
        if self.bookkeeper.failed is not None:
            raise DoorClosed(self.bookkeeper.failed)

    def host(self, accounts: Iterable[AccountId]) -> None:
        """Say that wallets of these accounts live here: payments to them are acknowledged."""
        self.exchange.host(accounts)

    async def wait_for(self, account: AccountId, seq: int, id: EntryId, wanted: Standing, timeout_s: float) -> Standing:
        """Wait until an entry is `wanted` (final or seen) or further, never will be, or the time is over.

        Returns where it stands then.
        """
        return await self.tracker.wait_for(account, seq, id, wanted, timeout_s)

    def final_on_disk(self, account: AccountId) -> int:
        """The seq up to which the account's entries are final, certificate and all on the disk; -1 for none."""
        return self.bookkeeper.final_on_disk(account)

    def state_of(self, account: AccountId, seq: int, id: EntryId) -> Standing:
        """Where an entry that was recorded here stands."""
        return self.tracker.standing(account, seq, id)

    async def ask_heads(
        self, account: AccountId, instance: bytes, previous: bytes, signatures: Sequence[Signature]
    ) -> list[Head]:
        """Ask the witnesses what they hold of an account and for the lease to sign; the answers that came in time.

        `signatures` are of the account's key, one for each witness in their order (R17.1).
        """
        asks = [AskHead(0, account, instance, previous, signature) for signature in signatures]
        return [answer.head for answer in await self.asker.heads(asks, ASK_TIMEOUT_S)]

    async def decide(self, signed: SignedEntry, timeout_s: float = 30.0) -> Deciding:
        """Bring an entry of account 0 with its ballots to the witnesses; `certificate` is set when it was decided."""
        return await self.asker.decide(signed, timeout_s)

    async def publish(self, signed: SignedRecord) -> str | None:
        """Put a signed record on the board and spread it; says in words why it may not stand there, or None.

        Durable when this returns None. One that is on the board already may come again; an older one is refused.
        """
        now_s, held = wallclock.now_s(), self.board.get(signed.slot)
        if held is None or held.id != signed.id:
            fault = self.board.fault(signed, now_s)
            if fault is not None:
                return fault
            self.board.take([signed], now_s)
        return await self.board.durable()

    # Wiring

    def _vote_here(self, ask: Submit) -> None:
        if self.witnessing is not None:
            self.witnessing.submit(ask, self._hear_here)

    def _hear_here(self, message: Message) -> None:
        if isinstance(message, Answer):
            self.submitter.hear(message)

    def _on_answer(self, _peer: str, answer: Answer) -> None:
        if self.witnessing is not None:
            self.witnessing.look_at(answer)
        self.submitter.hear(answer)
        self.asker.hear(answer)

    async def run(self) -> None:
        """Do the node's work until cancelled; what was gathered for witnesses still leaves."""
        try:
            await self._work()
        finally:
            self.spreader.flush()
            self.acknowledger.flush()
            self._keeper.close()

    async def _work(self) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.bookkeeper.write)
            nursery.start_soon(self.exchange.read_frames)
            nursery.start_soon(self.exchange.read_hints)
            nursery.start_soon(self.exchange.follow_links)
            nursery.start_soon(self.replicator.tick)
            nursery.start_soon(self.replicator.follow_news)
            nursery.start_soon(self.submitter.ask_again)
            nursery.start_soon(self.proposer.decide)
            nursery.start_soon(self.proposer.retell)
            nursery.start_soon(self.spreader.spread)
            nursery.start_soon(self.acknowledger.run)
            nursery.start_soon(self.spreader.gossip)
            nursery.start_soon(self._keeper.run)
            nursery.start_soon(self.sharing.spread)
            nursery.start_soon(self.sharing.compare)
            nursery.start_soon(self.request_sharing.sweep)
            nursery.start_soon(self.acquaintances.keep)
            if self.witnessing is not None:
                nursery.start_soon(self.witnessing.keep_fence)
            if self.config.nearby:
                found = self.acquaintances.found_nearby
                nursery.start_soon(meet_nearby, self.community, self.peer_id, self.config.listen, found)


def _witness_key(config: NodeConfig, identity: Identity, ledger: Ledger) -> SecretKey | None:
    """The node's witness key, if the community names it as one of its witnesses and the owner lets it vote."""
    is_named = identity.witness_key.public in ledger.commons.witnesses
    return identity.witness_key if is_named and config.witness else None


def _hello(door: Bookkeeper, key: SecretKey | None, peer: str) -> Hello:
    community, generation = door.ledger.commons.community, door.journal.generation
    witness = b"" if key is None else bytes(key.public)
    proof = b"" if key is None else bytes(sign(key, Tag.HELLO, community, Hello.content(peer, generation)))
    return Hello(community, generation, door.journal.last_row, witness, proof)


async def run_node(
    config: NodeConfig,
    journal: Journal,
    identity: Identity,
    task_status: "TaskStatus[Node]" = trio.TASK_STATUS_IGNORED,
) -> None:
    """Run a node until cancelled; `task_status.started(node)` when it listens. Closes `journal` at the end.

    Raises JournalContradicts, StoreRefused when its board cannot be opened, and OSError when its port is in use.
    """
    try:
        door = Bookkeeper(rebuild(journal, RememberingVerify()), journal)
        topic = door.ledger.commons.community.hex()
        async with trio.open_nursery() as nursery:
            transport = await nursery.start(
                partial(open_transport, identity.transport_seed, config.listen, list(config.peers), topic)
            )
            node = Node(config, identity, door, transport)
            nursery.start_soon(node.run)
            task_status.started(node)
    finally:
        journal.close()
