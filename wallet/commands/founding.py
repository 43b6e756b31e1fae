"""The command that makes a home: init. It founds a community, or with --join asks to be admitted to one (`joining`)."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from node.commands.addresses import address_options, take_addresses
from wallet.commands.hosting import found_with, read_card
from wallet.commands.keys import plain_failure
from wallet.commands.passphrases import forbid_core_dumps, given_passphrase, new_passphrase, passphrase_options
from wallet.commands.session import Session, command

if TYPE_CHECKING:
    from protocol.host_card import HostCard
    from wallet.founding import Founded


@command("init", examples=(
    'tally init --community "Oak Street" --unit hours --limit 20 --handle ana',
    'tally init --community "Oak Street" --unit hours --handle ana --witness card1...',
    'tally init --join invite1... --handle dora --greeting "I repair bicycles"',
))  # fmt: skip
@click.option("--community", metavar="NAME", help="Found a community that is called so.")
@click.option("--unit", help="What amounts are counted in, such as hours.")
@click.option("--decimals", type=click.IntRange(0, 6), help="Digits behind the point.  [default: 2]")
@click.option("--limit", metavar="AMOUNT", help="How far below zero you may go.  [default: 0]")
@click.option(
    "--witness", "witnesses", metavar="CARD", multiple=True, help="A host that is a witness: its card, or a file."
)
@click.option("--quorum", type=click.IntRange(1, 16), help="How many witnesses make a payment final.")
@click.option("--not-me", is_flag=True, default=None, help="Leave this node out of the witnesses.")
@address_options
@click.option("--join", "invite", metavar="INVITE", help="Join a community: an invite, a file with one, - for input.")
@click.option("--greeting", metavar="TEXT", help="What the stewards read beside your request to join.")
@click.option("--handle", metavar="NAME", help="What you are called in the community; else your login name.")
@passphrase_options
@click.option("--no-passphrase", is_flag=True, help="Leave the keys open to whoever can read your files.")
def init(session: Session, community: str | None, unit: str | None, decimals: int | None, limit: str | None,
         witnesses: tuple[str, ...], quorum: int | None, not_me: bool | None, listen: str | None,
         announce: tuple[str, ...], invite: str | None, greeting: str | None, handle: str | None,
         passphrase_file: str | None, passphrase_fd: int | None, no_passphrase: bool) -> None:  # fmt: skip
    """Found a community, or join one by an invite.

    Who founds one is its first member, its steward and its witness; with --witness, hosts are witnesses beside it.
    """
    name = (handle or login_name()).removeprefix("@")
    if invite is not None:
        require_none_of("--join", community=community, unit=unit, decimals=decimals, limit=limit,
                        witness=witnesses or None, quorum=quorum, not_me=not_me)  # fmt: skip
        from wallet.commands.joining import Wish, join

        wish = Wish(name, greeting or "", listen, announce, no_passphrase)
        return join(session, invite, wish, passphrase_file, passphrase_fd)
    require_none_of("--community", greeting=greeting)
    if community is None or unit is None:
        raise click.UsageError("Give --community NAME and --unit UNIT to found a community, or --join INVITE.")
    if not witnesses and (quorum is not None or not_me):
        raise click.UsageError("--quorum and --not-me go with --witness CARD.")
    passphrase = given_passphrase(passphrase_file, passphrase_fd)
    hosts = Hosts(tuple(map(read_card, witnesses)), quorum, not not_me)
    _found(session, Said(community, unit, 2 if decimals is None else decimals, limit or "0", name), hosts, listen,
           announce, passphrase, no_passphrase=no_passphrase)  # fmt: skip


def require_none_of(chosen: str, **others: object) -> None:
    """Raise UsageError when options were given that mean nothing beside the chosen one."""
    given = [name for name, value in others.items() if value is not None]
    if given:
        raise click.UsageError(f"--{given[0]} means nothing with {chosen}.")


@dataclass(frozen=True, slots=True)
class Said:
    """What was said of the community."""

    community: str
    unit: str
    decimals: int
    limit: str
    handle: str


@dataclass(frozen=True, slots=True)
class Hosts:
    """What was said of its witnesses."""

    cards: "tuple[HostCard, ...]" = ()
    quorum: int | None = None
    is_witness: bool = True


def _found(session: Session, said: Said, hosts: Hosts, listen: str | None, announce: tuple[str, ...],
           given: str | None, *, no_passphrase: bool) -> None:  # fmt: skip
    from wallet.errors import WalletError
    from wallet.founding import Founder, Terms, found_together
    from wallet.home import Home
    from wallet.money import parse_limit

    forbid_core_dumps()
    try:
        terms = Terms(said.community, said.unit, said.decimals, parse_limit(said.limit, said.decimals))
        Home(session.home).require_unused()  # before anybody is asked for a passphrase in vain
        passphrase = None if no_passphrase else new_passphrase(session, given)
        take_addresses(session.home, listen, announce)
        if hosts.cards:
            made, facts, lines = found_with(
                session, terms, said.handle, hosts.cards, hosts.quorum, passphrase, is_witness=hosts.is_witness
            )
        else:
            founder = Founder(session.home, [said.handle], passphrase, True, True)
            made, facts, lines = found_together(terms, [founder], quorum=1), {}, []
    except WalletError as error:
        raise plain_failure(error) from None
    _tell(session, made, said, facts, [_you_are(said, hosts), *lines], is_open=passphrase is None)


def login_name() -> str:
    """What this user is called by the system, as far as it can be a handle."""
    letters = [letter for letter in (os.environ.get("USER") or Path.home().name).lower()]
    return "".join(letter for letter in letters if letter.isascii() and (letter.isalnum() or letter == "-"))


def _you_are(said: Said, hosts: Hosts) -> str:
    parts = "member, steward and witness" if hosts.is_witness else "member and steward"
    return f"{said.community} is founded; you are @{said.handle}, its first {parts}"


def _tell(session: Session, made: "Founded", said: Said, facts: dict[str, Any], lines: list[str], *,
          is_open: bool) -> None:  # fmt: skip
    from protocol.payment import community_text

    content = {
        "community": community_text(made.community),
        "name": said.community,
        "handle": said.handle,
        "account": made.members[said.handle],
        "home": str(session.home),
        "passphrase": not is_open,
        **facts,
    }
    session.terminal.answer(content, [*lines, f"home: {session.home}"])
    if is_open:
        session.terminal.warn("no passphrase guards the keys: whoever can read your files can pay in your name")
    session.terminal.hint("Write down the words that `tally words` shows, then start with `tally up --detach`.")
