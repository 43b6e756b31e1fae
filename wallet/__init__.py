"""A person's side: keys, the one signer, the command `tally`, the HTTP API; and the wallet for scripts in Python.

    import wallet

    with wallet.open("~/.local/share/tallystick") as me:
        me.pay("@bob", "2.50", memo="bread")

`connect` (async) and `open` are those of `wallet.scripting`; `wallet.Limit` and all others of `wallet.errors` are the
exceptions. Nothing is loaded before it is asked for, because every command imports this.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .errors import *  # noqa: F403
    from .scripting import connect, open
    from .scripting.asynchronous import AsyncWallet
    from .scripting.blocking import BlockingWallet

__all__ = ["AsyncWallet", "BlockingWallet", "connect", "open"]

_PLACES = {
    "connect": "wallet.scripting",
    "open": "wallet.scripting",
    "AsyncWallet": "wallet.scripting.asynchronous",
    "BlockingWallet": "wallet.scripting.blocking",
}


def __getattr__(name: str) -> Any:
    """Load what a script uses; whatever else has a capital is an exception of `wallet.errors`."""
    if name in _PLACES:
        return getattr(import_module(_PLACES[name]), name)
    if name[:1].isupper():
        found = getattr(import_module("wallet.errors"), name, None)
        if isinstance(found, type) and issubclass(found, Exception):
            return found
    raise AttributeError(f"module 'wallet' has no attribute {name!r}")
