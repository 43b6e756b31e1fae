"""The commands that make a host and its card: init, card."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from node.commands.addresses import address_options
from node.commands.session import Session, command
from node.console.client import CallFailed
from node.console.commandline import DAY_S, Duration
from node.console.exits import USAGE

if TYPE_CHECKING:
    from protocol.host_card import HostCard

EXPIRES_MOST_S = 366 * DAY_S
EXPIRES = Duration(EXPIRES_MOST_S)


@command("init", examples=(
    "tally-node init --witness",
    "tally-node init --listen 0.0.0.0:4100 --announce 192.0.2.7:4100 --expires 7d",
))  # fmt: skip
@click.option("--witness", is_flag=True, help="Offer to vote: a community that names this host trusts it to be there.")
@address_options
@click.option(
    "--expires", type=EXPIRES, default="30d", show_default=True, metavar="TIME", help="How long the card is good."
)
def init(session: Session, witness: bool, listen: str | None, announce: tuple[str, ...], expires: float) -> None:
    """Make a host here, with keys of its own and of no member, and show its card.

    Without --listen it listens at every address of the computer, at a port that stays the same.
    """
    from node.hosting.home import make_host  # loads the cryptography and the database

    with plainly():
        card = make_host(
            session.home, witness=witness, listen=listen, announce=announce, expires=int(time.time() + expires)
        )
    _show(session, card, made=True)


@command("card", examples=("tally-node card", "tally-node card --new --expires 2d"))
@click.option("--new", is_flag=True, help="Make another one; the card before is void.")
@click.option(
    "--expires", type=EXPIRES, default="30d", show_default=True, metavar="TIME", help="How long a new one is good."
)
def card(session: Session, new: bool, expires: float) -> None:
    """Show this host's card again, or make a new one with a fresh one-time key.

    Once the host has its community, the card only says where it is reached now, for a steward's `tally hosts add`.
    """
    from node.hosting.home import address_card, is_waiting, new_card, renewed_card

    until = int(time.time() + expires)

    with plainly():
        waits = is_waiting(session.home)
        if not waits:
            shown = address_card(session.home, until)
        else:
            shown = new_card(session.home, until) if new else renewed_card(session.home)
    _show(session, shown, made=False, founded=not waits)


@contextmanager
def plainly() -> Iterator[None]:
    """Say what is wrong with a home or an address as a plain failure."""
    from node.filesystem import StoreRefused

    try:
        yield
    except StoreRefused as error:
        raise CallFailed("store_refused", f"{error.facts}.", next=f"{error.next_step}.") from None
    except ValueError as error:
        from node.addresses import NotAnAddress  # loads the protocol, which `status` does without

        if not isinstance(error, NotAnAddress):
            raise
        raise CallFailed("bad_address", f"{error}.", exit_status=USAGE, next="Nothing was changed.") from None


def _show(session: Session, shown: "HostCard", *, made: bool, founded: bool = False) -> None:
    facts = {**_facts(session, shown), "founded": founded}
    lines = [f"a host lies in {session.home}"] if made else []
    reached = ", ".join(facts["addresses"])
    session.terminal.answer(
        facts, [*lines, f"it serves as {', '.join(facts['roles'])}, reached at {reached}", str(shown)]
    )
    if facts["expired"]:
        session.terminal.warn("this card has expired: make another with `tally-node card --new`")
    if all(address.startswith(("127.", "[::1]")) for address in facts["addresses"]):
        session.terminal.hint("Only this computer can reach it: say --announce HOST:PORT where others do.")
    if founded:
        session.terminal.hint(
            "This host has its community. If it has moved, a steward runs `tally hosts add CARD` with this."
        )
        return
    session.terminal.hint("Whoever holds this card may name the community that this host serves, once: send it to the")
    session.terminal.hint("founder alone. Start the host with `tally-node run --detach`; the founder then runs")
    session.terminal.hint("`tally init --community NAME --unit hours --witness CARD`.")


def _facts(session: Session, shown: "HostCard") -> Mapping[str, Any]:
    from node.addresses import plain
    from node.hosting.home import ROLES

    return {
        "home": str(session.home),
        "card": str(shown),
        "peer_id": shown.peer,
        "roles": [word for role, word in ROLES.items() if shown.roles & role],
        "addresses": [plain(address) for address in shown.addresses],
        "expires": shown.expires,
        "expired": shown.expires <= time.time(),
    }
