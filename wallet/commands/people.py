"""The commands for people's words: name, offer, offers."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

import click

from node.console.commandline import DAY_S, Duration
from node.console.exits import USAGE
from node.console.terminal import table
from wallet.client import CallFailed
from wallet.commands.session import Session, command
from wallet.commands.showing import alike_words, as_option, query

PATH = "/v1/wallet/offers"
LONGEST_S = 3650 * DAY_S


@command("name", examples=(
    "tally name",
    "tally name \"Ana's bakery\" --about \"Bread from Tuesday to Saturday\"",
    "tally name --remove",
))  # fmt: skip
@click.argument("name", required=False)
@click.option("--about", default="", metavar="TEXT", help="A line or two about you.")
@click.option("--remove", is_flag=True, help="Take your display name back.")
@as_option
def name(session: Session, name: str | None, about: str, remove: bool, handle: str | None) -> None:
    """Show what you are called, or say it.

    Everybody sees it beside your handle. You are paid by your handle, which is yours alone; a display name may be
    anybody's, so names that look alike are flagged.
    """
    if remove and (name or about):
        raise CallFailed("usage", "Say a name, or take it back, not both.", exit_status=USAGE)
    client = session.client()
    if name is None and not remove:
        found = client.get(f"/v1/wallet/profile{query(handle)}")
    else:
        found = client.post("/v1/wallet/profile", {"name": name or "", "about": about, "as": handle})
    session.terminal.answer(found, profile_lines(found))


def profile_lines(found: Mapping[str, Any]) -> list[str]:
    """A member's names in words."""
    called = f'"{found["name"]}"' if found["name"] else "no display name"
    lines = [f"@{found['handle']}: {called}", *([found["about"]] if found["about"] else [])]
    return lines + ([f"it {alike_words(found['alike'])}"] if found["alike"] else [])


@command("offer", examples=(
    'tally offer "Rye bread" --price 2.50 --category food',
    'tally offer "A ladder for a day" --want --for 7d',
))  # fmt: skip
@click.argument("title", required=False)
@click.option("--want", is_flag=True, help="You look for it, you do not offer it.")
@click.option("--price", metavar="AMOUNT", help="What it costs; without it that is to be agreed.")
@click.option("--category", default="", metavar="WORD", help="Such as food, repairs, lessons.")
@click.option("--text", default="", metavar="TEXT", help="More about it.")
@click.option(
    "--for", "lasts_s", type=Duration(LONGEST_S), default="90d", show_default=True, help="How long it stands."
)
@click.option("--withdraw", metavar="KEY", help="Take the one with this key back.")
@as_option
def offer(session: Session, title: str | None, want: bool, price: str | None, category: str, text: str, lasts_s: float,
          withdraw: str | None, handle: str | None) -> None:  # fmt: skip
    """Offer something, or look for it, on the community's board."""
    if (title is None) == (withdraw is None):
        raise CallFailed("usage", "Say what you offer, or which one you take back.", exit_status=USAGE,
                         next="See `tally offer --help`.")  # fmt: skip
    if withdraw is not None:
        gone = session.client().delete(f"{PATH}/{quote(withdraw, safe='')}{query(handle)}")
        session.terminal.answer(gone, [f"taken back: {gone['key']}"])
        return
    body = {
        "title": title, "kind": "want" if want else "offer", "category": category, "text": text, "price": price,
        "days": max(1, round(lasts_s / DAY_S)), "as": handle,
    }  # fmt: skip
    made = session.client().post(PATH, body)
    session.terminal.answer(made, [f"{'wanted' if want else 'offered'}: {title} (key {made['key']})"])


@command("offers", examples=("tally offers", "tally offers --by @bob", "tally offers --wants --search ladder"))
@click.option("--wants", is_flag=True, help="Only what is looked for.")
@click.option("--category", metavar="WORD", help="Only of this category.")
@click.option("--by", metavar="@HANDLE", help="Only of this member.")
@click.option("--search", metavar="WORDS", help="Only with these words in title or text.")
def offers(session: Session, wants: bool, category: str | None, by: str | None, search: str | None) -> None:
    """List what members offer and look for."""
    asked = {"kind": "want" if wants else None, "category": category, "by": by, "search": search}
    given = urlencode({field: value for field, value in asked.items() if value is not None})
    found = session.client().get(f"{PATH}?{given}" if given else PATH)
    if not found["offers"]:
        session.terminal.answer(found, ["nothing is offered or wanted" + (" that fits" if given else "")])
        return
    rows = [("KEY", "", "WHAT", "PRICE", "WHO", "")]
    rows += [
        (one["key"], one["kind"], one["title"], price_words(one, found["unit"]), f"@{one['by']}",
         alike_words(one["alike"]))
        for one in found["offers"]
    ]  # fmt: skip
    session.terminal.answer(found, table(rows, right=frozenset({3})))


def price_words(one: Mapping[str, Any], unit: str) -> str:
    """A price, or that there is none yet."""
    return f"{one['price']} {unit}" if one["price"] else "to be agreed"
