"""Waits between dials grow to a bound and begin anew; addresses are read strictly."""

import pytest
from multiaddr import Multiaddr  # type: ignore[import-untyped]

from node.transport.dialling import Backoff
from node.transport.limits import DIAL_FIRST_WAIT_S, DIAL_WAIT_MAX_S
from node.transport.listening import socket_address
from node.transport.service import _split_peer

PEER = "12D3KooWK99VoVxNE7XzyBwXEzW7xhK7Gpv85r9F3V3fyKSUKPH5"


def test_waits_double_with_jitter_up_to_the_bound_and_reset() -> None:
    backoff = Backoff()
    full = DIAL_FIRST_WAIT_S
    for _ in range(12):
        assert full / 2 <= backoff.next_wait_s() <= full
        full = min(full * 2, DIAL_WAIT_MAX_S)
    assert full == DIAL_WAIT_MAX_S
    backoff.reset()
    assert backoff.next_wait_s() <= DIAL_FIRST_WAIT_S


@pytest.mark.parametrize(
    "text, expected",
    [
        ("/ip4/127.0.0.1/tcp/4100", ("127.0.0.1", 4100)),
        ("/ip6/::1/tcp/1", ("::1", 1)),
        ("/dns4/example.org/tcp/4100", ("example.org", 4100)),
    ],
)
def test_a_tcp_address_names_host_and_port(text: str, expected: tuple[str, int]) -> None:
    assert socket_address(Multiaddr(text)) == expected


@pytest.mark.parametrize("text", ["/ip4/127.0.0.1/udp/4100", "/ip4/127.0.0.1"])
def test_any_other_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not of the form"):
        socket_address(Multiaddr(text))


def test_a_peer_without_an_address_is_known_but_not_dialled() -> None:
    assert _split_peer(f"/p2p/{PEER}") == (PEER, None)
    assert _split_peer(f"/ip4/10.0.0.1/tcp/1/p2p/{PEER}") == (PEER, Multiaddr("/ip4/10.0.0.1/tcp/1"))
    with pytest.raises(ValueError, match="names no peer"):
        _split_peer("/ip4/10.0.0.1/tcp/1")
