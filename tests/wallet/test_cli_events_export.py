"""`tally events` and `tally export`: line by line, complete or with a word that they are not."""

import json
from pathlib import Path
from typing import Any

import pytest

from node.console.exits import FAILED, UNREACHABLE, USAGE
from tests.wallet.commanding import PAYMENT, Tally
from wallet.client import CallFailed, unreachable


@pytest.fixture
def tally(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Tally:
    return Tally(monkeypatch, capsys)


def stream(*events: dict[str, Any]) -> list[bytes]:
    """What the wallet sends: the place of the beginning, then events with theirs."""
    lines = [b"id: 7\n", b"\n"]
    for event in events:
        lines += [f"id: {event['at']}\n".encode(), b"event: x\n", f"data: {json.dumps(event)}\n".encode(), b"\n"]
    return lines


OUT = {"at": "8.0", "event": "payment", "direction": "out", "account": "ana", **PAYMENT}
EVENTS = [
    (OUT, '@ana paid @bob 2.50 hours for "bread": final'),
    (OUT | {"state": "recorded"}, '@ana wrote a payment of 2.50 hours to @bob for "bread": recorded'),
    (OUT | {"direction": "in", "payer": "bob", "payee": "ana"}, '@bob paid @ana 2.50 hours for "bread": final'),
    (OUT | {"direction": "in", "payer": "bob", "payee": "ana", "state": "recorded", "memo": None},
     "@bob wrote you (@ana) a payment of 2.50 hours: not final yet"),
    (OUT | {"state": "conflict", "memo": None}, "@ana wrote a payment of 2.50 hours to @bob: conflict"),
    ({"at": "9.0", "event": "admitted", "account": "ana", "limit": "20.00", "unit": "hours", "time": 1700000000},
     "@ana is a member, credit limit 20.00 hours"),
    ({"at": "9.0", "event": "limit", "account": "ana", "limit": "5.00", "unit": "hours", "time": 1700000000},
     "@ana has a credit limit of 5.00 hours from now on"),
    ({"at": "9.0", "event": "suspended", "account": "ana", "time": 1700000000},
     "@ana is suspended: it can be paid and pays no longer"),
    ({"at": "9.0", "event": "frozen", "account": "ana", "time": 1700000000},
     "@ana is frozen: it does nothing any more"),
    ({"at": "9.0", "event": "reinstated", "account": "ana", "time": 1700000000}, "@ana is free again"),
    ({"at": "9.0", "event": "charge", "account": "ana", "payer": "ana", "payee": "commons", "amount": "0.50",
      "unit": "hours", "reason": "dues", "time": 1700000000},
     'the stewards moved 0.50 hours from @ana to @commons: "dues"'),
]  # fmt: skip


@pytest.mark.parametrize(("event", "words"), EVENTS)
def test_each_event_is_a_line_in_words(tally: Tally, event: dict[str, Any], words: str) -> None:
    tally.answers["events"] = stream(event)
    shown = tally("events", "--after", "7")
    assert (shown.status, shown.err) == (0, "")
    assert shown.out.partition("  ")[2] == f"{words}\n"


def test_with_json_each_event_is_an_object_of_its_own(tally: Tally) -> None:
    told = [event for event, _ in EVENTS]
    tally.answers["events"] = stream(*told)
    shown = tally("events", "--json", "--after", "7")
    assert [json.loads(line) for line in shown.out.splitlines()] == told


@pytest.mark.parametrize(
    ("words", "path"),
    [
        ((), "/v1/wallet/events"),
        (("--follow",), "/v1/wallet/events"),
        (("--after", "8.0"), "/v1/wallet/events?after=8.0&once=1"),
        (("--after", "8.0", "--follow"), "/v1/wallet/events?after=8.0"),
    ],
)
def test_with_a_place_it_ends_and_without_one_it_goes_on(tally: Tally, words: tuple[str, ...], path: str) -> None:
    tally.answers["events"] = stream()
    assert tally("events", *words).asked == [(path, None)]


def test_when_the_node_goes_away_the_place_to_go_on_is_told(tally: Tally) -> None:
    half = [b"id: 9.0\n", b"data: {}\n"]
    tally.answers["events"] = [*stream(OUT), *half, unreachable("The node went away.")]
    shown = tally("events", "--json")
    assert shown.status == UNREACHABLE
    error = json.loads(shown.out.splitlines()[-1])["error"]
    assert error["facts"] == {"after": "8.0"} and "--after 8.0 --follow" in error["next"]


def test_a_wrong_place_is_told_as_the_wallet_says(tally: Tally) -> None:
    tally.answers["events"] = [CallFailed("bad_request", "It is no place.", exit_status=USAGE)]
    shown = tally("events", "--after", "x")
    assert (shown.status, shown.out) == (USAGE, "") and "It is no place." in shown.err


CSV = [b"id,entry\r\n", b'pay1abc,"two\n', b'lines"\r\n']


def test_an_export_is_poured_out_as_it_is(tally: Tally) -> None:
    tally.answers["export"] = CSV
    shown = tally("export")
    assert (shown.status, shown.out, shown.err) == (0, b"".join(CSV).decode(), "")
    assert shown.asked == [("/v1/wallet/export?format=csv", None)]


def test_an_export_takes_days_accounts_and_formats(tally: Tally) -> None:
    tally.answers["export"] = CSV
    asked = tally("export", "--format", "hledger", "--all", "--from", "2026-05-01", "--to", "2026-05-31").asked
    assert asked == [("/v1/wallet/export?format=hledger&all=1&from=2026-05-01&to=2026-05-31", None)]
    assert tally("export", "--as", "@ana").asked == [("/v1/wallet/export?as=%40ana&format=csv", None)]


def test_an_export_into_a_file_says_what_it_wrote(tally: Tally, tmp_path: Path) -> None:
    tally.answers["export"] = CSV
    file = tmp_path / "my payments.csv"
    shown = tally("export", "-o", str(file), "--json")
    assert shown.json == {"file": str(file), "format": "csv", "bytes": 31}
    assert file.read_bytes() == b"".join(CSV)


def test_an_export_that_is_cut_short_leaves_the_file_as_it_was(tally: Tally, tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_text("before")
    tally.answers["export"] = [*CSV, unreachable("The node went away.")]
    assert tally("export", "-o", str(file)).status == UNREACHABLE
    assert [path.name for path in tmp_path.iterdir()] == ["x.csv"] and file.read_text() == "before"


def test_a_file_that_cannot_be_written_is_named(tally: Tally, tmp_path: Path) -> None:
    tally.answers["export"] = CSV
    shown = tally("export", "-o", str(tmp_path / "nowhere" / "x.csv"))
    assert shown.status == FAILED and "x.csv cannot be written: No such file or directory" in shown.err


WRONG = [("--format", "pdf"), ("--from", "yesterday"), ("--to", "2026-02-30"), ("--json",), ("--all", "extra")]


@pytest.mark.parametrize("words", WRONG)
def test_a_wrong_export_is_refused_and_nothing_is_asked(tally: Tally, words: tuple[str, ...]) -> None:
    shown = tally("export", *words)
    assert (shown.status, shown.asked) == (USAGE, [])
