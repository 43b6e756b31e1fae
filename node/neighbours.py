"""Who is on the other end of each link: what peers said of themselves, and the way from a key or account to a peer.

What a peer claims only steers where messages are sent; votes, entries and certificates prove themselves.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from protocol.base import AccountId
from protocol.messages import Hello

HOSTED_MAX = 50_000
"""Accounts that one peer may claim to host."""
HOSTED_TOGETHER_MAX = 200_000
"""Accounts that all peers together may claim to host, some 20 MB. What is more is not remembered: its node
learns of its payments a little later, by hints, and is not heard as the payee's. Numbers of no members count too: a
node that is behind could not tell them, and they are told on a new link only."""


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
        self._hosted = 0

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
        hosts = neighbour.hosts
        for account in accounts:
            if account not in hosts and len(hosts) < HOSTED_MAX and self._hosted < HOSTED_TOGETHER_MAX:
                hosts.add(account)
                self._hosted += 1

    def leave(self, peer: str) -> None:
        """Forget a peer whose link is down."""
        neighbour = self._by_peer.pop(peer, None)
        if neighbour is not None:
            self._hosted -= len(neighbour.hosts)

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
        return [peer for peer, neighbour in self._by_peer.items() if account in neighbour.hosts]
