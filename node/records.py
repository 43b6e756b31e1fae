"""What a node remembers for ever: one frozen dataclass a kind of record.

The journal writes them in the order given and gives them back in that order. They say nothing about how they lie
on the disk, and hold nothing secret.
"""

from dataclasses import dataclass

from protocol.base import PublicKey
from protocol.entry import SignedEntry
from protocol.statements import Certificate, ForkProof, Mark, Vote


@dataclass(frozen=True, slots=True)
class EntryRecord:
    """An entry that the ledger applied. Where it attaches below its chain's head, what stood above was rewound."""

    signed: SignedEntry


@dataclass(frozen=True, slots=True)
class CertificateRecord:
    """A certificate that the ledger took, after the entry that it is for."""

    certificate: Certificate


@dataclass(frozen=True, slots=True)
class VoteRecord:
    """This witness's own vote or commit: what it must never contradict."""

    vote: Vote


@dataclass(frozen=True, slots=True)
class MarkRecord:
    """A witness's statement of the numbers it may have used: this one's (`own`), or another's that is kept for it."""

    mark: Mark
    own: bool


@dataclass(frozen=True, slots=True)
class BallotRecord:
    """A candidate for the open place of account 0, with its ballots, that this witness votes for or keeps."""

    signed: SignedEntry


@dataclass(frozen=True, slots=True)
class RoundRecord:
    """The q votes of one round of account 0 on which this witness committed (PROTOCOL-RULES 8)."""

    evidence: Certificate


@dataclass(frozen=True, slots=True)
class ForkRecord:
    """Proof that an authority signed twice for one place."""

    proof: ForkProof


@dataclass(frozen=True, slots=True)
class RivalRecord:
    """An entry for a place that another one has taken, kept as evidence. Who appends it bounds how many."""

    signed: SignedEntry


@dataclass(frozen=True, slots=True)
class DeadRecord:
    """This witness key never votes again, and why (PROTOCOL-RULES 11)."""

    reason: str


@dataclass(frozen=True, slots=True)
class WitnessRecord:
    """This store is the memory of that witness key. A key without it has lost its memory and never votes."""

    key: PublicKey


Record = (
    EntryRecord
    | CertificateRecord
    | VoteRecord
    | MarkRecord
    | BallotRecord
    | RoundRecord
    | ForkRecord
    | RivalRecord
    | DeadRecord
    | WitnessRecord
)
