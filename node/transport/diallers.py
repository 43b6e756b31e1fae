"""Which peers are dialled, and the dialler that keeps each of them linked."""

from collections.abc import Callable

import trio
from libp2p.abc import INetStream
from libp2p.host.basic_host import BasicHost
from multiaddr import Multiaddr  # type: ignore[import-untyped]

from .dialling import Dialler
from .gate import Gate
from .links import Links

Addresses = dict[str, tuple[Multiaddr, ...]]


class Diallers:
    """One for each peer that has an address. Nobody is dialled before `start`."""

    def __init__(self, host: BasicHost, gate: Gate, links: Links, adopt: Callable[[INetStream, str], object]) -> None:
        self.of: dict[str, Dialler] = {}
        self._host = host
        self._gate = gate
        self._links = links
        self._adopt = adopt
        self._addresses: Addresses = {}
        self._nursery: trio.Nursery | None = None

    def start(self, nursery: trio.Nursery) -> None:
        """Dial from now on, in tasks of `nursery`."""
        self._nursery = nursery
        self._start_missing()

    def replace(self, addresses: Addresses) -> None:
        """Dial exactly these from now on; a peer whose addresses are as before is not disturbed."""
        for peer, dialler in list(self.of.items()):
            if dialler.addresses != addresses.get(peer):
                dialler.scope.cancel()
                del self.of[peer]
        self._addresses = {peer: known for peer, known in addresses.items() if known}
        self._start_missing()

    def hurry(self, peer: str) -> None:
        """Leave out the wait before the next dial of `peer`, if it is dialled."""
        if peer in self.of:
            self.of[peer].hurry()

    def break_off(self, peer: str) -> None:
        """End the dial of `peer` that is under way, if one is."""
        if peer in self.of:
            self.of[peer].break_off()

    def close(self) -> None:
        """Dial nobody any more."""
        for dialler in self.of.values():
            dialler.scope.cancel()

    def _start_missing(self) -> None:
        if self._nursery is None:
            return
        for peer, known in self._addresses.items():
            if peer not in self.of:
                self.of[peer] = Dialler(self._host, self._gate, self._links, self._adopt, known)
                self._nursery.start_soon(self.of[peer].keep, peer)
