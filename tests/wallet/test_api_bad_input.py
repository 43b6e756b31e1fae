"""What comes over HTTP and makes no sense: a line each, with the answer it gets; the wallet is told of none of it."""

import json
from typing import Any

import pytest
import trio

from node.web.application import Guarded, application
from node.web.guard import Guard
from node.web.scopes import Grant, Scope
from tests.node.asgi import BEARER, HOST, JSON, PORT, TOKEN, Answer, call
from tests.wallet.test_wallet_api import Nameless, StillNode, ToldWallet
from wallet import errors
from wallet.api.tokens import TokensApi
from wallet.api.wallet import WalletApi
from wallet.api.webhooks import WebhooksApi
from wallet.books.tokens import Spender

TOKENS = {
    "reads": Grant("reads", Scope.READ),
    "asks": Grant("asks", Scope.REQUEST),
    "spends": Grant("spends", Scope.SPEND, b"#", 2000),
}


class ToldKeys:
    """Stands for the idempotency keys of a book."""

    def __init__(self) -> None:
        self.bodies: dict[str, bytes] = {}

    async def claim(self, key: str, call: str, body: bytes) -> None:
        if len(key) > 200:
            raise errors.BadRequest("An Idempotency-Key is shorter.")
        if self.bodies.setdefault(key, body) != body:
            raise errors.KeyReused("This key was sent with another body.")


class Nothing:
    """Stands for tokens and webhooks; whatever it is asked to do is a fault of the test."""


@pytest.fixture
def wallet() -> ToldWallet:
    made = ToldWallet()
    made.keys = ToldKeys()  # type: ignore[attr-defined]
    return made


@pytest.fixture
def app(wallet: ToldWallet) -> Guarded:
    api = WalletApi(wallet, StillNode(), Nameless(), trio.Event())  # type: ignore[arg-type]
    rooms = api, TokensApi(wallet, Nothing()), WebhooksApi(Nothing())  # type: ignore[arg-type]
    calls = [one for room in rooms for one in room.routes()]
    return Guarded(application(calls, api.failures()), Guard(PORT, TOKEN, TOKENS.get))


async def send(app: Guarded, path: str, body: bytes, *more: tuple[bytes, bytes], token: str = TOKEN) -> Answer:
    bearer = (b"authorization", b"Bearer " + token.encode())
    headers = [HOST, bearer, JSON, (b"content-length", str(len(body)).encode()), *more]
    return await call(app, "POST", f"/v1/wallet/{path}", headers=headers, body=body)


GOOD: dict[str, dict[str, Any]] = {
    "pay": {"payee": "@bob", "amount": "2.50"},
    "preview": {"payee": "@bob", "amount": "2.50"},
    "receive": {},
    "refund": {"id": "pay1abc"},
    "unlock": {},
    "verify": {},
    "tokens": {"name": "till", "scope": "read"},
    "webhooks": {"url": "http://localhost/"},
    "webhooks/test": {"target": "shop"},
}

CHANGES: list[tuple[str, dict[str, Any], int, str]] = [
    ("pay", {"payee": None}, 400, "bad_request"),
    ("pay", {"payee": 17}, 400, "bad_request"),
    ("pay", {"payee": ["@bob"]}, 400, "bad_request"),
    ("pay", {"payee": ""}, 422, "payee_unknown"),
    ("pay", {"payee": "@nobody"}, 422, "payee_unknown"),
    ("pay", {"amount": ""}, 400, "bad_amount"),
    ("pay", {"amount": " 1"}, 400, "bad_amount"),
    ("pay", {"amount": "+1"}, 400, "bad_amount"),
    ("pay", {"amount": "-0.01"}, 400, "bad_amount"),
    ("pay", {"amount": "0.00"}, 400, "bad_amount"),
    ("pay", {"amount": ".5"}, 400, "bad_amount"),
    ("pay", {"amount": "1."}, 400, "bad_amount"),
    ("pay", {"amount": "01"}, 400, "bad_amount"),
    ("pay", {"amount": "1,50"}, 400, "bad_amount"),
    ("pay", {"amount": "1 000"}, 400, "bad_amount"),
    ("pay", {"amount": "1e2"}, 400, "bad_amount"),
    ("pay", {"amount": "0x10"}, 400, "bad_amount"),
    ("pay", {"amount": "٣"}, 400, "bad_amount"),
    ("pay", {"amount": "NaN"}, 400, "bad_amount"),
    ("pay", {"amount": "Infinity"}, 400, "bad_amount"),
    ("pay", {"amount": "9" * 50}, 400, "bad_amount"),
    ("pay", {"amount": "0.001"}, 400, "bad_amount"),
    ("pay", {"amount": 2}, 400, "bad_request"),
    ("pay", {"amount": 2.5}, 400, "bad_request"),
    ("pay", {"amount": True}, 400, "bad_request"),
    ("pay", {"amount": {"value": "2"}}, 400, "bad_request"),
    ("pay", {"memo": 5}, 400, "bad_request"),
    ("pay", {"sealed": 1}, 400, "bad_request"),
    ("pay", {"sealed": "true"}, 400, "bad_request"),
    ("pay", {"ref": 5}, 400, "bad_request"),
    ("pay", {"as": 1}, 400, "bad_request"),
    ("pay", {"as": "@eve"}, 404, "not_found"),
    ("pay", {"payer": "@ana"}, 400, "bad_request"),
    ("pay", {"wait": "FINAL"}, 400, "bad_request"),
    ("pay", {"wait": None}, 400, "bad_request"),
    ("pay", {"timeout_s": "30"}, 400, "bad_request"),
    ("pay", {"timeout_s": -0.5}, 400, "bad_request"),
    ("pay", {"timeout_s": 3601}, 400, "bad_request"),
    ("pay", {"Payee": "@bob"}, 400, "bad_request"),
    ("preview", {"amount": 2.5}, 400, "bad_request"),
    ("preview", {"amount": "2.555"}, 400, "bad_amount"),
    ("preview", {"payee": "@nobody"}, 422, "payee_unknown"),
    ("receive", {"as": "@eve"}, 404, "not_found"),
    ("receive", {"wait": "now"}, 400, "bad_request"),
    ("receive", {"timeout_s": 1e300}, 400, "bad_request"),
    ("receive", {"amount": "1"}, 400, "bad_request"),
    ("refund", {"id": None}, 400, "bad_request"),
    ("refund", {"id": 1}, 400, "bad_request"),
    ("refund", {"timeout_s": -1}, 400, "bad_request"),
    ("refund", {"amount": "1.00"}, 400, "bad_request"),
    ("unlock", {"passphrase": 5}, 400, "bad_request"),
    ("unlock", {"password": "x"}, 400, "bad_request"),
    ("verify", {"full": "yes"}, 400, "bad_request"),
    ("tokens", {"scope": "owner"}, 400, "bad_request"),
    ("tokens", {"scope": "READ"}, 400, "bad_request"),
    ("tokens", {"scope": None}, 400, "bad_request"),
    ("tokens", {"name": 5}, 400, "bad_request"),
    ("tokens", {"cap": 20}, 400, "bad_request"),
    ("tokens", {"cap": "20.001"}, 400, "bad_amount"),
    ("tokens", {"cap": "-20"}, 400, "bad_amount"),
    ("tokens", {"expires_s": "90d"}, 400, "bad_request"),
    ("tokens", {"expires_s": 1.5}, 400, "bad_request"),
    ("tokens", {"token": "mine"}, 400, "bad_request"),
    ("webhooks", {"url": 5}, 400, "bad_request"),
    ("webhooks", {"events": "payment"}, 400, "bad_request"),
    ("webhooks", {"events": [1]}, 400, "bad_request"),
    ("webhooks", {"check": "no"}, 400, "bad_request"),
    ("webhooks", {"secret": "mine"}, 400, "bad_request"),
    ("webhooks/test", {"target": None}, 400, "bad_request"),
]


@pytest.mark.parametrize(("path", "change", "status", "code"), CHANGES)
async def test_a_body_with_one_thing_wrong_is_refused(
    app: Guarded, wallet: ToldWallet, path: str, change: dict[str, Any], status: int, code: str
) -> None:
    got = await send(app, path, json.dumps({**GOOD[path], **change}).encode())
    assert (got.status, got.json["code"], wallet.told) == (status, code, [])


MISSING = [("pay", "payee"), ("pay", "amount"), ("preview", "payee"), ("preview", "amount"), ("refund", "id"),
           ("tokens", "name"), ("tokens", "scope"), ("webhooks", "url"), ("webhooks/test", "target")]  # fmt: skip


@pytest.mark.parametrize(("path", "missing"), MISSING)
async def test_a_body_without_what_is_needed_is_refused(
    app: Guarded, wallet: ToldWallet, path: str, missing: str
) -> None:
    body = {name: value for name, value in GOOD[path].items() if name != missing}
    got = await send(app, path, json.dumps(body).encode())
    assert (got.status, got.json["code"], wallet.told) == (400, "bad_request", [])
    assert missing in got.json["detail"]


BYTES = [
    b"null", b"[]", b"7", b'"pay"', b"{", b'{"payee"}', b"{'payee':'@bob'}", b'{"payee":"@bob",}', b"{}{}", b"\x00",
    b"\xff\xfe{\x00}\x00", b'{"payee":"\xff"}', b'{"payee":"\\ud800","amount":"1"}', b'{"amount":1e999}', b"NaN",
    b"[" * 5_000, b'{"payee":' * 2_000, b"\xef\xbb\xbf{}", b"// pay\n{}", b'{"payee":"@bob","amount":"2.50"}x',
]  # fmt: skip


@pytest.mark.parametrize("body", BYTES, ids=lambda body: repr(body[:20]))
async def test_bytes_that_are_no_order_are_refused(app: Guarded, wallet: ToldWallet, body: bytes) -> None:
    got = await send(app, "pay", body)
    assert got.status in (400, 422) and got.json["code"] in ("bad_request", "payee_unknown")
    assert wallet.told == []


async def test_a_field_that_comes_twice_counts_once_and_a_wrong_one_is_not_hidden_by_it(
    app: Guarded, wallet: ToldWallet
) -> None:
    got = await send(app, "pay", b'{"payee":"@bob","amount":2,"amount":"2.50"}')
    assert (got.status, wallet.told) == (400, [])


HEADERS: list[tuple[str, list[tuple[bytes, bytes]], int, str]] = [
    ("another type", [(b"content-type", b"text/plain")], 415, "not_json"),
    ("a packed body", [(b"content-encoding", b"gzip")], 415, "not_json"),
    ("an announced giant", [(b"content-length", b"99999999")], 413, "body_too_big"),
    ("a second token", [BEARER], 401, "token_wrong"),
    ("a second host", [(b"host", b"evil.example")], 403, "host_not_allowed"),
    ("a foreign origin", [(b"origin", b"https://evil.example")], 403, "origin_not_allowed"),
    ("a cross-site fetch", [(b"sec-fetch-site", b"cross-site")], 403, "cross_site"),
    ("a key of 201 characters", [(b"idempotency-key", b"k" * 201)], 400, "bad_request"),
]


@pytest.mark.parametrize(("more", "status", "code"), [row[1:] for row in HEADERS], ids=[row[0] for row in HEADERS])
@pytest.mark.parametrize("path", ["refund"])
async def test_a_good_body_under_a_wrong_header_is_refused(
    app: Guarded, wallet: ToldWallet, path: str, more: list[tuple[bytes, bytes]], status: int, code: str
) -> None:
    got = await send(app, path, json.dumps(GOOD[path]).encode(), *more)
    assert (got.status, got.json["code"], wallet.told) == (status, code, [])


@pytest.mark.parametrize("path", ["pay", "refund"])
@pytest.mark.parametrize("second", [b"rent-may", b"rent-june"])
async def test_two_keys_on_one_call_are_refused(app: Guarded, wallet: ToldWallet, path: str, second: bytes) -> None:
    keys = (b"idempotency-key", b"rent-may"), (b"idempotency-key", second)
    got = await send(app, path, json.dumps(GOOD[path]).encode(), *keys)
    assert (got.status, got.json["code"], wallet.told) == (400, "bad_request", [])


QUERIES = [
    ("history", "limit=0"), ("history", "limit=-1"), ("history", "limit=x"), ("history", "limit="),
    ("history", "limit=1.5"), ("history", "limit=%D9%A3"), ("history", "limit=" + "9" * 30), ("members", "limit=0"),
    ("members", "after=x"), ("members", "after=-1"), ("members", "after="),
]  # fmt: skip


@pytest.mark.parametrize(("path", "query"), QUERIES)
async def test_a_query_that_makes_no_sense_is_refused(app: Guarded, wallet: ToldWallet, path: str, query: str) -> None:
    got = await call(app, path=f"/v1/wallet/{path}", query=query)
    assert (got.status, got.json["code"], wallet.told) == (400, "bad_request", [])


RIGHTS = [
    ("reads", "pay"), ("reads", "preview"), ("reads", "receive"), ("reads", "refund"), ("reads", "unlock"),
    ("reads", "lock"), ("reads", "verify"), ("reads", "down"), ("reads", "tokens"), ("reads", "webhooks"),
    ("asks", "pay"), ("asks", "refund"), ("asks", "unlock"), ("asks", "lock"), ("asks", "down"), ("asks", "tokens"),
    ("spends", "unlock"), ("spends", "lock"), ("spends", "verify"), ("spends", "down"), ("spends", "tokens"),
    ("spends", "webhooks"), ("spends", "webhooks/test"),
]  # fmt: skip


@pytest.mark.parametrize(("token", "path"), RIGHTS)
async def test_a_token_cannot_do_what_it_is_not_for(app: Guarded, wallet: ToldWallet, token: str, path: str) -> None:
    got = await send(app, path, json.dumps(GOOD.get(path, {})).encode(), token=token)
    assert (got.status, got.json["code"], wallet.told) == (403, "scope", [])
    assert got.json["facts"]["has"] == TOKENS[token].scope.word


@pytest.mark.parametrize("path", ["tokens", "webhooks", "webhooks/shop/deliveries"])
@pytest.mark.parametrize("token", TOKENS)
async def test_what_is_the_owners_alone_is_not_even_shown(app: Guarded, token: str, path: str) -> None:
    headers = [HOST, (b"authorization", b"Bearer " + token.encode())]
    assert (await call(app, path=f"/v1/wallet/{path}", headers=headers)).status == 403


async def test_a_token_that_spends_pays_under_its_name(app: Guarded, wallet: ToldWallet) -> None:
    for path in ("pay", "refund"):
        assert (await send(app, path, json.dumps(GOOD[path]).encode(), token="spends")).status == 201
        assert (await send(app, path, json.dumps(GOOD[path]).encode())).status == 201
    assert [told[-1]["spender"] for told in wallet.told] == [Spender(b"#", 2000), None] * 2


async def test_a_refund_may_be_sent_again_under_its_key_and_nothing_else_may(app: Guarded, wallet: ToldWallet) -> None:
    key = (b"idempotency-key", b"r-1")
    first = await send(app, "refund", b'{"id":"pay1abc"}', key)
    again = await send(app, "refund", b'{"id":"pay1abc"}', key)
    other = await send(app, "refund", b'{"id":"pay1xyz"}', key)
    assert (first.status, again.status, other.status) == (201, 201, 409)
    assert first.json == again.json and other.json["code"] == "key_reused"
    assert [told[1] for told in wallet.told] == ["pay1abc", "pay1abc"]
