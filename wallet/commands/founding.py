"""The command that makes a home: init. It founds a community, or with --join asks to be admitted to one (`joining`)."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wallet.commands.keys import plain_failure
from wallet.commands.passphrases import forbid_core_dumps, given_passphrase, new_passphrase, passphrase_options
from wallet.commands.session import Session, command

if TYPE_CHECKING:
    from wallet.founding import Founded


@command("init")
@click.option("--community", metavar="NAME", help="Found a community that is called so.")
@click.option("--unit", help="What amounts are counted in, such as hours.")
@click.option("--decimals", type=click.IntRange(0, 6), help="Digits behind the point.  [default: 2]")
@click.option("--limit", metavar="AMOUNT", help="How far below zero you may go.  [default: 0]")
@click.option("--join", "invite", metavar="INVITE", help="Join a community: an invite, a file with one, - for input.")
@click.option("--greeting", metavar="TEXT", help="What the stewards read beside your request to join.")
@click.option("--handle", metavar="NAME", help="What you are called in the community; else your login name.")
@passphrase_options
@click.option("--no-passphrase", is_flag=True, help="Leave the keys open to whoever can read your files.")
def init(session: Session, community: str | None, unit: str | None, decimals: int | None, limit: str | None,
         invite: str | None, greeting: str | None, handle: str | None, passphrase_file: str | None,
         passphrase_fd: int | None, no_passphrase: bool) -> None:  # fmt: skip
    """Found a community, or join one by an invite.

    Who founds one is its first member, its steward and its witness.
    """
    name = (handle or login_name()).removeprefix("@")
    if invite is not None:
        require_none_of("--join", community=community, unit=unit, decimals=decimals, limit=limit)
        from wallet.commands.joining import join

        return join(session, invite, name, greeting or "", passphrase_file, passphrase_fd, no_passphrase=no_passphrase)
    require_none_of("--community", greeting=greeting)
    if community is None or unit is None:
        raise click.UsageError("Give --community NAME and --unit UNIT to found a community, or --join INVITE.")
    passphrase = given_passphrase(passphrase_file, passphrase_fd)
    _found(session, community, unit, 2 if decimals is None else decimals, limit or "0", name, passphrase,
           no_passphrase=no_passphrase)  # fmt: skip


def require_none_of(chosen: str, **others: object) -> None:
    """Raise UsageError when options were given that mean nothing beside the chosen one."""
    given = [name for name, value in others.items() if value is not None]
    if given:
        raise click.UsageError(f"--{given[0]} means nothing with {chosen}.")


def _found(session: Session, community: str, unit: str, decimals: int, limit: str, name: str, given: str | None, *,
           no_passphrase: bool) -> None:  # fmt: skip
    from wallet import founding  # loads the cryptography and the database
    from wallet.errors import WalletError
    from wallet.home import Home
    from wallet.money import parse_limit

    forbid_core_dumps()
    try:
        limit_minor = parse_limit(limit, decimals)
        Home(session.home).require_unused()  # before anybody is asked for a passphrase in vain
        passphrase = None if no_passphrase else new_passphrase(session, given)
        made = founding.found(
            session.home, community=community, unit=unit, decimals=decimals, limit=limit_minor, handle=name,
            passphrase=passphrase,
        )  # fmt: skip
    except WalletError as error:
        raise plain_failure(error) from None
    _tell(session, made, community, name, is_open=passphrase is None)


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
