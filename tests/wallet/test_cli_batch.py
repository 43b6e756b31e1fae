"""`tally batch`: all is checked before anything is paid, and what came of each line is told."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from node.console.exits import FAILED, LOCKED, NOT_FOUND, REFUSED, UNREACHABLE, USAGE
from tests.wallet.commanding import BALANCE, Outcome
from wallet.__main__ import run
from wallet.client import CallFailed, unreachable
from wallet.commands import session

FILE = "payee,amount,memo\n@bob,1.5,bread\ncem,2,\n@bob,0.25,\n"


class Bank:
    """Answers as a wallet would that has 17.50 left: knows bob and cem, and keeps refs."""

    def __init__(self) -> None:
        self.paid: dict[str, dict[str, Any]] = {}
        self.locked = False
        self.levy = 0.0
        self.fails: dict[str, CallFailed] = {}
        self.checked: list[int] = []

    def post(self, path: str, body: Mapping[str, Any], timeout_s: float = 0) -> dict[str, Any]:
        if path == "/v1/wallet/batch":
            self.checked.append(len(body["orders"]))
            return {"balance": BALANCE, "locked": self.locked, "orders": [self.check(one) for one in body["orders"]]}
        assert path == "/v1/wallet/pay"
        if body["payee"] in self.fails:
            raise self.fails[body["payee"]]
        made = {"id": f"pay1{len(self.paid)}", "state": body["wait"], "amount": body["amount"]}
        return self.paid.setdefault(body["ref"], made)

    def check(self, order: Mapping[str, Any]) -> dict[str, Any]:
        payee = order["payee"].removeprefix("@")
        refused = None if payee in ("bob", "cem") else {"code": "payee_unknown", "message": "No member is called that."}
        amount = f"{float(order['amount']):.2f}"
        paid = self.paid.get(order["ref"])
        levy = None if paid or refused else f"{self.levy * float(amount):.2f}"
        return {"payee": payee, "amount": amount, "levy": levy, "paid": paid, "refused": refused}


class Till:
    """`tally batch` over a bank, with one file."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], folder: Path) -> None:
        self.bank, self._capsys, self.file = Bank(), capsys, folder / "may.csv"
        self.file.write_text(FILE)
        monkeypatch.setattr(session, "connect", lambda home: self.bank)

    def __call__(self, *words: str) -> Outcome:
        status = run(["batch", str(self.file), *words])
        out, err = self._capsys.readouterr()
        return Outcome(status, out, err, [])


@pytest.fixture
def batch(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Till:
    return Till(monkeypatch, capsys, tmp_path)


def test_a_preview_shows_who_gets_how_much_and_pays_nothing(batch: Till) -> None:
    shown = batch("--preview")
    assert (shown.status, batch.bank.paid) == (0, {})
    assert shown.out.splitlines() == [
        "@bob  1.75  hours  2 payments",
        "@cem  2.00  hours  1 payment",
        "3 payments of together 3.75 hours",
        "balance of @ana now -2.50 hours, afterwards -6.25 hours",
    ]


def test_the_levy_is_shown_and_counts_towards_what_is_enough(batch: Till) -> None:
    batch.bank.levy = 0.5
    assert batch("--preview").out.splitlines()[2:] == [
        "3 payments of together 3.75 hours",
        "and a levy of 1.87 hours goes to the commons",
        "balance of @ana now -2.50 hours, afterwards -8.12 hours",
    ]
    batch.file.write_text("payee,amount\nbob,10\ncem,2\n")
    shown = batch("--yes", "--json")
    assert (shown.status, shown.json["error"]["facts"]["lines"], batch.bank.paid) == (REFUSED, [3], {})


def test_everybody_is_paid_once_also_when_the_same_file_comes_again(batch: Till) -> None:
    first = batch("--yes", "--wait", "seen")
    assert first.status == 0
    assert first.out.splitlines() == [
        "line 2  @bob  1.50  hours  seen  pay10", "line 3  @cem  2.00  hours  seen  pay11",
        "line 4  @bob  0.25  hours  seen  pay12",
    ]  # fmt: skip
    batch.file.write_text(FILE + "cem,3,\n")
    again = batch("--yes", "--json").json
    assert [(one["line"], one["before"]) for one in again["payments"]] == [(2, True), (3, True), (4, True), (5, False)]
    assert (len(batch.bank.paid), again["total"]) == (4, "3.00")
    assert "3 lines were paid before and will not be paid again" in batch("--preview", "--lines", "2-4").out


def test_another_run_pays_the_same_lines_once_more(batch: Till) -> None:
    assert (
        batch("--yes").status == batch("--yes", "--run", "june").status == batch("--yes", "--run", "june").status == 0
    )
    assert len(batch.bank.paid) == 6


def test_while_a_line_is_wrong_nobody_is_paid(batch: Till) -> None:
    batch.file.write_text(FILE + 'eve,1,\nbob,"1,000",\nbob,1,2,3\n')
    shown = batch("--yes", "--json")
    error = shown.json["error"]
    assert (shown.status, error["code"], batch.bank.paid) == (USAGE, "bad_lines", {})
    assert [fault["line"] for fault in error["facts"]["lines"]] == [5, 6, 7]
    assert "line 5: No member is called that; line 6: " in error["message"]
    assert batch("--yes", "--lines", "2-4").status == 0 and len(batch.bank.paid) == 3


def test_of_many_wrong_lines_some_are_told(batch: Till) -> None:
    batch.file.write_text("payee,amount\n" + "eve,1\n" * 30)
    shown = batch("--yes")
    assert shown.err.startswith("tally: 30 lines are wrong: line 2: ") and "; and 10 more." in shown.err


def test_when_there_is_not_enough_nobody_is_paid_unless_the_others_shall_be(batch: Till) -> None:
    batch.file.write_text("payee,amount\nbob,17\ncem,1\nbob,0.5\n")
    assert "line 3: not enough for 1.00 hours to @cem" in batch("--preview").out
    shown = batch("--yes", "--json")
    assert (shown.status, shown.json["error"]["facts"]["lines"], batch.bank.paid) == (REFUSED, [3], {})
    batch.bank.fails["cem"] = CallFailed("limit", "It is not enough.", exit_status=REFUSED)
    went_on = batch("--yes", "--keep-going")
    assert went_on.status == REFUSED and len(batch.bank.paid) == 2
    assert "line 3  @cem   1.00  hours  refused: It is not enough." in went_on.out


def test_it_stops_at_the_first_refusal_and_says_what_was_not_tried(batch: Till) -> None:
    batch.bank.fails["cem"] = CallFailed(
        "timeout", "Not yet.", exit_status=7, facts={"id": "pay1x", "state": "recorded"}
    )
    shown = batch("--yes")
    assert (shown.status, len(batch.bank.paid)) == (7, 1)
    assert shown.out.splitlines()[1:] == ["line 3  @cem  2.00  hours  recorded  pay1x", "1 line not tried"]
    as_json = json.loads(batch("--yes", "--json").out)
    assert (as_json["error"]["code"], as_json["not_tried"]) == ("timeout", 1)


def test_without_a_node_it_does_not_go_on(batch: Till) -> None:
    batch.bank.fails["@bob"] = unreachable("It went away.")
    shown = batch("--yes", "--keep-going")
    assert (shown.status, batch.bank.paid) == (UNREACHABLE, {}) and "2 lines not tried" in shown.out


def test_a_locked_wallet_pays_nobody_and_still_shows(batch: Till) -> None:
    batch.bank.locked = True
    assert (batch("--yes").status, batch.bank.paid) == (LOCKED, {})
    assert batch("--preview").status == 0


def test_many_lines_are_checked_in_pages(batch: Till) -> None:
    batch.file.write_text("payee,amount\n" + "bob,0.01\n" * 450)
    shown = batch("--yes", "--json").json
    assert batch.bank.checked == [200, 200, 50]
    assert len(shown["payments"]) == len(batch.bank.paid) == 450


WRONG: list[tuple[tuple[str, ...], int]] = [
    ((), USAGE), (("--lines", "x", "--yes"), USAGE), (("--lines", "2-", "--yes"), USAGE), (("--wait", "soon"), USAGE),
    (("--lines", "9", "--yes"), USAGE), (("--yes", "extra"), USAGE),
]  # fmt: skip


@pytest.mark.parametrize(("words", "status"), WRONG)
def test_a_wrong_command_pays_nobody(batch: Till, words: tuple[str, ...], status: int) -> None:
    shown = batch(*words)
    assert (shown.status, shown.out, batch.bank.paid) == (status, "", {})


def test_a_file_that_cannot_be_read_is_named(batch: Till) -> None:
    batch.file.unlink()
    assert batch("--preview").status == NOT_FOUND
    batch.file.mkdir()
    assert batch("--preview").status in (USAGE, FAILED)
    batch.file.rmdir()
    batch.file.write_bytes(b"\xff\xfe")
    assert "UTF-16" in batch("--preview").err
