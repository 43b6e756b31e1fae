"""Whole nodes over real sockets that know one another by their cards alone."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import trio

from node.config import NodeConfig
from node.filesystem import make_private_folder
from node.identity import Identity
from node.journal import Journal
from node.records import EntryRecord, WitnessRecord
from node.service import Node, run_node
from protocol.base import COMMONS, AccountId
from protocol.bodies import ROLE_WALLET, ROLE_WITNESS, Card, Offer
from protocol.bundles import Bundle
from protocol.record import Kind, SignedRecord
from tests.builders import Town, found, key
from tests.papers import peer, record

from .test_transport_links import until

DAY_S = 86_400
LINKED_S = 10.0


class Street:
    """Nodes of a town by name; the witness is w0. Each has the transport key of its name."""

    def __init__(self, town: Town, folder: Path, nursery: trio.Nursery) -> None:
        self.town, self.folder, self.nursery = town, folder, nursery
        self.nodes: dict[str, Node] = {}

    async def start(self, name: str, peers: tuple[str, ...] = (), listens: bool = True) -> Node:
        """Start a node that holds the founding entry."""
        witness = self.town.witnesses[0] if name == "w0" else key(f"{name}'s witness key")
        identity = Identity(key(name).seed_and_public[:32], witness)
        make_private_folder(self.folder / name)
        journal = Journal.open(self.folder / name / "journal", create=True)
        if journal.last_row == 0:
            journal.append([WitnessRecord(witness.public), EntryRecord(self.town.founding)])
        config = NodeConfig(self.folder / name, listen_host="127.0.0.1" if listens else "", peers=peers)
        self.nodes[name] = await self.nursery.start(run_node, config, journal, identity)
        return self.nodes[name]

    def card(self, name: str, author: AccountId, roles: int = ROLE_WALLET, counter: int = 1) -> SignedRecord:
        """A card that says where the node of that name is."""
        addresses = tuple(address.partition("/p2p/")[0] for address in self.nodes[name].transport.addresses)
        card = Card(peer(name), roles, addresses, int(time.time()) + DAY_S)
        return record(self.town, author, Kind.CARD, card.key, card.body(), counter)

    def are_linked(self, one: str, other: str) -> bool:
        return peer(other) in self.nodes[one].connected() and peer(one) in self.nodes[other].connected()


@asynccontextmanager
async def street(folder: Path) -> AsyncIterator[Street]:
    """A witness that a steward has given a card."""
    async with trio.open_nursery() as nursery:
        built = Street(found("ana", "ben"), folder, nursery)
        witness = await built.start("w0")
        assert await witness.publish(built.card("w0", COMMONS, ROLE_WITNESS)) is None
        yield built
        nursery.cancel_scope.cancel()


async def test_a_member_links_by_its_card_and_meets_the_others_through_theirs(tmp_path: Path) -> None:
    async with street(tmp_path) as built:
        town, witness = built.town, built.nodes["w0"]
        invited_to = tuple(witness.transport.addresses)
        ana = await built.start("ana", invited_to, listens=False)
        assert await ana.publish(built.card("ana", town["ana"])) is None
        await until(lambda: built.are_linked("ana", "w0"), LINKED_S)
        ben = await built.start("ben", invited_to)
        assert await ben.publish(built.card("ben", town["ben"])) is None
        await until(lambda: built.are_linked("ben", "w0"), LINKED_S)
        await until(lambda: built.are_linked("ana", "ben"), LINKED_S)
        assert ana.problems() == ben.problems() == witness.problems() == []
        bread = record(town, town["ana"], Kind.OFFER, b"", Offer("bread", "", "", 0, 0).body())
        assert await ana.publish(bread) is None
        await until(lambda: ben.board.get(bread.slot) == bread, LINKED_S)
        gone = record(town, town["ana"], Kind.CARD, peer("ana").encode(), b"", counter=2)
        assert await witness.publish(gone) is None
        await until(lambda: not built.are_linked("ana", "w0") and not built.are_linked("ana", "ben"), LINKED_S)


async def test_a_stranger_is_not_linked_and_a_card_lets_it_in_once_its_account_is_known(tmp_path: Path) -> None:
    async with street(tmp_path) as built:
        town, witness = built.town, built.nodes["w0"]
        stranger = await built.start("carl", tuple(witness.transport.addresses), listens=False)
        decided = town.decide(town.admit("carl"))
        await stranger.bookkeeper.submit(Bundle((decided[0],), (decided[1],)))
        assert await stranger.publish(built.card("carl", town["carl"])) is None
        await trio.sleep(4)
        assert not witness.connected() and not stranger.connected()
        assert witness.board.authors() == [COMMONS], "the account is not known there"
        await witness.bookkeeper.submit(Bundle((decided[0],), (decided[1],)))
        await until(lambda: built.are_linked("carl", "w0"), 2 * LINKED_S)


async def test_nodes_that_were_restarted_remember_whom_to_dial(tmp_path: Path) -> None:
    async with street(tmp_path) as built:
        town = built.town
        ana = await built.start("ana", tuple(built.nodes["w0"].transport.addresses), listens=False)
        assert await ana.publish(built.card("ana", town["ana"])) is None
        await until(lambda: ana.board.get((COMMONS, Kind.CARD, peer("w0").encode())) is not None, LINKED_S)
        address = built.nodes["w0"].transport.addresses[0]
    async with trio.open_nursery() as nursery:
        again = Street(town, tmp_path, nursery)
        ana = await again.start("ana", listens=False)
        assert address in ana.acquaintances._entries
        nursery.cancel_scope.cancel()
