"""The commands about tokens for programs: make one, list them, revoke one."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import click

from node.console.commandline import Duration
from node.console.terminal import table
from wallet.commands.groups import CommandGroup
from wallet.commands.session import Session, command
from wallet.commands.showing import when

EXPIRES_S_MAX = 3650 * 24 * 3600.0


@click.command("token", cls=CommandGroup, examples=(
    "tally token create till --scope spend --cap 50 --expires 90d",
    "tally token list",
    "tally token revoke till",
))  # fmt: skip
def token() -> None:
    """Make, list and revoke tokens: what a program shows to use this wallet over HTTP."""


@command("create", examples=(
    "tally token create till --scope spend --cap 50 --expires 90d",
    "tally token create shelf --scope read",
))  # fmt: skip
@click.argument("name")
@click.option("--scope", type=click.Choice(["read", "request", "spend"]), required=True,
              help="read: look. request: also preview and take in. spend: also pay.")  # fmt: skip
@click.option("--cap", metavar="AMOUNT", help="The most it may pay within 24 hours; needed to spend.")
@click.option("--expires", type=Duration(EXPIRES_S_MAX), default=None, help="How long it lasts, as 90d; else for ever.")
def create(session: Session, name: str, scope: str, cap: str | None, expires: float | None) -> None:
    """Make a token called NAME. It is shown this once."""
    body = {"name": name, "scope": scope, "cap": cap, "expires_s": round(expires or 0)}
    made = session.client().post("/v1/wallet/tokens", body)
    session.terminal.answer(made, [made["token"]])
    session.terminal.hint(f"{token_words(made)}. Keep it like a key: it is not shown again.")


@command("list", examples=("tally token list",))
def listed(session: Session) -> None:
    """List the tokens by name, with what they may do and when they were last used."""
    found = session.client().get("/v1/wallet/tokens")
    rows = [(one["name"], one["scope"], cap_words(one), day_words(one)) for one in found["tokens"]]
    session.terminal.answer(found, table(rows) if rows else ["no tokens: this home's commands use one of their own"])


@command("revoke", examples=("tally token revoke till",))
@click.argument("name")
def revoke(session: Session, name: str) -> None:
    """Have the token called NAME open nothing any more."""
    found = session.client().delete(f"/v1/wallet/tokens/{quote(name, safe='')}")
    session.terminal.answer(found, [f"{found['name']} opens nothing any more"])


def token_words(shown: Mapping[str, Any]) -> str:
    """A token in a few words."""
    expires = "until it is revoked" if shown["expires"] is None else f"until {when(shown['expires'])}"
    return f"{shown['name']}: {shown['scope']}, {cap_words(shown)}, {expires}".replace(", ,", ",")


def cap_words(shown: Mapping[str, Any]) -> str:
    """What it may pay, and has paid."""
    return "pays nothing" if shown["cap"] is None else f"{shown['spent']} of {shown['cap']} paid in 24 hours"


def day_words(shown: Mapping[str, Any]) -> str:
    """When it ends and when it was used last."""
    used = "never used" if shown["last_used_day"] is None else f"used on {when(shown['last_used_day'])[:10]}"
    if shown["expires"] is None:
        return used
    return f"{used}, expired" if shown["expired"] else f"{used}, until {when(shown['expires'])}"


for each in (create, listed, revoke):
    token.add_command(each)
