"""Who may connect: asked once for every connection, right after noise has proved who the peer is.

Stands between the handshake and the multiplexer, in both directions, so a stranger never gets a
stream. May not send or read a byte itself.
"""

from collections.abc import Callable
from typing import Any

from libp2p.abc import IMuxedConn, ISecureConn
from libp2p.custom_types import TProtocol
from libp2p.peer.id import ID
from libp2p.protocol_muxer.exceptions import MultiselectError
from libp2p.stream_muxer.muxer_multistream import MuxerMultistream

from .limits import CONNECTIONS_MAX, CONNECTIONS_PER_PEER_MAX, Conduct
from .yamux import PROTOCOL, Muxer, new_muxer


class Gate:
    """The allow-list, the deny-list, the bans and the connections that are open now."""

    def __init__(self, conduct: Conduct) -> None:
        self.allowed: set[str] = set()
        self.denied: set[str] = set()
        self.open: set[Muxer] = set()
        self.own = ""
        self._conduct = conduct

    def is_welcome(self, peer: str) -> bool:
        """Whether we would talk to `peer` at this moment."""
        known = peer in self.allowed and peer not in self.denied and peer != self.own
        return known and not self._conduct.is_banned(peer)

    def refusal(self, peer: str) -> str | None:
        """Why a new connection with `peer` is refused, or None."""
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
        """Close every connection whose peer is no longer welcome; says whose."""
        unwelcome = {muxer.peer for muxer in self.open if not self.is_welcome(muxer.peer)}
        for peer in unwelcome:
            self.drop(peer)
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
        self._ask(str(peer_id))
        make = await self.select_transport(conn)
        self._ask(str(peer_id))  # others came in meanwhile
        muxer = make(conn, peer_id)
        assert isinstance(muxer, Muxer)
        self._gate.open.add(muxer)
        return muxer

    def _ask(self, peer: str) -> None:
        refusal = self._gate.refusal(peer)
        if refusal is not None:
            raise MultiselectError(f"{peer} is refused: {refusal}")
