"""A peer's witness: the machines of protocol/ in a shell as thin as can be; and one that lies.

The shell is what node/witnessing.py is for a real node: it stages a decision's records with the answer that waits
for them. Memory comes from the disk alone, at every start.
"""

from typing import TYPE_CHECKING

from node.records import DeadRecord, MarkRecord
from node.remembering import records_of, remember
from protocol.base import COMMONS, AccountId
from protocol.budget import Budget
from protocol.decisions import Decision, Denied, NeedMark, Stopped, Voted
from protocol.fence import Fence, Keeper
from protocol.memory import WitnessMemory
from protocol.messages import (
    Answer,
    AskCommit,
    AskMark,
    Ballot,
    Bundle,
    KeepMark,
    Marked,
    MarkKept,
    Message,
    Missing,
    Span,
    Submit,
)
from protocol.signing import SecretKey, Tag, sign
from protocol.statements import Certificate, Place, Vote
from protocol.verdict import Accepted, Code, Duplicate, Fork, Need, Refused, Verdict, Waiting
from protocol.witness import Witness

if TYPE_CHECKING:
    from .peer import Peer


class Seat:
    """An honest witness at one peer, for one life of that peer."""

    def __init__(self, peer: "Peer", key: SecretKey) -> None:
        commons = peer.door.ledger.commons
        self._peer = peer
        self._key = key
        self._is_dead = False
        self.memory = WitnessMemory()
        self._keeper = Keeper(commons.community, commons.witnesses)
        remember(peer.disk, self.memory, self._keeper, key.public)  # type: ignore[arg-type]
        self.witness = Witness(key, peer.door.ledger, self.memory, Budget())
        self._fence = Fence(key, commons.community, commons.witnesses, commons.quorum, self.memory, made_with_key=True)

    def tick(self) -> None:
        """Ask and tell marks until the present block is open."""
        self._extend()
        pending = self._fence.pending
        if self.memory.dead is not None:
            return
        if not self._fence.is_started:
            self._peer.tell_witnesses(AskMark(self._key.public))
        elif pending is not None and self.memory.mark_below >= pending.below:
            self._peer.tell_witnesses(KeepMark(pending))

    def on(self, source: int, message: Message) -> None:
        """Answer what concerns a witness."""
        match message:
            case Submit():
                self._on_submit(source, message)
            case Ballot(serial, signed, evidence):
                self._peer.door.take(Bundle((signed,)))
                self._release(source, serial, self.witness.ballot(signed, evidence))
            case AskCommit(serial, signed, votes):
                self._met(self.witness.meets(votes, Tag.VOTE))
                self._release(source, serial, self.witness.commit(votes, signed))
            case AskMark(witness):
                self._peer.send(source, Marked(witness, *self._keeper.held(witness)))
            case Marked(witness, mark, vote) if witness == self._key.public:
                self._met(self._fence.hears(source, mark, vote))
                self._extend()
            case KeepMark(mark):
                self._met(self.witness.meets(mark))
                if self._keeper.keep(mark):
                    self._peer.door.record(MarkRecord(mark, own=False))
                self._peer.send(source, MarkKept(mark.witness, self._keeper.below(mark.witness)))
            case MarkKept(witness, below) if witness == self._key.public:
                self._fence.kept(source, below)

    def saw(self, certificate: Certificate) -> None:
        """A certificate became part of the record."""
        self._keeper.saw(certificate)
        self._met(self.witness.meets(certificate))

    def _on_submit(self, source: int, ask: Submit) -> None:
        signed, peer = ask.bundle.entries[-1], self._peer
        verdict = peer.door.take(ask.bundle)[-1]
        if signed.account == COMMONS:
            return
        if isinstance(verdict, Accepted | Duplicate):
            self._release(source, ask.serial, self.consider(signed.account, signed.seq))
        elif isinstance(verdict, Waiting):
            peer.send(source, Missing(ask.serial, (self._missing(verdict),)))
        else:
            place = Place(0, signed.account, signed.entry.incarnation, signed.seq, signed.id)
            self.object(source, ask, place, verdict)

    def object(self, source: int, ask: Submit, place: Place, verdict: Verdict) -> None:
        """Refuse an entry that the judge did not take."""
        if isinstance(verdict, Fork):
            self._peer.world.count("conflict")
            shown = Bundle((verdict.proof.first,))
            self._release(source, ask.serial, self.witness.refuse(place, Code.CONFLICT, shown))
        elif isinstance(verdict, Refused):
            self._release(source, ask.serial, self.witness.refuse(place, verdict.code))

    def consider(self, account: AccountId, seq: int) -> Decision:
        """Ask the witness; the oracle looks over its shoulder."""
        lock = self.memory.locks.get((account, 0))
        decision = self.witness.consider(account, seq, self._peer.world.timeline.now)
        if isinstance(decision, Voted) and decision.fresh:
            self._peer.world.oracle.look_at_vote(self._peer, account, seq, -1 if lock is None else lock.seq)
        return decision

    def _missing(self, waiting: Waiting) -> Span:
        chain = self._peer.door.ledger.chain(waiting.account)
        first = 0 if chain is None else chain.final_seq + 1
        last = waiting.seq if waiting.need is not Need.PREV else max(first, waiting.seq)
        return Span(waiting.account, waiting.incarnation, first, max(first, last))

    def _release(self, target: int, serial: int, decision: Decision) -> None:
        world = self._peer.world
        match decision:
            case Voted(vote, fresh, _):
                if fresh:
                    self._peer.door.record(*records_of(decision))
                    self._extend()
                else:
                    world.count("resend")
                if vote.place.account == COMMONS and vote.place.incarnation > 0:
                    world.count("round above 0")
                self._peer.send(target, Answer(serial, vote))
            case Denied(nack, evidence, _):
                world.count(f"nack {Code(nack.code).word}")
                self._peer.send(target, Answer(serial, nack, evidence))
            case NeedMark():
                self._extend()
            case Stopped():
                world.count("dead key")

    def _extend(self) -> None:
        mark = self._fence.next_mark()
        if mark is not None:
            self._peer.world.count("block of numbers")
            self._peer.door.record(MarkRecord(mark, own=True))
            self._peer.after_commit(self._show_mark)

    def _show_mark(self) -> None:
        self._fence.stored()
        if self._fence.pending is not None:
            self._peer.tell_witnesses(KeepMark(self._fence.pending))

    def _met(self, reason: str | None) -> None:
        if reason is not None and not self._is_dead:
            self._is_dead = True
            self._peer.world.oracle.key_died(self._peer, reason)
            self._peer.door.record(DeadRecord(reason))


class Liar(Seat):
    """A witness that votes for and commits to whatever it is shown, and keeps no marks though it says so."""

    _number = 0

    def tick(self) -> None:
        """It needs no fence."""

    def saw(self, certificate: Certificate) -> None:
        """It does not care."""

    def on(self, source: int, message: Message) -> None:
        """Sign everything."""
        match message:
            case Submit(serial, _, bundle):
                signed = bundle.entries[-1]
                place = Place(0, signed.account, signed.entry.incarnation, signed.seq, signed.id)
                self._sign(source, serial, Tag.VOTE, place)
                self._peer.door.take(bundle)
            case Ballot(serial, signed, _):
                self._sign(source, serial, Tag.VOTE, Place(0, COMMONS, signed.round, signed.seq, signed.id))
                self._peer.door.take(Bundle((signed,)))
            case AskCommit(serial, _, votes):
                self._sign(source, serial, Tag.COMMIT, votes.place)
            case AskMark(witness):
                self._peer.send(source, Marked(witness, None, None))
            case KeepMark(mark):
                self._peer.send(source, MarkKept(mark.witness, mark.below))

    def _sign(self, target: int, serial: int, tag: Tag, place: Place) -> None:
        Liar._number += 1
        number = Liar._number
        community = self._peer.door.ledger.commons.community
        signature = sign(self._key, tag, community, place.content(number))
        self._peer.send(target, Answer(serial, Vote(tag, place, self.witness.index, number, signature)))
