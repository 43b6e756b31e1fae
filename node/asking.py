"""Questions to the witnesses that a caller waits for: the head of an account, the decision on an act of account 0."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import trio

from protocol.deciding import Deciding
from protocol.entry import SignedEntry
from protocol.messages import Answer, AskCommit, AskHead, Ballot, Bundle, Deliver, Head
from protocol.statements import Certificate

from .bookkeeper import Bookkeeper
from .exchange import Exchange
from .happenings import Certified, Happening
from .witnessing import Witnessing

ASK_AGAIN_S = 1.0


@dataclass(frozen=True, slots=True)
class HeadAnswer:
    """What one witness said. `witness` is its index."""

    witness: int
    head: Head


@dataclass(eq=False, slots=True)
class _HeadQuestion:
    asks: Sequence[AskHead]
    answers: dict[int, Head] = field(default_factory=dict)
    changed: trio.Event = field(default_factory=trio.Event)


class Asker:
    """Keeps open questions by serial."""

    def __init__(self, door: Bookkeeper, exchange: Exchange, witnessing: Witnessing | None) -> None:
        self._door = door
        self._exchange = exchange
        self._witnessing = witnessing
        self._serial = 0
        self._heads: dict[int, _HeadQuestion] = {}
        self._decisions: dict[int, Deciding] = {}
        self._moved = trio.Event()
        exchange.answer(Head, self._on_head)
        exchange.on_link(self._on_link_up)
        door.listen(self._on_happening)

    # Heads

    async def heads(self, asks: Sequence[AskHead], timeout_s: float) -> list[HeadAnswer]:
        """Ask all witnesses what they hold of an account; returns when all have answered or the time is over.

        `asks` has the question to each, in the order of the witnesses; their serials are given here. Comes back as
        soon as a quorum has answered and a short grace for the others is over.
        """
        self._serial += 1
        serial = self._serial
        question = self._heads[serial] = _HeadQuestion([replace(ask, serial=serial) for ask in asks])
        commons = self._door.ledger.commons
        try:
            with trio.move_on_after(timeout_s):
                self._ask_heads(question)
                while len(question.answers) < len(commons.witnesses):
                    question.changed = trio.Event()
                    patience = ASK_AGAIN_S if len(question.answers) < commons.quorum else ASK_AGAIN_S / 4
                    with trio.move_on_after(patience) as waiting:
                        await question.changed.wait()
                    if not waiting.cancelled_caught:
                        continue
                    if len(question.answers) >= commons.quorum:
                        break
                    self._ask_heads(question)
        finally:
            del self._heads[serial]
        return [HeadAnswer(witness, head) for witness, head in sorted(question.answers.items())]

    def _ask_heads(self, question: _HeadQuestion, only: str | None = None) -> None:
        """Ask the witnesses that have not answered, or of them only the peer `only`."""
        for index, (key, ask) in enumerate(zip(self._door.ledger.commons.witnesses, question.asks, strict=True)):
            if index in question.answers:
                continue
            if self._witnessing is None or index != self._witnessing.index:
                peers = self._exchange.neighbours.witnesses((key,))
                self._exchange.send_all([peer for peer in peers if only in (None, peer)], ask)
            elif (head := self._witnessing.head(ask)) is not None:
                question.answers[index] = head

    def _on_link_up(self, peer: str) -> None:
        """Whoever asks right after a start does not wait for what could not be sent then."""
        for question in list(self._heads.values()):
            self._ask_heads(question, only=peer)

    def _on_head(self, peer: str, head: Head) -> None:
        question = self._heads.get(head.serial)
        neighbour = self._exchange.neighbours.get(peer)
        keys = self._door.ledger.commons.witnesses
        if question is not None and neighbour is not None and neighbour.hello.witness in keys:
            question.answers[keys.index(neighbour.hello.witness)] = head
            question.changed.set()

    # Decisions

    async def decide(self, signed: SignedEntry, timeout_s: float, evidence: Certificate | None = None) -> Deciding:
        """Bring an entry of account 0, with the ballots of its round, to its decision.

        Returns the machine: `certificate` is set and durable here when it was decided; else it is hopeless in this
        round, or was overtaken, or the time is over, and the machine says which.
        """
        commons = self._door.ledger.commons
        deciding = Deciding(
            commons.community,
            signed,
            commons.epoch,
            commons.witnesses,
            commons.quorum,
            commons.stewards(),
            evidence,
        )
        self._serial += 1
        serial = (1 << 40) + self._serial  # apart from the submitter's, which share the Answer message
        self._decisions[serial] = deciding
        try:
            with trio.move_on_after(timeout_s):
                while deciding.certificate is None and not (deciding.is_hopeless or deciding.is_overtaken):
                    moved = self._moved  # before asking: this node's own witness answers at once
                    self._ask_decision(serial, deciding)
                    with trio.move_on_after(ASK_AGAIN_S):
                        await moved.wait()
        finally:
            del self._decisions[serial]
        if deciding.certificate is not None:
            bundle = Bundle((signed,), (deciding.certificate,))
            await self._door.submit(bundle)
            self._exchange.send_all(self._exchange.neighbours, Deliver(0, bundle))
        return deciding

    def _ask_decision(self, serial: int, deciding: Deciding) -> None:
        keys = self._door.ledger.commons.witnesses
        unanswered = deciding.unanswered
        request = deciding.request(serial)
        self._exchange.send_all(self._exchange.neighbours.witnesses(keys[index] for index in unanswered), request)
        if self._witnessing is None or self._witnessing.index not in unanswered:
            return
        if isinstance(request, AskCommit):
            self._witnessing.commit(request, self._hear_here)
        elif isinstance(request, Ballot):
            self._witnessing.ballot(request, self._hear_here)

    def _hear_here(self, answer: object) -> None:
        if isinstance(answer, Answer):
            self.hear(answer)

    def hear(self, answer: Answer) -> None:
        """Take a witness's answer to a Ballot or AskCommit; ask on at once when it completes the votes."""
        deciding = self._decisions.get(answer.serial)
        if deciding is None:
            return
        had_votes = deciding.votes is not None
        deciding.hear(answer.statement, answer.evidence)
        if deciding.certificate is not None or deciding.is_hopeless or had_votes != (deciding.votes is not None):
            self._wake()

    def _on_happening(self, happening: Happening) -> None:
        if isinstance(happening, Certified) and happening.certificate.place.account == 0:
            self._wake()

    def _wake(self) -> None:
        """Have every open decision look again."""
        self._moved.set()
        self._moved = trio.Event()
