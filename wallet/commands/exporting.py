"""The command that writes payments into a file: export."""

import os
from collections.abc import Iterator
from pathlib import Path

import click

from node.console.exits import USAGE
from wallet.client import CallFailed
from wallet.commands.session import Session, command
from wallet.commands.showing import as_option, counted, query

FORMATS = ("csv", "jsonl", "hledger")
DAY = click.DateTime(["%Y-%m-%d"])


@command("export", examples=(
    "tally export --output payments.csv",
    "tally export --format hledger --all --output oak-street.journal",
    "tally export --format jsonl --from 2026-05-01 --to 2026-05-31",
))  # fmt: skip
@click.option("--format", "format", type=click.Choice(FORMATS), default="csv", show_default=True,
              help="For spreadsheets, for programs, or for the accounting program hledger.")  # fmt: skip
@click.option("--all", "is_all", is_flag=True, help="The payments of everybody in the community.")
@as_option
@click.option("--from", "first", type=DAY, metavar="DAY", help="The first day, as 2026-05-01 (UTC).")
@click.option("--to", "last", type=DAY, metavar="DAY", help="The last day.")
@click.option("-o", "--output", metavar="FILE", help="Write to this file; else to standard output.")
def export(session: Session, format: str, is_all: bool, handle: str | None, first: object, last: object,
           output: str | None) -> None:  # fmt: skip
    """Write your payments, or with --all everybody's, as a file: one row each, with id, entry and both handles."""
    if session.terminal.as_json and output is None:
        raise CallFailed("usage", "--json tells of a file, and none is named.", exit_status=USAGE,
                         next="Add -o FILE; for JSON lines say --format jsonl.")  # fmt: skip
    days = {name: str(day)[:10] for name, day in (("from", first), ("to", last)) if day is not None}
    path = f"/v1/wallet/export{query(handle, format=format, all='1' if is_all else None, **days)}"
    lines = session.client().lines(path)
    if output is None:
        session.terminal.pour(line.decode() for line in lines)
        return
    size = _write(Path(output), lines)
    answer = {"file": output, "format": format, "bytes": size}
    session.terminal.answer(answer, [f"wrote {output}, {counted(size, 'byte')}"])


def _write(file: Path, lines: Iterator[bytes]) -> int:
    """Put the whole export at `file`, or leave there what was there. Returns its bytes. Raises CallFailed."""
    begun = file.with_name(f".{file.name}.part")
    try:
        try:
            with begun.open("wb") as opened:
                opened.writelines(lines)
                size = opened.tell()
            begun.replace(file)
        finally:
            begun.unlink(missing_ok=True)
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        raise CallFailed("file", f"{file} cannot be written: {reason}.", next="Name another file.") from None
    return size
