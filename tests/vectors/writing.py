"""How a story is written down: steps with the verdict that they must get, put there by hand and not by the ledger."""

from dataclasses import dataclass, field
from typing import Any

from protocol import codec
from protocol.base import AccountId, Amount
from protocol.entry import SignedEntry
from protocol.ops import Note, Send
from protocol.statements import Certificate
from tests.builders import Town

from .replaying import ACCEPTED, MALFORMED, Outcome, Replay


def send(to: int, amount: int, note: Note = None) -> Send:
    """The op send, of any numbers at all."""
    return Send(AccountId(to), Amount(amount), note)


@dataclass(frozen=True, slots=True)
class Step:
    """Bytes of one kind, the rule that they turn on, and what must become of them."""

    name: str
    rule: str
    kind: str
    raw: bytes
    outcome: Outcome

    def shown(self) -> dict[str, Any]:
        verdict, code = self.outcome
        return {
            "name": self.name,
            "rule": self.rule,
            "kind": self.kind,
            "bytes": self.raw.hex(),
            "verdict": verdict,
            "code": code,
        }


@dataclass
class Story:
    """One community and what is given to its ledger, in order."""

    name: str
    about: str
    town: Town
    steps: list[Step] = field(default_factory=list)
    begins_founded: bool = True
    """Whether the founding entry is the first step, as in all stories but the one about the founding."""

    def __post_init__(self) -> None:
        if self.begins_founded:
            self.found("the founding entry")

    def found(self, name: str, outcome: Outcome = ACCEPTED) -> None:
        """Give the founding entry."""
        self.step(name, "R4.1", "entry", self.town.founding.encode(), outcome)

    def step(self, name: str, rule: str, kind: str, raw: bytes, outcome: Outcome = ACCEPTED) -> None:
        """Add any step."""
        self.steps.append(Step(name, rule, kind, raw, outcome))

    def entry(self, name: str, rule: str, signed: SignedEntry, outcome: Outcome = ACCEPTED) -> SignedEntry:
        """Give an entry."""
        self.step(name, rule, "entry", signed.encode(), outcome)
        return signed

    def refused(self, name: str, rule: str, signed: SignedEntry, code: str) -> None:
        """Give an entry that breaks a rule."""
        self.entry(name, rule, signed, ("refused", code))

    def waiting(self, name: str, rule: str, signed: SignedEntry, need: str) -> None:
        """Give an entry that cannot be judged yet."""
        self.entry(name, rule, signed, ("waiting", need))

    def malformed(self, name: str, rule: str, raw: bytes, kind: str = "entry") -> None:
        """Give bytes that nobody would have written."""
        self.step(name, rule, kind, raw, MALFORMED)

    def certificate(self, name: str, rule: str, certificate: Certificate, outcome: Outcome = ACCEPTED) -> None:
        """Give a certificate."""
        self.step(name, rule, "certificate", certificate.encode(), outcome)

    def final(self, name: str, rule: str, signed: SignedEntry) -> SignedEntry:
        """Give an entry and its certificate."""
        self.entry(name, rule, signed)
        self.certificate(f"its certificate: {name}", "R7.3", self.town.certificate(signed))
        return signed

    def decided(
        self, name: str, rule: str, signed: SignedEntry, certificate: Certificate, outcome: Outcome = ACCEPTED
    ) -> None:
        """Give an entry of account 0 with its certificate."""
        self.step(name, rule, "decided", codec.encode((signed.encode(), certificate.encode())), outcome)

    def decide(self, name: str, rule: str, *ops: Any) -> SignedEntry:
        """Write the next entry of account 0 and give it, decided."""
        signed, certificate = self.town.decide(*ops)
        self.decided(name, rule, signed, certificate)
        return signed

    def candidate(self, name: str, rule: str, signed: SignedEntry, code: str | None = None) -> None:
        """Give an entry of account 0 to be judged only."""
        self.step(name, rule, "candidate", signed.encode(), ACCEPTED if code is None else ("refused", code))

    def open(self, *names: str) -> None:
        """Let these members open their accounts, finally."""
        for name in names:
            self.final(f"{name} opens", "R3.8", self.town.open(name))

    def shown(self) -> dict[str, Any]:
        """The story as it stands in its file, with the state that a right ledger ends in."""
        replay = Replay()
        for number, step in enumerate(self.steps):
            got = replay.step(step.kind, step.raw)
            if got != step.outcome:
                raise AssertionError(f"{self.name} step {number}, {step.name!r}: {step.outcome} was written, got {got}")
        return {
            "name": self.name,
            "about": self.about,
            "community": {"id": self.town.community.hex(), "founding": self.town.founding.encode().hex()},
            "steps": [step.shown() for step in self.steps],
            "balances": replay.balances(),
            "root": replay.ledger.state_root().hex(),
        }
