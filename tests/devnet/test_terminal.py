"""What a devnet says: one table, plain lines or JSON, and nothing that somebody typed can speak in its name."""

import io
import json

import pytest

from devnet.board import Board, MemberRow
from devnet.terminal import JsonSpeaker, LiveSpeaker, PlainSpeaker, failed, progress, speaker

PAYMENT = {
    "event": "payment", "id": "pay1x", "state": "seen", "payer": "ana", "payee": "bob", "amount": "1.00",
    "memo": "[red]\u202ebread\x1b[2J", "ms": 31,
}  # fmt: skip
NEWS = {"event": "healed", "members": [], "words": "all can reach one another again"}


def board() -> Board:
    return Board("hours", 2, {"ana": MemberRow("steward, witness"), "bob": MemberRow("member")})


def test_json_is_one_ascii_line_an_event_and_leaves_out_what_only_moves_the_table(
    capsys: pytest.CaptureFixture[str],
) -> None:
    speak = JsonSpeaker()
    speak.banner(["not for programs"])
    for event in (PAYMENT, NEWS, {"event": "balances", "balances": {}, "sum": 0}):
        speak.event(event)
    lines = capsys.readouterr().out.splitlines()
    assert [json.loads(line)["event"] for line in lines] == ["payment", "healed"]
    assert "words" not in json.loads(lines[1])
    assert all(line.isascii() for line in lines)


def test_plain_lines_hold_nothing_that_a_terminal_obeys(capsys: pytest.CaptureFixture[str]) -> None:
    speak = PlainSpeaker(board())
    speak.banner(["Elm Street"])
    for event in (PAYMENT, NEWS):
        speak.event(event)
    first, second, third = capsys.readouterr().out.splitlines()
    assert first == "Elm Street"
    assert second == "ana paid bob 1.00 hours for [red]\ufffdbread\ufffd[2J: seen after 31 ms"
    assert third == "all can reach one another again"


def test_the_live_table_shows_members_payments_and_counters_and_takes_no_markup(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    screen = io.StringIO()
    monkeypatch.setattr("sys.stdout", screen)
    picture = board()
    live = LiveSpeaker(picture)
    live.banner([])
    picture.note(PAYMENT)
    live.close()
    shown = screen.getvalue()
    assert "[red]\ufffdbread" in shown
    assert "steward, witness" in shown
    assert "1 payments, 0 refused, all sums to 0.00 hours" in shown


def test_the_live_table_of_eight_members_fits_a_screen_of_24_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    monkeypatch.setattr("sys.stdout", screen)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("LINES", "24")
    picture = Board("hours", 2, {f"member-{number}": MemberRow("steward, witness") for number in range(8)})
    live = LiveSpeaker(picture)
    live.banner([])
    for _ in range(20):
        picture.note({**PAYMENT, "payer": "member-1"})
    picture.note({**NEWS, "words": "ready, Ctrl-C ends all of it"})
    live.close()
    shown = screen.getvalue().splitlines()
    assert len(shown) <= 24
    assert "20 payments, 0 refused" in shown[-2]


def test_away_from_a_terminal_there_is_no_live_table() -> None:
    with speaker(board(), as_json=False) as speak:
        assert isinstance(speak, PlainSpeaker)
    with speaker(board(), as_json=True) as speak:
        assert isinstance(speak, JsonSpeaker)


def test_a_failure_is_a_sentence_or_an_object(capsys: pytest.CaptureFixture[str]) -> None:
    error = {"code": "unreachable", "message": "no devnet is running here", "facts": {}, "next": "Start one."}
    failed(False, error)
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "tally-devnet: no devnet is running here\n  Start one.\n")
    failed(True, error)
    assert json.loads(capsys.readouterr().out) == {"error": error}


def test_progress_away_from_a_terminal_is_a_line_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    with progress(1000, "payments", quiet=False) as bar:
        for done in range(1, 1001):
            bar.at(done, "")
    said = capsys.readouterr()
    assert said.out == ""
    assert len(said.err.splitlines()) == 21
    with progress(10, "payments", quiet=True) as bar:
        bar.at(5, "")
    assert capsys.readouterr().err == ""
