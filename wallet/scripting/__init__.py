"""The wallet from Python: `wallet.connect` for scripts with async and await, `wallet.open` for notebooks.

    questions   what can be asked, as plain descriptions; answers: the values that come back
    wire        where the wallet is, what a failure means, how a stream of events is read
    asynchronous, blocking   the two shells that send and wait

Speaks to the running node over loopback HTTP, as the command does; signs nothing, reads no file but HOME/run/api.json.
"""

from os import PathLike
from pathlib import Path

from ..commands.session import default_home
from ..errors import TokenWrong
from .asynchronous import AsyncWallet
from .blocking import BlockingWallet

Home = str | PathLike[str] | None


def connect(home: Home = None, *, token: str | None = None) -> AsyncWallet:
    """The running wallet of `home`, for `async with`; None is the home of the command (TALLY_HOME).

    `token` is one made with `tally token`, for a script that may do less than everything. Raises TokenWrong for words
    that are none; empty ones, such as those of a variable that was never set, do not open everything.
    """
    return AsyncWallet(_folder(home), _one_line(token))


def open(home: Home = None, *, token: str | None = None) -> BlockingWallet:
    """As `connect`, and without async and await: each call returns when it is answered."""
    return BlockingWallet(_folder(home), _one_line(token))


def _one_line(token: str | None) -> str | None:
    """A token without the line end that its file has."""
    given = None if token is None else token.strip()
    if given is not None and not (given and given.isascii() and given.isprintable() and " " not in given):
        raise TokenWrong("That is no token.")
    return given


def _folder(home: Home) -> Path:
    return default_home() if home is None else Path(home).expanduser()
