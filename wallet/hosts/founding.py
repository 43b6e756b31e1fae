"""Founding a community together with hosts: nodes of others that are its witnesses from the start.

Every host signs the founding entry, or nothing is founded: until the last signature nothing is left behind. Then the
home is written, and each host is handed its community; one that is away by then is told later by the running wallet.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

import trio

from node import wallclock
from node.config import read_config, write_config
from protocol.base import KEYS_MAX, AccountId, CommunityId, PublicKey, Signature
from protocol.entry import Entry, SignedEntry
from protocol.host_card import HostCard
from protocol.ops import Found
from protocol.signing import Authority, SecretKey

from ..errors import BadRequest, WalletError
from ..founding import (
    Founded,
    Founder,
    Party,
    Terms,
    admits,
    check_handles,
    founding_entry,
    founding_signatures,
    sealed_founding,
    settle_in,
    write_home,
)
from ..home import Home, refusing
from ..keystore import USUAL, Cost
from .kept import KeptHosts, card_record, keep_hosts, tell
from .knocking import Knocker, ask_acceptance, knocking, where

KnockFrom = Callable[[bytes], AbstractAsyncContextManager[Knocker]]
"""Makes who asks, from the seed of the node's transport key."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a founder wants."""

    terms: Terms
    handle: str
    cards: tuple[HostCard, ...]
    """Of the hosts that are to be witnesses."""
    quorum: int | None = None
    """Votes that make a payment final; None is the most that lets as many be away as may lie."""
    is_witness: bool = True
    """Whether the founder's own node is one, too."""
    passphrase: str | None = field(default=None, repr=False)
    cost: Cost = USUAL

    @property
    def witnesses(self) -> int:
        """How many there will be."""
        return len(self.cards) + self.is_witness

    @property
    def votes(self) -> int:
        """The quorum as it will be."""
        return quorum_for(self.witnesses) if self.quorum is None else self.quorum

    def check(self, now_s: int) -> None:
        """Raise BadRequest for what no community can be founded on."""
        self.terms.check()
        check_handles([self.handle])
        check_cards(self.cards, now_s)
        if self.witnesses > KEYS_MAX:
            raise BadRequest(f"A community has at most {KEYS_MAX} witnesses.", {"witnesses": self.witnesses})
        if not self.votes <= self.witnesses < 2 * self.votes:
            least = self.witnesses // 2 + 1
            raise BadRequest(
                f"Of {self.witnesses} witnesses {least} to {self.witnesses} can make a payment final.",
                {"quorum": self.votes}, "Choose --quorum among these.",
            )  # fmt: skip


@dataclass(frozen=True, slots=True)
class FoundedWithHosts:
    """What came of it."""

    founded: Founded
    quorum: int
    witnesses: int
    away: tuple[str, ...]
    """Where hosts are reached that signed and could not be told yet that all is done."""
    lost: tuple[str, ...]
    """Where hosts are reached that signed, and were founded with by somebody else meanwhile."""


def quorum_for(witnesses: int) -> int:
    """The quorum with which the most may lie while as many may be away (PROTOCOL-RULES 7): n - floor((n - 1) / 3)."""
    return witnesses - (witnesses - 1) // 3


def check_cards(cards: Sequence[HostCard], now_s: int) -> None:
    """Raise BadRequest unless these are witnesses' cards that are good now, each of another host."""
    for card in cards:
        if not card.witness:
            raise BadRequest(
                f"The host at {where(card)} does not offer to be a witness.",
                next="Found without it, and let it in by `tally hosts add CARD`; or ask for a card of --witness.",
            )  # fmt: skip
        if card.expires <= now_s:
            raise BadRequest(
                f"The card of the host at {where(card)} has expired.",
                next="Ask its owner for a new one: `tally-node card --new`.",
            )  # fmt: skip
    if len({card.peer for card in cards}) < len(cards) or len({card.witness for card in cards}) < len(cards):
        raise BadRequest("The same host is named twice.", next="Give each host's card once.")


async def found_with_hosts(home: Path, wish: Wish, knock_from: KnockFrom = knocking) -> FoundedWithHosts:
    """Found the community of `wish` in `home`.

    Raises BadRequest, HomeRefused, HostUnreachable and HostRefused; then the home is as it was before.
    """
    wish.check(wallclock.now_s())
    place = Home(home)
    place.require_unused()
    founder = Founder(home, [wish.handle], wish.passphrase, wish.is_witness, True, wish.cost)
    with ExitStack() as ends:
        party = settle_in(founder, ends)
        undo = ends.enter_context(ExitStack())
        undo.callback(place.abandon)
        if party.store.identity.peer_id in {card.peer for card in wish.cards}:
            raise BadRequest("One of the cards is this node's own.")
        async with knock_from(party.store.identity.transport_seed) as knocker:
            founding = await _signed_by_all(wish, party, knocker)
            kept = _written(party, wish, founding)
            undo.pop_all()
            told = await tell(knocker, kept, founding, _peers(party.founder.home))
            keep_hosts(place, replace(kept, untold=told.away))
    founded = Founded(CommunityId(founding.id), {wish.handle: AccountId(1)})
    away, lost = tuple(map(where, told.away)), tuple(map(where, told.refused))
    return FoundedWithHosts(founded, wish.votes, wish.witnesses, away, lost)


async def _signed_by_all(wish: Wish, party: Party, knocker: Knocker) -> SignedEntry:
    """The founding entry with the signatures of the steward and of all witnesses."""
    steward, own = party.keys.steward_key(0), _own_witness(party)
    witnesses = tuple(key.public for key in own) + tuple(PublicKey(card.witness) for card in wish.cards)
    terms = wish.terms
    first = Found(
        terms.community, terms.unit, terms.decimals, terms.charter, Authority(1, (steward.public,)), wish.votes,
        witnesses,
    )  # fmt: skip
    entry = founding_entry([first, *admits([party], terms.limit)], wallclock.now_s())
    theirs = await _acceptances(knocker, wish.cards, entry)
    return sealed_founding(entry, [*founding_signatures(entry, [steward, *own]), *theirs])


def _own_witness(party: Party) -> list[SecretKey]:
    return [party.store.identity.witness_key] if party.founder.is_witness else []


async def _acceptances(knocker: Knocker, cards: Sequence[HostCard], entry: Entry) -> list[Signature]:
    """Ask all hosts at the same time; raises what the first of those that failed said."""
    found: dict[str, Signature | WalletError] = {}

    async def ask(card: HostCard) -> None:
        try:
            found[card.peer] = await ask_acceptance(knocker, card, entry.encode())
        except WalletError as error:
            found[card.peer] = error

    async with trio.open_nursery() as nursery:
        for card in cards:
            nursery.start_soon(ask, card)
    signatures: list[Signature] = []
    for card in cards:
        answer = found[card.peer]
        if isinstance(answer, WalletError):
            raise answer
        signatures.append(answer)
    return signatures


def _written(party: Party, wish: Wish, founding: SignedEntry) -> KeptHosts:
    """Make the home whole: journal, book, whom to dial, and what the hosts are still to be told."""
    home, community = Home(party.founder.home), CommunityId(founding.id)
    config = read_config(home.root)
    hosts = [f"{address}/p2p/{card.peer}" for card in wish.cards for address in card.addresses]
    with refusing():
        write_config(replace(config, witness=wish.is_witness, peers=tuple(dict.fromkeys((*config.peers, *hosts)))))
    write_home(party, founding, 1)
    steward, now_s = party.keys.steward_key(0), wallclock.now_s()
    records = tuple(card_record(card, community, steward, 0, None, now_s) for card in wish.cards)
    kept = KeptHosts(wish.cards, records)
    keep_hosts(home, kept)
    home.finish()
    return kept


def _peers(home: Path) -> tuple[str, ...]:
    """Whom a host is to dial: all whose address is known here."""
    return tuple(peer for peer in read_config(home).peers if not peer.startswith("/p2p/"))
