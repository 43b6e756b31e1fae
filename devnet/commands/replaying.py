"""`tally-devnet replay FILE.csv`: replay the history of a real currency with real nodes, and compare the end."""

from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from typing import Any

import click

from node.amounts import format_amount
from node.console.commandline import WithExamples
from node.console.exits import DONE, FAILED
from protocol.base import DECIMALS_MAX
from wallet.client import CallFailed
from wallet.errors import BadAmount
from wallet.money import parse_limit

from ..control import is_running
from ..csv_columns import Wanted
from ..csv_rows import Table, read_table
from ..homes import DevnetHome, default_home
from ..outlook import Outlook, look_ahead, steps_of
from ..report import Report
from ..staging import Terms
from ..terminal import hint, print_json, progress, say
from .options import Filter, Folder

NAMED_MAX = 100
"""Unreadable rows that are named one by one; all of them are with --json."""


@click.command("replay", cls=WithExamples, examples=(
    "tally-devnet replay history.csv",
    "tally-devnet replay history.csv --payer from --payee to --amount hours --where what=bread --fresh",
))  # fmt: skip
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--payer", metavar="COL", help="Column of who pays; guessed from its name otherwise.")
@click.option("--payee", metavar="COL", help="Column of who is paid.")
@click.option("--amount", metavar="COL", help="Column of the amount.")
@click.option("--date", metavar="COL", help="Column of the date.")
@click.option("--memo", metavar="COL", help="Column of what it was for.")
@click.option("--where", type=Filter(), multiple=True, metavar="COL=VALUE", help="Only rows with this; repeatable.")
@click.option("--decimals", type=click.IntRange(0, DECIMALS_MAX), default=2, help="Decimals of the currency.")
@click.option("--limit", default="1000", help="Everybody's credit limit, in units.")
@click.option("--unit", default="units", help="What the currency is called.")
@click.option("--fresh", is_flag=True, help="Begin again, forgetting an earlier run.")
@click.option("--home", type=Folder(), help="Folder for the homes; one of its own for each file otherwise.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line; the report is the last.")
def replay(
    file: Path, where: tuple[tuple[str, str], ...], decimals: int, limit: str, unit: str, fresh: bool,
    home: Path | None, as_json: bool, **columns: str | None,
) -> int:  # fmt: skip
    """Pay every row of FILE between members of a new community with four witnesses, and compare the end."""
    terms = Terms(unit, decimals, _limit(limit, decimals), where)
    table = read_table(file, Wanted(**columns), decimals, where)
    _tell_what_was_read(table, as_json)
    if not table.rows:
        raise CallFailed(
            "csv", f"No row of this file says a payment, so there is nothing to replay: {_why_none(table)}."
        )
    _tell_outlook(look_ahead(steps_of(table), terms.limit), table, terms, as_json)
    place = DevnetHome(home or _home_of(terms, table))
    if is_running(place.root):
        raise CallFailed("already_running", f"This replay is running in {place.root} already.")
    if fresh:
        place.wipe()
    report = _run(place, table, terms, file, as_json)
    _tell_report(report, place, as_json)
    return DONE if report.agrees else FAILED


def _limit(text: str, decimals: int) -> int:
    try:
        return parse_limit(text, decimals)
    except BadAmount as error:
        raise click.UsageError(f"--limit: {error.message}") from None


def _why_none(table: Table) -> str:
    """Say in a few words where all the rows went."""
    if table.unreadable:
        first = table.unreadable[0]
        return f"{len(table.unreadable)} cannot be read, as line {first.line}: {first.reason}"
    return f"--where leaves out all {table.passed_over}" if table.passed_over else "it has a header and no rows"


def _tell_outlook(outlook: Outlook, table: Table, terms: Terms, as_json: bool) -> None:
    """Say beforehand what the rules will refuse; it is in the file already."""
    enough = format_amount(outlook.limit_for_all, terms.decimals)
    if as_json:
        counts = {name: getattr(outlook, name) for name in ("over_limit", "to_oneself", "not_payable")}
        print_json({"event": "outlook", **counts, "limit_for_all": enough, "runs_backwards": table.runs_backwards})
        return
    if table.runs_backwards:
        hint(
            "The newest row comes first. Rows are paid in the order of the file: sort it by date to have it as it was."
        )
    for count, words in ((outlook.to_oneself, "rows pay the payer"),
                         (outlook.not_payable, "rows have an amount that is zero, less, or too large")):  # fmt: skip
        if count:
            hint(f"{count} {words}: they will be refused.")
    if outlook.foremost is None:
        return
    limit = format_amount(terms.limit, terms.decimals)
    hint(f"{outlook.over_limit} rows exceed the limit of {limit} {terms.unit}: they will be refused.")
    hint(f"{outlook.foremost_rows} of them are paid by {table.members[outlook.foremost]}; "
         f"with --limit {enough} none would exceed it.")  # fmt: skip


def _home_of(terms: Terms, table: Table) -> Path:
    """A folder for this file with these terms: the same command goes on where it was interrupted."""
    name = blake2b(repr(terms.marker(table)).encode(), digest_size=6).hexdigest()
    return default_home().with_name("tallystick-replay") / name


def _tell_what_was_read(table: Table, as_json: bool) -> None:
    counts = {
        "rows": len(table.rows) + len(table.unreadable), "payments": len(table.rows), "members": len(table.members),
        "unreadable": len(table.unreadable), "left_out": table.passed_over, "rounded": table.rounded,
        "memos_cut": sum(row.memo_cut for row in table.rows),
    }  # fmt: skip
    if as_json:
        print_json({"event": "read", **counts, "columns": table.columns, "encoding": table.encoding})
        for bad in table.unreadable:
            print_json({"event": "unreadable", "line": bad.line, "reason": bad.reason})
        return
    named = ", ".join(f"{role} = {title}" for role, title in table.columns.items())
    hint(f"Columns: {named}.")
    hint(f"{counts['payments']} payments of {counts['members']} members.")
    for bad in table.unreadable[:NAMED_MAX]:
        hint(f"line {bad.line} cannot be read: {bad.reason}")
    if len(table.unreadable) > NAMED_MAX:
        hint(f"and {len(table.unreadable) - NAMED_MAX} more that cannot be read; --json names them all")
    for count, words in ((table.passed_over, "rows left out by --where"), (table.rounded, "amounts rounded half up"),
                         (counts["memos_cut"], "memos shortened to 256 bytes")):  # fmt: skip
        if count:
            hint(f"{count} {words}.")


def _run(place: DevnetHome, table: Table, terms: Terms, file: Path, as_json: bool) -> Report:
    import trio

    from ..replaying import run_replay

    with progress(len(table.rows), "payments", quiet=as_json) as bar:
        tell = print_json if as_json else _no_event
        return trio.run(run_replay, place, table, terms, file.stem, tell, bar.at, _admitting(as_json))


def _no_event(_: Any) -> None:
    """Refusals are counted in the progress; only --json names each."""


def _admitting(as_json: bool) -> Callable[[int, int], None]:
    def moved(done: int, total: int) -> None:
        if not as_json and done % 50 == 0:
            hint(f"admitting members: entry {done} of {total}")

    return moved


def _tell_report(report: Report, place: DevnetHome, as_json: bool) -> None:
    event = report.event()
    if as_json:
        print_json(event)
        return
    counts = f"{report.paid} paid, {report.refused} refused by the rules, {report.unreadable} unreadable"
    say(f"{report.rows} rows: {counts}.")
    if report.refusals:
        say(f"Refused: {', '.join(f'{count} {code}' for code, count in report.refusals)}.")
    say(f"{report.members} members; all balances sum to {format_amount(report.sum_minor, report.decimals)}.")
    say("All nodes agree." if report.nodes_agree else "THE NODES DO NOT AGREE.")
    say(
        "Every balance is the plain sum of the paid rows of the file."
        if report.csv_agrees
        else "THE BALANCES DO NOT AGREE WITH THE FILE."
    )
    if report.times_s:
        say(f"{event['payments_per_s']} payments a second.")
        say(f"Half were final within {event['p50_ms']} ms, 99 in 100 within {event['p99_ms']} ms.")
        say(f"Each took {event['cpu_ms_per_payment']} ms of CPU, all processes together.")
    say(f"The books are in {place.root}.")
