"""Who is known and whom to dial: the configured peers, and everybody whose card on the board is valid.

A node dials every witness and a few others, chosen by a number that differs from node to node, so that the community
hangs together and nobody has all the links. Whoever is dialled and does not link may not know this node yet: it is
shown this node's cards at its doorstep. What a card says was written by a member, so all of it is bounded. Judges no
card and dials nothing itself: that is the board's and the transport's.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import zip_longest

import trio

from protocol.base import COMMONS, AccountId, Malformed, digest
from protocol.bodies import ROLE_WITNESS, Card
from protocol.knocks import ShowRecords, Turned, Welcome, decode_reply, encode_knock
from protocol.record import Kind, SignedRecord

from . import wallclock
from .board import Board
from .bookkeeper import Bookkeeper
from .exchange import Exchange
from .transport import NotReached, Pace, Transport, can_be_dialled

logger = logging.getLogger("tallystick.acquaintances")

WITNESSES_MAX = 32
"""Cards of witnesses that are dialled: first those that a steward signed or that proved it on a link."""
OTHERS_MAX = 12
ADDRESSES_MAX = 8
"""Of one peer: one of each who says it is his, in turn, so that nobody's wrong ones crowd out the right ones."""
ADDRESSES_REMEMBERED = 8_192
"""Addresses of which it is remembered whether they can be dialled: finding out takes longer than all else."""
NEARBY_MAX = 64
"""Peers found on the local network that are remembered."""
NEARBY_ADDRESSES_MAX = 2
FINDINGS_MAX, FINDINGS_WITHIN_S = 60, 60.0
"""New findings on the local network that are heard within so many seconds: anybody on it can announce anything."""
TICK_S = 0.5
REFRESH_PAUSE_S = 0.25
"""A change of cards is followed at once, but not more often than this: each costs a look at all cards."""
REFRESH_S = 60.0
"""How often it is looked which cards have expired, when nothing else happens."""
KNOCK_AFTER_S = 2.0
"""How long a peer that is dialled has time to link before it is knocked at."""
KNOCK_WAIT_MAX_S = 60.0
KNOCK_TIMEOUT_S = 5.0
CARDS_SHOWN = 4
"""Any of them makes this node known; account 0's is first."""
KNOCKS_MAX = 8
"""Doorsteps that are tried at the same time."""
LINES_MAX, LINES_WITHIN_S = 10, 60.0


@dataclass(slots=True)
class Acquaintance:
    """What the cards and the neighbourhood say of one peer."""

    told: list[list[str]] = field(default_factory=list)
    """The addresses that each card names, account 0's first."""
    addresses: dict[str, None] = field(default_factory=dict)
    is_witness: bool = False
    is_vouched: bool = False
    """A steward signed its card, or it proved on a link to be a witness."""


@dataclass(slots=True)
class Away:
    """A peer that is dialled and not linked. Times are trio's."""

    knock_at: float
    wait_s: float = KNOCK_AFTER_S
    is_asked: bool = False


class Acquaintances:
    """Keeps the transport's list. `keep` must be running."""

    def __init__(
        self, configured: Sequence[str], transport: Transport, door: Bookkeeper, exchange: Exchange, board: Board
    ) -> None:
        self._configured = list(configured)
        self._transport = transport
        self._door = door
        self._exchange = exchange
        self._board = board
        self._entries = list(configured)
        self._dialled: dict[str, list[str]] = {}
        self._proven: set[str] = set()
        self._nearby: dict[str, dict[str, None]] = {}
        self._away: dict[str, Away] = {}
        self._knocking = 0
        self._refreshed_at = float("-inf")
        self._is_stale = False
        self._can_be_dialled = lru_cache(ADDRESSES_REMEMBERED)(can_be_dialled)
        self._own_until = 0
        """When the last of this node's cards ends or ended, in seconds since 1970; 0 when it has none."""
        self._findings = Pace(FINDINGS_MAX, FINDINGS_WITHIN_S)
        self._lines = Pace(LINES_MAX, LINES_WITHIN_S)
        board.on_change(self._on_change)
        exchange.on_link(self._on_link_up)
        self.refresh()

    # Who is known

    def refresh(self) -> None:
        """Work out anew who is known and whom to dial, and tell the transport if that has changed."""
        self._refreshed_at, self._is_stale = trio.current_time(), False
        found = self._acquaintances()
        chosen = self._chosen(found)
        dialled = [f"{address}/p2p/{peer}" for peer in chosen for address in found[peer].addresses]
        entries = [*self._configured, *dialled, *(f"/p2p/{peer}" for peer in found)]
        if entries != self._entries:
            self._entries = entries
            self._transport.allow(entries)
        self._dialled = {}
        for entry in entries:
            address, _, peer = entry.rpartition("/p2p/")
            if address and peer != self._transport.peer_id:
                self._dialled.setdefault(peer, []).append(entry)
        self._note_own()

    def _note_own(self) -> None:
        """Remember until when this node's cards are good, also when expired ones are taken down; withdrawn is none."""
        until = max((card.expires for _, card in self._board.cards_of(self._transport.peer_id)), default=0)
        if until or self._own_until > wallclock.now_s():
            self._own_until = until

    def _acquaintances(self) -> dict[str, Acquaintance]:
        """Everybody with a valid card but this node, with where they are reached; and configured peers found nearby."""
        found: dict[str, Acquaintance] = {}
        for author, card in self._board.cards(wallclock.now_s()):
            if card.peer != self._transport.peer_id:
                self._introduce(found.setdefault(card.peer, Acquaintance()), author, card)
        for known in found.values():
            known.addresses = dict.fromkeys(_in_turn(known.told)[:ADDRESSES_MAX])
        configured = {entry.rpartition("/p2p/")[2] for entry in self._configured}
        for peer, addresses in self._nearby.items():
            if peer in found or peer in configured:
                known = found.setdefault(peer, Acquaintance())
                known.addresses = dict.fromkeys((*addresses, *known.addresses))
        return found

    def _introduce(self, known: Acquaintance, author: AccountId, card: Card) -> None:
        known.is_witness |= bool(card.roles & ROLE_WITNESS)
        known.is_vouched |= author == COMMONS or card.peer in self._proven
        known.told.append([one for one in card.addresses if self._can_be_dialled(f"{one}/p2p/{card.peer}")])

    def _chosen(self, found: dict[str, Acquaintance]) -> list[str]:
        """Whom to dial, of those who can be reached: witnesses, and some others."""
        reached = sorted((peer for peer in found if found[peer].addresses), key=self._rank)
        witnesses = [peer for peer in reached if found[peer].is_witness]
        witnesses.sort(key=lambda peer: not found[peer].is_vouched)
        others = [peer for peer in reached if not found[peer].is_witness]
        others.sort(key=lambda peer: peer not in self._nearby)
        return [*witnesses[:WITNESSES_MAX], *others[:OTHERS_MAX]]

    def _rank(self, peer: str) -> bytes:
        """Another order at every node, and always the same at one."""
        return digest(b"tally rank", f"{self._transport.peer_id} {peer}".encode())

    def found_nearby(self, peer: str, address: str) -> None:
        """A peer answers at this address (without /p2p/) of the local network; it counts if the peer is known."""
        known = self._nearby.get(peer, {})
        if address in known or not self._findings.allows(trio.current_time()):
            return
        if not self._can_be_dialled(f"{address}/p2p/{peer}"):
            return
        self._nearby.pop(peer, None)
        self._nearby[peer] = dict.fromkeys([address, *known][:NEARBY_ADDRESSES_MAX])
        if len(self._nearby) > NEARBY_MAX:
            del self._nearby[next(iter(self._nearby))]
        self.refresh()

    def _on_change(self, fresh: list[SignedRecord]) -> None:
        if all(signed.record.kind is not Kind.CARD for signed in fresh):
            return
        self._is_stale = True
        if trio.current_time() - self._refreshed_at >= REFRESH_PAUSE_S:
            self.refresh()
        if any(signed.record.key == self._transport.peer_id.encode() for signed in fresh):
            for away in self._away.values():
                away.knock_at = trio.current_time()  # there is something new to show

    def _on_link_up(self, peer: str) -> None:
        neighbour = self._exchange.neighbours.get(peer)
        if neighbour is not None and neighbour.hello.witness in self._door.ledger.commons.witnesses:
            self._proven.add(peer)

    # Making itself known

    async def keep(self) -> None:
        """Keep the list fresh and knock where that helps, for as long as the node runs."""
        async with trio.open_nursery() as nursery:
            while True:
                await trio.sleep(TICK_S)
                if self._is_stale or trio.current_time() - self._refreshed_at >= REFRESH_S:
                    self.refresh()
                due = self._due()
                shown = self._to_show() if due else []
                for peer, away in due.items() if shown else ():
                    away.is_asked, self._knocking = True, self._knocking + 1
                    nursery.start_soon(self._knock, peer, away, self._dialled[peer], shown)

    def _to_show(self) -> list[SignedRecord]:
        """This node's valid cards, as many as one question holds."""
        now_s = wallclock.now_s()
        own = self._board.cards_of(self._transport.peer_id)
        return [signed for signed, card in own if card.expires > now_s][:CARDS_SHOWN]

    def _due(self) -> dict[str, Away]:
        """The peers that are to be knocked at now."""
        linked, now = self._transport.connected(), trio.current_time()
        for peer in [peer for peer in self._away if peer in linked or peer not in self._dialled]:
            del self._away[peer]
        for peer in self._dialled.keys() - linked - self._away.keys():
            self._away[peer] = Away(now + KNOCK_AFTER_S)
        room = KNOCKS_MAX - self._knocking
        due = [peer for peer, away in self._away.items() if not away.is_asked and away.knock_at <= now]
        return {peer: self._away[peer] for peer in due[: max(0, room)]}

    async def _knock(self, peer: str, away: Away, addresses: Sequence[str], shown: Sequence[SignedRecord]) -> None:
        if await self._is_welcome(addresses, shown):
            self._transport.hurry(peer)
        self._knocking -= 1
        away.wait_s = min(2 * away.wait_s, KNOCK_WAIT_MAX_S)
        away.knock_at, away.is_asked = trio.current_time() + away.wait_s, False

    async def _is_welcome(self, addresses: Iterable[str], shown: Sequence[SignedRecord]) -> bool:
        """Show the cards at the first address that answers."""
        question = encode_knock(ShowRecords(self._door.ledger.commons.community, tuple(shown)))
        for address in addresses:
            with suppress(NotReached, Malformed):
                async with self._transport.knock(address, KNOCK_TIMEOUT_S) as doorstep:
                    reply = decode_reply(await doorstep.ask(question))
                if isinstance(reply, Turned) and self._lines.allows(trio.current_time()):
                    logger.info("this node's card was shown at %s and turned: %s", address, reply.code)
                return isinstance(reply, Welcome)
        return False

    # For the owner

    def problems(self) -> Iterator[str]:
        """What keeps other nodes from knowing this one, in words."""
        if self._to_show() or self._dialled.keys() <= self._transport.connected():
            return
        if self._own_until:
            day = wallclock.day(self._own_until)
            yield f"this node's card expired on {day}, so other nodes do not know it any more; a new one must be signed"
        elif any(card.peer != self._transport.peer_id for _, card in self._board.cards(wallclock.now_s())):
            yield "this node has no card, so the nodes of other members do not know it; a member or a steward signs one"


def _in_turn(told: Sequence[Sequence[str]]) -> list[str]:
    """The first address of each, then the second of each, and so on; none twice."""
    ranks = zip_longest(*told)
    return list(dict.fromkeys(address for rank in ranks for address in rank if address is not None))
