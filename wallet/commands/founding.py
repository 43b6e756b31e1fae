"""The command that founds a community: init."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from node.exits import USAGE
from wallet.client import CallFailed
from wallet.commands.keys import plain_failure
from wallet.commands.passphrases import asked_new_passphrase, forbid_core_dumps, given_passphrase, passphrase_options
from wallet.commands.session import Session, command

if TYPE_CHECKING:
    from wallet.founding import Founded


@command("init")
@click.option("--community", required=True, metavar="NAME", help="What the community is called.")
@click.option("--unit", required=True, help="What amounts are counted in, such as hours.")
@click.option("--decimals", type=click.IntRange(0, 6), default=2, show_default=True, help="Digits behind the point.")
@click.option("--limit", default="0", show_default=True, metavar="AMOUNT", help="How far below zero you may go.")
@click.option("--handle", metavar="NAME", help="What you are called in the community; else your login name.")
@passphrase_options
@click.option("--no-passphrase", is_flag=True, help="Leave the keys open to whoever can read your files.")
def init(session: Session, community: str, unit: str, decimals: int, limit: str, handle: str | None,
         passphrase_file: str | None, passphrase_fd: int | None, no_passphrase: bool) -> None:  # fmt: skip
    """Found a community: you are its first member, its steward and its witness."""
    from wallet import founding  # loads the cryptography and the database
    from wallet.errors import WalletError
    from wallet.home import Home
    from wallet.money import parse_limit

    forbid_core_dumps()
    name = (handle or login_name()).removeprefix("@")
    try:
        limit_minor = parse_limit(limit, decimals)
        Home(session.home).require_unused()  # before anybody is asked for a passphrase in vain
        passphrase = None if no_passphrase else _passphrase(session, given_passphrase(passphrase_file, passphrase_fd))
        made = founding.found(
            session.home, community=community, unit=unit, decimals=decimals, limit=limit_minor, handle=name,
            passphrase=passphrase,
        )  # fmt: skip
    except WalletError as error:
        raise plain_failure(error) from None
    _tell(session, made, community, name, is_open=passphrase is None)


def _passphrase(session: Session, given: str | None) -> str | None:
    """The passphrase of the new keystore; None only when a person chose to have none."""
    if given is not None:
        return given
    if not session.terminal.can_ask:
        raise CallFailed(
            "needs_passphrase", "Nobody can be asked here for the passphrase.", exit_status=USAGE,
            next="Use --passphrase-file FILE, --passphrase-fd N or --no-passphrase.",
        )  # fmt: skip
    return asked_new_passphrase(session)


def login_name() -> str:
    """What this user is called by the system, as far as it can be a handle."""
    letters = [letter for letter in (os.environ.get("USER") or Path.home().name).lower()]
    return "".join(letter for letter in letters if letter.isascii() and (letter.isalnum() or letter == "-"))


def _tell(session: Session, made: "Founded", community: str, name: str, *, is_open: bool) -> None:
    from protocol.payment import community_text

    content = {
        "community": community_text(made.community),
        "name": community,
        "handle": name,
        "account": made.members[name],
        "home": str(session.home),
        "passphrase": not is_open,
    }
    session.terminal.answer(
        content,
        [f"{community} is founded; you are @{name}, its first member, steward and witness", f"home: {session.home}"],
    )
    if is_open:
        session.terminal.warn("no passphrase guards the keys: whoever can read your files can pay in your name")
    session.terminal.hint("Write down the words that `tally words` shows, then start with `tally up --detach`.")
