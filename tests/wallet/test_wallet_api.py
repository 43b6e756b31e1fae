"""The wallet's routes, asked without a socket over a wallet that remembers what it was told."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from node.journal import Journal
from node.rebuilding import rebuild
from node.records import EntryRecord
from node.standing import Standing
from node.web.application import Guarded, application
from node.web.guard import Guard
from protocol.base import AccountId
from protocol.messages import Bundle
from tests.builders import found, opened
from tests.node.asgi import BEARER, HOST, JSON, PORT, TOKEN, Answer, call, post
from tests.node.doors import HeldDisk, door_of
from tests.node.served import QuietNode
from wallet import errors
from wallet.api.wallet import WalletApi
from wallet.people.people import Called, Listed
from wallet.results import Balance, Community, HistoryPage, HistoryRow, Member, Party, Payment, Received

ANA, BOB = AccountId(1), AccountId(2)
PAID = Payment("pay1abc", Standing.FINAL, Party(ANA, "ana"), Party(BOB, "bob"), 250, "bread", False, "order-17", 9)


@dataclass
class ToldWallet:
    """Stands for `wallet.service.Wallet`; `fails` is raised by whatever is asked next."""

    locked: bool = True
    told: list[Any] = field(default_factory=list)
    fails: errors.WalletError | None = None

    def _tell(self, *what: Any) -> None:
        if self.fails is not None:
            raise self.fails
        self.told.append(what)

    async def unlock(self, passphrase: str | None) -> None:
        self._tell("unlock", passphrase)
        self.locked = False

    def lock(self) -> None:
        self.locked = True

    def community(self) -> Community:
        return Community("com1x", "Elm", "hours", 2, 2, 1, 1)

    def accounts(self) -> tuple[AccountId, ...]:
        return (ANA,)

    def own_account(self, handle: str | None) -> AccountId:
        if handle not in (None, "@ana"):
            raise errors.NotFound("This account is not in this wallet.")
        return ANA

    def find(self, who: str) -> AccountId:
        if who != "@bob":
            raise errors.PayeeUnknown("Nobody of that name is a member.")
        return BOB

    async def pay(self, account: AccountId, payee: AccountId, amount: int, **more: Any) -> Payment:
        self._tell("pay", account, payee, amount, more)
        return replace(PAID, amount=amount)

    async def receive(self, account: AccountId, **more: Any) -> Received:
        self._tell("receive", account, more)
        return Received(account, 250, 2, 1, Standing.FINAL)

    async def refund(self, payment_id: str, **more: Any) -> Payment:
        self._tell("refund", payment_id, more)
        return PAID

    def balance(self, account: AccountId) -> Balance:
        self._tell("balance", account)
        return Balance(account, "ana", -250, 100, 2000, 1650, "hours", 2)

    def levy(self, account: AccountId, payee: AccountId, amount: int) -> int:
        return amount // 50

    def history(self, account: AccountId, limit: int, after: str | None = None) -> HistoryPage:
        self._tell("history", account, limit, after)
        row = HistoryRow("pay1abc", "paid", Standing.FINAL, Party(BOB, "bob"), -250, None, True, None, 9)
        return HistoryPage((row,), "41")

    def members(self) -> list[Member]:
        return [Member(ANA, "ana", -250, 2000, 1, True)]

    def show(self, payment_id: str) -> Payment:
        self._tell("show", payment_id)
        return PAID

    def problems(self) -> list[str]:
        return []


class Nameless:
    """A community in which nobody calls himself anything."""

    def called(self) -> dict[AccountId, Called]:
        return {}

    def offers(self, kinds: object) -> list[Listed]:
        return []


class StillDoor:
    """A door that writes nothing."""

    is_settled, unreadable = True, None


class StillNode:
    """A node that does nothing."""

    peer_id = "12D3"
    is_witness = True

    def __init__(self) -> None:
        self.ledger = opened(found("ana", "bob"))
        self.journal = self
        self.bookkeeper = StillDoor()

    def counts(self) -> dict[str, int]:
        return {"entries": 3}

    def check(self) -> None:
        return None

    def connected(self) -> list[str]:
        return []

    def problems(self) -> list[str]:
        return ["the disk is full"]


@pytest.fixture
def wallet() -> ToldWallet:
    return ToldWallet()


@pytest.fixture
def stop() -> trio.Event:
    return trio.Event()


@pytest.fixture
def app(wallet: ToldWallet, stop: trio.Event) -> Guarded:
    api = WalletApi(wallet, StillNode(), Nameless(), stop)  # type: ignore[arg-type]  # they stand for the real ones
    return Guarded(application(api.routes(), api.failures()), Guard(PORT, TOKEN))


ORDER = {"payee": "@bob", "amount": "2.50", "memo": "bread", "ref": "order-17", "wait": "seen", "timeout_s": 5}


async def test_an_order_reaches_the_wallet_in_smallest_units(app: Guarded, wallet: ToldWallet) -> None:
    got = await post(app, "/v1/wallet/pay", ORDER)
    assert got.status == 201
    more = {"note": "bread", "sealed": False, "ref": "order-17", "wait": "seen", "timeout_s": 5.0, "spender": None}
    assert wallet.told == [("pay", ANA, BOB, 250, more)]
    assert got.json == {
        "id": "pay1abc", "state": "final", "payer": "ana", "payee": "bob", "amount": "2.50", "unit": "hours",
        "memo": "bread", "ref": "order-17", "sealed": False, "time": 9,
    }  # fmt: skip


async def test_an_idempotency_key_is_a_ref(app: Guarded, wallet: ToldWallet) -> None:
    headers = [HOST, BEARER, JSON, (b"idempotency-key", b"order-18"), (b"content-length", b"34")]
    body = b'{"payee":"@bob","amount":"2.50"}  '
    assert (await call(app, "POST", "/v1/wallet/pay", headers=headers, body=body)).status == 201
    assert wallet.told[0][4]["ref"] == "order-18"


async def test_a_ref_and_another_idempotency_key_are_refused(app: Guarded, wallet: ToldWallet) -> None:
    headers = [HOST, BEARER, JSON, (b"idempotency-key", b"b"), (b"content-length", b"44")]
    body = b'{"payee":"@bob","amount":"2.50","ref":"a"}  '
    assert (await call(app, "POST", "/v1/wallet/pay", headers=headers, body=body)).status == 400
    assert wallet.told == []


WRONG: list[tuple[dict[str, Any], int, str]] = [
    ({"payee": "@nobody"}, 422, "payee_unknown"),
    ({"amount": "0"}, 400, "bad_amount"),
    ({"amount": "-1"}, 400, "bad_amount"),
    ({"amount": "1.001"}, 400, "bad_amount"),
    ({"amount": "1e3"}, 400, "bad_amount"),
    ({"amount": 2.5}, 400, "bad_request"),
    ({"amount": None}, 400, "bad_request"),
    ({"as": "@eve"}, 404, "not_found"),
    ({"wait": "soon"}, 400, "bad_request"),
    ({"timeout_s": -1}, 400, "bad_request"),
    ({"timeout_s": 1e9}, 400, "bad_request"),
    ({"sealed": "yes"}, 400, "bad_request"),
    ({"unknown": 1}, 400, "bad_request"),
]


@pytest.mark.parametrize(("change", "status", "code"), WRONG)
async def test_a_wrong_order_is_refused_and_nothing_is_paid(
    app: Guarded, wallet: ToldWallet, change: dict[str, Any], status: int, code: str
) -> None:
    got = await post(app, "/v1/wallet/pay", {**ORDER, **change})
    assert (got.status, got.json["code"], wallet.told) == (status, code, [])


FAILURES = [
    (errors.Limit("Too much.", {"missing": 50, "payee": "bob"}), 422, {"missing": "0.50", "payee": "bob"}),
    (errors.Locked("Locked."), 423, {}),
    (errors.Timeout("Not yet.", {"id": "pay1abc", "state": "recorded"}), 504, {"id": "pay1abc", "state": "recorded"}),
    (errors.WitnessesUnreachable("Nobody."), 503, {}),
    (errors.BookFailed("Disk full."), 500, {}),
    (errors.RefReused("Used."), 409, {}),
]


@pytest.mark.parametrize(("error", "status", "facts"), FAILURES, ids=lambda value: type(value).__name__)
async def test_the_wallets_errors_keep_their_codes_and_their_facts(
    app: Guarded, wallet: ToldWallet, error: errors.WalletError, status: int, facts: dict[str, Any]
) -> None:
    wallet.fails = error
    got = await post(app, "/v1/wallet/pay", ORDER)
    assert (got.status, got.json["code"], got.json["detail"]) == (status, error.code, error.message)
    assert (got.json["facts"], got.json["next"]) == (facts, error.next)


async def test_a_preview_pays_nothing(app: Guarded, wallet: ToldWallet) -> None:
    got = await post(app, "/v1/wallet/preview", ORDER)
    assert got.json["balance"] == "-2.50" and got.json["levy"] == "0.05" and got.json["locked"] is True
    assert got.json["balance_after"] == "-5.05"
    assert [what[0] for what in wallet.told] == ["balance"]


async def test_balance_and_history_and_members(app: Guarded, wallet: ToldWallet) -> None:
    assert (await call(app, path="/v1/wallet/balance")).json == {
        "account": 1, "handle": "ana", "balance": "-2.50", "incoming": "1.00", "limit": "20.00",
        "spendable": "16.50", "unit": "hours", "problem": None,
    }  # fmt: skip
    row = (await call(app, path="/v1/wallet/history", query="as=%40ana&limit=7")).json["rows"][0]
    assert (row["amount"], row["memo"], row["sealed"], row["other"]) == ("-2.50", None, True, "bob")
    assert wallet.told[-1] == ("history", ANA, 7, None)
    member = (await call(app, path="/v1/wallet/members")).json["members"][0]
    assert (member["level"], member["own"], member["limit"]) == ("suspended", True, "20.00")
    assert (await call(app, path="/v1/wallet/balance", query="as=%40eve")).status == 404


async def test_the_summary_holds_a_screen(app: Guarded) -> None:
    got = (await call(app, path="/v1/wallet/summary")).json
    assert (got["name"], got["locked"], got["problems"], got["sum"]) == ("Elm", True, ["the disk is full"], "0.00")
    assert len(got["accounts"]) == 1 and len(got["recent"]["rows"]) == 1


async def test_receive_and_refund(app: Guarded, wallet: ToldWallet) -> None:
    got = await post(app, "/v1/wallet/receive", {})
    assert (got.json["amount"], got.json["parcels"], got.json["state"]) == ("2.50", 2, "final")
    assert (await post(app, "/v1/wallet/refund", {"id": "pay1abc"})).status == 201
    assert wallet.told[1] == ("refund", "pay1abc", {"wait": "final", "timeout_s": 30.0, "spender": None})


async def test_unlock_and_lock_say_how_the_wallet_is(app: Guarded, wallet: ToldWallet) -> None:
    assert (await post(app, "/v1/wallet/unlock", {"passphrase": "secret"})).json == {"locked": False}
    assert (await post(app, "/v1/wallet/lock", {})).json == {"locked": True}
    assert wallet.told == [("unlock", "secret")]


async def test_a_wrong_body_of_unlock_does_not_repeat_the_passphrase(
    app: Guarded, caplog: pytest.LogCaptureFixture
) -> None:
    got = await post(app, "/v1/wallet/unlock", {"passphrase": "hunter2", "more": "hunter2"})
    assert got.status == 400 and b"hunter2" not in got.body
    assert "hunter2" not in caplog.text


async def test_down_answers_first_and_then_stops(app: Guarded, stop: trio.Event) -> None:
    assert (await call(app, "GET", "/v1/wallet/down")).status == 405
    assert not stop.is_set()
    assert (await post(app, "/v1/wallet/down", {})).status == 202
    assert stop.is_set()


@pytest.mark.parametrize("full", [False, True])
async def test_the_books_are_checked(wallet: ToldWallet, stop: trio.Event, tmp_path: Path, full: bool) -> None:
    town, node = found("ana", "bob"), StillNode()
    journal = Journal.open(tmp_path / "journal", create=True)
    try:
        journal.append([EntryRecord(town.founding)])
        node.journal, node.ledger = journal, rebuild(journal)  # type: ignore[assignment]  # a real one this time
        api = WalletApi(wallet, node, Nameless(), stop)  # type: ignore[arg-type]  # they stand for the real ones
        app = Guarded(application(api.routes(), api.failures()), Guard(PORT, TOKEN))
        got = await post(app, "/v1/wallet/verify", {"full": full})
        assert got.json == {"entries": 1, "sum": "0.00", "unit": "hours", "faults": []}
    finally:
        journal.close()


READS = ("summary", "status", "balance", "history", "members", "payments/pay1abc")


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("path", [*READS, "preview"])
async def test_what_is_looked_at_during_a_commit_is_told_when_that_is_done_and_not_if_it_fails(
    wallet: ToldWallet, stop: trio.Event, tmp_path: Path, path: str, fails: bool
) -> None:
    town = found("ana", "bob")
    answers: list[Answer] = []
    async with door_of(town, tmp_path) as door:
        api = WalletApi(wallet, QuietNode(door), Nameless(), stop)  # type: ignore[arg-type]  # they stand for the real ones
        app = Guarded(application(api.routes(), api.failures()), Guard(PORT, TOKEN))

        async def look() -> None:
            asked = f"/v1/wallet/{path}"
            answers.append(await (post(app, asked, ORDER) if path == "preview" else call(app, path=asked)))

        disk = HeldDisk(door)
        door.take(Bundle((town.open("ana"),)))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(look)
            await wait_all_tasks_blocked()
            assert answers == []
            disk.fails = fails
            disk.may_end.set()
        if fails:
            assert (answers[0].status, answers[0].json["code"]) == (500, "store_failed")
            await look()
        assert answers[-1].status == 200, "and later it can be looked at again"


@pytest.mark.parametrize("path", ["pay", "receive", "refund", "unlock", "lock", "verify", "down", "preview"])
async def test_nothing_is_done_by_a_get(app: Guarded, wallet: ToldWallet, path: str) -> None:
    assert (await call(app, "GET", f"/v1/wallet/{path}")).status == 405
    assert wallet.told == []
