"""What is exported: every payment once, in text that each program reads as it was meant."""

import csv
import io
import json
import re
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from node.amounts import format_amount
from node.web.application import Guarded, application
from node.web.guard import Guard
from protocol.base import AccountId
from protocol.messages import Bundle
from protocol.ops import Bounce, PublicNote, Recv
from tests.builders import charge, found, send
from tests.node.asgi import PORT, TOKEN, Answer, call
from tests.node.served import served
from tests.wallet.test_feed import Names, Street
from wallet.api.exporting import Exporting
from wallet.formats import WRITERS, csvfile, hledger, jsonlines
from wallet.formats.exporting import Exporter, Wanted
from wallet.formats.rows import ExportRow, Place

ROW = ExportRow(
    "pay1abc", "ab" * 32, "payment", 1_700_000_000, "ana", "bob", "2.50", "hours", "final", "bread", False, "order-17",
    True,
)  # fmt: skip
PLACE = Place("com1x", "Elm", "hours", 2, ["ana", "bob"], [])

NASTY = [
    "=1+1", "+1", "-1", "@SUM(A1)", " =1", '"quoted"', "a;b", "a  b", "* (x)", "(code) x", "! x", "; comment", "a | b",
    "date:2020-01-01", "[2020-01-01]", "'x", "a,b", "naïve ☕ 面包", "include /etc/passwd", "", " ", "2026-01-01 x",
    "a = b", "@@ 5", "{x}", "~ monthly", "%x",
]  # fmt: skip
"""Memos that mean something to one program or another."""


@pytest.mark.parametrize("memo", NASTY)
def test_a_csv_row_is_one_row_whatever_the_memo_says(memo: str) -> None:
    text = csvfile.head(PLACE) + csvfile.line(replace(ROW, memo=memo, ref=memo))
    (row,) = csv.DictReader(io.StringIO(text, newline=""))
    assert row["memo"] in (memo, f"'{memo}") and row["ref"] == row["memo"]
    assert not re.match(r"\s*[=+\-@\t\r]", row["memo"])
    assert (row["id"], row["entry"], row["amount"], row["time"]) == (
        "pay1abc", "ab" * 32, "2.50", "2023-11-14T22:13:20Z"
    )  # fmt: skip


@pytest.mark.parametrize("memo", NASTY)
def test_json_lines_have_the_words_as_they_are(memo: str) -> None:
    text = jsonlines.head(PLACE) + jsonlines.line(replace(ROW, memo=memo))
    assert text.count("\n") == 1
    row = json.loads(text)
    assert (row["memo"], row["amount"], row["payer"], row["payee"]) == (memo, "2.50", "ana", "bob")
    assert json.loads(jsonlines.line(replace(ROW, id="", memo=None)))["id"] is None


def test_a_row_of_hledger_is_a_transaction_of_two_accounts() -> None:
    assert hledger.line(ROW) == (
        "\n2023-11-14 * (pay1abc) @ana to @bob | bread\n"
        f"    ; kind:payment, state:final, entry:{'ab' * 32}, ref:order-17\n"
        '    members:bob  2.50 "hours"\n'
        '    members:ana  -2.50 "hours"\n'
    )
    waiting = hledger.line(replace(ROW, counted=False, state="recorded", payee="commons", memo=None, ref=None))
    assert waiting.startswith("\n2023-11-14 ! (pay1abc) @ana to @commons\n") and "    in flight  2.50" in waiting


@pytest.mark.parametrize("time", [0, 1, 253_402_300_799, 253_402_300_800, 2**62])
def test_any_time_that_an_author_wrote_is_a_date(time: int) -> None:
    for writer in WRITERS.values():
        assert writer.line(replace(ROW, time=time)).count("\n") in (1, 5)


def read_by_hledger(text: str, *words: str) -> str:
    """What hledger says of a journal."""
    if shutil.which("hledger") is None:
        pytest.skip("hledger not installed: not checked")
    done = subprocess.run(
        ["hledger", "-f", "-", *words], input=text, capture_output=True, text=True, timeout=60,
        env={"LANG": "C.UTF-8", "PATH": "/usr/bin:/bin:/usr/local/bin:/opt/homebrew/bin"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("unit", ["hours", 'a "b"', "x;y", "€", "10 min", "h  h", "=", "@"])
def test_hledger_reads_whatever_the_words_say(unit: str) -> None:
    place = Place("com1x", '; "Elm" | 2', unit, 2, ["ana", "bob"], ["ana"])
    rows = [replace(ROW, unit=unit, memo=memo, ref=memo or None) for memo in NASTY]
    text = hledger.head(place) + "".join(map(hledger.line, rows))
    assert read_by_hledger(text, "check", "--strict") == ""
    shown = json.loads(read_by_hledger(text, "print", "-O", "json"))
    assert len(shown) == len(NASTY)
    assert {(one["tcode"], one["tstatus"], one["tdate"]) for one in shown} == {("pay1abc", "Cleared", "2023-11-14")}
    balances = read_by_hledger(text, "balance", "-N", "-O", "csv").splitlines()[1:]
    total = format_amount(250 * len(NASTY), 2)
    assert [re.search(r"-?[\d.]+", line.split(",", 1)[1]).group() for line in balances] == [f"-{total}", total]  # type: ignore[union-attr]


# From a node


@asynccontextmanager
async def busy(tmp_path: Path) -> AsyncIterator[Street]:
    """Everything that can happen to balances."""
    town = found("ana", "ben", "cem")
    ana, ben, cem = town["ana"], town["ben"], town["cem"]
    async with served(town, tmp_path) as (node, _):
        place = Street(town, node)
        for name in town.members:
            await place.final(town.open(name))
        await place.final(town.write("ana", send(ben, 30, PublicNote("bread")), send(cem, 5), send(AccountId(0), 3)))
        came = await place.final(town.write("ben", send(ana, 7)))
        taken = await place.final(town.write("cem", Recv(ana, 0, 1, 5), send(ben, 2)))
        await place.final(town.write("ana", Bounce(ben, 0, came.seq), send(cem, 1)))
        await place.take(town.write("ben", Recv(town["cem"], 0, taken.seq, 2), send(cem, 4)))
        await place.decide(charge(cem, AccountId(0), 6), charge(AccountId(0), ana, 1, "thanks"))
        yield place


def exported(place: Street, kind: str, wanted: Wanted) -> str:
    exporter = Exporter(place.node, Names(place.node, place.town["ana"]))
    rows = [row for page in exporter.pages(wanted) for row in page]
    return WRITERS[kind].head(exporter.place(wanted)) + "".join(map(WRITERS[kind].line, rows))


ALL = Wanted(None)


async def test_each_payment_return_and_charge_is_there_once(tmp_path: Path) -> None:
    async with busy(tmp_path) as place:
        rows = list(csv.DictReader(io.StringIO(exported(place, "csv", ALL))))
        assert [(row["kind"], row["payer"], row["payee"], row["amount"], row["state"]) for row in rows] == [
            ("payment", "ana", "ben", "0.30", "final"), ("payment", "ana", "cem", "0.05", "final"),
            ("payment", "ana", "commons", "0.03", "final"), ("payment", "ben", "ana", "0.07", "final"),
            ("payment", "cem", "ben", "0.02", "final"), ("return", "ana", "ben", "0.07", "final"),
            ("payment", "ana", "cem", "0.01", "final"), ("payment", "ben", "cem", "0.04", "recorded"),
            ("charge", "cem", "commons", "0.06", "final"), ("charge", "commons", "ana", "0.01", "final"),
        ]  # fmt: skip
        assert all(len(row["entry"]) == 64 for row in rows)
        assert all(row["id"].startswith("pay1") for row in rows if row["kind"] != "charge")


async def test_hledgers_balances_are_those_of_the_ledger(tmp_path: Path) -> None:
    async with busy(tmp_path) as place:
        text = exported(place, "hledger", ALL)
        read_by_hledger(text, "check", "--strict")
        shown = read_by_hledger(text, "balance", "-N", "-E", "-O", "csv")
        balances = {name: amount.split(" ")[0] for name, amount in list(csv.reader(io.StringIO(shown)))[1:]}
        ledger, town = place.node.ledger, place.town
        for name in town.members:
            assert balances[f"members:{name}"] == format_amount(ledger.balance(town[name]), 2) or (
                balances[f"members:{name}"] == "0" and ledger.balance(town[name]) == 0
            )
        assert balances["commons"] == format_amount(ledger.balance(AccountId(0)), 2)
        assert balances["in flight"] == "0.04"


async def test_of_one_account_only_its_own_are_exported(tmp_path: Path) -> None:
    async with busy(tmp_path) as place:
        rows = [json.loads(line) for line in exported(place, "jsonl", Wanted([place.town["ana"]])).splitlines()]
        assert len(rows) == 7 and all("ana" in (row["payer"], row["payee"]) for row in rows)
        text = exported(place, "hledger", Wanted([place.town["ana"]]))
        assert "the payments of @ana; only the balances of these accounts are whole" in text
        own = read_by_hledger(text, "balance", "-N", "-O", "csv", "members:ana").splitlines()[1]
        assert format_amount(place.node.ledger.balance(place.town["ana"]), 2) in own


async def test_what_another_branch_displaced_is_left_out(tmp_path: Path) -> None:
    async with busy(tmp_path) as place:
        town = place.town
        rival = town.draft("ana", send(town["ben"], 2))
        kept = town.draft("ana", send(town["cem"], 3))
        await place.take(town.keep(rival))
        await place.node.bookkeeper.submit(Bundle((kept,), (town.certificate(kept),)))
        rows = list(csv.DictReader(io.StringIO(exported(place, "csv", ALL))))
        assert [row["entry"] for row in rows].count(rival.id.hex()) == 0
        assert [row["entry"] for row in rows].count(kept.id.hex()) == 1


async def asked(place: Street, query: str) -> Answer:
    class OwnAna(Names):
        def own_account(self, handle: str | None) -> AccountId:
            return place.town["ana"]

    rooms = Exporting(OwnAna(place.node, place.town["ana"]), place.node)  # type: ignore[arg-type]  # as much as it needs
    app = Guarded(application(rooms.routes(), {}), Guard(PORT, TOKEN))
    return await call(app, path="/v1/wallet/export", query=query)


async def test_over_http_it_is_a_file(tmp_path: Path) -> None:
    async with busy(tmp_path) as place:
        got = await asked(place, "")
        assert (got.status, got.header(b"content-type")) == (200, [b"text/csv; charset=utf-8"])
        assert got.body.decode() == exported(place, "csv", Wanted([place.town["ana"]]))
        assert (await asked(place, "format=hledger&all=1")).body.decode() == exported(place, "hledger", ALL)
        for days, count in (("from=1970-01-02", 1), ("to=1969-12-31", 1), ("from=1970-01-01&to=1970-01-01", 8),
                            ("to=9999-12-31", 8)):  # fmt: skip
            assert len((await asked(place, days)).body.splitlines()) == count, days


BAD: list[str] = ["format=pdf", "format=", "from=yesterday", "to=2026-13-01", "from=1", "as=%40ana&all=1", "to=٢٠٢٦",
                  "all=true", "all="]  # fmt: skip


@pytest.mark.parametrize("query", BAD)
async def test_a_wrong_question_is_refused(tmp_path: Path, query: str) -> None:
    async with busy(tmp_path) as place:
        got: Any = await asked(place, query)
        assert (got.status, got.json["code"]) == (400, "bad_request")
