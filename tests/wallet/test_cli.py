"""The command line: what is asked of the wallet, what is said, and with which exit status it ends."""

from pathlib import Path
from typing import Any

import pytest

from node.console import terminal
from tests.wallet.commanding import BALANCE, HOME, PAYMENT, PREVIEW, ROW, STATUS, Tally, refused
from wallet.__main__ import COMMANDS
from wallet.__main__ import Tally as Group
from wallet.client import CallFailed


@pytest.fixture
def tally(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Tally:
    return Tally(monkeypatch, capsys)


@pytest.fixture
def asking(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Somebody sits at the terminal and gives these answers."""
    answers: list[str] = []
    monkeypatch.setattr(terminal.Terminal, "can_ask", property(lambda self: self.may_ask))
    monkeypatch.setattr(terminal.Terminal, "_ask", lambda self, prompt: answers.pop(0))
    monkeypatch.setattr(terminal.Terminal, "secret", lambda self, prompt: answers.pop(0))
    return answers


def test_pay_prints_the_payment_as_json(tally: Tally) -> None:
    tally.answers = {"pay": PAYMENT}
    got = tally("--json", "pay", "@bob", "2.50", "--memo", "bread", "--yes")
    assert got.status == 0
    assert list(got.json) == ["id", "state", "payer", "payee", "amount", "unit", "memo", "ref"]
    assert got.json["amount"] == "2.50"


def test_pay_hands_on_everything_that_was_said(tally: Tally) -> None:
    tally.answers = {"pay": PAYMENT}
    got = tally("pay", "@bob", "2.50", "--sealed", "--memo", "x", "--ref", "order-17", "--as", "@ana", "--yes",
                "--wait", "seen", "--timeout", "500ms")  # fmt: skip
    assert got.asked == [
        ("/v1/wallet/pay", {"payee": "@bob", "amount": "2.50", "memo": "x", "sealed": True, "ref": "order-17",
                            "as": "@ana", "wait": "seen", "timeout_s": 0.5}),
    ]  # fmt: skip


def test_pay_waits_thirty_seconds_for_final_when_nothing_is_said(tally: Tally) -> None:
    tally.answers = {"pay": PAYMENT}
    body = tally("pay", "@bob", "2.50", "--yes").asked[0][1]
    assert (body["wait"], body["timeout_s"]) == ("final", 30.0)


def test_without_a_terminal_and_without_yes_nothing_is_paid(tally: Tally) -> None:
    got = tally("pay", "@bob", "2.50", "--json")
    assert (got.status, got.json["error"]["code"], got.asked) == (2, "needs_yes", [])


def test_no_input_refuses_even_at_a_terminal(tally: Tally, asking: list[str]) -> None:
    got = tally("pay", "@bob", "2.50", "--no-input")
    assert (got.status, got.asked) == (2, [])


def test_at_a_terminal_pay_asks_once_and_shows_the_balance_afterwards(tally: Tally, asking: list[str]) -> None:
    tally.answers = {"preview": PREVIEW, "pay": PAYMENT}
    asking.append("y\n")
    got = tally("pay", "@bob", "2.50")
    assert got.status == 0
    assert "@ana pays @bob 2.50 hours" in got.err and "afterwards -2.50 hours" in got.err and "levy" not in got.err
    assert [path for path, _ in got.asked] == ["/v1/wallet/preview", "/v1/wallet/pay"]


def test_a_levy_is_shown_before_anybody_says_yes(tally: Tally, asking: list[str]) -> None:
    tally.answers = {"preview": {**PREVIEW, "levy": "0.05", "balance_after": "-2.55"}, "pay": PAYMENT}
    asking.append("y\n")
    got = tally("pay", "@bob", "2.50")
    assert "and a levy of 0.05 hours goes to the commons" in got.err and "afterwards -2.55 hours" in got.err


@pytest.mark.parametrize("answer", ["n\n", "\n", "yess\n", "x\n"])
def test_any_answer_but_yes_pays_nothing(tally: Tally, asking: list[str], answer: str) -> None:
    tally.answers = {"preview": PREVIEW}
    asking.append(answer)
    got = tally("pay", "@bob", "2.50")
    assert (got.status, [path for path, _ in got.asked]) == (1, ["/v1/wallet/preview"])


def test_a_locked_wallet_says_so_before_it_asks_anything(tally: Tally, asking: list[str]) -> None:
    tally.answers = {"preview": {**PREVIEW, "locked": True}}
    got = tally("pay", "@bob", "2.50")
    assert (got.status, [path for path, _ in got.asked]) == (5, ["/v1/wallet/preview"])
    assert got.err == "tally: The wallet is locked, so nothing can be signed.\n  Run `tally unlock`.\n"


def test_under_a_ref_that_may_be_paid_already_a_locked_wallet_is_only_a_warning(
    tally: Tally, asking: list[str]
) -> None:
    tally.answers = {"preview": {**PREVIEW, "locked": True}, "pay": PAYMENT}
    asking.append("y\n")
    got = tally("pay", "@bob", "2.50", "--ref", "order-17")
    assert got.status == 0 and got.err.startswith("the wallet is locked")


def test_paid_is_said_of_final_payments_only(tally: Tally) -> None:
    tally.answers = {"pay": {**PAYMENT, "state": "recorded"}}
    got = tally("pay", "@bob", "2.50", "--yes", "--wait", "recorded")
    assert " paid " not in got.out and got.out.splitlines()[0].endswith(": recorded")
    tally.answers = {"pay": PAYMENT}
    assert "@ana paid @bob 2.50 hours: final" in tally("pay", "@bob", "2.50", "--yes").out


def test_a_payment_that_is_not_final_in_time_is_named_in_the_failure(tally: Tally) -> None:
    tally.answers = {"pay": refused("timeout", 7, id="pay1abc", state="recorded")}
    got = tally("pay", "@bob", "2.50", "--yes", "--json")
    assert (got.status, list(got.json), got.json["error"]["code"]) == (7, ["error"], "timeout")
    assert got.json["error"]["facts"] == {"id": "pay1abc", "state": "recorded"}


def test_a_payment_in_conflict_exits_as_refused(tally: Tally) -> None:
    tally.answers = {"pay": {**PAYMENT, "state": "conflict"}}
    got = tally("pay", "@bob", "2.50", "--yes", "--json")
    assert (got.status, list(got.json), got.json["error"]["code"]) == (3, ["error"], "conflict")


FAILURES = [
    ("limit", 3), ("payee_unknown", 3), ("unreachable", 4), ("locked", 5), ("not_found", 6), ("bad_amount", 2),
    ("book_failed", 1),
]  # fmt: skip


@pytest.mark.parametrize(("code", "status"), FAILURES)
def test_each_failure_has_its_exit_status_and_its_json(tally: Tally, code: str, status: int) -> None:
    tally.answers = {"pay": refused(code, status, limit="20.00")}
    got = tally("pay", "@bob", "2.50", "--yes", "--json")
    assert got.status == status
    assert got.json == {
        "error": {"code": code, "message": f"It is {code}.", "facts": {"limit": "20.00"}, "next": "Do this."}
    }


def test_without_json_a_failure_is_told_on_standard_error(tally: Tally) -> None:
    tally.answers = {"balance": refused("locked", 5)}
    got = tally("balance")
    assert (got.out, got.err) == ("", "tally: It is locked.\n  Do this.\n")


USAGE: list[tuple[str, ...]] = [
    ("pay",), ("pay", "@bob"), ("pay", "@bob", "1", "--wait", "soon"), ("pay", "@bob", "1", "--timeout", "soon"),
    ("pay", "@bob", "1", "--timeout", "2h"), ("pay", "@bob", "1", "--timeout", "-1s"), ("nonsense",),
    ("balance", "--nonsense"), ("balance", "more"), ("show",), ("history", "--limit", "0"),
    ("pay", "@bob", "1", "--passphrase", "x"), ("unlock", "--passphrase", "x"), ("unlock", "secret"),
]  # fmt: skip


@pytest.mark.parametrize("arguments", USAGE, ids=" ".join)
def test_wrong_usage_exits_2_and_asks_nothing(tally: Tally, arguments: tuple[str, ...]) -> None:
    got = tally(*arguments, "--json")
    assert (got.status, got.json["error"]["code"], got.asked) == (2, "usage", [])
    assert "--help" in got.json["error"]["next"]


@pytest.mark.parametrize(
    ("said", "seconds"), [("30s", 30.0), ("500ms", 0.5), ("2m", 120.0), ("1h", 3600.0), ("7", 7.0), ("1.5s", 1.5)]
)
def test_a_duration_is_read(tally: Tally, said: str, seconds: float) -> None:
    tally.answers = {"pay": PAYMENT}
    assert tally("pay", "@bob", "1", "--yes", "--timeout", said).asked[0][1]["timeout_s"] == pytest.approx(seconds)


@pytest.mark.parametrize(
    "arguments",
    [("--json", "--home", "/x/y", "balance"), ("balance", "--json", "--home", "/x/y"),
     ("--home", "/other", "--json", "balance", "--home", "/x/y")],
)  # fmt: skip
def test_global_options_count_before_and_after_the_command(tally: Tally, arguments: tuple[str, ...]) -> None:
    tally.answers = {"balance": BALANCE}
    assert tally(*arguments).json == BALANCE
    assert tally.homes == [Path("/x/y")]


def test_without_home_the_environment_names_it(tally: Tally) -> None:
    tally.answers = {"balance": BALANCE}
    tally("balance")
    assert tally.homes == [HOME]


def test_balance_says_in_words_who_owes_whom(tally: Tally) -> None:
    tally.answers = {"balance": BALANCE}
    assert "you owe the community 2.50 hours" in tally("balance").out
    tally.answers = {"balance": {**BALANCE, "balance": "2.50", "incoming": "1.00"}}
    got = tally("balance", "--as", "@ana")
    assert "the community owes you 2.50 hours" in got.out and "1.00 hours is still in flight" in got.out
    assert got.asked == [("/v1/wallet/balance?as=%40ana", None)]


def test_balance_has_the_fields_that_scripts_rely_on(tally: Tally) -> None:
    tally.answers = {"balance": BALANCE}
    assert set(tally("balance", "--json").json) == {
        "account", "handle", "balance", "incoming", "limit", "spendable", "unit"
    }  # fmt: skip


def test_balance_says_why_an_account_pays_no_longer(tally: Tally) -> None:
    stuck = {**BALANCE, "spendable": "0.00", "problem": "another entry was signed for its place 5 (conflict)"}
    tally.answers = {"balance": stuck}
    said = tally("balance").out
    assert "you can spend 0.00 hours" in said and "pays no longer: another entry was signed for its place 5" in said
    assert set(tally("balance", "--json").json) == set(BALANCE)


def test_the_bare_command_prints_the_summary(tally: Tally) -> None:
    summary = {**STATUS, "accounts": [BALANCE], "recent": {"unit": "hours", "rows": [ROW]}}
    tally.answers = {"summary": summary}
    got = tally()
    assert got.status == 0
    assert "Elm: 2 members, 1 peer connected" in got.out and 'paid @bob  "bread"' in got.out
    assert tally("--json").json == summary
    assert tally("--quiet").err == ""


def test_a_locked_wallet_is_said_in_the_summary(tally: Tally) -> None:
    tally.answers = {"summary": {**STATUS, "locked": True, "accounts": [BALANCE], "recent": {"rows": []}}}
    assert "tally unlock" in tally().err


def test_an_empty_history_says_so(tally: Tally) -> None:
    tally.answers = {"history": {"account": 1, "unit": "hours", "rows": []}}
    assert tally("history", "--limit", "3").out == "no payments yet\n"


def test_received_payments_carry_a_plus(tally: Tally) -> None:
    row = {**ROW, "kind": "received", "amount": "2.50"}
    tally.answers = {"history": {"account": 1, "unit": "hours", "rows": [row, ROW]}}
    first, second = tally("history").out.splitlines()
    assert "+2.50" in first and "-2.50" in second


def test_the_history_says_paid_of_final_payments_only(tally: Tally) -> None:
    for state, words in (
        ("recorded", "to @bob"),
        ("conflict", "to @bob"),
        ("final", "paid @bob"),
        ("seen", "paid @bob"),
    ):
        tally.answers = {"history": {"account": 1, "unit": "hours", "rows": [{**ROW, "state": state}]}}
        said = tally("history").out
        assert f"  {words}  " in said and said.rstrip().endswith(f"{state}  {ROW['id']}")


LONG = {**ROW, "id": "pay1" + 62 * "q", "other": "bobby", "memo": "bread, " * 20}


def test_on_a_narrow_screen_the_id_stands_below_its_payment_and_the_memo_is_cut(
    tally: Tally, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terminal.Terminal, "width", 80)
    rows = [LONG, {**LONG, "memo": None, "kind": "incoming"}, {**LONG, "memo": "eggs"}]
    tally.answers = {"history": {"account": 1, "unit": "hours", "rows": rows}}
    lines = tally("history").out.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[1::2] == [f"  {LONG['id']}"] * 3
    assert '"bread,' in lines[0] and "..." in lines[0] and '"eggs"' in lines[4] and lines[0].endswith("final")


def test_on_a_wide_screen_and_in_a_pipe_a_payment_is_one_line(tally: Tally, monkeypatch: pytest.MonkeyPatch) -> None:
    tally.answers = {"history": {"account": 1, "unit": "hours", "rows": [LONG]}}
    in_a_pipe = tally("history").out
    assert in_a_pipe.count("\n") == 1 and LONG["memo"] in in_a_pipe and LONG["id"] in in_a_pipe
    monkeypatch.setattr(terminal.Terminal, "width", 300)
    assert tally("history").out == in_a_pipe


def test_show_and_status_and_members(tally: Tally) -> None:
    members = [
        {"account": 1, "handle": "ana", "name": "Ana's bakery", "alike": ["αna"], "balance": "-2.50", "limit": "20.00",
         "level": "suspended", "own": True},
    ]  # fmt: skip
    tally.answers = {"payments/pay1abc": PAYMENT, "status": STATUS, "members": {"unit": "hours", "members": members}}
    assert "payer    @ana" in tally("show", "pay1abc").out
    assert "node       running as process 7, a witness, 1 peer connected" in tally("status").out
    listed = tally("members").out
    assert "you, suspended, looks like @αna" in listed and "Ana's bakery" in listed


def test_the_history_says_whose_name_looks_like_another(tally: Tally) -> None:
    rows = [{**ROW, "alike": ["b0b"]}, ROW]
    tally.answers = {"history": {"unit": "hours", "rows": rows, "next": None}}
    first, second = tally("history").out.splitlines()
    assert "paid @bob (looks like @b0b)" in first and "looks like" not in second


def test_an_id_cannot_reach_another_address(tally: Tally) -> None:
    for id in ("../down", "", "pay1?x=1", "pay1 2"):
        got = tally("show", id, "--json")
        assert (got.status, got.json["error"]["code"], got.asked) == (2, "bad_id", [])


@pytest.mark.parametrize(
    "arguments",
    [("pay", "@bob", "1", "--yes", "--memo", "caf\udce9"), ("show", "\udcff"), ("balance", "--as", "\udcff")],
)
def test_what_is_no_text_is_refused_before_anything_is_asked(tally: Tally, arguments: tuple[str, ...]) -> None:
    got = tally(*arguments, "--json")
    assert (got.status, got.json["error"]["message"], got.asked) == (2, "What was typed is not UTF-8 text.", [])


def test_receive_and_refund(tally: Tally) -> None:
    taken = {"account": 1, "amount": "2.50", "unit": "hours", "parcels": 2, "entries": 1, "state": "final"}
    tally.answers = {"receive": taken, "refund": PAYMENT}
    assert tally("receive").out == "took in 2.50 hours from 2 payments: final\n"
    assert tally("refund", "pay1abc").asked[0][1]["id"] == "pay1abc"
    tally.answers = {"receive": {**taken, "parcels": 0}}
    assert tally("receive").out == "nothing is in flight to you\n"


def test_unlock_asks_only_for_a_passphrase_that_is_needed(tally: Tally, asking: list[str]) -> None:
    tally.answers = {"unlock": {"locked": False}}
    assert tally("unlock").asked == [("/v1/wallet/unlock", {"passphrase": None})]


def test_unlock_reads_the_passphrase_from_a_file(tally: Tally, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("correct horse\n")
    tally.answers = {"unlock": {"locked": False}}
    got = tally("unlock", "--passphrase-file", str(tmp_path / "secret"))
    assert got.asked == [("/v1/wallet/unlock", {"passphrase": "correct horse"})]


@pytest.mark.parametrize("content", [b"", b"\n", b"two\nlines\n", b"\xff\xfe", b"x" * 2000])
def test_a_passphrase_file_that_makes_no_sense_is_refused(tally: Tally, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "secret").write_bytes(content)
    got = tally("unlock", "--passphrase-file", str(tmp_path / "secret"), "--json")
    assert (got.status, got.json["error"]["code"], got.asked) == (2, "bad_passphrase", [])


def test_a_passphrase_file_that_is_not_there_is_told(tally: Tally, tmp_path: Path) -> None:
    got = tally("unlock", "--passphrase-file", str(tmp_path / "none"))
    assert got.status == 2 and "No such file" in got.err


def test_unlock_without_a_terminal_says_how_to_give_the_passphrase(tally: Tally) -> None:
    tally.answers = {"unlock": refused("wrong_passphrase", 5)}
    got = tally("unlock")
    assert got.status == 2 and "--passphrase-file" in got.err


def test_verify_fails_when_the_books_are_wrong(tally: Tally) -> None:
    right = {"entries": 3, "sum": "0.00", "unit": "hours", "faults": []}
    tally.answers = {"verify": right}
    assert tally("verify", "--full").out.startswith("the books are right: 3 entries")
    tally.answers = {"verify": {**right, "faults": ["row 3: no"]}}
    got = tally("verify", "--json")
    assert (got.status, got.json["error"]["code"], got.json["error"]["facts"]) == (1, "books_wrong", {"faults": 1})
    assert "row 3: no" in got.json["error"]["message"]


@pytest.mark.parametrize(
    "words",
    ["\x1b[2J", "a\rb", "a\x07", "a\x9b31m", "a\u202eb", "a\u200bb", "a\x00", "line\nline", "a\u2066b", "\ud800"],
)
def test_what_a_member_typed_cannot_move_the_terminal(tally: Tally, words: str) -> None:
    tally.answers = {
        "history": {"account": 1, "unit": "hours", "rows": [{**ROW, "memo": words}]},
        "payments/pay1abc": {**PAYMENT, "memo": words},
    }
    for got in (tally("history"), tally("show", "pay1abc")):
        assert all(letter.isprintable() for line in got.out.split("\n") for letter in line)
        assert terminal.NOT_SHOWN in got.out
    lines = 1
    assert tally("history").out.count("\n") == lines
    assert tally("show", "pay1abc", "--json").out.isascii()


def test_an_interrupt_exits_130(tally: Tally, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: Any, **__: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr("tests.wallet.commanding.TableClient.get", interrupt)
    got = tally("balance", "--json")
    assert (got.status, got.json["error"]["code"]) == (130, "interrupted")


def test_help_lists_every_command_without_loading_one(tally: Tally) -> None:
    got = tally("--help")
    assert got.status == 0
    for name, (_, words) in COMMANDS.items():
        assert f"  {name}" in got.out and words.split()[0] in got.out


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_that_begins_as_the_table_says(tally: Tally, name: str) -> None:
    found = Group().get_command(None, name)  # type: ignore[arg-type]  # no context is needed
    assert found is not None and found.help
    got = tally(name, "--help")
    assert got.status == 0
    for option in ("--home", "--json", "--quiet", "--no-input"):
        assert option in got.out


def test_there_is_no_option_that_takes_a_passphrase_itself() -> None:
    for name in COMMANDS:
        found = Group().get_command(None, name)  # type: ignore[arg-type]
        assert found is not None
        options = {option for parameter in found.params for option in parameter.opts if "pass" in option}
        assert options <= {"--passphrase-file", "--passphrase-fd", "--no-passphrase"}


def test_a_call_failure_keeps_its_facts() -> None:
    assert CallFailed("a", "b", facts={"c": 1}).error == {"code": "a", "message": "b", "facts": {"c": 1}, "next": ""}
