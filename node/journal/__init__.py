"""The append-only record on disk: exact bytes of entries, certificates, votes and proofs. The truth.

The only place with the node's SQL. The ledger and the witness's memory follow from what is here and can be rebuilt
from it at any time; nothing that depends on a record may leave the node before `append` has returned. Beside it lies
the board.
"""

from .board import BoardStore, Change, DropRecord, DropRequest, KeepRecord, KeepRequest
from .connection import JournalFailed
from .store import Journal

__all__ = [
    "BoardStore",
    "Change",
    "DropRecord",
    "DropRequest",
    "Journal",
    "JournalFailed",
    "KeepRecord",
    "KeepRequest",
]
