"""A witness at work: answers Submit, Ballot, AskCommit and AskHead, and keeps the fence with the other witnesses.

The rules are in protocol/witness.py and protocol/fence.py. Here a decision's records are staged at the door and its
answer is handed over to leave after their commit. The key dies, for good and on record, when the fence says so or when
its own signature is met on something that this store does not hold.
"""

import logging
from collections.abc import Callable
from functools import partial

import trio

from protocol.base import COMMONS, AccountId
from protocol.budget import Budget
from protocol.decisions import Denied, NeedMark, Stopped, Voted
from protocol.fence import Fence, Keeper
from protocol.lease import Leases
from protocol.memory import WitnessMemory
from protocol.messages import (
    Answer,
    AskCommit,
    AskHead,
    AskMark,
    Ballot,
    Bundle,
    Head,
    KeepMark,
    Marked,
    MarkKept,
    Message,
    Missing,
    Position,
    Span,
    Submit,
)
from protocol.signing import RememberingVerify, SecretKey, Tag, verify
from protocol.statements import Certificate, Mark, Place, Vote
from protocol.verdict import Accepted, Code, Duplicate, Fork, Need, Refused, Waiting
from protocol.witness import Witness

from .bookkeeper import Bookkeeper
from .exchange import Exchange
from .happenings import Certified, Happening
from .records import DeadRecord, MarkRecord
from .remembering import records_of, remember

logger = logging.getLogger("tallystick.witness")

FENCE_RETRY_S = 1.0
ON_HOLD_MAX = 1_000
"""Questions that wait until the next block of numbers is open; the oldest leaves first, and is asked again."""
HERE = ""
"""Stands for a peer id where this node itself asks."""

Reply = Callable[[Message], None]
Again = Callable[[], None]
OnHold = tuple[str, type, AccountId, int]
"""What waits for a number: who asks, what kind of message, and for `Submit` about which place; one of each."""


class Witnessing:
    """The shell of one witness key. `answer_here` takes answers to what this node itself asks."""

    def __init__(self, key: SecretKey, door: Bookkeeper, exchange: Exchange, budget: Budget) -> None:
        commons = door.ledger.commons
        self._key = key
        self._door = door
        self._exchange = exchange
        self._leases = Leases()
        self._on_hold: dict[OnHold, Again] = {}
        self._keeper = Keeper(commons.community, commons.witnesses)
        self._memory = WitnessMemory()
        remember(door.journal, self._memory, self._keeper, key.public)
        self._witness = Witness(key, door.ledger, self._memory, budget)
        self._fence = Fence(
            key, commons.community, commons.witnesses, commons.quorum, self._memory, made_with_key=False
        )
        self._dead_on_record = self._memory.dead is not None
        for kind, handler in (
            (Submit, self._on_submit), (Ballot, self._on_ballot), (AskCommit, self._on_ask_commit),
            (AskHead, self._on_ask_head), (AskMark, self._on_ask_mark), (Marked, self._on_marked),
            (KeepMark, self._on_keep_mark), (MarkKept, self._on_mark_kept),
        ):  # fmt: skip
            exchange.answer(kind, handler)
        exchange.on_link(self._on_link_up)
        door.watch(self._on_certificate)
        door.listen(self._on_happening)

    @property
    def dead(self) -> str | None:
        """Why this key never votes again, or None."""
        return self._memory.dead

    @property
    def index(self) -> int:
        """The place of this key in the list of witnesses."""
        return self._witness.index

    @property
    def is_voting(self) -> bool:
        """Tell whether a vote can be given at this moment."""
        return self.dead is None and self._door.failed is None and self._memory.open_below > self._memory.next_number

    # Votes

    def submit(self, ask: Submit, reply: Reply, peer: str = HERE) -> None:
        """Take a submission in, and vote for its last entry, or say what is missing or wrong."""
        signed = ask.bundle.entries[-1]
        verdict = self._door.take(ask.bundle)[-1]
        place = Place(self._epoch, signed.account, signed.entry.incarnation, signed.seq, signed.id)
        if signed.account == COMMONS:
            return
        match verdict:
            case Accepted() | Duplicate():
                self._consider(place, ask.instance, ask.serial, reply, peer)
            case Waiting():
                missing = Missing(ask.serial, (self._missing(verdict),))
                self._door.after_commit(lambda: reply(missing))  # it tells what is final here
            case Fork() | Refused():
                code, evidence = self._objection(verdict)
                self._release(self._witness.refuse(place, code, evidence), ask.serial, reply)

    def _consider(self, place: Place, instance: bytes, serial: int, reply: Reply, peer: str) -> None:
        """Vote for an entry that is held here, now or when a number is open; of the submission no more is kept."""
        now = trio.current_time()
        if self._door.ledger.id_at(place.account, place.incarnation, place.seq) != place.id:
            return  # it had to wait, and another branch became final meanwhile
        if instance and not self._leases.may_submit(place.account, instance, now):
            return  # another instance holds the lease: silence, so that no vote supports a copy of a home
        decision = self._witness.consider(place.account, place.seq, now)
        if isinstance(decision, NeedMark):
            again = partial(self._consider, place, instance, serial, reply, peer)
            self._hold((peer, Submit, place.account, place.seq), again)
        else:
            self._release(decision, serial, reply)

    def _objection(self, verdict: Fork | Refused) -> tuple[Code, Bundle]:
        if isinstance(verdict, Refused):
            return verdict.code, Bundle()
        rival = verdict.proof.first
        certificate = self._door.journal.certificate_at(rival.account, rival.seq)
        return Code.CONFLICT, Bundle((rival,), () if certificate is None else (certificate,))

    def _missing(self, waiting: Waiting) -> Span:
        chain = self._door.ledger.chain(waiting.account)
        first = 0 if chain is None else chain.final_seq + 1
        if waiting.need is Need.PREV and chain is not None:
            first = min(first, waiting.seq)
        return Span(waiting.account, waiting.incarnation, first, max(first, waiting.seq))

    def _hold(self, question: OnHold, again: Again) -> None:
        """Have `again` called when numbers are open, in place of what the same question left before."""
        self._on_hold.pop(question, None)
        self._on_hold[question] = again
        if len(self._on_hold) > ON_HOLD_MAX:
            del self._on_hold[next(iter(self._on_hold))]
        self._extend_block()

    def _release(self, decision: Voted | Denied | Stopped, serial: int, reply: Reply) -> None:
        """Have a decision's answer leave after its records."""
        match decision:
            case Voted(vote, fresh, _):
                if fresh:
                    self._door.record(*records_of(decision))
                    self._know(vote)
                    self._extend_block()
                self._door.after_commit(lambda: reply(Answer(serial, vote)))
            case Denied(nack, evidence, _):
                self._door.after_commit(lambda: reply(Answer(serial, nack, evidence)))
            case Stopped():
                self._die()

    def _know(self, vote: Vote) -> None:
        """It will come back within a certificate, and need not be verified there."""
        known = self._door.ledger.verify
        if isinstance(known, RememberingVerify):
            content = vote.place.content(vote.number)
            known.know(self._key.public, vote.tag, self._door.ledger.commons.community, content, vote.signature)

    def _on_submit(self, peer: str, ask: Submit) -> None:
        self.submit(ask, self._to(peer), peer)

    # Account 0

    def ballot(self, ask: Ballot, reply: Reply, peer: str = HERE) -> None:
        """Vote on an entry of account 0 in the round of its ballots."""
        self._door.take(Bundle((ask.signed,)))
        if ask.evidence is not None:
            self._met(self._witness.meets(ask.evidence, Tag.VOTE))
        decision = self._witness.ballot(ask.signed, ask.evidence)
        if isinstance(decision, NeedMark):
            self._hold((peer, Ballot, COMMONS, 0), partial(self.ballot, ask, reply, peer))
        else:
            self._release(decision, ask.serial, reply)

    def commit(self, ask: AskCommit, reply: Reply, peer: str = HERE) -> None:
        """Commit to an entry of account 0 on q votes."""
        self._met(self._witness.meets(ask.votes, Tag.VOTE))
        decision = self._witness.commit(ask.votes, ask.signed)
        if isinstance(decision, NeedMark):
            self._hold((peer, AskCommit, COMMONS, 0), partial(self.commit, ask, reply, peer))
        else:
            self._release(decision, ask.serial, reply)

    def _on_ballot(self, peer: str, ask: Ballot) -> None:
        self.ballot(ask, self._to(peer), peer)

    def _on_ask_commit(self, peer: str, ask: AskCommit) -> None:
        self.commit(ask, self._to(peer), peer)

    # Heads and leases

    def head(self, ask: AskHead) -> Head | None:
        """Say what is held of an account and whether the asker may sign for it; None unless its key asks this one."""
        chain = self._door.ledger.chain(ask.account)
        commons = self._door.ledger.commons
        member = commons.members.get(ask.account)
        authority = chain.authority if chain is not None else None if member is None else member.authority
        content = AskHead.content(self._key.public, ask.account, ask.instance, ask.previous)
        if authority is None or not any(
            verify(key, Tag.INSTANCE, commons.community, content, ask.signature) for key in authority.keys
        ):
            return None
        granted = self._leases.ask(ask.account, ask.instance, ask.previous, trio.current_time())
        if chain is None:
            return Head(ask.serial, granted, None, 0)
        position = Position(ask.account, chain.incarnation, chain.seq, chain.id)
        return Head(ask.serial, granted, position, chain.final_seq + 1)

    def _on_ask_head(self, peer: str, ask: AskHead) -> None:
        head = self.head(ask)
        if head is not None:
            self._door.after_commit(lambda: self._exchange.send(peer, head))

    # The fence

    async def keep_fence(self) -> None:
        """Ask and tell marks until the present block is open, for as long as this key may vote."""
        while self.dead is None and self._door.failed is None:
            self._extend_block()
            if not self._fence.is_started:
                self._exchange.send_all(self._others(), AskMark(self._key.public))
            elif self._fence.pending is not None and self._memory.mark_below >= self._fence.pending.below:
                self._exchange.send_all(self._others(), KeepMark(self._fence.pending))
            await trio.sleep(FENCE_RETRY_S)

    def _extend_block(self) -> None:
        mark = self._fence.next_mark()
        if mark is not None:
            self._door.record(MarkRecord(mark, own=True))
            self._door.after_commit(lambda: self._show_mark(mark))

    def _show_mark(self, mark: Mark) -> None:
        self._fence.stored()
        self._exchange.send_all(self._others(), KeepMark(mark))
        self._resume()

    def _resume(self) -> None:
        """Answer what had to wait, the oldest first, as long as numbers are open."""
        for question in list(self._on_hold):
            if not self.is_voting:
                return
            self._on_hold.pop(question)()

    def _on_link_up(self, peer: str) -> None:
        if self.dead is not None or peer not in self._others():
            return
        if not self._fence.is_started:
            self._exchange.send(peer, AskMark(self._key.public))
        elif self._fence.pending is not None and self._memory.mark_below >= self._fence.pending.below:
            self._exchange.send(peer, KeepMark(self._fence.pending))

    def _on_ask_mark(self, peer: str, ask: AskMark) -> None:
        mark, vote = self._keeper.held(ask.witness)
        self._door.after_commit(lambda: self._exchange.send(peer, Marked(ask.witness, mark, vote)))

    def _on_marked(self, peer: str, marked: Marked) -> None:
        index = self._index_of(peer)
        if marked.witness == self._key.public and index is not None:
            self._met(self._fence.hears(index, marked.mark, marked.vote))
            self._extend_block()

    def _on_keep_mark(self, peer: str, ask: KeepMark) -> None:
        self._met(self._witness.meets(ask.mark))
        if self._keeper.keep(ask.mark):
            self._door.record(MarkRecord(ask.mark, own=False))
        kept = MarkKept(ask.mark.witness, self._keeper.below(ask.mark.witness))
        self._door.after_commit(lambda: self._exchange.send(peer, kept))

    def _on_mark_kept(self, peer: str, kept: MarkKept) -> None:
        index = self._index_of(peer)
        if kept.witness == self._key.public and index is not None:
            self._fence.kept(index, kept.below)
            self._resume()

    # Meeting oneself

    def look_at(self, answer: Answer) -> None:
        """Look for the own signature in what another witness answers this node; evidence is votes, not commits."""
        shown = (answer.statement,) if isinstance(answer.statement, Vote) else answer.evidence.certificates
        for statement in shown:
            self._met(self._witness.meets(statement, Tag.VOTE))

    def _on_certificate(self, certificate: Certificate) -> None:
        """Whoever shows it and whatever it is worth: an own signature in it that is unknown here ends this key."""
        self._met(self._witness.meets(certificate))

    def _on_happening(self, happening: Happening) -> None:
        if isinstance(happening, Certified):
            self._keeper.saw(happening.certificate)

    def _met(self, reason: str | None) -> None:
        if reason is not None:
            self._die()

    def _die(self) -> None:
        if self._dead_on_record or self.dead is None or self._door.failed is not None:
            return
        self._dead_on_record = True
        logger.critical("this witness key is dead for good and must be replaced by the stewards: %s", self.dead)
        self._door.record(DeadRecord(self.dead))

    # Who is who

    @property
    def _epoch(self) -> int:
        return self._door.ledger.commons.epoch

    def _to(self, peer: str) -> Reply:
        def reply(message: Message) -> None:
            self._exchange.send(peer, message)

        return reply

    def _others(self) -> list[str]:
        keys = [key for key in self._door.ledger.commons.witnesses if key != self._key.public]
        return self._exchange.neighbours.witnesses(keys)

    def _index_of(self, peer: str) -> int | None:
        neighbour = self._exchange.neighbours.get(peer)
        keys = self._door.ledger.commons.witnesses
        return (
            keys.index(neighbour.hello.witness) if neighbour is not None and neighbour.hello.witness in keys else None
        )
