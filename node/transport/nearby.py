"""Finds other nodes of the same community on the local network, and lets them find this one, by mDNS. Off by default.

What is announced, to everybody on the network: the service `_tallystick._tcp`, the peer id, the port, the addresses,
and eight bytes of a hash by which members recognise their community. Not its name, and nothing signed: what is heard is
only an address to try, of a peer that proves itself when it is dialled. So anybody may say anything here, and it only
costs a bounded number of findings.

The library (zeroconf) works in threads of its own; findings are handed over to the task that runs `meet_nearby`.
Sources: RFC 6762 (multicast DNS), RFC 6763 (DNS service discovery).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import AddressValueError, IPv4Address
from threading import Event
from typing import NoReturn

import ifaddr
import trio
import zeroconf

from protocol.addresses import peer_key
from protocol.base import CommunityId, Malformed, digest

from .logs import LOGGER

SERVICE = "_tallystick._tcp.local."
TAG_BYTES = 8
FOUND_MAX = 256
"""Announcements that are followed at the same time; later ones are not heard until earlier ones are taken back."""
ADDRESSES_MAX = 4
"""Of one announcement."""
WAITING_MAX = 256
"""Findings that wait to be told; when it is full a newcomer is dropped."""
RESOLVE_MS = 500
"""How long an announcement may take to be complete."""
LOOK_AGAIN_S = 15.0
"""How often it is looked whether this machine has other addresses than before."""

Finding = tuple[str, str]
"""Peer id, and a multiaddr without /p2p/ at which it says that it answers."""


async def meet_nearby(community: CommunityId, peer: str, listen: str, found: Callable[[str, str], None]) -> NoReturn:
    """Announce this node and call `found(peer id, multiaddr without /p2p/)` for others, until cancelled.

    `listen` is the multiaddr that this node listens on; one that others cannot reach, as "", announces nothing. Where
    there is no network, or it refuses multicast, it is tried again and again.
    """
    tell, heard = trio.open_memory_channel[Finding](WAITING_MAX)
    listener = Listener(community_tag(community), peer, trio.lowlevel.current_trio_token(), tell)
    while True:
        here = _addresses_here()
        session: Session | None = None
        try:
            session = await trio.to_thread.run_sync(_opened, here, _announcement(listener, listen, here), listener)
            is_current = True
            while is_current:
                with trio.move_on_after(LOOK_AGAIN_S):
                    async for finding in heard:
                        found(*finding)
                is_current = session is not None and _addresses_here() == here
        finally:
            if session is not None:
                with trio.CancelScope(shield=True):
                    await trio.to_thread.run_sync(session.close)


def community_tag(community: CommunityId) -> str:
    """What stands for a community on the local network, in hex."""
    return digest(b"tally nearby", community)[:TAG_BYTES].hex()


def read_announcement(
    texts: Mapping[bytes, bytes | None], port: int | None, addresses: list[str], tag: str, own: str
) -> list[Finding]:
    """What an announcement says, when it is one of another node of our community; else nothing."""
    peer = (texts.get(b"peer") or b"").decode("ascii", "replace")
    if texts.get(b"community") != tag.encode() or peer == own or not is_peer_id(peer) or not port:
        return []
    reached = [text for text in addresses if _is_reachable(text)]
    return [(peer, f"/ip4/{text}/tcp/{port}") for text in reached[:ADDRESSES_MAX]]


def is_peer_id(text: str) -> bool:
    """Whether this is the peer id of an Ed25519 key, as ours are."""
    try:
        peer_key(text)
    except Malformed:
        return False
    return True


@dataclass(slots=True)
class Listener(zeroconf.ServiceListener):
    """Hears announcements, in a thread of the library, and hands over what is new."""

    tag: str
    own: str
    token: trio.lowlevel.TrioToken
    tell: "trio.MemorySendChannel[Finding]"
    ended: Event = field(default_factory=Event)
    followed: dict[str, list[Finding]] = field(default_factory=dict)

    def add_service(self, zc: zeroconf.Zeroconf, type_: str, name: str) -> None:
        """An announcement is new, or says something else than before."""
        if self.ended.is_set() or (name not in self.followed and len(self.followed) >= FOUND_MAX):
            return
        said = self._said(zc, name)
        if said and self.followed.get(name) != said:
            self.followed[name] = said
            self.token.run_sync_soon(self._hand_over, said)

    update_service = add_service

    def remove_service(self, zc: zeroconf.Zeroconf, type_: str, name: str) -> None:
        """An announcement was taken back or has run out."""
        self.followed.pop(name, None)

    def _said(self, zc: zeroconf.Zeroconf, name: str) -> list[Finding]:
        try:
            told = zeroconf.ServiceInfo(SERVICE, name)
            if not told.load_from_cache(zc) and not told.request(zc, RESOLVE_MS):
                return []
            addresses = told.parsed_addresses(zeroconf.IPVersion.V4Only)
            return read_announcement(told.properties, told.port, addresses, self.tag, self.own)
        except (zeroconf.Error, ValueError) as garbage:
            LOGGER.debug("an announcement on the local network is unreadable: %r", garbage)
            return []

    def _hand_over(self, findings: list[Finding]) -> None:
        for finding in findings:
            try:
                self.tell.send_nowait(finding)
            except trio.WouldBlock:
                LOGGER.debug("a finding on the local network is dropped: nobody takes them")


class Session:
    """The library at work on the addresses that this machine has at present. Made and closed in a thread."""

    def __init__(self, here: list[str], announcement: zeroconf.ServiceInfo | None, listener: Listener) -> None:
        listener.ended.clear()
        listener.followed.clear()
        self._listener = listener
        self._library = zeroconf.Zeroconf(here, ip_version=zeroconf.IPVersion.V4Only, use_asyncio=False)
        try:
            zeroconf.ServiceBrowser(self._library, SERVICE, listener=listener)
            if announcement is not None:
                # its name is our peer id, so that nobody else can rightly have it: no time is lost with asking
                self._library.register_service(announcement, cooperating_responders=True)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Take back what was announced and end the threads."""
        self._listener.ended.set()
        self._library.close()


def _opened(here: list[str], announcement: zeroconf.ServiceInfo | None, listener: Listener) -> Session | None:
    """A session, or None where there is no network that takes part."""
    if not here:
        return None
    try:
        return Session(here, announcement, listener)
    except (OSError, zeroconf.Error) as refused:
        LOGGER.debug("no one is looked for on the local network at present: %s", refused)
        return None


def _announcement(listener: Listener, listen: str, here: list[str]) -> zeroconf.ServiceInfo | None:
    """What to say of this node; None when it cannot be reached from the network."""
    parts = listen.split("/")
    if len(parts) < 5 or parts[1] != "ip4":
        return None
    addresses = here if parts[2] == "0.0.0.0" else [parts[2]] if _is_reachable(parts[2]) else []
    if not addresses:
        return None
    return zeroconf.ServiceInfo(
        SERVICE,
        f"{listener.own}.{SERVICE}",
        port=int(parts[4]),
        properties={"peer": listener.own, "community": listener.tag},
        server=f"{listener.own}.local.",
        parsed_addresses=addresses[:ADDRESSES_MAX],
    )


def _addresses_here() -> list[str]:
    """The IPv4 addresses of this machine by which others may reach it."""
    everything = (entry.ip for adapter in ifaddr.get_adapters() for entry in adapter.ips if entry.is_IPv4)
    return sorted(text for text in everything if isinstance(text, str) and _is_reachable(text))


def _is_reachable(text: str) -> bool:
    try:
        address = IPv4Address(text)
    except AddressValueError:
        return False
    return not (address.is_loopback or address.is_unspecified or address.is_multicast or address.is_reserved)
