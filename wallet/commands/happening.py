"""The command that tells what happens: events."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import click

from wallet.client import CallFailed
from wallet.commands.paying import payment_lines
from wallet.commands.session import Session, command
from wallet.commands.showing import query, when

SILENCE_S = 45.0
"""The wallet shows every 15 s that it lives."""
LISTENING = "listening to what happens; Ctrl-C ends it"


@command("events", examples=("tally events", "tally events --after 0 --json"))
@click.option("--after", metavar="PLACE", help="Tell what happened behind PLACE (the `at` of an event), and end.")
@click.option("--follow", is_flag=True, help="Go on with what happens from now on; so it does without --after.")
def events(session: Session, after: str | None, follow: bool) -> None:
    """Tell what happens to your accounts as it happens: payments out and in, limits, suspensions; one line each.

    With --json each line is an object. Its `at` is a place for --after, 0 is the beginning: nothing is missed there and
    nothing told twice.
    """
    once = None if follow or after is None else "1"
    lines = session.client().lines(f"/v1/wallet/events{query(None, after=after, once=once)}", SILENCE_S)
    stream = _Stream(lines, lambda: session.terminal.hint(LISTENING) if once is None else None)
    try:
        for event in stream.events():
            session.terminal.answer(event, [event_line(event)])
    except CallFailed as failed:
        if failed.code == "unreachable" and stream.place:
            failed.facts["after"] = stream.place
            failed.next += f" Then go on with --after {stream.place} --follow."
        raise


class _Stream:
    """Reads server-sent events."""

    def __init__(self, lines: Iterator[bytes], began: Callable[[], None]) -> None:
        self._lines = lines
        self._began = began
        """Called once, when nothing that happens from then on is missed."""
        self.place = ""
        """Behind the last event that was given whole."""

    def events(self) -> Iterator[dict[str, Any]]:
        named, content = "", ""
        for line in self._lines:
            name, _, value = line.decode().rstrip("\n").partition(": ")
            if name == "id":
                named = value
            elif name == "data":
                content = value
            elif not name:
                if not self.place:
                    self._began()
                if content:
                    yield json.loads(content)
                self.place, content = named, ""


def event_line(event: Mapping[str, Any]) -> str:
    """An event in words."""
    return f"{when(event['time'])}  {_WORDS[event['event']](event)}"


def _payment(event: Mapping[str, Any]) -> str:
    memo = f' for "{event["memo"]}"' if event["memo"] else ""
    if event["direction"] == "in" and event["state"] == "recorded":
        return f"@{event['payer']} wrote you (@{event['payee']}) a payment of {_amount(event)}{memo}: not final yet"
    words, _, state = payment_lines(event)[0].rpartition(": ")
    return f"{words}{memo}: {state}"


def _amount(event: Mapping[str, Any]) -> str:
    return f"{event['amount']} {event['unit']}"


_WORDS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "payment": _payment,
    "admitted": lambda event: f"@{event['account']} is a member, credit limit {event['limit']} {event['unit']}",
    "limit": lambda event: f"@{event['account']} has a credit limit of {event['limit']} {event['unit']} from now on",
    "suspended": lambda event: f"@{event['account']} is suspended: it can be paid and pays no longer",
    "frozen": lambda event: f"@{event['account']} is frozen: it does nothing any more",
    "reinstated": lambda event: f"@{event['account']} is free again",
    "charge": lambda event: (
        f'the stewards moved {_amount(event)} from @{event["payer"]} to @{event["payee"]}: "{event["reason"]}"'
    ),
}
