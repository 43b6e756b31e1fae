"""The running wallet's care for the community's hosts: lets one in, tells those that were away, and lists them.

A host is let in by a steward's word for its card (account 0's record) and by being handed the community with the
one-time key of its card. Cards are put on the board by the node; when a host links, it knows. Renewing the cards is
`publishing`'s.
"""

import logging
from dataclasses import dataclass, replace
from typing import Protocol

import trio

from node import wallclock
from node.config import read_config, write_config
from node.journal import Journal
from node.transport import Transport
from protocol.base import COMMONS, AccountId
from protocol.bodies import ROLE_WITNESS, Card
from protocol.entry import SignedEntry
from protocol.host_card import HostCard
from protocol.record import Kind, SignedRecord

from ..errors import BadRequest, HostRefused, NotPublished, NotSteward
from ..home import Home
from .kept import KeptHosts, card_record, keep_hosts, read_hosts, tell
from .knocking import where
from .publishing import CardNode, Cards, CardWallet, steward_seats

logger = logging.getLogger("tallystick.wallet")

FIRST_WAIT_S, LAST_WAIT_S = 5.0, 60.0
"""Before hosts that are away are asked again; twice as long each time."""
RECORDS_MAX, PEERS_MAX = 60, 32
"""What is handed to a host: cards, and addresses to dial first."""


class HostCards(Cards, Protocol):
    """What is read of the node's board."""

    def cards(self, now_s: int) -> list[tuple[AccountId, Card]]:
        """The cards that are valid now, with who signed them."""
        ...

    def fault(self, signed: SignedRecord, now_s: int) -> str | None:
        """Say in words why a record would not be put up, or None."""
        ...


class HostNode(CardNode, Protocol):
    """What it needs of the node besides what publishing cards does."""

    @property
    def board(self) -> HostCards: ...
    @property
    def journal(self) -> Journal: ...
    @property
    def transport(self) -> Transport: ...
    def connected(self) -> list[str]: ...


@dataclass(frozen=True, slots=True)
class Host:
    """One host as it is listed."""

    card: Card
    is_linked: bool
    is_told: bool
    """False while it is still to be handed the community."""


class HostKeeper:
    """Keeps the hosts. `run` must be running."""

    def __init__(self, home: Home, node: HostNode, wallet: CardWallet) -> None:
        self._home, self._node, self._wallet = home, node, wallet
        self._kept = read_hosts(home)
        self._turn = trio.Lock()
        self._added = trio.Event()

    # Looking

    def listed(self) -> list[Host]:
        """All hosts whose card a steward put up and that is good now."""
        linked, untold = set(self._node.connected()), {card.peer for card in self._kept.untold}
        cards = [card for author, card in self._node.board.cards(wallclock.now_s()) if author == COMMONS]
        return [Host(card, card.peer in linked, card.peer not in untold) for card in cards]

    # Letting in

    async def add(self, card: HostCard) -> Host:
        """Let a host in as archive and relay: durable here, and handed over if it answers now.

        Of a host that serves the community already only its addresses are taken: it has moved. Raises BadRequest,
        NotSteward, Locked, HostRefused, NotPublished.
        """
        serves = self._serves(card)
        self._check(card, serves)
        seats = steward_seats(self._node, self._wallet)
        if not seats:
            raise NotSteward("Only a steward lets a host in.")
        (index, account), now_s = seats[0], wallclock.now_s()
        key = self._wallet.steward_key(account)
        held = self._node.board.get((COMMONS, Kind.CARD, card.peer.encode()))
        signed = card_record(card, self._node.ledger.commons.community, key, index, held, now_s)
        if (fault := self._node.board.fault(signed, now_s)) is not None:
            raise NotPublished(f"Its card cannot be put up: {fault}.")
        async with self._turn:
            before = self._kept
            others = tuple(one for one in before.untold if one.peer != card.peer)
            self._keep(KeptHosts(others if serves else (*others, card), (*before.records, signed)))
            if card in await self._tell() and card.peer not in self._node.connected():
                self._keep(KeptHosts(others, before.records))
                raise HostRefused(f"The host at {where(card)} serves another community already.", {"peer": card.peer})
            await self._publish()
            self._remember_addresses(card)
        self._added.set()
        return next(host for host in self.listed() if host.card.peer == card.peer)

    def _serves(self, card: HostCard) -> bool:
        """Tell whether this host serves the community already."""
        return any(host.card.peer == card.peer and (host.is_linked or host.is_told) for host in self.listed())

    def _check(self, card: HostCard, serves: bool) -> None:
        if card.witness and not (serves and card.witness in self._node.ledger.commons.witnesses):
            raise BadRequest(
                "That card offers a witness, and witnesses are named when a community is founded.",
                next="Ask for the card of a host that was made without --witness.",
            )  # fmt: skip
        if card.expires <= wallclock.now_s():
            raise BadRequest("That card has expired.", next="Ask its owner for a new one: `tally-node card --new`.")
        if card.peer == self._node.peer_id:
            raise BadRequest("That card is this node's own.")

    def _remember_addresses(self, card: HostCard) -> None:
        config = read_config(self._home.root)
        addresses = (f"{address}/p2p/{card.peer}" for address in card.addresses)
        write_config(replace(config, peers=tuple(dict.fromkeys((*config.peers, *addresses)))))

    # Going on by itself

    async def run(self) -> None:
        """Put kept cards on the board, and tell hosts until all know, for as long as the home is up."""
        wait_s = FIRST_WAIT_S
        while True:
            self._added = trio.Event()
            async with self._turn:
                is_kept = await self._go_on()
            with trio.move_on_after(wait_s if self._kept.untold or not is_kept else float("inf")):
                await self._added.wait()
            wait_s = FIRST_WAIT_S if self._added.is_set() else min(2 * wait_s, LAST_WAIT_S)

    async def _go_on(self) -> bool:
        """Do what is left to be done; False when the disk did not take down what was."""
        try:
            await self._publish()
            await self._tell()
        except OSError as error:
            logger.warning("what was done for hosts cannot be written down: %s", error.strerror)
            return False
        return True

    async def _publish(self) -> None:
        left = []
        for signed in self._kept.records:
            fault = await self._node.publish(signed)
            if fault is not None and self._node.board.get(signed.slot) is None:
                logger.warning("a host's card could not be put up: %s", fault)
                left.append(signed)
        self._keep(replace(self._kept, records=tuple(left)))

    async def _tell(self) -> tuple[HostCard, ...]:
        """Tell those who are away and do not link; returns those that have a community already."""
        linked = set(self._node.connected())
        self._keep(replace(self._kept, untold=tuple(card for card in self._kept.untold if card.peer not in linked)))
        if not self._kept.untold:
            return ()
        records = tuple(self._node.board.of_kind(Kind.CARD)[:RECORDS_MAX])
        told = await tell(self._node.transport, replace(self._kept, records=records), self._founding(), self._peers())
        self._keep(replace(self._kept, untold=told.away))
        for card in told.refused:
            logger.warning("the host at %s has a community already", where(card))
        return told.refused

    def _keep(self, kept: KeptHosts) -> None:
        if kept != self._kept:
            keep_hosts(self._home, kept)
            self._kept = kept

    def _founding(self) -> SignedEntry:
        (founding,) = self._node.journal.entry(AccountId(COMMONS), 0, 0)
        return founding

    def _peers(self) -> tuple[str, ...]:
        """Whom a host dials first: the witnesses, then others whose card says where they are."""
        cards = [card for _, card in self._node.board.cards(wallclock.now_s())]
        cards.sort(key=lambda card: not card.roles & ROLE_WITNESS)
        own = [f"{address}/p2p/{self._node.peer_id}" for address in self._node.config.announce]
        others = [f"{address}/p2p/{card.peer}" for card in cards for address in card.addresses]
        return tuple(dict.fromkeys((*own, *others)))[:PEERS_MAX]
