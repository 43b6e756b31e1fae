"""Stewards who act at the same time, change their minds, crash, and lie: one decision a place, and never a dead end.

Every steward has a node (`Proposals`, forgotten in a crash) and a book (what it signed and what it still wants, kept).
Messages arrive late, twice, in any order or not at all, until the storm is over. Witnesses follow `rounds.Standing`.
A lying steward signs anything in any round, and shows one thing to one and another to another. Then everybody honest
presses for the same act: it, or what the witnesses hold to, must be decided. Signatures are stand-ins: who may sign is
not the question here. A few storms blow here, hundreds in `tests/simulation`.
"""

import random
from dataclasses import dataclass, field

import pytest

from protocol.base import COMMONS, NO_COMMUNITY, EntryId, PublicKey, Signature
from protocol.entry import Entry, SignedEntry, sealed
from protocol.proposals import WINDOW, Proposals
from protocol.rounds import Choice, Standing
from protocol.signing import Authority, Tag
from protocol.statements import Certificate, Place

SEQ = 1
STORM, CALM = 60, 40


def act(number: int) -> SignedEntry:
    return sealed(Entry(1, COMMONS, 0, SEQ, bytes(32), SEQ - 1, number, ()), ())


def ballot(id: EntryId, steward: int, round: int, by: dict[EntryId, SignedEntry]) -> SignedEntry:
    bare = by[id]
    return SignedEntry(bare.body, bare.entry, id, ((steward, Signature(bytes([steward]) * 64)),), round)


def is_by(public: PublicKey, _tag: Tag, _community: bytes, _content: bytes, signature: Signature) -> bool:
    return signature[0] == public[0]


@dataclass
class Bench:
    """The witnesses: n of them, q decide. `absent` do not answer now."""

    n: int
    q: int
    standings: list[Standing] = field(default_factory=list)
    candidates: dict[tuple[int, EntryId], SignedEntry] = field(default_factory=dict)
    decided: set[EntryId] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.standings = [Standing()] * self.n

    def ask(self, node: Proposals, rng: random.Random, absent: int) -> None:
        """Bring what is ripe at a node to some of the witnesses, in any order, and tell the node what they showed."""
        choice = node.ripe
        if choice is None:
            return
        self.candidates[choice.round, choice.id] = node.at(choice)
        order = rng.sample(range(self.n), self.n)[: self.n - absent]
        said = [self._vote(witness, choice, node) for witness in order]
        votes = self._votes(choice)
        if votes >= self.q:
            said += [self._commit(witness, choice) for witness in order]
            if sum(choice in standing.commits for standing in self.standings) >= self.q:
                self.decided.add(choice.id)
        if said.count(False) > self.n - self.q:
            self._tell(node, choice, order)

    def _votes(self, choice: Choice) -> int:
        return sum(choice in standing.votes for standing in self.standings)

    def _vote(self, witness: int, choice: Choice, node: Proposals) -> bool:
        standing = self.standings[witness]
        votes = node.evidence.get(choice.id)
        evidence = None if votes is None else Choice(votes.place.incarnation, choice.id)
        if choice in standing.votes:
            return True
        if standing.refuses_vote(choice, evidence) is None:
            self.standings[witness] = standing.voted(choice)
            return True
        return False

    def _commit(self, witness: int, choice: Choice) -> bool:
        standing = self.standings[witness]
        if choice not in standing.commits and standing.refuses_commit(choice) is None:
            self.standings[witness] = standing.committed(choice)
        return choice in self.standings[witness].commits

    def _tell(self, node: Proposals, choice: Choice, order: list[int]) -> None:
        """A round that is hopeless: what the witnesses show beside their refusals (`Council._to_show`)."""
        node.spend(choice.round)
        for standing in (self.standings[witness] for witness in order):
            for seen in standing.votes[-1:]:
                node.take(self.candidates[seen.round, seen.id])
                node.spend(seen.round)
            if standing.lock is not None:
                votes = Certificate(Place(0, COMMONS, standing.lock.round, SEQ, standing.lock.id), ())
                node.bind(votes, self.candidates[standing.lock.round, standing.lock.id])


@dataclass
class Desk:
    """One honest steward."""

    index: int
    node: Proposals
    used: dict[int, EntryId] = field(default_factory=dict)
    consents: set[EntryId] = field(default_factory=set)


class Board:
    """All stewards, what is on its way between them, and the bench."""

    def __init__(self, stewards: int, threshold: int, liars: int, bench: Bench, seed: int) -> None:
        self.rng = random.Random(seed)
        self.authority = Authority(threshold, tuple(PublicKey(bytes([n]) * 32) for n in range(stewards)))
        self.bench = bench
        self.desks = [Desk(n, self.fresh()) for n in range(stewards - liars)]
        self.liars = range(stewards - liars, stewards)
        self.acts: dict[EntryId, SignedEntry] = {}
        self.wire: list[tuple[int, SignedEntry]] = []

    def fresh(self) -> Proposals:
        return Proposals(NO_COMMUNITY, self.authority, SEQ, lambda _: True, is_by)

    def press(self, desk: Desk, id: EntryId) -> None:
        """The person signs an act: a new wish, another one's, or once more."""
        desk.consents.add(id)
        if id not in {choice.id for choice in desk.node.complete() if choice.round > desk.node.floor}:
            self.sign(desk, id, desk.node.meeting_round(id, desk.index, desk.used))

    def sign(self, desk: Desk, id: EntryId, round: int | None) -> None:
        if round is None or desk.used.get(round) == id:
            return
        assert round not in desk.used, "two acts in one round"
        desk.used[round] = id
        self.show(desk, ballot(id, desk.index, round, self.acts))

    def show(self, desk: Desk, signed: SignedEntry) -> None:
        desk.node.take(signed)
        self.wire += [(other.index, signed) for other in self.desks if other is not desk]

    def tend(self, desk: Desk) -> None:
        while (choice := desk.node.duty(desk.index, desk.consents, desk.used)) is not None:
            self.sign(desk, choice.id, choice.round)

    def spread(self) -> None:
        """Everybody tells everybody all that it holds."""
        shown = [(desk.index, signed) for desk in self.desks for signed in desk.node.shown()]
        for index, signed in shown:
            for desk in self.desks:
                if desk.index != index:
                    desk.node.take(signed)

    # A storm

    def step(self) -> None:
        desk = self.rng.choice(self.desks)
        what = self.rng.randrange(8)
        if what == 0:
            self.press(desk, self.new_act())
        elif what == 1 and self.acts:
            known = [open_act.id for open_act in desk.node.acts()]
            if known:
                self.press(desk, self.rng.choice(known))
        elif what == 2 and desk.consents:
            desk.consents.discard(self.rng.choice(sorted(desk.consents)))
        elif what == 3:
            self.bench.ask(desk.node, self.rng, self.rng.randrange(self.bench.n + 1))
        elif what == 4 and self.rng.random() < 0.3:
            self.restart(desk)
        elif what == 5 and self.acts:
            self.lie()
        for _ in range(self.rng.randrange(4)):
            self.deliver()
        self.tend(self.rng.choice(self.desks))

    def new_act(self) -> EntryId:
        made = act(len(self.acts))
        self.acts[made.id] = made
        return made.id

    def restart(self, desk: Desk) -> None:
        """The process was killed: the book is there, and shows the node what was signed."""
        desk.node = self.fresh()
        for round, id in desk.used.items():
            self.show(desk, ballot(id, desk.index, round, self.acts))

    def lie(self) -> None:
        for liar in self.liars:
            round = self.rng.choice([*range(4), self.rng.randrange(2 * WINDOW), 2**62])
            for desk in self.rng.sample(self.desks, self.rng.randrange(len(self.desks) + 1)):
                id = self.rng.choice(sorted(self.acts))
                desk.node.take(ballot(id, liar, round, self.acts))

    def deliver(self) -> None:
        if self.wire:
            index, signed = self.wire.pop(self.rng.randrange(len(self.wire)))
            if self.rng.random() < 0.8:
                self.desks[index].node.take(signed)

    # The calm after it

    def calm(self, *, once: bool = False) -> None:
        """All links are up, all witnesses that may be away are, and all honest persons press for one act.

        They press again when nothing comes of it, or only `once`: their wallets do the rest.
        """
        absent = self.rng.randrange(self.bench.n - self.bench.q + 1)
        for turn in range(CALM):
            self.spread()
            if turn == 0 if once else turn % 4 == 0:
                held = [desk.node.lock for desk in self.desks if desk.node.lock is not None]
                wanted = held[0] if held else sorted(self.acts)[0] if self.acts else self.new_act()
                for desk in self.desks:
                    self.press(desk, wanted)
            self.spread()
            for desk in self.desks:
                self.tend(desk)
                self.spread()
            for desk in self.desks:
                self.bench.ask(desk.node, self.rng, absent)
            if self.bench.decided:
                return


CASES = [(1, 1, 0), (2, 2, 0), (2, 1, 0), (3, 2, 0), (3, 2, 1), (3, 3, 0), (4, 3, 1), (5, 3, 2), (4, 1, 1)]
"""Stewards, threshold, and how many of the stewards lie: never more than can be done without."""


def decides_one(seed: int) -> None:
    """A storm in which some lie; then everybody honest presses for one act until it is decided."""
    stewards, threshold, liars = CASES[seed % len(CASES)]
    n, q = [(1, 1), (4, 3), (3, 2), (2, 2)][seed % 4]
    board = Board(stewards, threshold, liars, Bench(n, q), seed)
    for _ in range(STORM):
        board.step()
    assert len(board.bench.decided) <= 1, seed
    if not board.bench.decided:
        board.calm()
    assert len(board.bench.decided) == 1, (seed, stewards, threshold, liars, n, q)


def decides_by_itself(seed: int) -> None:
    """A storm in which nobody lies; then everybody presses once."""
    stewards, threshold = [(2, 2), (3, 2), (3, 3), (4, 3)][seed % 4]
    board = Board(stewards, threshold, 0, Bench(4, 3), seed)
    for _ in range(STORM):
        board.step()
    if not board.bench.decided:
        board.calm(once=True)
    assert len(board.bench.decided) == 1, (seed, stewards, threshold)


@pytest.mark.parametrize("seed", range(len(CASES)))
def test_whatever_stewards_do_at_most_one_act_is_decided_and_pressing_together_decides_one(seed: int) -> None:
    decides_one(seed)


@pytest.mark.parametrize("seed", range(4))
def test_where_nobody_lies_everybody_presses_once_and_the_wallets_do_the_rest(seed: int) -> None:
    decides_by_itself(seed)


def test_two_who_signed_different_acts_at_once_meet_when_one_changes_its_mind() -> None:
    board = Board(2, 2, 0, Bench(4, 3), 0)
    ana, ben = board.desks
    first, second = board.new_act(), board.new_act()
    board.press(ana, first)
    board.press(ben, second)
    board.spread()
    assert not board.bench.decided and ana.node.ripe is None
    board.press(ben, first)
    board.spread()
    board.tend(ana)
    board.spread()
    assert ben.node.ripe == ana.node.ripe == Choice(1, first)
    board.bench.ask(ben.node, board.rng, 1)
    assert board.bench.decided == {first}
