"""The wallet from Python: both shells offer the same, amounts are exact, refusals are exceptions of their own."""

import inspect
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any, get_origin, get_type_hints

import pytest

import wallet
from wallet import errors
from wallet.api import shapes
from wallet.scripting import answers, questions, wire
from wallet.scripting.asynchronous import AsyncWallet
from wallet.scripting.blocking import BlockingWallet
from wallet.scripting.questions import amount_text, pay

HOME = Path("/nowhere/home")


def methods(kind: type) -> dict[str, Callable[..., Any]]:
    return {name: value for name, value in vars(kind).items() if not name.startswith("_") and callable(value)}


def test_both_shells_have_the_same_methods_with_the_same_parameters() -> None:
    awaited, blocking = methods(AsyncWallet), methods(BlockingWallet)
    assert awaited.keys() == blocking.keys()
    for name, method in awaited.items():
        twins = inspect.signature(method), inspect.signature(blocking[name])
        assert twins[0].parameters == twins[1].parameters, name
        assert inspect.getdoc(method) == inspect.getdoc(blocking[name]), name


def _describes(function: Callable[..., Any]) -> bool:
    kind = get_origin(inspect.signature(function).return_annotation)
    return kind in (questions.Question, questions.Pages) and not function.__name__.startswith("_")


def test_every_question_is_a_method_of_both() -> None:
    described = {name for name, value in vars(questions).items() if inspect.isfunction(value) and _describes(value)}
    assert len(described) > 10
    assert described <= methods(AsyncWallet).keys()
    assert {"status", "balance", "history", "members", "show", "pay", "preview", "receive", "refund", "verify",
            "unlock", "lock", "events", "community", "close"} <= methods(AsyncWallet).keys()  # fmt: skip


def test_a_method_shows_its_own_parameters_and_what_it_gives() -> None:
    signature = inspect.signature(wallet.open(HOME).pay)
    assert list(signature.parameters)[:3] == ["payee", "amount", "memo"]
    assert signature.return_annotation is answers.Payment


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("2.50", "2.50"), (2, "2"), (Decimal("2.50"), "2.5"), (Decimal("1E+2"), "100"), (Decimal("0.10"), "0.1"),
        (Decimal("100"), "100"), (Decimal("-1"), "-1"), (" 1", " 1"),
    ],
)  # fmt: skip
def test_an_amount_is_sent_exactly_as_it_is(amount: Any, text: str) -> None:
    assert amount_text(amount) == text


@pytest.mark.parametrize("token", ["", " \n", "tly_a b", "tly_a\r\nX: y", "tly_\u00e9", "tly_a\0"])
@pytest.mark.parametrize("shell", [wallet.open, wallet.connect])
def test_words_that_are_no_token_open_nothing(shell: Callable[..., Any], token: str) -> None:
    with pytest.raises(wallet.TokenWrong):
        shell(HOME, token=token)


def test_the_line_end_of_a_file_is_no_part_of_a_token() -> None:
    assert wallet.open(HOME, token="tly_abc\n")._door.token == "tly_abc"


@pytest.mark.parametrize("amount", [2.5, 2.0, True, None, 1j, b"2.50", [1], float("nan")])
def test_what_is_no_exact_amount_is_a_type_error_and_nothing_is_asked(amount: Any) -> None:
    with pytest.raises(TypeError, match="never a "):
        wallet.open(HOME).pay("@bob", amount)


@pytest.mark.parametrize("amount", [Decimal("NaN"), Decimal("Infinity"), Decimal("-sNaN")])
def test_what_is_no_number_is_a_bad_amount(amount: Decimal) -> None:
    with pytest.raises(wallet.BadAmount):
        wallet.open(HOME).pay("@bob", amount)


def test_a_payment_is_described_as_the_api_takes_it() -> None:
    order = pay("@bob", Decimal("2.50"), memo="bread", ref="order-17", wait="seen", timeout_s=5)
    assert (order.method, order.path, order.timeout_s) == ("POST", "pay", 25)
    assert order.body == {
        "payee": "@bob", "amount": "2.5", "memo": "bread", "sealed": False, "ref": "order-17", "as": None,
        "wait": "seen", "timeout_s": 5,
    }  # fmt: skip


def test_queries_are_quoted() -> None:
    assert questions.balance("@a&b").path == "balance?as=%40a%26b"
    assert questions.show("a/../b?").path == "payments/a%2F..%2Fb%3F"
    assert questions.history("@ana").page(17).path == "history?as=%40ana&after=17&limit=200"


VIEWS = [
    (answers.Balance, shapes.BalanceView), (answers.Payment, shapes.PaymentView), (answers.Member, shapes.MemberView),
    (answers.HistoryRow, shapes.RowView), (answers.Received, shapes.ReceivedView), (answers.Report, shapes.ReportView),
    (answers.Preview, shapes.PreviewView), (answers.Status, shapes.WalletStatusView), (answers.Locked, shapes.LockView),
]  # fmt: skip


@pytest.mark.parametrize(("value", "view"), VIEWS, ids=lambda shape: shape.__name__)
def test_a_value_has_every_field_of_the_api(value: type, view: type) -> None:
    assert set(value.__dataclass_fields__) <= set(get_type_hints(view))  # type: ignore[attr-defined]


# Failures


def problem(code: str, **facts: Any) -> bytes:
    return json.dumps({"code": code, "detail": "It is so.", "facts": facts, "next": "Do this."}).encode()


@pytest.mark.parametrize("code", errors.BY_CODE)
def test_every_code_is_an_exception_of_its_own(code: str) -> None:
    error = wire.failure(problem(code))
    assert type(error) is errors.BY_CODE[code]
    assert (error.code, str(error), error.next) == (code, "It is so.", "Do this.")
    assert getattr(wallet, type(error).__name__) is type(error)


def test_amounts_among_the_facts_are_decimals() -> None:
    with pytest.raises(wallet.Limit) as caught:
        wire.answered(pay("@bob", 1), 422, problem("limit", missing="0.50", payee="bob"))
    assert caught.value.facts == {"missing": Decimal("0.50"), "payee": "bob"}


def test_an_unknown_code_is_the_base_class_with_that_code() -> None:
    error = wire.failure(problem("of_a_newer_version"))
    assert type(error) is wallet.WalletError
    assert error.code == "of_a_newer_version"
    assert wallet.WalletError.code == "failed"


@pytest.mark.parametrize("content", [b"", b"[]", b"nonsense", b'{"code": 1}', b"\xff", b"null"])
@pytest.mark.parametrize("status", [200, 500])
def test_what_is_no_answer_is_unreachable(content: bytes, status: int) -> None:
    with pytest.raises(wallet.Unreachable):
        wire.answered(pay("@bob", 1), status, content)


def test_where_no_wallet_is_that_is_said_and_no_secret_is_shown(tmp_path: Path) -> None:
    with pytest.raises(wallet.WalletError) as caught:
        wallet.open(tmp_path, token="secret").status()
    assert caught.value.code == "no_wallet"
    assert "secret" not in repr(wire.Door(tmp_path, "secret"))


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    for name in ("Nothing", "nothing", "Facts"):
        with pytest.raises(AttributeError):
            getattr(wallet, name)


# The stream


def told(reader: wire.EventReader, *blocks: str) -> list[str]:
    lines = "\n\n".join([*blocks, ""]).split("\n")
    return [event.at for line in lines if (event := reader.line(line)) is not None]


def block(at: str, id: str = "pay1x", state: str = "final") -> str:
    content = {"at": at, "event": "payment", "account": "ana", "time": 1, "id": id, "state": state, "amount": "2.50"}
    return f"id: {at}\nevent: payment\ndata: {json.dumps(content)}"


def test_a_stream_goes_on_behind_the_last_whole_event() -> None:
    reader = wire.EventReader(None, 10)
    assert reader.path() == "events"
    assert told(reader, "id: 7", block("8.0"), block("8.1")) == ["8.0", "8.1"]
    for line in block("9.0").split("\n"):
        assert reader.line(line) is None
    assert reader.path() == "events?after=8.1"
    assert told(reader, "id: 8.1", block("9.0")) == ["9.0"]


def test_what_was_seen_is_told_once_also_by_a_node_that_started_anew() -> None:
    reader = wire.EventReader("0", 10)
    assert told(reader, block("8.0"), block("8.99", state="seen"), block("12.0", state="seen")) == ["8.0", "8.99"]
    assert told(reader, block("13.0", "pay1y", "seen")) == ["13.0"]


def test_who_waited_too_long_for_a_node_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(wire, "monotonic", lambda: now)
    reader = wire.EventReader("0", 10)
    now = 110.0
    reader.lost()
    reader.line("id: 3")
    now = 120.0
    reader.lost()
    now = 121.0
    with pytest.raises(wallet.Unreachable):
        reader.lost()


def test_a_time_that_no_calendar_has_is_the_last_one_there_is() -> None:
    row = answers.HistoryRow("pay1", "received", "final", "eve", (), Decimal(1), None, False, None, 2**62)
    assert (row.when.year, row.when.tzname()) == (9999, "UTC")
