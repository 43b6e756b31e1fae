"""Where a node is reached and who it is, as text: multiaddrs and libp2p peer ids, checked without libp2p.

An address is /ip4|ip6|dns|dns4|dns6/HOST/tcp/PORT, in an invite with /p2p/PEER at its end. A peer id is the base58 text
of an Ed25519 key ("12D3Koo..."). May not resolve a name or reach anybody.
"""

import re
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Self

from . import codec
from .base import KEY_BYTES, Malformed, PublicKey

ADDRESS_CHARS_MAX = 128
"""Of an address without its peer."""
ADDRESSES_MAX = 4
PORT_MAX = 65_535

_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_KEY_HEAD = bytes.fromhex("002408011220")
"""How a peer id made of an Ed25519 key begins: identity multihash of 36 bytes, key type 1, 32 bytes."""
_PEER_CHARS = 52
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", re.ASCII | re.IGNORECASE)
_PORT = re.compile(r"[1-9][0-9]{0,4}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Address:
    """One place to dial. `peer` is who must answer there, or empty."""

    kind: str
    host: str
    port: int
    peer: str = ""

    def __str__(self) -> str:
        bare = f"/{self.kind}/{self.host}/tcp/{self.port}"
        return f"{bare}/p2p/{self.peer}" if self.peer else bare

    @classmethod
    def read(cls, text: str) -> Self:
        """Read the text form. Raises Malformed with what is wrong."""
        bare, separator, peer = text.partition("/p2p/")
        if len(bare) > ADDRESS_CHARS_MAX or not text.isascii():
            raise Malformed(f"an address has at most {ADDRESS_CHARS_MAX} ASCII characters")
        parts = bare.split("/")
        if len(parts) != 5 or parts[0] or parts[3] != "tcp":
            raise Malformed("an address looks like /ip4/192.0.2.7/tcp/4001 or /dns/node.example/tcp/4001")
        _, kind, host, _, port = parts
        _check_host(kind, host)
        if not _PORT.fullmatch(port) or int(port) > PORT_MAX:
            raise Malformed(f"a port is a number 1 to {PORT_MAX}")
        if separator:
            peer_key(peer)
        return cls(kind, host, int(port), peer)


def _check_host(kind: str, host: str) -> None:
    if kind in ("dns", "dns4", "dns6"):
        if not all(_LABEL.fullmatch(label) for label in host.removesuffix(".").split(".")):
            raise Malformed("a host's name has letters, digits, hyphens and dots")
        return
    if kind not in ("ip4", "ip6"):
        raise Malformed("an address begins with /ip4, /ip6 or /dns")
    try:
        number = IPv4Address(host) if kind == "ip4" else IPv6Address(host)
    except AddressValueError:
        raise Malformed(f"{host[:40]!r} is no {kind} address") from None
    if number.is_unspecified or "%" in host:
        raise Malformed("that host is nobody in particular: give the address at which others reach it")


def check_address(text: str, *, with_peer: bool) -> str:
    """Return an address's text. Raises Malformed also when it names a peer and should not, or the other way round."""
    if bool(Address.read(text).peer) != with_peer:
        raise Malformed("an address must end in /p2p/ and who answers there" if with_peer else "/p2p/ is too much here")
    return text


def read_addresses(value: codec.Plain, *, least: int, with_peer: bool) -> tuple[str, ...]:
    """Read a list of `least` to 4 different addresses. Raises Malformed."""
    listed = codec.items(value)
    if not least <= len(listed) <= ADDRESSES_MAX or len(set(listed)) != len(listed):
        raise Malformed(f"{least} to {ADDRESSES_MAX} different addresses were expected")
    return tuple([check_address(codec.text(item, 2 * ADDRESS_CHARS_MAX), with_peer=with_peer) for item in listed])


def peer_text(key: PublicKey) -> str:
    """The peer id of a node with this transport key."""
    number, text = int.from_bytes(_KEY_HEAD[1:] + key), ""
    while number:
        number, digit = divmod(number, 58)
        text = _BASE58[digit] + text
    return "1" + text  # the zero byte in front


def peer_key(peer: str) -> PublicKey:
    """The transport key behind a peer id. Raises Malformed unless it is the text of an Ed25519 key's peer id."""
    number = 0
    for letter in peer if len(peer) == _PEER_CHARS else "":
        digit = _BASE58.find(letter)
        if digit < 0:
            break
        number = number * 58 + digit
    key = PublicKey((number & (1 << 8 * KEY_BYTES) - 1).to_bytes(KEY_BYTES))
    if peer_text(key) != peer:
        raise Malformed("a peer id is the text of an Ed25519 key, 12D3Koo...")
    return key
