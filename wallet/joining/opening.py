"""Opens the account of a home that joined, by itself: its first entry, as soon as the wallet may sign.

From then on the account answers to its own chain. What is signed is kept and handed in again by the wallet and its node
as any entry is; a payment that comes first opens the account as well. Founders' accounts are left to their first
payment.
"""

import logging

import trio

from ..errors import WalletError
from ..home import Home
from ..service import Wallet
from .kept import finish

logger = logging.getLogger("tallystick.wallet")

OPEN_TIMEOUT_S = 30.0
FIRST_PAUSE_S = 0.5
PAUSE_GROWTH = 1.5
PAUSE_MAX_S = 15.0


async def open_joined(home: Home, wallet: Wallet) -> None:
    """See to it that the account which joined is open and final; returns then, or at once for any other home."""
    pause_s = FIRST_PAUSE_S
    while home.joined.exists():
        (account,) = wallet.accounts()
        if wallet.node.final_on_disk(account) >= 0:
            finish(home)
            logger.info("account %s is open", account)
            return
        if wallet.node.ledger.chain(account) is None:
            await wallet.wait_unlocked()
            try:
                await wallet.open_account(account, OPEN_TIMEOUT_S)
            except WalletError as error:
                logger.info("account %s cannot be opened yet: %s", account, error.message)
        await trio.sleep(pause_s)
        pause_s = min(PAUSE_MAX_S, pause_s * PAUSE_GROWTH)
