"""Who is on the other end of each link: what peers said of themselves, and the way from a key or account to a peer.

What a peer claims only steers where messages are sent; votes, entries and certificates prove themselves.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from protocol.base import AccountId
from protocol.messages import Hello

HOSTED_MAX = 100_000
"""Accounts that one peer may claim to host: some 30 MB."""


@dataclass(eq=False, slots=True)
class Neighbour:
    """One linked peer that has said Hello."""

    peer: str
    hello: Hello
    hosts: set[AccountId] = field(default_factory=set)


class Neighbours:
    """The linked peers of this community, by peer id, witness key and hosted account."""

    def __init__(self) -> None:
        self._by_peer: dict[str, Neighbour] = {}
        self._hosting: dict[AccountId, set[str]] = {}

    def __iter__(self) -> Iterator[str]:
        return iter(tuple(self._by_peer))

    def __len__(self) -> int:
        return len(self._by_peer)

    def get(self, peer: str) -> Neighbour | None:
        """What is known of a linked peer."""
        return self._by_peer.get(peer)

    def greet(self, peer: str, hello: Hello) -> None:
        """Remember who `peer` says it is."""
        known = self._by_peer.get(peer)
        if known is None:
            self._by_peer[peer] = Neighbour(peer, hello)
        else:
            known.hello = hello

    def hosts(self, peer: str, accounts: Iterable[AccountId]) -> None:
        """Remember that wallets of `accounts` live with `peer`."""
        neighbour = self._by_peer.get(peer)
        if neighbour is None:
            return
        for account in accounts:
            if len(neighbour.hosts) >= HOSTED_MAX:
                return
            neighbour.hosts.add(account)
            self._hosting.setdefault(account, set()).add(peer)

    def leave(self, peer: str) -> None:
        """Forget a peer whose link is down."""
        neighbour = self._by_peer.pop(peer, None)
        for account in neighbour.hosts if neighbour is not None else ():
            peers = self._hosting[account]
            peers.discard(peer)
            if not peers:
                del self._hosting[account]

    def witnesses(self, keys: Iterable[bytes]) -> list[str]:
        """The linked peers that say they are witnesses with one of `keys`."""
        wanted = set(keys)
        return [peer for peer, neighbour in self._by_peer.items() if neighbour.hello.witness in wanted]

    def is_witness(self, peer: str, keys: Iterable[bytes]) -> bool:
        """Tell whether `peer` says it is a witness with one of `keys`."""
        neighbour = self._by_peer.get(peer)
        return neighbour is not None and neighbour.hello.witness in set(keys)

    def hosting(self, account: AccountId) -> list[str]:
        """The linked peers that say they host `account`."""
        return list(self._hosting.get(account, ()))
