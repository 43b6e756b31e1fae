"""Witnesses for the tests: one at work over a ledger, and what its journal would bring back."""

from protocol.base import MARK_BLOCK
from protocol.budget import Budget
from protocol.decisions import Denied, Voted
from protocol.ledger import Ledger
from protocol.memory import WitnessMemory
from protocol.statements import Vote
from protocol.witness import Decision, Witness
from tests.builders import Town


def open_memory() -> WitnessMemory:
    """An empty memory with one block of numbers that may be used."""
    memory = WitnessMemory()
    memory.mark_below = memory.open_below = MARK_BLOCK
    return memory


def seat(town: Town, ledger: Ledger, index: int = 0, memory: WitnessMemory | None = None,
         budget: Budget | None = None) -> Witness:  # fmt: skip
    """The town's witness `index` at work over this ledger."""
    return Witness(town.witnesses[index], ledger, memory or open_memory(), budget or Budget())


def fresh(decision: Decision) -> Vote:
    """The vote of a decision that must be a new one."""
    assert isinstance(decision, Voted), decision
    assert decision.fresh
    return decision.vote


def denied(decision: Decision) -> Denied:
    """A decision that must be a refusal."""
    assert isinstance(decision, Denied), decision
    return decision


def footprint(memory: WitnessMemory) -> tuple[object, ...]:
    """All that a refusal must leave as it was."""
    return (
        memory.next_number, memory.mark_below, memory.dead, dict(memory.locks), dict(memory.standings),
        dict(memory.evidence), dict(memory.candidates),
    )  # fmt: skip
