"""Idempotency keys: a key belongs to the call and the body it first came with, also after a restart."""

from pathlib import Path

import pytest
import trio

from tests.wallet.village import running, settle
from wallet import book_keys
from wallet.errors import BadRequest, KeyReused


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
