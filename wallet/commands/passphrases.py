"""How a passphrase comes in: by prompt, by file or by descriptor, and never as an argument.

Arguments and the environment are visible to others and end up in histories; so none of them ever holds one.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from node.console.exits import USAGE
from wallet.client import CallFailed
from wallet.commands.session import Session

PASSPHRASE_BYTES_MAX = 1024


def passphrase_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add --passphrase-file and --passphrase-fd."""
    file = click.option(
        "--passphrase-file", metavar="FILE", help="Read the passphrase from a file, - for standard input."
    )
    descriptor = click.option("--passphrase-fd", type=click.IntRange(0), metavar="N", help="Read it from descriptor N.")
    return file(descriptor(function))


def given_passphrase(file: str | None, descriptor: int | None) -> str | None:
    """Read the passphrase that the options point to; None when they point to none. Raises CallFailed."""
    if file is not None and descriptor is not None:
        raise _unusable("Give --passphrase-file or --passphrase-fd, not both.")
    if file is None and descriptor is None:
        return None
    try:
        source: Path | int = descriptor if descriptor is not None else Path(file or "")
        with open(0 if file == "-" else source, "rb", closefd=False if file == "-" else True) as opened:
            content = opened.read(PASSPHRASE_BYTES_MAX + 1)
    except OSError as error:
        raise _unusable(f"The passphrase cannot be read: {os.strerror(error.errno or 0)}.") from None
    return _one_line(content)


def _one_line(content: bytes) -> str:
    if len(content) > PASSPHRASE_BYTES_MAX:
        raise _unusable(f"The passphrase is longer than {PASSPHRASE_BYTES_MAX} bytes.")
    try:
        passphrase = content.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise _unusable("The passphrase is not UTF-8 text.") from None
    if not passphrase or "\n" in passphrase:
        raise _unusable("The passphrase must be one line.")
    return passphrase


def asked_passphrase(session: Session) -> str:
    """Ask for a passphrase once. Raises CallFailed where nobody can be asked."""
    require_somebody(session)
    return session.terminal.secret("Passphrase")


def asked_new_passphrase(session: Session) -> str | None:
    """Ask for a new passphrase twice; empty is none. Raises CallFailed when the two differ."""
    require_somebody(session)
    first = session.terminal.secret("New passphrase (empty for none)")
    if first and session.terminal.secret("The same again") != first:
        raise _unusable("The two passphrases differ.")
    return first or None


def new_passphrase(session: Session, given: str | None) -> str | None:
    """The passphrase of the new keystore; None only when a person chose to have none."""
    if given is not None:
        return given
    if not session.terminal.can_ask:
        raise CallFailed(
            "needs_passphrase", "Nobody can be asked here for the passphrase.", exit_status=USAGE,
            next="Use --passphrase-file FILE, --passphrase-fd N or --no-passphrase.",
        )  # fmt: skip
    return asked_new_passphrase(session)


def require_somebody(session: Session) -> None:
    """Raise CallFailed where nobody can be asked."""
    if not session.terminal.can_ask:
        raise CallFailed(
            "needs_passphrase", "Nobody can be asked here for the passphrase.", exit_status=USAGE,
            next="Use --passphrase-file FILE or --passphrase-fd N.",
        )  # fmt: skip


def forbid_core_dumps() -> None:
    """Keys are about to be in this process's memory; a crash must not put them on the disk."""
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _unusable(message: str) -> CallFailed:
    return CallFailed("bad_passphrase", message, exit_status=USAGE)
