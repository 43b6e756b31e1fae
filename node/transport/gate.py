"""Who may connect, and as what: asked once for every connection, right after noise has proved who the peer is.

Stands between the handshake and the multiplexer, in both directions, so a stranger never gets further than to the
doorstep (`guests`). May not send or read a byte itself.
"""

from collections import Counter
from collections.abc import Callable
from typing import Any

from libp2p.abc import IMuxedConn, ISecureConn
from libp2p.custom_types import TProtocol
from libp2p.peer.id import ID
from libp2p.protocol_muxer.exceptions import MultiselectError
from libp2p.stream_muxer.muxer_multistream import MuxerMultistream

from .guests import Guests
from .limits import CONNECTIONS_MAX, CONNECTIONS_PER_PEER_MAX, GUEST, HOST, Conduct
from .yamux import PROTOCOL, Muxer, new_muxer


class Gate:
    """The allow-list, the deny-list, the bans and the connections that are open now."""

    def __init__(self, conduct: Conduct) -> None:
        self.allowed: set[str] = set()
        self.denied: set[str] = set()
        self.open: set[Muxer] = set()
        """The connections with known peers."""
        self.guests = Guests()
        self.asking: Counter[str] = Counter()
        """At whose doorstep we ask at present: they are not dialled meanwhile."""
        self.own = ""
        self._conduct = conduct

    def is_welcome(self, peer: str) -> bool:
        """Whether we would talk to `peer` at this moment."""
        return peer in self.allowed and not self.is_shut_out(peer)

    def may_be_dialled(self, peer: str) -> bool:
        """Whether a link with `peer` is wanted at this moment."""
        return self.is_welcome(peer) and not self.asking[peer]

    def is_stranger(self, peer: str) -> bool:
        """Whether `peer` is not on the list and nothing else is against it."""
        return peer not in self.allowed and not self.is_shut_out(peer)

    def is_shut_out(self, peer: str) -> bool:
        """Whether `peer` is denied, banned or ourselves."""
        return peer in self.denied or peer == self.own or self._conduct.is_banned(peer)

    def refusal(self, peer: str) -> str | None:
        """Why a new connection with the known peer `peer` is refused, or None."""
        if not self.is_welcome(peer):
            return "the peer is not on the list, denied or banned"
        if len(self.open) >= CONNECTIONS_MAX:
            return f"there are already {CONNECTIONS_MAX} connections"
        if len(self.of(peer)) >= CONNECTIONS_PER_PEER_MAX:
            return f"the peer already has {CONNECTIONS_PER_PEER_MAX} connections"
        return None

    def of(self, peer: str) -> list[Muxer]:
        """The open connections with `peer`."""
        return [muxer for muxer in self.open if muxer.peer == peer]

    def drop_unwelcome(self) -> list[str]:
        """Close every connection whose peer is no longer welcome, and say whose; guests known by now leave, too."""
        unwelcome = {muxer.peer for muxer in self.open if not self.is_welcome(muxer.peer)}
        for peer in unwelcome:
            self.drop(peer)
        for peer in list(self.guests.here):
            if self.is_shut_out(peer):
                self.guests.drop(peer)
            elif peer in self.allowed:
                self.guests.welcome(peer)
        return sorted(unwelcome)

    def drop(self, peer: str) -> None:
        """Close every connection with `peer` now."""
        for muxer in self.of(peer):
            muxer.abort()


class GatedMuxers(MuxerMultistream):
    """The library's choice of a multiplexer, with the gate in front and our yamux behind.

    The library makes its own yamux whatever class it is given for that protocol name, so giving
    ours as an option is not enough.
    """

    def __init__(self, gate: Gate, negotiate_timeout_s: int) -> None:
        make: Callable[..., Any] = new_muxer(gate.open.discard)
        super().__init__({TProtocol(PROTOCOL): make}, negotiate_timeout_s)  # type: ignore[dict-item]  # a factory will do
        self._gate = gate

    async def new_conn(self, conn: ISecureConn, peer_id: ID) -> IMuxedConn:
        """Refuse or negotiate. Raises MultiselectError, which the library turns into a closed connection."""
        self._ask(conn, str(peer_id))
        make = await self.select_transport(conn)
        self._ask(conn, str(peer_id))  # others came in meanwhile
        if self._comes_as_guest(conn, str(peer_id)):
            guest = Muxer(conn, peer_id, None, GUEST)
            self._gate.guests.enter(guest, _address_of(conn))
            return guest
        muxer = make(conn, peer_id)
        assert isinstance(muxer, Muxer)
        self._gate.open.add(muxer)
        return muxer

    async def to_knock(self, conn: ISecureConn, peer_id: ID) -> Muxer:
        """A connection that we made only to ask at a doorstep: nobody is asked and nothing is counted here."""
        await self.select_transport(conn)
        return Muxer(conn, peer_id, None, HOST)

    def _comes_as_guest(self, conn: ISecureConn, peer: str) -> bool:
        return not conn.is_initiator and self._gate.is_stranger(peer)

    def _ask(self, conn: ISecureConn, peer: str) -> None:
        if self._comes_as_guest(conn, peer):
            refusal = self._gate.guests.refusal(peer, _address_of(conn))
        else:
            refusal = self._gate.refusal(peer)
        if refusal is not None:
            raise MultiselectError(f"{peer} is refused: {refusal}")


def _address_of(conn: ISecureConn) -> str:
    remote = conn.get_remote_address()
    return remote[0] if remote is not None else ""
