"""What a replay asks of the home that holds a row's payer, by the control pipe: pay it, and tell what it agrees with.

Runs in the child, over its wallet: a row goes through signer, book, door, witnesses and certificate like any payment.
Accounts are numbers here, because a home holds thousands. Amounts are in minor units.
"""

import resource

from node.standing import Standing
from protocol.base import AccountId
from protocol.entry import SignedEntry, read_signed
from protocol.payment import read_payment_id
from wallet.errors import Limit
from wallet.results import Payment
from wallet.up import Up

from .pipe import ChildRefused, Fields

FINAL_S = 20.0
SEEN_S = 0.25
"""How long the payee's node is given to acknowledge a final payment, before it is asked."""


class RowOrders:
    """The orders of a replay."""

    def __init__(self, up: Up) -> None:
        self._wallet = up.wallet
        self._node = up.node

    async def row(self, fields: Fields) -> Fields:
        """Make one row's payment; `seen` tells whether its payee's node is known to hold it.

        Raises WalletError when the rules refuse it, and Timeout when it is signed but not final in time.
        """
        try:
            made = await self._pay(fields)
        except Limit:
            # One entry takes in some dozens of payers; a popular account may have more in flight than that.
            if not await self._take_in(AccountId(fields["payer"]), fields["amount"]):
                raise
            made = await self._pay(fields)
        signed = self._node.journal.by_id(read_payment_id(made.id).entry)
        return {"id": made.id, "seen": signed is not None and await self._is_seen(signed)}

    async def _is_seen(self, signed: SignedEntry) -> bool:
        place = signed.account, signed.seq, signed.id
        return await self._node.wait_for(*place, Standing.SEEN, SEEN_S) is Standing.SEEN

    async def _pay(self, fields: Fields) -> Payment:
        return await self._wallet.pay(
            AccountId(fields["payer"]), AccountId(fields["payee"]), fields["amount"],
            note=fields["memo"] or None, ref=fields["ref"], wait="final", timeout_s=fields["timeout_s"],
        )  # fmt: skip

    async def _take_in(self, account: AccountId, amount: int) -> bool:
        """Take in all that is in flight, if with it `amount` can be paid."""
        if self._wallet.balance(account).spendable < amount:
            return False
        return (await self._wallet.receive(account, timeout_s=FINAL_S)).entries > 0

    async def holds(self, fields: Fields) -> Fields:
        """Tell whether a payment is final at this node."""
        id = read_payment_id(fields["id"])
        signed = self._node.journal.by_id(id.entry)
        chain = None if signed is None else self._node.ledger.chain(signed.account)
        return {"final": signed is not None and chain is not None and chain.final_seq >= signed.seq}

    async def decide(self, fields: Fields) -> Fields:
        """Have an entry of account 0 decided, unless it is."""
        signed = read_signed(bytes.fromhex(fields["signed"]))
        if signed.seq > self._node.ledger.commons.height:
            deciding = await self._node.decide(signed)
            if deciding.certificate is None:
                raise ChildRefused("undecided", f"entry {signed.seq} of account 0 was not decided", {})
        return {}

    async def agreement(self, _: Fields) -> Fields:
        """Say what must be the same everywhere: the height, the state root, the sum of all."""
        ledger = self._node.ledger
        return {"height": ledger.commons.height, "root": ledger.state_root().hex(), "sum": ledger.check_sum()}

    async def all_balances(self, _: Fields) -> Fields:
        """List every member's balance as [number, balance]."""
        ledger = self._node.ledger
        return {"balances": [(number, ledger.balance(number)) for number in ledger.commons.members]}

    async def usage(self, _: Fields) -> Fields:
        """Say how much CPU time this process has used, in seconds."""
        used = resource.getrusage(resource.RUSAGE_SELF)
        return {"cpu_s": used.ru_utime + used.ru_stime}
