"""The stewards' part of a wallet, put together: acts, invites and requests, calls, and the list of it all."""

from dataclasses import dataclass

from node.service import Node
from protocol.record import SignedRecord

from ..books.acts import ActPages
from ..hosts.publishing import announced
from ..people.people import People
from ..service import Wallet
from .ballots import Ballots
from .calling import Calling
from .inviting import Inviting
from .listing import ActListing
from .stewarding import Stewarding


@dataclass(frozen=True, slots=True)
class Office:
    """One home's. `acts.run` must be running for anything to go on by itself."""

    acts: Stewarding
    inviting: Inviting
    calling: Calling
    listing: ActListing


def open_office(wallet: Wallet, node: Node) -> Office:
    """Put it together over a running node; it looks again whenever something changes that it depends on."""
    pages = ActPages(wallet.book)
    ballots = Ballots(node, pages, wallet.clerk, wallet.steward_key, wallet.accounts())
    acts = Stewarding(node, pages, wallet.clerk, ballots)
    calling = Calling(node, wallet, acts)
    people = People(node, wallet.signing_key)
    inviting = Inviting(node, wallet, acts, wallet.clerk, people.resembling, lambda: reached_at(node))
    for chore in (calling.tend, inviting.tend):
        acts.also(chore)

    def on_records(_: list[SignedRecord]) -> None:
        acts.wake()

    node.board.on_change(on_records)
    node.requests.on_change(acts.wake)
    wallet.on_unlock(acts.wake)
    return Office(acts, inviting, calling, ActListing(acts, calling))


def reached_at(node: Node) -> list[str]:
    """Where others reach this node, with its peer id: as announced, else where it listens, be that only here."""
    return [f"{address}/p2p/{node.peer_id}" for address in announced(node.config)] or list(node.transport.addresses)
