"""Addresses as people write them: each form that is read, and each mistake with its words."""

import pytest

from node.addresses import NotAnAddress, is_multiaddr, plain, read_announced, read_listened


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("192.0.2.7:4100", "/ip4/192.0.2.7/tcp/4100"),
        ("[2001:db8::7]:4100", "/ip6/2001:db8::7/tcp/4100"),
        ("oak.example:4100", "/dns/oak.example/tcp/4100"),
        ("till:1", "/dns/till/tcp/1"),
        ("/ip4/192.0.2.7/tcp/4100", "/ip4/192.0.2.7/tcp/4100"),
        ("/dns6/oak.example/tcp/65535", "/dns6/oak.example/tcp/65535"),
    ],
)
def test_where_others_reach_a_node_is_kept_as_a_multiaddr(text: str, address: str) -> None:
    assert read_announced(text) == address
    assert is_multiaddr(address)
    assert text.startswith("/") or plain(address) == text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("192.0.2.7", "has no port"),
        ("192.0.2.7:", "nor a host name|has no port"),
        ("192.0.2.7:0", "0 is no port"),
        ("192.0.2.7:04100", "04100 is no port"),
        ("192.0.2.7:65536", "65536 is no port"),
        ("192.0.2.256:4100", "neither an IP address nor a host name"),
        ("2001:db8::7", "has no port"),
        ("0.0.0.0:4100", "nobody can dial 0.0.0.0"),
        ("[::]:4100", "nobody can dial ::"),
        ("[::0]:4100", "nobody in particular"),
        ("/ip4/0.0.0.0/tcp/4100", "nobody in particular"),
        ("[fe80::1%eth0]:4100", "nobody in particular"),
        ("oak-.example:4100", "letters, digits, hyphens and dots"),
        ("/dns4/oak-.example/tcp/4100", "letters, digits, hyphens and dots"),
        (f"oak.example:{'4' * 5000}", "neither an IP address nor a host name|has no port"),
        ("oak street:4100", "neither an IP address nor a host name"),
        ("-oak:4100", "neither an IP address nor a host name"),
        (f"{'a.' * 60}a:4100", "neither an IP address nor a host name"),
        ("", "has no port"),
        (":4100", "has no port"),
        ("/ip4/192.0.2.7/tcp/4100/p2p/12D3Koo", "a peer id is the text of an Ed25519 key"),
        ("/ip4/oak.example/tcp/4100", "is no ip4 address"),
        ("/ip6/192.0.2.7/tcp/4100", "is no ip6 address"),
        ("/ip4/192.0.2.7/udp/4100", "an address looks like"),
        ("/ip4/192.0.2.7/tcp/65536", "a port is a number"),
    ],
)
def test_what_nobody_could_dial_is_refused_in_words(text: str, words: str) -> None:
    with pytest.raises(NotAnAddress, match=words):
        read_announced(text)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("0.0.0.0", ("0.0.0.0", 0)),
        ("0.0.0.0:4100", ("0.0.0.0", 4100)),
        ("localhost:4100", ("127.0.0.1", 4100)),
        ("[::]:4100", ("::", 4100)),
        ("::1", ("::1", 0)),
        ("none", ("", 0)),
    ],
)
def test_where_a_node_listens_is_an_address_of_this_computer(text: str, place: tuple[str, int]) -> None:
    assert read_listened(text) == place


@pytest.mark.parametrize(
    "text", ["", "oak.example:4100", "4100", "0.0.0.0:", "0.0.0.0:x", "0.0.0.0:99999", "none:1", "fe80::1%eth0"]
)
def test_another_place_to_listen_is_refused(text: str) -> None:
    with pytest.raises(NotAnAddress):
        read_listened(text)
