"""The commands about webhooks: add one, list them, test one, remove one, see how its deliveries went."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import click

from node.console.terminal import table
from wallet.commands.groups import CommandGroup
from wallet.commands.session import Session, command
from wallet.commands.showing import when

PATH = "/v1/wallet/webhooks"


@click.command("webhook", cls=CommandGroup, examples=(
    "tally webhook add http://127.0.0.1:8088/paid --name till --events payment",
    "tally webhook test till",
    "tally webhook deliveries till",
))  # fmt: skip
def webhook() -> None:
    """Have events of this wallet sent to an address of yours, signed, in order, each until it is taken."""


@command("add", examples=("tally webhook add http://127.0.0.1:8088/paid --name till --events payment",))
@click.argument("url")
@click.option("--name", help="What to call it; else as its host.")
@click.option("--events", metavar="NAMES", help="Only these, with commas between, as payment,limit; else all.")
@click.option("--no-check", is_flag=True, help="Add it although it takes no test now.")
def add(session: Session, url: str, name: str | None, events: str | None, no_check: bool) -> None:
    """Send to URL what happens from now on. The secret of its signatures is shown this once."""
    kinds = [kind.strip() for kind in events.split(",")] if events else []
    made = session.client().post(PATH, {"url": url, "name": name, "events": kinds, "check": not no_check})
    session.terminal.answer(made, [made["secret"]])
    session.terminal.hint(f"{made['name']} is told of {kinds_words(made)}. The secret is not shown again.")


@command("list", examples=("tally webhook list",))
def listed(session: Session) -> None:
    """List the webhooks."""
    found = session.client().get(PATH)
    rows = [(one["name"], one["url"], kinds_words(one), state_words(one)) for one in found["webhooks"]]
    session.terminal.answer(found, table(rows) if rows else ["no webhooks"])


@command("test", examples=("tally webhook test till",))
@click.argument("target")
def test(session: Session, target: str) -> None:
    """Send a test to a webhook by its name, or to a URL."""
    session.terminal.answer(session.client().post(f"{PATH}/test", {"target": target}), ["it took the test"])


@command("remove", examples=("tally webhook remove till",))
@click.argument("name")
def remove(session: Session, name: str) -> None:
    """Tell the webhook called NAME nothing more."""
    found = session.client().delete(f"{PATH}/{quote(name, safe='')}")
    session.terminal.answer(found, [f"{found['name']} is told nothing more"])


@command("deliveries", examples=("tally webhook deliveries till",))
@click.argument("name")
def deliveries(session: Session, name: str) -> None:
    """Show how the last deliveries of the webhook called NAME went, newest first."""
    found = session.client().get(f"{PATH}/{quote(name, safe='')}/deliveries")
    rows = [(when(one["time"]), one["event"], taken_words(one), one["id"]) for one in found["deliveries"]]
    session.terminal.answer(found, table(rows) if rows else ["nothing was sent yet"])


def kinds_words(shown: Mapping[str, Any]) -> str:
    """What it is told of."""
    return ", ".join(shown["events"]) or "everything"


def state_words(shown: Mapping[str, Any]) -> str:
    """How it is doing."""
    return "nothing sent yet" if shown["last"] is None else f"last: {taken_words(shown['last'])}"


def taken_words(one: Mapping[str, Any]) -> str:
    """How a delivery went."""
    if one["fault"] is None:
        return "taken"
    times = "once" if one["tries"] == 1 else f"{one['tries']} times"
    return f"tried {times} in vain: {one['fault']}"


for each in (add, listed, test, remove, deliveries):
    webhook.add_command(each)
