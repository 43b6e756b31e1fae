"""Addresses as people write them (`192.0.2.7:4100`) and as nodes keep them (multiaddrs, `/ip4/192.0.2.7/tcp/4100`).

Text only: nothing is looked up and nothing is opened. A mistake raises NotAnAddress, whose words are for the person.
"""

import re
import socket
from ipaddress import IPv6Address, ip_address

from protocol.addresses import PORT_MAX as PORT_MAX
from protocol.addresses import check_address
from protocol.base import Malformed

NOWHERE = "none"
"""What people write for a node that does not listen."""
ANYWHERE = ("0.0.0.0", "::")

# Short enough for any node card.
_NAME = re.compile(r"(?=.{1,100}$)(?!-)[A-Za-z0-9-]{1,63}(\.(?!-)[A-Za-z0-9-]{1,63})*\.?")


class NotAnAddress(ValueError):
    """What was written is no address. `str` of it is one sentence without a full stop."""


def multiaddr(host: str, port: int) -> str:
    """Write host and port as a multiaddr. Raises NotAnAddress when `host` is neither an IP address nor a name."""
    try:
        kind = "ip6" if isinstance(ip_address(host), IPv6Address) else "ip4"
    except ValueError:
        if not _NAME.fullmatch(host) or host.replace(".", "").isdigit():
            raise NotAnAddress(f"{host!r} is neither an IP address nor a host name") from None
        kind = "dns"
    return f"/{kind}/{host}/tcp/{port}"


def is_multiaddr(text: str) -> bool:
    """Tell whether a multiaddr names a place that others can dial, without a peer id at its end, as cards have it."""
    try:
        check_address(text, with_peer=False)
    except Malformed:
        return False
    return True


def read_announced(text: str) -> str:
    """Read `HOST:PORT` or a multiaddr as where others reach this node. Raises NotAnAddress."""
    address = text if text.startswith("/") else _multiaddr_of(text)
    try:
        return check_address(address, with_peer=False)
    except Malformed as error:
        raise NotAnAddress(f"others cannot dial {text!r}: {error}") from None


def _multiaddr_of(text: str) -> str:
    host, port = _split(text)
    if port is None:
        raise NotAnAddress(f"{text!r} has no port; write HOST:PORT")
    if host in ANYWHERE:
        raise NotAnAddress(f"nobody can dial {host}; write the address under which others reach this computer")
    return multiaddr(host, port)


def read_listened(text: str) -> tuple[str, int]:
    """Read `HOST[:PORT]` as where this node listens; port 0 is one to be chosen. `none`: it only dials, ("", 0).

    Raises NotAnAddress.
    """
    if text == NOWHERE:
        return "", 0
    host, port = _split(text)
    try:
        if "%" in host:  # of one network card only: no card of a node can say it
            raise ValueError(host)
        return str(ip_address("127.0.0.1" if host == "localhost" else host)), port or 0
    except ValueError:
        raise NotAnAddress(
            f"{host!r} is no address of this computer; write 0.0.0.0 for all it has, or {NOWHERE} to only dial out"
        ) from None


def plain(address: str) -> str:
    """Write a multiaddr for people, as `192.0.2.7:4100`."""
    _, kind, host, _, port = address.split("/")[:5]
    return f"[{host}]:{port}" if kind == "ip6" else f"{host}:{port}"


def own_address() -> str:
    """The IP address under which other computers most likely reach this one; 127.0.0.1 without a network.

    Nothing is sent: the system only says from which address it would send.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        try:
            asking.connect(("192.0.2.1", 9))  # an address for examples (RFC 5737): it belongs to nobody
        except OSError:
            return "127.0.0.1"
        host: str = asking.getsockname()[0]
        return host


def _split(text: str) -> tuple[str, int | None]:
    """Host and port; an IPv6 address with a port stands in brackets."""
    found = re.fullmatch(r"\[([^\]]+)\](?::([0-9]{1,9}))?", text) or re.fullmatch(
        r"([^:\[\]]+)(?::([0-9]{1,9}))?", text
    )
    host, port = (text, None) if found is None else (found[1], found[2])
    if port is not None and not (port == str(int(port)) and 1 <= int(port) <= PORT_MAX):
        raise NotAnAddress(f"{port} is no port; write a number 1 to {PORT_MAX}")
    return host, None if port is None else int(port)
