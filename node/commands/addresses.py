"""The options --listen and --announce: where a node listens, and where others reach it. What is said stays."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from node.console.client import CallFailed, running_pid
from node.console.exits import USAGE


def address_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add --listen and --announce."""
    listen = click.option(
        "--listen", metavar="HOST[:PORT]", help="Where to listen for other nodes; 0.0.0.0 is everywhere, none nowhere."
    )
    announce = click.option(
        "--announce",
        metavar="HOST:PORT",
        multiple=True,
        help="Where others reach this node; may be given several times.",
    )
    return listen(announce(function))


def take_addresses(home: Path, listen: str | None, announce: Sequence[str]) -> None:
    """Write down what was said, if anything. Raises CallFailed, and then nothing is changed."""
    if listen is None and not announce:
        return
    from node.addresses import NotAnAddress
    from node.config import settle_addresses
    from node.filesystem import StoreRefused

    if (pid := running_pid(home)) is not None:
        raise CallFailed(
            "already_running", f"A node is running in {home} already.", facts={"pid": pid},
            next="Stop it first: it keeps the addresses with which it started.",
        )  # fmt: skip
    try:
        settle_addresses(home, listen, announce)
    except NotAnAddress as error:
        raise CallFailed("bad_address", f"{error}.", exit_status=USAGE, next="Nothing was changed.") from None
    except StoreRefused as error:
        raise CallFailed("store_refused", f"{error.facts}.", next=f"{error.next_step}.") from None
