"""Addresses and peer ids as text: what others can dial reads back, anything else is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.addresses import ADDRESS_CHARS_MAX, Address, check_address, peer_key, peer_text, read_addresses
from protocol.base import Malformed, PublicKey

from ..builders import key
from ..papers import ADDRESS, peer

PEER = peer("node")


def test_a_peer_id_is_what_libp2p_would_write() -> None:
    # libp2p's specification of peer ids, its example of an Ed25519 key
    public = bytes.fromhex("1ed1e8fae2c4a144b8be8fd4b47bf3d3b34b871c3cacf6010f0e42d474fce27e")
    assert peer_text(PublicKey(public)) == "12D3KooWBtg3aaRMjxwedh83aGiUkwSxDwUZkzuJcfaqUmo7R3pq"


@given(st.binary(min_size=32, max_size=32))
def test_any_peer_id_reads_back(public: bytes) -> None:
    text = peer_text(PublicKey(public))
    assert peer_key(text) == public
    assert len(text) == 52 and text.startswith("12D3KooW")


@pytest.mark.parametrize(
    "text",
    [
        "", "12D3KooW", PEER[:-1], PEER + "1", "1" + PEER, " " + PEER[1:], PEER.lower(), PEER[:-1] + "0",
        PEER[:-1] + "é", "1" * 52, "z" * 52, "QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N", PEER * 1000,
    ],
)  # fmt: skip
def test_what_is_no_peer_id_of_an_ed25519_key_is_refused(text: str) -> None:
    with pytest.raises(Malformed):
        peer_key(text)


@pytest.mark.parametrize(
    "text",
    [
        ADDRESS, "/ip4/127.0.0.1/tcp/1", "/ip6/2001:db8::7/tcp/65535", "/ip6/::1/tcp/4001",
        "/dns/node.example/tcp/4001", "/dns4/a.b-c.example/tcp/4001", "/dns6/node/tcp/4001",
        "/dns/Node.Example./tcp/4001",
    ],
)  # fmt: skip
def test_an_address_reads_back_with_and_without_its_peer(text: str) -> None:
    bare, full = Address.read(text), Address.read(f"{text}/p2p/{PEER}")
    assert (str(bare), bare.peer) == (text, "")
    assert (str(full), full.peer) == (f"{text}/p2p/{PEER}", PEER)
    assert check_address(text, with_peer=False) == text
    for wrong, with_peer in ((text, True), (str(full), False)):
        with pytest.raises(Malformed):
            check_address(wrong, with_peer=with_peer)


BAD_ADDRESSES = [
    "", "/", "192.0.2.7:4001", "ip4/192.0.2.7/tcp/4001", "/ip4/192.0.2.7", "/ip4/192.0.2.7/tcp", "/ip4/192.0.2.7/tcp/",
    "/ip4/192.0.2.7/tcp/0", "/ip4/192.0.2.7/tcp/04001", "/ip4/192.0.2.7/tcp/65536", "/ip4/192.0.2.7/tcp/-1",
    "/ip4/192.0.2.7/tcp/4e3", "/ip4/192.0.2.7/tcp/٤٠٠١", "/ip4/192.0.2.7/udp/4001", "/ip4/192.0.2.7/tcp/4001/",
    "/ip4/192.0.2.7/tcp/4001/ws", "/ip4/192.0.2.7/tcp/4001 ", "/ip4/192.0.2/tcp/4001", "/ip4/192.0.2.256/tcp/4001",
    "/ip4/192.0.2.07/tcp/4001", "/ip4/::1/tcp/4001", "/ip4/0.0.0.0/tcp/4001", "/ip4/node.example/tcp/4001",
    "/ip6/192.0.2.7/tcp/4001", "/ip6/::/tcp/4001", "/ip6/fe80::1%eth0/tcp/4001", "/ip6/2001:db8:::7/tcp/4001",
    "/dns//tcp/4001", "/dns/./tcp/4001", "/dns/node..example/tcp/4001", "/dns/-node/tcp/4001", "/dns/no_de/tcp/4001",
    "/dns/nöde.example/tcp/4001", f"/dns/{'a' * 64}/tcp/4001", f"/dns/{'a.' * 60}example/tcp/4001",
    "/dns/node.example\n/tcp/4001", "/unix/run/tcp/4001", "/ip4/192.0.2.7/tcp/4001/p2p/", f"{ADDRESS}/p2p/{PEER[:-1]}",
    f"{ADDRESS}/p2p/{PEER}/p2p/{PEER}", f"{ADDRESS}/ipfs/{PEER}", f"{ADDRESS}/p2p/{PEER}/p2p-circuit", f"/p2p/{PEER}",
]  # fmt: skip


@pytest.mark.parametrize("text", BAD_ADDRESSES)
def test_what_nobody_can_dial_is_refused(text: str) -> None:
    for address in (text, f"{text}/p2p/{PEER}") if text and "p2p" not in text else (text,):
        with pytest.raises(Malformed):
            Address.read(address)


def test_a_list_of_addresses_is_of_one_to_four_different_ones() -> None:
    several = tuple(f"/ip4/192.0.2.{number}/tcp/4001" for number in range(1, 6))
    assert read_addresses(several[:4], least=1, with_peer=False) == several[:4]
    assert read_addresses((), least=0, with_peer=False) == ()
    for wrong in (several, (), (ADDRESS, ADDRESS), (ADDRESS, 7), (ADDRESS.encode(),), ADDRESS, ((ADDRESS,),)):
        with pytest.raises(Malformed):
            read_addresses(wrong, least=1, with_peer=False)
    longest = f"/dns/{'a.' * 53}example/tcp/65535"
    assert len(longest) <= ADDRESS_CHARS_MAX
    assert Address.read(f"{longest}/p2p/{peer_text(key('node').public)}").host.endswith("example")
