"""A witness's memory, from the journal and back: which records its decisions become, and what they mean at a start."""

from protocol.decisions import Voted
from protocol.fence import Keeper
from protocol.memory import WitnessMemory

from .journal import Journal
from .records import (
    BallotRecord,
    CertificateRecord,
    DeadRecord,
    MarkRecord,
    Record,
    RoundRecord,
    VoteRecord,
    WitnessRecord,
)


def remember(journal: Journal, memory: WitnessMemory, keeper: Keeper, own: bytes) -> None:
    """Fill a witness's memory, and what it keeps of others, from all that was ever recorded."""
    own_kinds = VoteRecord, MarkRecord, BallotRecord, RoundRecord, CertificateRecord, DeadRecord
    for _, record in journal.replay(*own_kinds):
        match record:
            case VoteRecord(vote):
                memory.keep(vote)
            case MarkRecord(mark, True):
                memory.keep_mark(mark)
            case MarkRecord(mark, False):
                keeper.keep(mark)
            case BallotRecord(signed):
                memory.keep_candidate(signed)
            case RoundRecord(evidence):
                memory.keep_evidence(evidence)
            case CertificateRecord(certificate):
                keeper.saw(certificate)
            case DeadRecord(reason):
                memory.dead = reason
    if not any(record.key == own for record in journal.notes(WitnessRecord)):
        memory.dead = "the store that was made together with this key is not here"


def records_of(voted: Voted) -> list[Record]:
    """What must be durable before a fresh vote leaves, in the order in which it is read back."""
    beside: list[Record] = [BallotRecord(signed) for signed in voted.beside.entries]
    evidence: list[Record] = [RoundRecord(votes) for votes in voted.beside.certificates]
    return [*beside, *evidence, VoteRecord(voted.vote)]
