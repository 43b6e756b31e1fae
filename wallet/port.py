"""What the wallet needs of a running node, and nothing more. `node.service.Node` fits it; tests use one in memory.

The wallet hands signed bytes in by the same door as everybody else; nothing here carries a secret.
"""

from collections.abc import Iterable, Sequence
from typing import Protocol

from node.standing import Standing
from protocol.base import AccountId, EntryId, Signature
from protocol.entry import SignedEntry
from protocol.ledger import Ledger
from protocol.messages import Head
from protocol.verdict import Verdict


class EntryShelf(Protocol):
    """Reads of the journal: exact entries by place and by id, also such as were rewound since."""

    def entries(self, account: AccountId, incarnation: int, first: int, last: int) -> Sequence[SignedEntry]: ...

    def by_id(self, id: EntryId) -> SignedEntry | None: ...


class NodePort(Protocol):
    """A node in the same process."""

    @property
    def ledger(self) -> Ledger: ...

    @property
    def journal(self) -> EntryShelf: ...

    def host(self, accounts: Iterable[AccountId]) -> None:
        """Tell the others that the wallets of these accounts live here, so that payments to them are acknowledged."""
        ...

    def check_open(self) -> None:
        """Raise `node.tickets.DoorClosed` when nothing can be recorded any more, so that nothing is signed."""
        ...

    async def pay_in(self, signed_raw: bytes, instance: bytes = b"") -> Verdict:
        """Hand in one signed entry; it goes to the witnesses by itself. Durable when this returns, unless `instance`
        is named: the nonce under whose lease it was signed.

        Whoever names one keeps the bytes and hands them in again after a crash; while another instance holds the
        lease, no witness votes for it. Raises `node.tickets.DoorClosed` when the record could not be kept.
        """
        ...

    async def wait_for(self, account: AccountId, seq: int, id: EntryId, wanted: Standing, timeout_s: float) -> Standing:
        """Wait until the entry is `wanted` (final or seen) or further, at most `timeout_s` or until it never can be.

        Returns where it stands then.
        """
        ...

    async def ask_heads(
        self, account: AccountId, instance: bytes, previous: bytes, signatures: Sequence[Signature]
    ) -> Sequence[Head]:
        """Ask all witnesses what they hold of the account, and for the lease; the answers that came in time.

        `signatures` has one for each witness, in their order: each is asked by name.
        """
        ...

    def final_on_disk(self, account: AccountId) -> int:
        """The seq up to which the account's entries are final on this node's disk, or -1: their bytes are safe."""
        ...

    def state_of(self, account: AccountId, seq: int, id: EntryId) -> Standing:
        """Tell where the entry stands."""
        ...
