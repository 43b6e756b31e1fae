"""The command that pays a whole file: batch. First every line is checked, then everything is shown, then it is paid.

Every payment has a ref, its own or one that follows from what the line says, and the same ref is the same payment. So
whatever interrupts a batch, the same command again goes on with it and pays nobody twice.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from node.console.exits import LOCKED, NOT_FOUND, REFUSED, USAGE
from wallet.client import CallFailed, Client
from wallet.commands.batch_plan import Plan, Planned, measured, minor_of, plan_lines, result_lines, shown, totals
from wallet.commands.paying import move, timeout_option, wait_option
from wallet.commands.session import Session, command
from wallet.commands.showing import as_option, counted
from wallet.formats.batchfile import BYTES_MAX, BatchFile, BatchRow, Fault, Unreadable, read_batch

CHECKED_AT_ONCE = 200
FAULTS_SHOWN = 20
TOLD_EVERY = 100


class Lines(click.ParamType):  # type: ignore[type-arg]  # only newer click makes it generic
    """Numbers of lines, as "2-40,57". Value: the ranges."""

    name = "lines"

    def convert(self, value: Any, param: click.Parameter | None, context: click.Context | None) -> list[range]:
        if isinstance(value, list):
            return value
        found = []
        for part in value.split(","):
            first, dash, last = part.strip().partition("-")
            if not all(n.isascii() and n.isdecimal() and len(n) < 9 for n in ((first, last) if dash else (first,))):
                self.fail(f"{value!r} names no lines; write 2-40,57", param, context)
            found.append(range(int(first), int(last or first) + 1))
        return found


@command("batch", examples=(
    "tally batch wages.csv --preview",
    "tally batch wages.csv",
    "tally batch wages.csv --run october --yes",
))  # fmt: skip
@click.argument("file", type=click.Path(dir_okay=False))
@click.option("--preview", is_flag=True, help="Show what would be paid, and pay nothing.")
@click.option("--lines", "chosen", type=Lines(), metavar="LINES", help="Only these lines of the file, as 2-40,57.")
@click.option("--run", default="", metavar="NAME", help="Pay the same lines once more, as another batch of that name.")
@click.option("--keep-going", is_flag=True, help="Go on with the other lines after one was refused.")
@as_option
@click.option("--yes", is_flag=True, help="Do not ask.")
@wait_option
@timeout_option
def batch(session: Session, file: str, preview: bool, chosen: list[range] | None, run: str, keep_going: bool,
          handle: str | None, yes: bool, wait: str, timeout_s: float) -> None:  # fmt: skip
    """Pay everybody in a CSV FILE with the titles payee, amount and, if you like, memo and ref.

    Nothing is paid while any line is wrong. The same file again pays nobody twice: each payment has a ref, that of its
    line or one made from payee, amount and memo. To pay the same people the same once more, name another --run.
    """
    terminal = session.terminal
    if not preview and not yes and not terminal.can_ask:
        raise CallFailed("needs_yes", "Nobody can be asked here whether to pay.", exit_status=USAGE,
                         next="Add --preview to look, or --yes to pay at once.")  # fmt: skip
    client = session.client()
    plan = _plan(client, _read(Path(file), run, chosen), handle)
    if preview:
        terminal.answer(shown(plan), plan_lines(plan))
        return
    _require_payable(plan, keep_going=keep_going)
    if plan.open and not yes and not terminal.agrees(plan_lines(plan), "Pay them all?"):
        raise CallFailed("not_agreed", "Nothing was paid.")
    order = {"as": handle, "wait": wait, "timeout_s": timeout_s}
    results: list[dict[str, Any]] = []
    failed = _pay(session, client, plan, order, results, keep_going=keep_going)
    error = {} if failed is None else {"error": failed.error}
    terminal.answer({"payments": results, **totals(plan, results), **error}, result_lines(plan, results))
    if failed is not None:
        raise click.exceptions.Exit(failed.exit_status)


# Reading and checking


def _read(file: Path, run: str, chosen: Sequence[range] | None) -> BatchFile:
    try:
        with file.open("rb") as opened:
            found = read_batch(opened.read(BYTES_MAX + 1), run)
    except OSError as error:
        status = NOT_FOUND if isinstance(error, FileNotFoundError) else USAGE
        raise CallFailed(
            "file", f"{file} cannot be read: {os.strerror(error.errno or 0)}.", exit_status=status
        ) from None
    except Unreadable as error:
        raise CallFailed("bad_file", str(error), exit_status=USAGE, next="Nothing was paid.") from None
    if chosen is None:
        return found
    rows = tuple(row for row in found.rows if _is_in(row.line, chosen))
    return BatchFile(rows, tuple(fault for fault in found.faults if _is_in(fault.line, chosen)), found.left_out)


def _is_in(line: int, chosen: Sequence[range]) -> bool:
    return any(line in lines for lines in chosen)


def _plan(client: Client, found: BatchFile, handle: str | None) -> Plan:
    """Have the wallet judge every line. Raises CallFailed that names all lines that are wrong."""
    faults, judged, answer = list(found.faults), [], {}
    for rows in _pages(found.rows):
        orders = [{"payee": row.payee, "amount": row.amount, "memo": row.memo, "ref": row.ref} for row in rows]
        answer = client.post("/v1/wallet/batch", {"orders": orders, "as": handle})
        judged += list(zip(rows, answer["orders"], strict=True))
    faults += [Fault(row.line, one["refused"]["message"]) for row, one in judged if one["refused"] is not None]
    if faults:
        raise _faulty(sorted(faults, key=lambda fault: fault.line))
    if not judged:
        raise CallFailed("bad_file", "There is no payment in the file.", exit_status=USAGE)
    lines = [
        Planned(row, one["payee"], one["amount"], minor_of(one["amount"]), minor_of(one["levy"] or "0"), one["paid"])
        for row, one in judged
    ]
    spendable = minor_of(answer["balance"]["spendable"])
    return Plan(tuple(measured(lines, spendable)), answer["balance"], answer["locked"], found.left_out)


def _pages(rows: Sequence[BatchRow]) -> Iterator[Sequence[BatchRow]]:
    for start in range(0, len(rows), CHECKED_AT_ONCE):
        yield rows[start : start + CHECKED_AT_ONCE]


def _faulty(faults: Sequence[Fault]) -> CallFailed:
    shown = "; ".join(f"line {fault.line}: {fault.words.rstrip('.')}" for fault in faults[:FAULTS_SHOWN])
    more = f"; and {len(faults) - FAULTS_SHOWN} more" if len(faults) > FAULTS_SHOWN else ""
    return CallFailed(
        "bad_lines", f"{counted(len(faults), 'line is', 'lines are')} wrong: {shown}{more}.", exit_status=USAGE,
        next="Nothing was paid. Mend the file, or name the lines to pay with --lines.",
        facts={"lines": [{"line": fault.line, "message": fault.words} for fault in faults]},
    )  # fmt: skip


def _require_payable(plan: Plan, *, keep_going: bool) -> None:
    if plan.locked and plan.open:
        raise CallFailed("locked", "The wallet is locked, so nothing can be signed.", exit_status=LOCKED,
                         next="Run `tally unlock`.")  # fmt: skip
    if plan.short and not keep_going:
        raise CallFailed(
            "limit", f"There is not enough for {counted(len(plan.short), 'line')}, the first is line "
            f"{plan.short[0].row.line}.", exit_status=REFUSED,
            next="Nothing was paid. Pay the others with --keep-going, or some of them with --lines.",
            facts={"spendable": plan.balance["spendable"], "lines": [line.row.line for line in plan.short]},
        )  # fmt: skip


# Paying


def _pay(session: Session, client: Client, plan: Plan, order: Mapping[str, Any], results: list[dict[str, Any]], *,
         keep_going: bool) -> CallFailed | None:  # fmt: skip
    """Pay line after line, each result into `results`; returns the first failure."""
    first: CallFailed | None = None
    for number, line in enumerate(plan.lines, 1):
        row = line.row
        said = {
            "line": row.line,
            "payee": line.payee,
            "amount": line.amount,
            "ref": row.ref,
            "before": line.paid is not None,
        }
        body = {**order, "payee": row.payee, "amount": row.amount, "memo": row.memo, "ref": row.ref}
        try:
            made = move(client, "/v1/wallet/pay", body, order["timeout_s"])
        except CallFailed as failed:
            first = first or failed
            results.append(
                {**said, "id": failed.facts.get("id"), "state": failed.facts.get("state"), "error": failed.error}
            )
            if not keep_going or failed.code == "unreachable":
                return first
        else:
            results.append({**said, "id": made["id"], "state": made["state"], "error": None})
        if number % TOLD_EVERY == 0:
            session.terminal.hint(f"{number} of {len(plan.lines)}")
    return first
