"""The commands that only look: the summary, status, balance, history, members, show."""

from collections.abc import Mapping, Sequence
from time import localtime, strftime
from typing import Any
from urllib.parse import quote

import click

from node.console.exits import USAGE
from node.console.terminal import table
from wallet.client import CallFailed
from wallet.commands.session import Session, command

as_option = click.option("--as", "handle", metavar="@HANDLE", help="Which of your accounts, if you have several.")

BALANCE_FIELDS = ("account", "handle", "balance", "incoming", "limit", "spendable", "unit")
"""What `balance --json` prints; scripts rely on just these."""

KIND_WORDS = {
    "paid": "to",
    "received": "from",
    "incoming": "in flight from",
    "returned": "sent back to",
    "came_back": "back from",
}
"""What a row of the history is; `paid` itself is said of final payments only."""
MEMO_SHOWN_MIN = 8
"""Letters of a memo that are shown on the narrowest screen."""


def query(handle: str | None, **more: object) -> str:
    """The query of an address that is about one account."""
    given = {"as": handle, **more}
    pairs = [f"{name}={quote(str(value))}" for name, value in given.items() if value is not None]
    return "?" + "&".join(pairs) if pairs else ""


@command("balance", examples=("tally balance", "tally balance --json"))
@as_option
def balance(session: Session, handle: str | None) -> None:
    """Show where you stand and what you can spend."""
    found = session.client().get(f"/v1/wallet/balance{query(handle)}")
    lines = balance_lines(found)
    if found.get("problem"):
        lines.append(f"problem: @{found['handle']} can be paid but pays no longer: {found['problem']}")
    session.terminal.answer({name: found[name] for name in BALANCE_FIELDS}, lines)


def balance_lines(found: Mapping[str, Any]) -> list[str]:
    """A balance in words."""
    unit = found["unit"]
    lines = [f"@{found['handle']}: {found['balance']} {unit} ({standing(found)})"]
    if found["incoming"].strip("0."):
        lines.append(f"of which {found['incoming']} {unit} is still in flight to you")
    lines.append(f"you can spend {found['spendable']} {unit} (credit limit {found['limit']} {unit})")
    return lines


def standing(found: Mapping[str, Any]) -> str:
    """Say in words what the sign of a balance means."""
    amount = found["balance"].removeprefix("-")
    if not amount.strip("0."):
        return "even"
    if found["balance"].startswith("-"):
        return f"you owe the community {amount} {found['unit']}"
    return f"the community owes you {amount} {found['unit']}"


@command("history", examples=("tally history", "tally history --limit 5"))
@as_option
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="How many rows.")
def history(session: Session, handle: str | None, limit: int) -> None:
    """List your payments, newest first."""
    found = session.client().get(f"/v1/wallet/history{query(handle, limit=limit)}")
    session.terminal.answer(found, history_lines(found, session.terminal.width) or ["no payments yet"])


def history_lines(found: Mapping[str, Any], width: int | None) -> list[str]:
    """A row each: when, how much, with whom, what for, state, id. Where that is wider than `width`, the id stands in a
    line of its own and long memos are cut; None is a place without an edge.
    """
    rows = [history_words(row, found["unit"]) for row in found["rows"]]
    ids = [row["id"] for row in found["rows"]]
    whole = table([(*row, id) for row, id in zip(rows, ids, strict=True)], right=frozenset({1}))
    if width is None or all(len(line) <= width for line in whole):
        return whole
    room = width - max(len(line) for line in table([(*row[:4], "", row[5]) for row in rows]))
    cut = [(*row[:4], shortened(row[4], max(room, MEMO_SHOWN_MIN)), row[5]) for row in rows]
    pairs = zip(table(cut, right=frozenset({1})), ids, strict=True)
    return [line for row, id in pairs for line in (row, f"  {id}")]


def history_words(row: Mapping[str, Any], unit: str) -> tuple[str, ...]:
    """The cells of a row of the history, but for its id."""
    is_paid = row["kind"] == "paid" and row["state"] in ("final", "seen")
    kind = "paid" if is_paid else KIND_WORDS.get(row["kind"], row["kind"])
    amount = row["amount"] if row["amount"].startswith("-") else f"+{row['amount']}"
    alike = f" ({alike_words(row['alike'])})" if row["alike"] else ""
    return when(row["time"]), amount, unit, f"{kind} @{row['other']}{alike}", memo_words(row), row["state"]


def shortened(text: str, most: int) -> str:
    """`text`, cut to `most` letters."""
    return text if len(text) <= most else f"{text[: most - 3]}..."


def memo_words(row: Mapping[str, Any]) -> str:
    """The memo as it is shown in a line."""
    if row["memo"] is not None:
        return f'"{row["memo"]}"'
    return "(sealed)" if row["sealed"] else ""


def when(time: int) -> str:
    """A time that an author wrote, in this machine's zone; "?" when it makes no sense."""
    return strftime("%Y-%m-%d %H:%M", localtime(time)) if 0 < time < 2**34 else "?"


@command("members", examples=("tally members",))
def members(session: Session) -> None:
    """List the members of the community."""
    found = session.client().get("/v1/wallet/members")
    rows = [("MEMBER", "NAME", "BALANCE", "LIMIT", "")] + [
        (f"@{member['handle']}", member["name"] or "", member["balance"], member["limit"], member_words(member))
        for member in found["members"]
    ]
    session.terminal.answer(found, table(rows, right=frozenset({2, 3})))


def member_words(member: Mapping[str, Any]) -> str:
    """What is special about a member."""
    words = ["you"] if member["own"] else []
    words += [member["level"]] if member["level"] != "free" else []
    return ", ".join(words + ([alike_words(member["alike"])] if member["alike"] else []))


def alike_words(alike: Sequence[str]) -> str:
    """A warning beside a name that another member's could be taken for; empty when there is none."""
    return f"looks like {', '.join('@' + handle for handle in alike)}" if alike else ""


@command("show", examples=("tally show pay1...",))
@click.argument("id")
def show(session: Session, id: str) -> None:
    """Show one payment by its ID (pay1...)."""
    if not id.isalnum():
        next = "Copy the whole id, it starts with pay1."
        raise CallFailed("bad_id", "This is not a payment id.", exit_status=USAGE, next=next)
    found = session.client().get(f"/v1/wallet/payments/{quote(id, safe='')}")
    session.terminal.answer(found, payment_lines(found))


def payment_lines(found: Mapping[str, Any]) -> list[str]:
    """A payment on a screen."""
    lines = [
        f"payment  {found['id']}",
        f"state    {found['state']}",
        f"payer    @{found['payer']}",
        f"payee    @{found['payee']}",
        f"amount   {found['amount']} {found['unit']}",
        f"time     {when(found['time'])}",
    ]
    if found["memo"] is not None or found["sealed"]:
        lines.append(f"memo     {memo_words(found)}")
    if found["ref"] is not None:
        lines.append(f"ref      {found['ref']}")
    return lines


@command("status", examples=("tally status",))
def status(session: Session) -> None:
    """Show how the node is doing."""
    found = session.client().get("/v1/wallet/status")
    if "asked" in found:
        show_asking(session, found)
    else:
        session.terminal.answer(found, status_lines(found))


def status_lines(found: Mapping[str, Any]) -> list[str]:
    """The node in a few lines."""
    witness = "a witness" if found["witness"] else "not a witness"
    entries = counted(found["entries"], "entry", "entries")
    lines = [
        f"community  {found['name']} ({counted(found['members'], 'member')}), {found['community']}",
        f"node       running as process {found['pid']}, {witness}, {counted(len(found['peers']), 'peer')} connected",
        f"wallet     {'locked' if found['locked'] else 'unlocked'}",
        f"account    @{found['handle']}, {found['standing']}",
        f"books      {entries}, sum of all balances {found['sum']} {found['unit']}",
    ]
    return lines + [f"problem    {problem}" for problem in found["problems"]]


def show_asking(session: Session, found: Mapping[str, Any]) -> None:
    """Show how the asking of a home goes that is no member yet, and what to do if it is in vain."""
    session.terminal.answer(found, asking_lines(found))
    session.terminal.hint(found["next"] or "It goes on by itself while the node runs.")


def asking_lines(found: Mapping[str, Any]) -> list[str]:
    """The way in, in a few lines."""
    name = f"{found['name']}, " if found["name"] else ""
    words = {
        "asking": "asking; nobody has taken the request yet",
        "asked": f"asked ({counted(len(found['asked']), 'node')} took the request); the stewards decide",
        "admitted": "admitted; the account is being opened",
    }
    lines = [
        f"community  {name}{found['community']}",
        f"node       running as process {found['pid']}, asking at the addresses of the invite",
        f"account    @{found['handle']}, {words[found['standing']]}",
    ]
    return lines + [f"problem    {problem}" for problem in found["problems"]]


def counted(count: int, one: str, more: str | None = None) -> str:
    """A number with its word: 1 member, 2 members."""
    return f"{count} {one if count == 1 else more or one + 's'}"


def show_summary(session: Session) -> None:
    """Show the screen of the bare command: who and where you are, your balance, the last payments, what to do next."""
    client = session.client()
    try:
        found = client.get("/v1/wallet/summary")
    except CallFailed as failure:
        if failure.code != "joining":
            raise
        return show_asking(session, client.get("/v1/wallet/status"))
    lines = [
        f"{found['name']}: {counted(found['members'], 'member')}, {counted(len(found['peers']), 'peer')} connected",
        "",
    ]
    for account in found["accounts"]:
        lines += balance_lines(account)
    for problem in found["problems"]:
        lines.append(f"problem: {problem}")
    if found["recent"]["rows"]:
        lines += ["", *history_lines(found["recent"], session.terminal.width)]
    session.terminal.answer(found, lines)
    session.terminal.hint(next_step(found))


def next_step(found: Mapping[str, Any]) -> str:
    """What this person probably wants to do next."""
    if found["locked"]:
        return "The wallet is locked: `tally unlock` lets it sign."
    if found["members"] < 2:
        return "You are the only member so far."
    return "Pay somebody: `tally pay @NAME AMOUNT`. See `tally members`, `tally history`, `tally --help`."
