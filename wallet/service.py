"""The wallet of one home, over a node in the same process: the only thing that signs for its accounts.

Signatures first; the bodies follow within the hour.
"""

from collections.abc import Sequence

import trio

from protocol.base import AccountId

from .home import Home
from .port import NodePort
from .results import Balance, Community, HistoryRow, Member, Payment, Received, Wait

WAIT_S = 30.0
"""How long a payment waits for its state when nobody says otherwise."""


class Wallet:
    """Pays, receives and shows for the accounts of one home. Errors are those of `wallet.errors`."""

    home: Home
    node: NodePort

    @property
    def locked(self) -> bool: ...
    async def unlock(self, passphrase: str | None) -> None: ...
    def lock(self) -> None: ...
    async def words(self, passphrase: str | None) -> list[str]: ...

    def community(self) -> Community: ...
    def accounts(self) -> Sequence[AccountId]:
        """The accounts of this wallet, ascending."""
        ...

    def own_account(self, handle: str | None) -> AccountId:
        """The account meant by --as: that handle ("@ana" or "ana"), else the first of the wallet."""
        ...

    def find(self, who: str) -> AccountId:
        """The account of "@bob", "bob" or "17" ("@commons" and "0" are the commons)."""
        ...

    async def pay(
        self,
        account: AccountId,
        payee: AccountId,
        amount: int,
        *,
        note: str | None = None,
        sealed: bool = False,
        ref: str | None = None,
        wait: Wait = "final",
        timeout_s: float = WAIT_S,
    ) -> Payment: ...
    async def receive(self, account: AccountId, *, wait: Wait = "final", timeout_s: float = WAIT_S) -> Received: ...
    async def refund(self, payment_id: str, *, wait: Wait = "final", timeout_s: float = WAIT_S) -> Payment: ...
    def balance(self, account: AccountId) -> Balance: ...
    def history(self, account: AccountId, limit: int = 50) -> list[HistoryRow]:
        """Newest first."""
        ...

    def members(self) -> list[Member]: ...
    def show(self, payment_id: str) -> Payment: ...


async def run_wallet(
    home: Home, node: NodePort, *, task_status: trio.TaskStatus[Wallet] = trio.TASK_STATUS_IGNORED
) -> None:
    """Open the wallet of `home`, hand in again what is signed and not final, and serve until cancelled."""
