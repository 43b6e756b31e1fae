"""Idempotency keys: a key belongs to the call and the body it first came with, also after a restart."""

from pathlib import Path

import pytest
import trio
from starlette.requests import Request
from starlette.responses import Response

from node.web.calls import Call
from node.web.scopes import Scope
from tests.wallet.village import running, settle
from wallet.api.keyed import once_ever
from wallet.books import keys as book_keys
from wallet.errors import BadRequest, BookFailed, KeyReused, KeyUnfinished
from wallet.service import Wallet


async def test_the_same_key_with_the_same_body_is_the_same_call(tmp_path: Path) -> None:
    village = settle(tmp_path, {"home": ["ana"]})
    async with running(tmp_path / "home", village.node()) as wallet:
        await wallet.keys.claim("k", "POST /refund", b"{}")
        await wallet.keys.claim("k", "POST /refund", b"{}")
    async with running(tmp_path / "home", village.node()) as wallet:
        await wallet.keys.claim("k", "POST /refund", b"{}")
        for call, body in (("POST /refund", b"{} "), ("POST /acts", b"{}")):
            with pytest.raises(KeyReused):
                await wallet.keys.claim("k", call, body)
        await wallet.keys.claim("k", "POST /refund", b"{}")


async def test_of_two_bodies_at_once_one_has_the_key(tmp_path: Path) -> None:
    village = settle(tmp_path, {"home": ["ana"]})
    async with running(tmp_path / "home", village.node()) as wallet:
        refused: list[bytes] = []

        async def claim(body: bytes) -> None:
            try:
                await wallet.keys.claim("k", "POST /refund", body)
            except KeyReused:
                refused.append(body)

        async with trio.open_nursery() as nursery:
            for body in (b"1", b"2", b"1", b"2"):
                nursery.start_soon(claim, body)
        assert refused in ([b"1", b"1"], [b"2", b"2"])


@pytest.mark.parametrize("key", ["", "x" * 201, "é", "a\nb", "a\tb"])
async def test_what_is_no_key_is_refused_and_not_kept(tmp_path: Path, key: str) -> None:
    village = settle(tmp_path, {"home": ["ana"]})
    async with running(tmp_path / "home", village.node()) as wallet:
        with pytest.raises(BadRequest):
            await wallet.keys.claim(key, "POST /refund", b"{}")
        assert wallet.book.rows("SELECT count(*) FROM idempotency") == [(0,)]


async def test_only_so_many_keys_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(book_keys, "KEYS_KEPT", 3)
    village = settle(tmp_path, {"home": ["ana"]})
    async with running(tmp_path / "home", village.node()) as wallet:
        for number in range(5):
            await wallet.keys.claim(f"k{number}", "POST /refund", b"{}")
        assert wallet.book.rows("SELECT key FROM idempotency ORDER BY n") == [("k2",), ("k3",), ("k4",)]


class Counting:
    """A handler that must not run twice for one key."""

    def __init__(self) -> None:
        self.ran = 0
        self.fails: Exception | None = None

    async def __call__(self, _: Request) -> Response:
        self.ran += 1
        if self.fails is not None:
            raise self.fails
        return Response(b'{"n":%d}' % self.ran, 201)


async def ask(wallet: Wallet, handler: Counting, body: bytes = b"{}", key: str = "k") -> bytes:
    call = Call("POST", "/acts", handler, Scope.READ, "act", dict, status=201, keyed=True)
    request = Request(
        {"type": "http", "method": "POST", "path": "/acts", "query_string": b"", "call": call,
         "headers": [(b"idempotency-key", key.encode()), (b"host", b"x")]}
    )  # fmt: skip
    request._body = body
    response = await once_ever(wallet)(handler)(request)
    assert response.status_code == 201
    return bytes(response.body)


async def test_what_would_be_done_twice_is_done_once_and_answered_again(tmp_path: Path) -> None:
    village = settle(tmp_path, {"home": ["ana"]})
    handler = Counting()
    async with running(tmp_path / "home", village.node()) as wallet:
        assert await ask(wallet, handler) == await ask(wallet, handler) == b'{"n":1}'
    async with running(tmp_path / "home", village.node()) as wallet:
        assert await ask(wallet, handler) == b'{"n":1}' and handler.ran == 1
        with pytest.raises(KeyReused):
            await ask(wallet, handler, b'{"a":1}')
        assert await ask(wallet, handler, key="other") == b'{"n":2}'


async def test_what_was_cut_short_is_not_done_again(tmp_path: Path) -> None:
    village = settle(tmp_path, {"home": ["ana"]})
    handler = Counting()
    async with running(tmp_path / "home", village.node()) as wallet:
        handler.fails = BookFailed("The disk is full.")
        with pytest.raises(BookFailed):
            await ask(wallet, handler)
        handler.fails = None
        with pytest.raises(KeyUnfinished):
            await ask(wallet, handler)
        assert handler.ran == 1


async def test_what_was_refused_may_be_sent_again(tmp_path: Path) -> None:
    village = settle(tmp_path, {"home": ["ana"]})
    handler = Counting()
    async with running(tmp_path / "home", village.node()) as wallet:
        handler.fails = BadRequest("No such act.")
        with pytest.raises(BadRequest):
            await ask(wallet, handler)
        handler.fails = None
        assert await ask(wallet, handler) == b'{"n":2}'
