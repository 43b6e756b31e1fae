"""What a running devnet looks like: its members, its newest payments, its counters. Kept from events, drawn by others.

Pure: an event in, rows of plain text out. The same events are what `--json` prints, one a line.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from node.amounts import format_amount

NEWEST = 12
"""Payments that are shown."""

ELSEWHERE = "elsewhere"
"""The node of somebody who joined by an invite: it runs, or not, without the devnet."""

Event = Mapping[str, Any]


@dataclass(slots=True)
class MemberRow:
    """One member as shown."""

    role: str
    api: str = ""
    state: str = "starting"
    balance: int = 0
    limit: int = 0
    payments: int = 0


@dataclass(slots=True)
class Board:
    """The picture so far."""

    unit: str
    decimals: int
    members: dict[str, MemberRow] = field(default_factory=dict)
    newest: deque[tuple[str, ...]] = field(default_factory=lambda: deque(maxlen=NEWEST))
    paid: int = 0
    refused: int = 0
    total: int = 0
    """All balances and all that is under way between them, added up: 0, or something is badly wrong."""
    words: str = "starting"
    """The last thing that happened to the community as a whole."""

    def note(self, event: Event) -> None:
        """Take in one event; unknown ones change nothing."""
        match event["event"]:
            case "payment":
                self._payment(event)
            case "refused":
                self.refused += 1
                self.newest.appendleft(self._row(event, "refused: " + event["code"]))
            case "delayed":
                self.newest.appendleft(self._row(event, "delayed: " + event["code"]))
            case "balances":
                self.total = event["sum"]
                for handle, balance in event["balances"].items():
                    self.members.setdefault(handle, MemberRow("member", state=ELSEWHERE)).balance = balance
            case "member":
                self.members[event["handle"]].state = event["state"]
            case _ if "words" in event:
                self.words = event["words"]

    def _payment(self, event: Event) -> None:
        self.paid += 1
        self.members[event["payer"]].payments += 1
        self.newest.appendleft(self._row(event, f"{event['state']} in {event['ms']} ms"))

    def _row(self, event: Event, outcome: str) -> tuple[str, ...]:
        return event["payer"], event["payee"], str(event["amount"]), event.get("memo") or "", outcome

    def money(self, minor: int) -> str:
        """Write a balance with its sign."""
        return ("+" if minor > 0 else "") + format_amount(minor, self.decimals)

    def member_rows(self) -> list[tuple[str, ...]]:
        """One row a member: handle, balance, limit, role, state, API address."""
        return [
            (handle, self.money(one.balance), self._limit(one), one.role, one.state, one.api)
            for handle, one in self.members.items()
        ]

    def _limit(self, one: MemberRow) -> str:
        return "" if one.state == ELSEWHERE else format_amount(one.limit, self.decimals)

    def counters(self) -> str:
        """One line that sums it all up."""
        states = [one.state for one in self.members.values() if one.state != ELSEWHERE]
        return (
            f"{states.count('running')} of {len(states)} nodes running, {self.paid} payments, {self.refused} refused, "
            f"all sums to {format_amount(self.total, self.decimals)} {self.unit} - {self.words}"
        )


MEMBER_HEADER = ("member", "balance", "limit", "role", "node", "API")
PAYMENT_HEADER = ("payer", "payee", "amount", "for", "state")


def line_of(event: Event, unit: str) -> str | None:
    """Say an event in one plain line, or None when it is only for the table."""
    match event["event"]:
        case "payment":
            memo = f" for {event['memo']}" if event.get("memo") else ""
            paid = f"{event['payer']} paid {event['payee']} {event['amount']} {unit}{memo}"
            return f"{paid}: {event['state']} after {event['ms']} ms"
        case "refused" | "delayed":
            wanted = f"{event['payer']} wanted to pay {event['payee']} {event['amount']} {unit}"
            return f"{wanted}: {event['message']}"
        case _:
            return event.get("words")


def in_columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Line up rows of words in columns, two spaces apart."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))] if rows else []
    padded = ("  ".join(word.ljust(width) for word, width in zip(row, widths, strict=True)) for row in rows)
    return [line.rstrip() for line in padded]
