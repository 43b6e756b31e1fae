"""The commands about the community's hosts: hosts, hosts add."""

from typing import Any

import click

from node.console.terminal import table
from wallet.commands.groups import CommandGroup
from wallet.commands.papers import text_of
from wallet.commands.session import Session, command, session_of

ADD_TIMEOUT_S = 60.0


@click.command("hosts", cls=CommandGroup, invoke_without_command=True, examples=(
    "tally hosts",
    "tally hosts add card1...",
))  # fmt: skip
@click.pass_context
def hosts(context: click.Context) -> None:
    """List the hosts of the community, and which of them are linked with your node."""
    if context.invoked_subcommand is None:
        _list(session_of(context))


@command("add", examples=("tally hosts add card1...",))
@click.argument("card")
def add(session: Session, card: str) -> None:
    """Let a host in as archive and relay, by its CARD or the file that it was sent in. You must be a steward."""
    text = text_of(card, "a host's card", "bad_card", ("card1",))
    found = session.client().post("/v1/wallet/hosts", {"card": text}, ADD_TIMEOUT_S)
    session.terminal.answer(found, [_line(found)[0] + f": {', '.join(found['roles'])}, {_standing(found)}"])
    if not found["told"]:
        session.terminal.hint("It was not reached; your node goes on trying to tell it while it runs.")


hosts.add_command(add)


def _list(session: Session) -> None:
    found = session.client().get("/v1/wallet/hosts")
    rows = [_line(host) for host in found["hosts"]]
    session.terminal.answer(found, table(rows) if rows else ["no hosts: `tally hosts add CARD` lets one in"])


def _line(host: dict[str, Any]) -> tuple[str, str, str]:
    return ", ".join(host["addresses"]) or host["peer_id"], ", ".join(host["roles"]), _standing(host)


def _standing(host: dict[str, Any]) -> str:
    if host["linked"]:
        return "linked"
    return "not linked now" if host["told"] else "not told yet that it is one"
