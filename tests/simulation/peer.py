"""One node of the simulated community: the real door, ledger, shelf and replication over a disk and links in memory.

Only the clock, the disk and the links are make-believe. What is on the disk survives `crash`; all else is dropped,
and `start` builds it anew from the disk, by the same code as a real node.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from node.bookkeeper import Bookkeeper
from node.happenings import Certified, Entered, Forked, Happening, Overturned
from node.rebuilding import rebuild
from node.records import Record, WitnessRecord
from node.shelf import Shelf
from protocol.messages import (
    Answer,
    Bundle,
    Compare,
    Deliver,
    Fetch,
    Heads,
    Index,
    Message,
    Missing,
    Moved,
    Since,
    Want,
)
from protocol.replication import Pull, serve_compare, serve_fetch, serve_since, serve_want
from protocol.signing import SecretKey

from .disk import Disk
from .seat import Liar, Seat

if TYPE_CHECKING:
    from .world import World


class Peer:
    """Node number `index`; the first ones are witnesses, in the order of the community's list."""

    def __init__(self, world: "World", index: int, key: SecretKey | None, *, lies: bool) -> None:
        self.world = world
        self.index = index
        self.key = key
        self.lies = lies
        self.disk = Disk(index.to_bytes(16))
        self.is_up = False
        self.life = 0
        self.has_old_store = False
        self.listeners: list[Callable[[int, Answer | Missing], None]] = []
        """The people at this node who wait for answers; a crash of the node is none of theirs."""
        self.door: Bookkeeper
        self.shelf: Shelf
        self.seat: Seat | None = None
        self._pulls: dict[int, Pull] = {}
        self._writing: tuple[Record, ...] = ()
        if key is not None:
            self.disk.append([WitnessRecord(key.public)])

    # Life

    def start(self) -> None:
        """Begin a life from what the disk holds."""
        self.life += 1
        self.is_up = True
        ledger = rebuild(self.disk)  # type: ignore[arg-type]
        self.world.oracle.watch(self, ledger)
        self.door = Bookkeeper(ledger, self.disk)  # type: ignore[arg-type]
        self.door.listen(self._on_happening)
        self.shelf = Shelf(self.door)
        self._pulls = {}
        if self.door.ledger.commons.is_founded and self.key is not None:
            self.seat = Liar(self, self.key) if self.lies else Seat(self, self.key)

    def restore(self, backup: Disk) -> None:
        """Crash, and come back on an older copy of the disk."""
        self.crash()
        self.disk, self.has_old_store = backup, True

    def crash(self) -> None:
        """Lose everything that is not on the disk, and come back after a while."""
        if not self.is_up:
            return
        self.world.count("crash")
        self.is_up, self.seat = False, None
        self.life += 1
        if self._writing and self.world.rng.random() < 0.5:  # the disk may have finished it all the same
            self.world.count("crash in a commit that held")
            self.disk.append(self._writing)
        self._writing = ()
        self.world.timeline.soon(self.world.downtime_s, self.start)

    # Commit before release

    def after_commit(self, release: Callable[[], None]) -> None:
        """Have `release` called when everything taken so far is durable."""
        self.door.after_commit(release)
        self.pump()

    def send(self, target: int, message: Message) -> None:
        """Send after the commit of everything taken so far."""
        self.after_commit(lambda: self._post(target, message))

    def tell_witnesses(self, message: Message) -> None:
        """Send to every other witness."""
        for target in range(self.world.witness_count):
            if target != self.index:
                self.send(target, message)

    def pump(self) -> None:
        """Have the next batch written, if there is one and none is being written."""
        batch = self.door._writer._outbox.take()
        if batch is None:
            return
        life = self.life
        if not batch.records:
            self._release(life)
        else:
            self._writing = batch.records
            self.world.timeline.soon(self.world.network.weather.sync_s, lambda: self._commit(life))

    def _commit(self, life: int) -> None:
        if life != self.life:
            return
        self.disk.append(self._writing)
        self._writing = ()
        if self.world.chance(self.world.network.weather.crash_before_release):
            self.world.count("crash between commit and release")
            self.crash()
            return
        self._release(life)

    def _release(self, life: int) -> None:
        for release in self.door._writer._outbox.durable():
            if life == self.life:
                release()
        if life == self.life:
            self.pump()

    def _post(self, target: int, message: Message) -> None:
        self.world.oracle.left(self, message)
        self.world.network.send(self.index, target, message)
        if isinstance(message, Answer) and self.world.chance(self.world.network.weather.crash_on_vote):
            self.world.count("crash after a vote left")
            self.world.timeline.after(0, self._crash_this_life(self.life))

    def _crash_this_life(self, life: int) -> Callable[[], None]:
        return lambda: self.crash() if life == self.life else None

    # Messages

    def receive(self, source: int, message: Message) -> None:
        """Take a message from a link."""
        if not self.is_up:
            return
        now = self.world.timeline.now
        match message:
            case Answer() | Missing():
                self._hear(source, message)
            case Deliver(serial, bundle):
                self.door.take(bundle)
                if serial:
                    self.after_commit(lambda: self._ask(source, self._pull(source).on_delivered(message, now)))
            case Index():
                self._ask(source, self._pull(source).on_index(message, now))
            case Moved():
                self._ask(source, self._pull(source).on_moved(message, now))
            case Heads():
                self._ask(source, self._pull(source).on_heads(message, now))
            case Since():
                self._ask(source, serve_since(self.shelf, message))
            case Fetch():
                self._ask(source, serve_fetch(self.shelf, message))
            case Want():
                self._ask(source, serve_want(self.shelf, message))
            case Compare():
                self._ask(source, serve_compare(self.shelf, message))
            case _ if self.seat is not None:
                self.seat.on(source, message)
        self.pump()
        self.world.oracle.moved(self)

    def tick(self) -> None:
        """What a node does about once a second."""
        if not self.is_up:
            return
        if self.seat is not None:
            self.seat.tick()
        others = [index for index in range(len(self.world.peers)) if index != self.index]
        source = self.world.rng.choice(others)
        pull = self._pull(source)
        self._ask(source, pull.tick(self.world.timeline.now) or pull.hurry(self.world.timeline.now))
        self.pump()

    def take(self, bundle: Bundle) -> None:
        """What comes from the wallet of somebody here."""
        self.door.take(bundle)
        self.pump()
        self.world.oracle.moved(self)

    def _hear(self, source: int, message: Answer | Missing) -> None:
        if isinstance(message, Answer) and (message.evidence.entries or message.evidence.certificates):
            self.door.take(Bundle(message.evidence.entries))
        for listener in self.listeners:
            listener(source, message)

    def _pull(self, source: int) -> Pull:
        if source not in self._pulls:
            disk = self.world.peers[source].disk
            self._pulls[source] = Pull(self.shelf, disk.generation, disk.last_row, None)
        return self._pulls[source]

    def _ask(self, target: int, messages: list[Message]) -> None:
        for message in messages:
            self.send(target, message)

    def _on_happening(self, happening: Happening) -> None:
        match happening:
            case Certified(certificate):
                if self.seat is not None:
                    self.seat.saw(certificate)
                self.world.on_certified(self, certificate)
            case Forked():
                self.world.count("fork proof")
            case Overturned():
                self.world.count("overruled tail")
            case Entered():
                pass
