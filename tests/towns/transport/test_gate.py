"""Who gets in: known, not denied, not banned, not ourselves, and not too often."""

from dataclasses import dataclass
from typing import Any

import pytest

from node.transport.gate import Gate
from node.transport.host import build_host
from node.transport.limits import BAD_FRAMES_MAX, CONNECTIONS_MAX, CONNECTIONS_PER_PEER_MAX, Conduct
from protocol.addresses import peer_text
from protocol.signing import SecretKey


@dataclass(eq=False)
class FakeConnection:
    peer: str
    dropped: int = 0

    def abort(self) -> None:
        self.dropped += 1


def gate(*allowed: str) -> Gate:
    """A gate that knows these peers."""
    made = Gate(Conduct(lambda: 0.0))
    made.own = "me"
    made.allowed = set(allowed)
    return made


def connection(peer: str) -> Any:
    """A connection as far as the gate looks at it; `dropped` counts how often it was closed."""
    return FakeConnection(peer)


def test_only_known_peers_are_welcome() -> None:
    made = gate("anna", "me")
    assert made.refusal("anna") is None
    assert made.refusal("stranger") is not None
    assert made.refusal("me") is not None, "nobody else has our key"


def test_denied_and_banned_peers_are_refused_and_their_connections_dropped() -> None:
    conduct = Conduct(lambda: 0.0)
    made = Gate(conduct)
    made.allowed = {"anna", "bob", "carl"}
    connections = {peer: connection(peer) for peer in ("anna", "bob", "carl")}
    made.open = set(connections.values())
    made.denied = {"anna"}
    for _ in range(BAD_FRAMES_MAX):
        conduct.mark("bob")
    assert made.drop_unwelcome() == ["anna", "bob"]
    assert {peer: each.dropped for peer, each in connections.items()} == {"anna": 1, "bob": 1, "carl": 0}
    assert made.refusal("anna") and made.refusal("bob") and not made.refusal("carl")


def test_one_peer_and_all_peers_together_have_a_bound() -> None:
    made = gate("anna", "bob")
    made.open = {connection("anna") for _ in range(CONNECTIONS_PER_PEER_MAX)}
    assert made.refusal("anna") is not None and made.refusal("bob") is None
    made.open |= {connection(f"other {number}") for number in range(CONNECTIONS_MAX)}
    assert made.refusal("bob") is not None


def test_a_stranger_is_one_who_is_not_on_the_list_and_not_shut_out() -> None:
    conduct = Conduct(lambda: 0.0)
    made = Gate(conduct)
    made.own, made.allowed, made.denied = "me", {"anna", "bob"}, {"carl", "bob"}
    for _ in range(BAD_FRAMES_MAX):
        conduct.mark("dora")
    assert [peer for peer in ("me", "anna", "bob", "carl", "dora", "emil") if made.is_stranger(peer)] == ["emil"]


def test_who_is_asked_is_welcome_but_not_dialled() -> None:
    made = gate("anna")
    assert made.may_be_dialled("anna") and not made.may_be_dialled("bob")
    made.asking["anna"] += 1
    assert made.is_welcome("anna") and not made.may_be_dialled("anna")


@pytest.mark.parametrize("size", [0, 31, 33])
def test_a_seed_of_the_wrong_length_makes_no_host(size: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        build_host(bytes(size), gate())


def test_the_peer_id_follows_from_the_public_key_alone() -> None:
    seed = bytes(range(32))
    host = build_host(seed, gate())
    assert str(host.get_id()) == peer_text(SecretKey.from_seed(seed).public)
