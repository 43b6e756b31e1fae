"""One simulated community from one seed: drawn, disturbed, healed, and judged.

A world first draws what the community is and which faults it has (a quarter of all seeds have none, a quarter only
one kind), then lets chaos rule, then heals everything and demands that honest work gets done. The same seed is the
same history, event by event; `World.trace` is a hash over it.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from random import Random
from unittest.mock import patch

from node.records import EntryRecord, MarkRecord
from protocol import fence
from protocol.base import MARK_BLOCK, AccountId, PublicKey
from protocol.messages import Bundle, Deliver, Message
from protocol.signing import SecretKey
from protocol.statements import Certificate
from tests.builders import found

from .boards import Board, Schemers, secret_of
from .cheats import Cheat
from .events import CALM, Network, Timeline, Weather
from .oracle import Oracle, require
from .peer import Peer
from .people import Author

CHAOS_S = 12.0
HEAL_S = 40.0
STEWARDS = ("sam", "sue", "sid", "sol")
QUORUMS = ((4, 3), (4, 3), (4, 3), (3, 2))


@dataclass(frozen=True, slots=True)
class Setting:
    """What a seed draws: the community, who is dishonest in it, and the weather."""

    witnesses: int
    quorum: int
    liars: tuple[int, ...]
    cheats: int
    boards: int
    peers: int
    members: int
    weather: Weather
    block: int
    """Vote numbers in a marked block: small ones bring the fence to work more often."""
    restores: bool
    """One witness is put back on an old copy of its store."""


def draw(rng: Random) -> Setting:
    """Draw a setting. Faults come alone or together, so that each also meets an otherwise quiet world."""
    witnesses, quorum = rng.choice(QUORUMS)
    may_lie = 2 * quorum - witnesses - 1
    liars = tuple(rng.sample(range(witnesses), may_lie)) if rng.random() < 0.5 else ()
    peers = witnesses + rng.choice((1, 2))
    restores = not liars and rng.random() < 0.4  # it counts as one that is absent, and a liar could hide the proof
    return Setting(witnesses, quorum, liars, rng.choice((0, 1, 1, 2)), rng.choice((1, 2, 2)), peers, peers,
                   _weather(rng), rng.choice((4, 16, MARK_BLOCK)), restores)  # fmt: skip


def _weather(rng: Random) -> Weather:
    rough = Weather(
        delay_s=rng.choice((0.05, 0.3, 2.0)),
        loss=rng.choice((0.02, 0.1, 0.3)),
        twice=rng.choice((0.05, 0.2)),
        crash_every_s=rng.choice((2.0, 6.0)),
        crash_on_vote=rng.choice((0.0, 0.02, 0.05)),
        crash_before_release=rng.choice((0.0, 0.01, 0.02)),
        cut=rng.choice((0.0, 0.1)),
        sync_s=rng.choice((0.01, 0.1, 0.4)),
    )
    kind = rng.random()
    if kind < 0.25:
        return CALM
    if kind < 0.5:
        name = rng.choice(("delay_s", "loss", "twice", "crash_every_s", "cut"))
        return replace(CALM, **{name: getattr(rough, name)})
    return rough


class World:
    """The community, its people, its network and its oracle."""

    def __init__(self, seed: int) -> None:
        self.rng = Random(seed)
        self.setting = draw(self.rng)
        self.counts: Counter[str] = Counter()
        self.is_healing = False
        self.timeline = Timeline(self.rng)
        self.oracle = Oracle(self)
        self.network = Network(self.timeline, self.rng, lambda index: self.peers[index].life)
        self.network.deliver = self._deliver
        self.steward_names = STEWARDS
        self.people: list[Author | Cheat] = []
        self._trace = blake2b(digest_size=8)
        self._serial = 0
        self._found()

    # What people and peers ask of the world

    @property
    def liars(self) -> Sequence[int]:
        return self.setting.liars

    @property
    def witness_count(self) -> int:
        return self.setting.witnesses

    @property
    def quorum(self) -> int:
        return self.peers[0].door.ledger.commons.quorum

    @property
    def downtime_s(self) -> float:
        return 0.2 if self.is_healing else 2.0

    @property
    def trace(self) -> str:
        """A hash over every message that arrived, and when."""
        return self._trace.hexdigest()

    def next_serial(self) -> int:
        self._serial += 1
        return self._serial

    def chance(self, of: float) -> bool:
        """Whether something happens that has this chance, in chaos only."""
        return of > 0 and not self.is_healing and self.rng.random() < of

    def count(self, what: str) -> None:
        """Note that something rare was reached."""
        self.counts[what] += 1

    def steward_key(self, public: PublicKey) -> SecretKey:
        return secret_of(STEWARDS, public)

    def spread(self, peer: Peer, bundle: Bundle) -> None:
        """Tell every other node the news, once; who misses it finds it by replication."""
        for target in range(len(self.peers)):
            if target != peer.index:
                peer.send(target, Deliver(0, bundle))

    def on_certified(self, peer: Peer, certificate: Certificate) -> None:
        """A node made an entry final, durably: if its payer lives there, he is told."""
        for person in self.people:
            if isinstance(person, Author) and person.peer is peer and person.account == certificate.place.account:
                self.oracle.acknowledge(certificate)

    # Making it

    def _found(self) -> None:
        setting, rng = self.setting, self.rng
        names = [f"m{number}" for number in range(1, setting.members + 1)]
        town = found(*names, witnesses=setting.witnesses, quorum=setting.quorum, stewards=STEWARDS[:3],
                     threshold=rng.choice((1, 2)))  # fmt: skip
        self.community = town.community
        self.witness_keys = [secret.public for secret in town.witnesses]
        self.oracle.written(town.founding)
        self.peers: list[Peer] = []
        for index in range(setting.peers):
            secret = town.witnesses[index] if index < setting.witnesses else None
            peer = Peer(self, index, secret, lies=index in setting.liars)
            peer.disk.append([EntryRecord(town.founding)])
            self.peers.append(peer)
            peer.start()
        cheats = rng.sample(range(1, setting.members + 1), setting.cheats)
        for number, name in enumerate(names, 1):
            self._settle_in(name, AccountId(number), is_cheat=number in cheats)
        first, *others = rng.sample(self.peers, setting.boards)
        self.boards = [Board(first), *(rng.choice((Board, Schemers))(peer) for peer in others)]

    def _settle_in(self, name: str, account: AccountId, *, is_cheat: bool) -> None:
        peer = self.peers[account % len(self.peers)]
        person = Cheat(peer, name, account) if is_cheat else Author(peer, name, account)
        self.people.append(person)
        self.timeline.every(0.5, person.tick, self._is_over)

    # Running it

    def run(self) -> None:
        """Chaos, healing, and the demand that all is well. Raises Violation."""
        self.network.weather = self.setting.weather
        for peer in self.peers:
            self.timeline.every(1.0, peer.tick, self._is_over)
        for board in self.boards:
            self.timeline.every(0.7, board.tick, self._is_over)
        self.timeline.every(1.0, self._disturb, lambda: self.is_healing)
        if self.setting.restores:
            self.timeline.after(CHAOS_S / 3, self._plan_restore)
        block = self.setting.block
        with patch.object(fence, "MARK_BLOCK", block), patch.object(fence, "LEAD", block // 4):
            self.timeline.run(CHAOS_S)
            self._heal()
            while self.timeline.now < CHAOS_S + HEAL_S and not self._is_well():
                self.timeline.run(self.timeline.now + 1.0)
        require(self._is_well(), "liveness", self._what_is_not_well)
        self.oracle.conclude()

    def _disturb(self) -> None:
        weather = self.network.weather
        for peer in self.peers:
            if weather.crash_every_s and self.rng.random() < 1.0 / weather.crash_every_s / 3:
                peer.crash()
        if self.chance(weather.cut):
            self.count("partition")
            self.network.parts = frozenset(self.rng.sample(range(len(self.peers)), len(self.peers) // 2))
        elif self.rng.random() < 0.3:
            self.network.parts = frozenset()
        self._welcome()

    def _plan_restore(self) -> None:
        """Copy a witness's store now, and put it back when it has gone more than one block on."""
        peer = self.peers[self.rng.randrange(self.witness_count)]
        backup = peer.disk.copy()
        below = max((record.mark.below for record in backup.notes(MarkRecord) if record.own), default=0)

        def put_back() -> None:
            is_old = peer.seat is not None and peer.seat.memory.open_below > below
            if is_old and not self.is_healing:
                self.count("old store put back")
                peer.restore(backup)
            elif not self.is_healing:
                self.timeline.after(0.5, put_back)

        self.timeline.after(CHAOS_S / 4, put_back)

    def _welcome(self) -> None:
        """Who was admitted sits down at a node."""
        known = {person.account for person in self.people}
        for account in self.peers[0].door.ledger.commons.members:
            if account not in known:
                self.count("new member")
                self._settle_in(f"m{account}", account, is_cheat=False)

    def _heal(self) -> None:
        self.is_healing = True
        self.network.weather, self.network.parts = CALM, frozenset()
        for board in self.boards[1:]:
            board.drop()
        self.boards = self.boards[:1]

    def _is_over(self) -> bool:
        return self.timeline.now > CHAOS_S + HEAL_S

    def _is_well(self) -> bool:
        return not self._what_is_not_well()

    def _what_is_not_well(self) -> str:
        down = [str(peer.index) for peer in self.peers if not peer.is_up]
        if down:
            return f"peers {', '.join(down)} are down"
        late = [person.name for person in self.people if isinstance(person, Author) and not person.is_settled()]
        if late:
            return f"{', '.join(late)} cannot get final what they signed"
        ledgers = [peer.door.ledger for peer in self.peers]
        heights = {ledger.commons.height for ledger in ledgers}
        bound = [account for account in ledgers[0].commons.members if ledgers[0].commons.level(account)]
        if len(heights) > 1 or bound:
            return f"heights {sorted(heights)}, still suspended: {bound}"
        return "" if len({ledger.state_root() for ledger in ledgers}) == 1 else "roots differ"

    def _deliver(self, source: int, target: int, message: object) -> None:
        assert isinstance(message, Message)
        kind = type(message).__name__
        self._trace.update(f"{self.timeline.now:.6f} {source} {target} {kind};".encode())
        self.peers[target].receive(source, message)
