"""The commands by which a community grows: invite, requests, admit."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click

from node.console.commandline import DAY_S, Duration
from node.console.exits import USAGE
from wallet.client import CallFailed
from wallet.commands.session import Session, command
from wallet.commands.showing import alike_words, as_option, counted, when
from wallet.commands.stewarding import decide_option, propose, yes_option

LONGEST_S = 365 * DAY_S


@command("invite", examples=(
    "tally invite --uses 20 --expires 7d --limit 10",
    "tally invite",
    "tally invite --file dora.invite --qr",
))  # fmt: skip
@click.option("--uses", type=click.IntRange(0, 1000), default=0, show_default=True,
              help="So many are admitted by it without another look; 0: a steward looks at each.")  # fmt: skip
@click.option("--expires", "lasts_s", type=Duration(LONGEST_S), default="7d", show_default=True, help="How long.")
@click.option("--limit", metavar="AMOUNT", help="Credit limit of a newcomer; without it your own.")
@click.option("--file", "place", metavar="FILE", help="Write it into a new file that only you can read.")
@click.option("--qr", is_flag=True, help="Show it as a QR code, too.")
@as_option
def invite(session: Session, uses: int, lasts_s: float, limit: str | None, place: str | None, qr: bool,
           handle: str | None) -> None:  # fmt: skip
    """Make an invite: a link by which somebody asks to join. Give it only to whom it is for."""
    if place is not None and Path(place).exists():
        raise CallFailed("file", f"{place} is there already.", exit_status=USAGE, next="Name a new file.")
    body = {"uses": uses, "lasts_s": max(1, round(lasts_s)), "limit": limit, "as": handle}
    made = session.client().post("/v1/wallet/invites", body)
    if place is not None:
        write_new(Path(place), made["file"])
    lines = [f"written to {place}"] if place is not None else [made["link"]]
    session.terminal.answer(made, [*lines, *(qr_lines(made["link"]) if qr else [])])
    admits = f"admits {counted(made['uses'], 'newcomer')}" if made["uses"] else "a steward admits who asks with it"
    session.terminal.hint(f"Until {when(made['expires'])}; {admits}, credit limit {made['limit']} {made['unit']}.")
    session.terminal.hint("The newcomer runs: tally init --join INVITE --handle NAME")
    if made["only_here"]:
        session.terminal.warn("the address in it is reached on this computer only: see `tally up --announce`")


def write_new(place: Path, content: str) -> None:
    """Write a file that was not there, for its owner alone. Raises CallFailed."""
    try:
        with os.fdopen(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
            opened.write(content)
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        next = "Name another file; the invite that was made is lost, and harmless."
        raise CallFailed("file", f"{place} cannot be written: {reason}.", exit_status=USAGE, next=next) from None


def qr_lines(link: str) -> list[str]:
    """A QR code of half blocks, light on dark as terminals are; two rows of it to a line."""
    import segno

    rows = [list(row) for row in segno.make(link.upper(), error="l").matrix_iter(border=2)]
    rows += [] if len(rows) % 2 == 0 else [[0] * len(rows[0])]
    blocks = {(0, 0): "█", (0, 1): "▀", (1, 0): "▄", (1, 1): " "}
    pairs = zip(rows[::2], rows[1::2], strict=True)
    return ["".join(blocks[upper, lower] for upper, lower in zip(*pair, strict=True)) for pair in pairs]


@command("requests", examples=("tally requests",))
@click.option("--decline", metavar="HANDLE", help="Show this request no longer; other stewards still see it.")
def requests(session: Session, decline: str | None) -> None:
    """List who asks to be admitted."""
    client = session.client()
    if decline is not None:
        gone = client.post(f"/v1/wallet/requests/{quote(decline, safe='')}/decline", {})
        session.terminal.answer(gone, [f"@{gone['handle']} is shown here no longer"])
        return
    found = client.get("/v1/wallet/requests")
    lines = [line for one in found["requests"] for line in request_lines(one, found["unit"])]
    session.terminal.answer(found, lines or ["nobody asks to be admitted"])
    if found["requests"]:
        session.terminal.hint(f"A steward admits with `tally admit {found['requests'][0]['handle']}`.")


def request_lines(one: Mapping[str, Any], unit: str) -> list[str]:
    """A request on a screen."""
    greeting = f': "{one["greeting"]}"' if one["greeting"] else ""
    whose = f"@{one['invited_by']}" if one["invited_by"] else "you" if one["own"] else "a steward"
    lines = [
        f"@{one['handle']}{greeting}",
        f"  invited by {whose}, credit limit {one['limit']} {unit}, until {when(one['expires'])}, id {one['id'][:8]}",
    ]
    return lines + ([f"  take care: {alike_words(one['alike'])}"] if one["alike"] else [])


@command("admit", examples=("tally admit dora --limit 50",))
@click.argument("handle")
@click.option("--limit", metavar="AMOUNT", help="Credit limit; without it the one of the invite.")
@yes_option
@decide_option
def admit(session: Session, handle: str, limit: str | None, yes: bool, timeout_s: float) -> None:
    """Admit whoever asked to be called HANDLE (stewards)."""
    propose(session, {"act": "admit", "member": handle, "limit": limit}, yes=yes, timeout_s=timeout_s)
