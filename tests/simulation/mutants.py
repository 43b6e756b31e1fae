"""Bugs planted on purpose, by name: the simulator must find each within some seeds, or it has gone blind.

Each is one rule left out, patched into the running code for the length of a `with`.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from protocol.base import CommunityId
from protocol.commons import Commons
from protocol.fence import Fence
from protocol.ledger import Ledger
from protocol.memory import WitnessMemory
from protocol.messages import Bundle, Submit
from protocol.ops import Found
from protocol.pen import Pen
from protocol.rounds import Choice, Standing
from protocol.state import State
from protocol.statements import Place
from protocol.verdict import Code, Fork, Verdict
from protocol.witness import Witness

from .peer import Peer
from .seat import Seat

Patch = tuple[Any, str, Callable[..., Any]]


def quorum_2_of_4() -> list[Patch]:
    """Two votes of four make a certificate."""
    begin = Commons._begin

    def with_a_small_quorum(self: Commons, community: CommunityId, found: Found) -> None:
        begin(self, community, found)
        self.quorum = min(2, self.quorum)

    return [(Commons, "_begin", with_a_small_quorum)]


def vote_without_lock() -> list[Patch]:
    """A witness forgets what it voted for, and takes whichever branch it is shown last."""
    refuse = Seat.object

    def give_way(self: Seat, source: int, ask: Submit, place: Place, verdict: Verdict) -> None:
        ledger = self._peer.door.ledger
        chain = ledger.chain(place.account)
        if not isinstance(verdict, Fork) or chain is None or place.seq <= chain.final_seq:
            refuse(self, source, ask, place, verdict)
            return
        ledger.rewind(place.account, max(chain.final_seq, verdict.proof.first.seq - 1))
        self._peer.door.take(Bundle(ask.bundle.entries))
        if ledger.id_at(place.account, 0, place.seq) == place.id:
            self._release(source, ask.serial, self.consider(place.account, place.seq))

    return [(Witness, "_is_on_lock", lambda self, chain: True), (Seat, "object", give_way)]


def release_before_commit() -> list[Patch]:
    """A vote leaves while its record is still on the way to the disk."""
    pump = Peer.pump

    def post_at_once(self: Peer, target: int, message: Any) -> None:
        self._post(target, message)
        pump(self)

    return [(Peer, "send", post_at_once)]


def no_newest_check() -> list[Patch]:
    """Limits and suspensions count only from the height that an entry cites."""
    return [(Witness, "_fault_at_newest", lambda self, effects: None)]


def no_lock_in_rounds() -> list[Patch]:
    """After a commit, a witness votes for any other entry in the next round."""

    def only_rounds(self: Standing, choice: Choice, evidence: Choice | None) -> Code | None:
        return Code.CONFLICT if choice.round <= self.highest else None

    return [(Standing, "refuses_vote", only_rounds)]


def two_votes_a_round() -> list[Patch]:
    """A witness votes for every candidate of a round."""

    def any_in_this_round(self: Standing, choice: Choice, evidence: Choice | None) -> Code | None:
        return Code.CONFLICT if choice.round < self.highest else None

    return [(Standing, "refuses_vote", any_in_this_round)]


def take_what_is_not_final() -> list[Patch]:
    """A payment may be taken before it is certified."""

    def head_seq(self: State, account: Any, incarnation: int) -> int:
        chain = self.chains.get(account)
        return -1 if chain is None else chain.seq

    return [(State, "final_seq", head_seq)]


def numbers_start_again() -> list[Patch]:
    """After a restart a witness goes on with the numbers it was using."""

    def from_the_start(self: WitnessMemory) -> None:
        self.next_number = 0
        self.open_below = self.mark_below

    return [(WitnessMemory, "resume", from_the_start)]


def no_fence() -> list[Patch]:
    """A witness believes in its store, whatever the others show it."""

    def believe(self: Fence, witness: int, mark: Any, vote: Any) -> None:
        self._answered.add(witness)

    return [(Fence, "hears", believe), (Pen, "meets", lambda self, statement, tag: None)]


def rewind_forgets_parcels() -> list[Patch]:
    """What an overruled entry had sent stays in flight."""

    def only_the_chain(self: Ledger, account: Any, seq: int) -> list[Any]:
        chain = self.chain(account)
        return [] if chain is None else [effects.signed for effects in chain.retreat(max(seq, chain.final_seq))]

    return [(Ledger, "rewind", only_the_chain)]


MUTANTS: dict[str, Callable[[], list[Patch]]] = {
    make.__name__: make
    for make in (
        quorum_2_of_4, vote_without_lock, release_before_commit, no_newest_check, no_lock_in_rounds,
        two_votes_a_round, take_what_is_not_final, numbers_start_again, no_fence, rewind_forgets_parcels,
    )
}  # fmt: skip


@contextmanager
def planted(name: str | None) -> Iterator[None]:
    """Within it the named bug is at work; none for None. Raises KeyError for an unknown name."""
    patches = [] if name is None else [patch.object(*one) for one in MUTANTS[name]()]
    for one in patches:
        one.start()
    try:
        yield
    finally:
        for one in patches:
            one.stop()
