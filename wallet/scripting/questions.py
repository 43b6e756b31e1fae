"""What a script may ask a wallet: each call as a plain description of one request and of how its answer is read.

The two shells (`asynchronous` with async and await, `blocking` without) send these and nothing else, so they cannot
differ. A new call is one function here and one line in each shell. May not send anything.
"""

import inspect
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import update_wrapper
from typing import Any, Generic, Literal, TypeVar, get_args
from urllib.parse import quote, urlencode

from ..errors import BadAmount
from .answers import (
    Balance,
    Community,
    HistoryRow,
    Locked,
    Member,
    Payment,
    Preview,
    Received,
    Report,
    Status,
    read,
)

Answer = TypeVar("Answer")
Row = TypeVar("Row")
Method = TypeVar("Method", bound=Callable[..., Any])
Wait = Literal["recorded", "final", "seen"]
Money = str | int | Decimal

ANSWER_S = 60.0
MARGIN_S = 20.0
"""How much longer than the wallet itself waits for a state a script waits for the answer."""
UNLOCK_S = 120.0
VERIFY_S = 3600.0
ROWS_A_PAGE = 200


@dataclass(frozen=True, slots=True)
class Question(Generic[Answer]):
    """One request and how to read its answer; `body` None is a GET."""

    path: str
    """Below /v1/wallet/, with its query."""
    read: Callable[[Any], Answer]
    body: Mapping[str, Any] | None = None
    timeout_s: float = ANSWER_S
    parse: Callable[[bytes], Any] = json.loads

    @property
    def method(self) -> str:
        return "GET" if self.body is None else "POST"


@dataclass(frozen=True, slots=True)
class Pages(Generic[Row]):
    """A list that comes in pages: `page(after)` asks for the one behind `after`, None for the first."""

    page: Callable[[object], Question[tuple[list[Row], object]]]


def as_method(method: Method, describe: Callable[..., Any]) -> Method:
    """Give the method that asks what `describe` describes its name, its words and its parameters, for help()."""
    update_wrapper(method, describe)
    del method.__wrapped__  # type: ignore[attr-defined]  # set by update_wrapper
    shape = inspect.signature(describe)
    (answer,) = get_args(shape.return_annotation)
    own = inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)
    parameters = [own, *shape.parameters.values()]
    method.__signature__ = shape.replace(parameters=parameters, return_annotation=answer)  # type: ignore[attr-defined]
    return method


def amount_text(amount: Money) -> str:
    """An amount as the API takes it. A float is a TypeError: it is nearly, not exactly, what was written."""
    if isinstance(amount, str):
        return amount
    if isinstance(amount, bool) or not isinstance(amount, int | Decimal):
        kind = type(amount).__name__
        raise TypeError(f'an amount is a str, an int or a Decimal, never a {kind}: write "2.50" or Decimal("2.50")')
    if isinstance(amount, Decimal) and not amount.is_finite():
        raise BadAmount("An amount is a number.", {"given": str(amount)})
    text = format(amount, "f") if isinstance(amount, Decimal) else str(amount)
    return text.rstrip("0").rstrip(".") if "." in text else text


def status() -> Question[Status]:
    """How node and wallet are."""
    return _get("status", Status)


def community() -> Question[Community]:
    """The community that this wallet belongs to."""
    return _get("status", Community)


def balance(account: str | None = None) -> Question[Balance]:
    """Where an account of this wallet stands ("@ana"; without a name the first one)."""
    return _get(_path("balance", {"as": account}), Balance)


def history(account: str | None = None) -> Pages[HistoryRow]:
    """All payments of an account, newest first, one after the other; page by page is fetched as you go on."""

    def page(after: object) -> Question[tuple[list[HistoryRow], object]]:
        path = _path("history", {"as": account, "after": after, "limit": ROWS_A_PAGE})
        return Question(path, lambda answer: (read(answer["rows"], list[HistoryRow]), answer.get("next")))

    return Pages(page)


def members() -> Pages[Member]:
    """Everybody in the community, by number."""

    def page(after: object) -> Question[tuple[list[Member], object]]:
        path = _path("members", {"after": after})
        return Question(path, lambda answer: (read(answer["members"], list[Member]), answer.get("next")))

    return Pages(page)


def show(id: str) -> Question[Payment]:
    """One payment of anybody by its id. Raises NotFound, BadId."""
    return _get(f"payments/{quote(id, safe='')}", Payment)


def preview(payee: str, amount: Money, *, memo: str | None = None, account: str | None = None) -> Question[Preview]:
    """What a payment would do; nothing is paid."""
    body = {"payee": payee, "amount": amount_text(amount), "memo": memo, "as": account}
    return _post("preview", body, Preview)


def pay(payee: str, amount: Money, *, memo: str | None = None, sealed: bool = False, ref: str | None = None,
        account: str | None = None, wait: Wait = "final", timeout_s: float = 30.0) -> Question[Payment]:  # fmt: skip
    """Pay, and come back when the payment is in the state waited for.

    With the same `ref` it is the same payment, also after a crash: try again as often as you like. Raises Limit,
    PayeeUnknown, Locked and the other classes of `wallet.errors`; Timeout when it is signed and not that far in time.
    """
    body = {
        "payee": payee, "amount": amount_text(amount), "memo": memo, "sealed": sealed, "ref": ref, "as": account,
        "wait": wait, "timeout_s": timeout_s,
    }  # fmt: skip
    return _post("pay", body, Payment, timeout_s + MARGIN_S)


def receive(account: str | None = None, *, wait: Wait = "final", timeout_s: float = 30.0) -> Question[Received]:
    """Take in now what is in flight; otherwise it comes in with the next payment."""
    body = {"as": account, "wait": wait, "timeout_s": timeout_s}
    return _post("receive", body, Received, timeout_s + MARGIN_S)


def refund(id: str, *, wait: Wait = "final", timeout_s: float = 30.0) -> Question[Payment]:
    """Send a payment back to who paid it; asked again, it is the same refund."""
    body = {"id": id, "wait": wait, "timeout_s": timeout_s}
    return _post("refund", body, Payment, timeout_s + MARGIN_S)


def unlock(passphrase: str | None = None) -> Question[Locked]:
    """Let the running wallet sign. Raises WrongPassphrase."""
    return _post("unlock", {"passphrase": passphrase}, Locked, UNLOCK_S)


def lock() -> Question[Locked]:
    """Have the running wallet forget its keys."""
    return _post("lock", {}, Locked)


def place() -> Question[str]:
    """Where the stream of events is now: `events(place)` tells of all that happens from here on."""
    return Question("events?once=1", lambda text: str(text.split()[-1]), parse=bytes.decode)


def verify(*, full: bool = False) -> Question[Report]:
    """Check the books; `full` judges every entry again from its bytes."""
    return _post("verify", {"full": full}, Report, VERIFY_S)


def _get(path: str, shape: type[Answer]) -> Question[Answer]:
    return Question(path, lambda answer: read(answer, shape))


def _post(path: str, body: Mapping[str, Any], shape: type[Answer], timeout_s: float = ANSWER_S) -> Question[Answer]:
    return Question(path, lambda answer: read(answer, shape), body, timeout_s)


def _path(path: str, query: Mapping[str, object]) -> str:
    given = {name: value for name, value in query.items() if value is not None}
    return f"{path}?{urlencode(given)}" if given else path
