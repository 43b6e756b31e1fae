"""Publishes cards: this node's own, signed by the wallet's first account, and hosts' cards, if its owner is a steward.

A card says whose node a peer is; without a valid one other nodes do not know it. Each is good for 90 days and signed
anew when half of that is over, when what it says has changed, or when the board has lost it. Only an unlocked wallet
can do so. Records are kept and spread by the node; nothing here reaches the network itself.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import trio

from node import wallclock
from node.addresses import ANYWHERE, multiaddr, own_address
from node.config import NodeConfig
from protocol.base import COMMONS, AccountId
from protocol.bodies import ROLE_WALLET, ROLE_WITNESS, Card
from protocol.ledger import Ledger
from protocol.record import Kind, SignedRecord, Slot, read_body
from protocol.signing import SecretKey

from ..errors import Locked
from ..people.recording import signed_record

logger = logging.getLogger("tallystick.wallet")

DAY_S = 86_400
CARD_S = 90 * DAY_S
LOOK_AGAIN_S = 60.0
REST_S = 5.0
"""Between two looks: two copies of one home with different addresses must not write against each other without end."""
LOOPBACK = "127."
ADDRESSES_MAX = 4
SEATS_MAX = 16
"""Accounts of one wallet, the first ones, whose owners may be stewards."""


class Cards(Protocol):
    """What is read of the node's board."""

    def get(self, slot: Slot) -> SignedRecord | None: ...
    def of_kind(self, kind: Kind) -> list[SignedRecord]: ...
    def on_change(self, listener: Callable[[list[SignedRecord]], None]) -> None: ...


class CardNode(Protocol):
    """What publishing cards needs of the node."""

    @property
    def ledger(self) -> Ledger: ...
    @property
    def config(self) -> NodeConfig: ...
    @property
    def peer_id(self) -> str: ...
    @property
    def is_witness(self) -> bool: ...
    @property
    def board(self) -> Cards: ...
    async def publish(self, signed: SignedRecord) -> str | None:
        """Keep and spread a record; durable when this returns None, else the words say why it was not taken."""
        ...


class CardWallet(Protocol):
    """What it needs of the wallet. Keys raise Locked."""

    @property
    def locked(self) -> bool: ...
    async def wait_unlocked(self) -> None: ...
    def accounts(self) -> Sequence[AccountId]: ...
    def signing_key(self, account: AccountId) -> SecretKey: ...
    def steward_key(self, account: AccountId) -> SecretKey: ...


def announced(config: NodeConfig) -> tuple[str, ...]:
    """Where others reach this node, as its card says: what its owner announces, else where it listens.

    A node that listens on this computer alone is reached by nobody else, so without `announce` it names no address.
    """
    if config.announce:
        return config.announce[:ADDRESSES_MAX]
    if not config.listen_host or not config.listen_port:
        return ()
    host = own_address() if config.listen_host in ANYWHERE else config.listen_host
    is_here_only = host.startswith(LOOPBACK) or host in ("::1", "localhost")
    return () if is_here_only else (multiaddr(host, config.listen_port),)


def steward_seats(node: CardNode, wallet: CardWallet) -> list[tuple[int, AccountId]]:
    """The stewards in force whose keys are in this wallet: index, and whose it is. Raises Locked."""
    stewards = node.ledger.commons.stewards().keys
    keys = [(account, wallet.steward_key(account).public) for account in wallet.accounts()[:SEATS_MAX]]
    return [(stewards.index(key), account) for account, key in keys if key in stewards]


@dataclass(eq=False, slots=True)
class Publisher:
    """Keeps the cards valid that this wallet can sign. `run` must be running."""

    node: CardNode
    wallet: CardWallet
    _stirred: trio.Event

    @classmethod
    def of(cls, node: CardNode, wallet: CardWallet) -> "Publisher":
        made = cls(node, wallet, trio.Event())
        node.board.on_change(made._on_change)
        return made

    async def run(self) -> None:
        """Look at the cards for as long as the home is up: at once, when cards change, and once a minute."""
        while True:
            await self.wallet.wait_unlocked()
            self._stirred = trio.Event()
            try:
                await self.publish_due()
            except Locked:
                continue
            with trio.move_on_after(LOOK_AGAIN_S):
                await self._stirred.wait()
            await trio.sleep(REST_S)

    def _on_change(self, fresh: list[SignedRecord]) -> None:
        if any(signed.record.kind is Kind.CARD for signed in fresh):
            self._stirred.set()

    async def publish_due(self) -> None:
        """Sign and publish what is missing, old or no longer true. Raises Locked."""
        now_s = wallclock.now_s()
        accounts = self.wallet.accounts()
        if accounts:
            await self._publish_own(accounts[0], now_s)
        await self._renew_hosts(now_s)

    async def _publish_own(self, author: AccountId, now_s: int) -> None:
        wanted = self._card(now_s)
        held = self.node.board.get((author, Kind.CARD, wanted.key))
        if not _is_good(held, wanted, now_s):
            await self._publish(author, wanted, held, 0, self.wallet.signing_key(author), now_s)

    def _card(self, now_s: int) -> Card:
        roles = ROLE_WALLET | (ROLE_WITNESS if self.node.is_witness else 0)
        return Card(self.node.peer_id, roles, announced(self.node.config), now_s + CARD_S)

    async def _renew_hosts(self, now_s: int) -> None:
        """The cards of hosts that the stewards put up: what they say is theirs, only their time is renewed."""
        held = [signed for signed in self.node.board.of_kind(Kind.CARD) if signed.record.author == COMMONS]
        due = [(signed, card) for signed in held if _is_half_over(card := _card_of(signed), now_s)]
        seats = steward_seats(self.node, self.wallet) if due else []
        for signed, card in due if seats else ():
            index, account = seats[0]
            key = self.wallet.steward_key(account)  # each time: the wallet may have been locked since the last card
            fresh = Card(card.peer, card.roles, card.addresses, now_s + CARD_S)
            await self._publish(COMMONS, fresh, signed, index, key, now_s)

    async def _publish(
        self, author: AccountId, card: Card, held: SignedRecord | None, index: int, key: SecretKey, now_s: int
    ) -> None:
        signed = signed_record(
            key, self.node.ledger.commons.community, author, Kind.CARD, card.key, card.body(),
            held=held, now_s=now_s, index=index,
        )  # fmt: skip
        fault = await self.node.publish(signed)
        if fault is not None:
            logger.warning("a card of %s could not be published: %s", card.peer, fault)


def card_problems(node: CardNode, wallet: CardWallet) -> list[str]:
    """What the owner must do so that other nodes know this one; empty when it has a card or nobody else is there."""
    others = [card.peer for card in map(_card_of, node.board.of_kind(Kind.CARD)) if card.peer != node.peer_id]
    if not wallet.locked or not (others or node.config.peers):
        return []
    now_s = wallclock.now_s()
    own = [node.board.get((author, Kind.CARD, node.peer_id.encode())) for author in (COMMONS, *wallet.accounts()[:1])]
    if any(signed is not None and signed.record.body and _card_of(signed).expires > now_s for signed in own):
        return []
    return ["this node has no valid card, and a locked wallet cannot sign one: run `tally unlock`"]


def _is_good(held: SignedRecord | None, wanted: Card, now_s: int) -> bool:
    if held is None or not held.record.body:
        return False
    card = _card_of(held)
    return (card.roles, card.addresses) == (wanted.roles, wanted.addresses) and not _is_half_over(card, now_s)


def _is_half_over(card: Card, now_s: int) -> bool:
    return card.expires - now_s < CARD_S // 2


def _card_of(signed: SignedRecord) -> Card:
    body = read_body(Kind.CARD, signed.record.body)
    assert isinstance(body, Card)
    return body
