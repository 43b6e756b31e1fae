"""Hosts that wait for their founder, in this process: real homes and real answers, and a street between the doors."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from node.hosting.home import make_host, read_card
from node.hosting.vacant import Vacant, keep_founding
from node.store import Store, open_store
from node.transport import NotReached
from protocol.addresses import peer_text
from protocol.host_card import HostCard
from protocol.signing import SecretKey

NOW, EXPIRES = 1_000_000, 2_000_000
Answer = Callable[[str, bytes], bytes | None]


@dataclass(eq=False)
class WaitingHost:
    """One host. `away` makes it unreachable; `answers` puts another answer in the place of its own."""

    home: Path
    card: HostCard
    store: Store
    vacant: Vacant
    away: str = ""
    answers: Answer | None = None
    asked: int = 0


@dataclass(eq=False)
class Street:
    """All hosts, by peer id. As `knock_from` it makes the founder that asks."""

    hosts: dict[str, WaitingHost] = field(default_factory=dict)
    now: float = NOW

    def settle(self, home: Path, *, witness: bool = True) -> WaitingHost:
        """Make a host in `home` that waits."""
        card = make_host(home, witness=witness, listen="127.0.0.1", announce=(), expires=EXPIRES)
        store = open_store(home)
        vacant = Vacant(
            store, card.peer, lambda: read_card(home), lambda: self.now,
            lambda knock, founder: keep_founding(home, store, knock, founder),
        )  # fmt: skip
        self.hosts[card.peer] = WaitingHost(home, card, store, vacant)
        return self.hosts[card.peer]

    def close(self) -> None:
        for host in self.hosts.values():
            host.store.journal.close()

    @asynccontextmanager
    async def knock_from(self, seed: bytes) -> AsyncIterator["Asker"]:
        yield Asker(self, peer_text(SecretKey.from_seed(seed).public))


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks: what is needed of a transport."""

    street: Street
    peer_id: str

    def knock(self, address: str, timeout_s: float) -> "Door":
        return Door(self.street.hosts[address.rpartition("/p2p/")[2]], self.peer_id)


@dataclass(slots=True)
class Door:
    """One conversation at a host's doorstep."""

    host: WaitingHost
    client: str

    @property
    def server_peer(self) -> str:
        return self.host.card.peer

    async def __aenter__(self) -> "Door":
        if self.host.away:
            raise NotReached(self.host.away)
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    async def ask(self, frame: bytes) -> bytes:
        self.host.asked += 1
        if self.host.answers is not None:
            reply = self.host.answers(self.client, frame)
        else:
            reply = await self.host.vacant.answer(self.client, frame)
        if reply is None:
            raise NotReached("it has hung up")
        return reply


@contextmanager
def nothing_kept(home: Path) -> Iterator[None]:
    """Whatever happens within: no wallet, no keys and no journal are there afterwards."""
    yield
    left = [path for part in ("wallet", "node/journal", "node/identity") for path in (home / part).rglob("*")]
    assert not left and not (home / "unfinished").exists(), left
