"""Announcements on the local network: only whole ones, of others of our community, count."""

from typing import Any

import pytest
import trio
import trio.testing

from node.transport.nearby import (
    ADDRESSES_MAX,
    FOUND_MAX,
    SERVICE,
    WAITING_MAX,
    Finding,
    Listener,
    community_tag,
    is_peer_id,
    read_announcement,
)
from protocol.base import CommunityId

OURS = community_tag(CommunityId(bytes(32)))
PEER = "12D3KooWK99VoVxNE7XzyBwXEzW7xhK7Gpv85r9F3V3fyKSUKPH5"
OWN = "12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN"
TEXTS: dict[bytes, bytes | None] = {b"peer": PEER.encode(), b"community": OURS.encode()}


def read(texts: dict[bytes, bytes | None], port: int | None, addresses: list[str]) -> list[Finding]:
    return read_announcement(texts, port, addresses, OURS, OWN)


def test_an_announcement_gives_the_peer_and_its_addresses() -> None:
    assert read(TEXTS, 4100, ["10.77.0.1", "10.78.0.1"]) == [
        (PEER, "/ip4/10.77.0.1/tcp/4100"),
        (PEER, "/ip4/10.78.0.1/tcp/4100"),
    ]
    assert read({**TEXTS, b"later": b"more"}, 4100, ["10.77.0.1"]), "what a newer version adds does no harm"


@pytest.mark.parametrize(
    "texts",
    [
        {},
        {b"peer": PEER.encode()},
        {b"community": OURS.encode()},
        {**TEXTS, b"peer": None},
        {**TEXTS, b"peer": b""},
        {**TEXTS, b"peer": b"\xff\xfe"},
        {**TEXTS, b"peer": b"1" * 255},
        {**TEXTS, b"peer": PEER[:-1].encode()},
        {**TEXTS, b"peer": b"QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N"},
        {**TEXTS, b"peer": OWN.encode()},
        {**TEXTS, b"community": None},
        {**TEXTS, b"community": OURS[:-1].encode()},
        {**TEXTS, b"community": community_tag(CommunityId(b"\1" * 32)).encode()},
    ],
)
def test_garbage_other_communities_and_ourselves_are_nobody(texts: dict[bytes, bytes | None]) -> None:
    assert read(texts, 4100, ["10.77.0.1"]) == []


@pytest.mark.parametrize("text", ["127.0.0.1", "0.0.0.0", "224.0.0.251", "255.255.255.255", "fe80::1", "10.77", ""])
def test_addresses_that_nobody_else_can_reach_do_not_count(text: str) -> None:
    assert read(TEXTS, 4100, [text]) == []
    assert read(TEXTS, 4100, [text, "10.77.0.1"]) == [(PEER, "/ip4/10.77.0.1/tcp/4100")]


def test_no_port_and_too_many_addresses() -> None:
    assert read(TEXTS, None, ["10.77.0.1"]) == read(TEXTS, 0, ["10.77.0.1"]) == []
    assert len(read(TEXTS, 4100, [f"10.77.0.{number}" for number in range(1, 20)])) == ADDRESSES_MAX


def test_the_community_is_not_named() -> None:
    assert OURS != community_tag(CommunityId(b"\1" * 32)) and len(OURS) == 16


def test_only_keys_of_our_kind_are_peers() -> None:
    assert is_peer_id(PEER) and is_peer_id(OWN)
    assert not is_peer_id(PEER + " ") and not is_peer_id("") and not is_peer_id("0OIl")


async def test_so_many_are_followed_and_wait_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    tell, heard = trio.open_memory_channel[Finding](WAITING_MAX)
    listener = Listener(OURS, OWN, trio.lowlevel.current_trio_token(), tell)
    said = [(PEER, "/ip4/10.77.0.1/tcp/4100")] * 2
    monkeypatch.setattr(Listener, "_said", lambda *_: list(said))
    library: Any = None
    for number in range(FOUND_MAX + 50):
        listener.add_service(library, SERVICE, f"name {number}")
        listener.add_service(library, SERVICE, f"name {number}")
    await trio.testing.wait_all_tasks_blocked()
    assert len(listener.followed) == FOUND_MAX
    assert heard.statistics().current_buffer_used == WAITING_MAX, "no more wait, and nothing is told twice"
    listener.remove_service(library, SERVICE, "name 0")
    listener.add_service(library, SERVICE, "another name")
    assert "another name" in listener.followed, "who leaves makes room"
