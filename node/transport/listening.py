"""Accepts connections: at most so many strangers at a time, each with a deadline to prove who they are.

The library's own listener keeps a task and a slot for every connection that ever came in, and one
who only knocks keeps the door shut for ten seconds. Here a newcomer displaces the oldest knocker.
"""

from collections import OrderedDict
from collections.abc import Sequence

import trio
from libp2p.io.trio import TrioTCPStream
from libp2p.network.connection.raw_connection import RawConnection
from libp2p.network.swarm import Swarm
from multiaddr import Multiaddr  # type: ignore[import-untyped]

from .guests import Guests
from .limits import GUEST, HANDSHAKE_DEADLINE_S, HANDSHAKE_GRACE_S, HANDSHAKES_MAX
from .logs import LOGGER
from .yamux import Muxer


class Handshakes:
    """Those that are under way, oldest first: so many at a time."""

    def __init__(self) -> None:
        self._knocking: OrderedDict[trio.CancelScope, float] = OrderedDict()

    def enter(self) -> trio.CancelScope | None:
        """A scope to shake hands in, or None when all places are taken by others just as new."""
        now = trio.current_time()
        if len(self._knocking) >= HANDSHAKES_MAX:
            oldest, since = next(iter(self._knocking.items()))
            if now - since < HANDSHAKE_GRACE_S:
                return None
            oldest.cancel()
            del self._knocking[oldest]
        scope = trio.CancelScope(deadline=now + HANDSHAKE_DEADLINE_S)
        self._knocking[scope] = now
        return scope

    def leave(self, scope: trio.CancelScope) -> None:
        """The handshake is over, well or badly."""
        self._knocking.pop(scope, None)


class Listener:
    """One listening address. `address` is the real one once it is bound, also when port 0 was asked for."""

    def __init__(self, swarm: Swarm, guests: Guests, address: Multiaddr) -> None:
        self._swarm = swarm
        self._guests = guests
        self._handshakes = Handshakes()
        self._sockets: Sequence[trio.SocketListener] = ()
        self.address = address

    async def bind(self) -> None:
        """Take the address. Raises OSError when it cannot be had, ValueError when it is not for TCP."""
        host, port = socket_address(self.address)
        self._sockets = await trio.open_tcp_listeners(port, host=host)
        real_port = self._sockets[0].socket.getsockname()[1]
        self.address = Multiaddr(str(self.address).replace(f"/tcp/{port}", f"/tcp/{real_port}", 1))

    async def run(self) -> None:
        """Accept connections until cancelled; then the sockets are given back."""
        await trio.serve_listeners(self._serve, self._sockets)

    async def _serve(self, stream: trio.SocketStream) -> None:
        """One connection from its first byte to its end; then trio gives the socket back."""
        scope = self._handshakes.enter()
        if scope is None:
            return
        muxer: Muxer | None = None
        try:
            with scope:
                muxer = await self._shake_hands(stream)
        except Exception as failed:
            LOGGER.debug("an inbound connection came to nothing: %r", failed)
        finally:
            self._handshakes.leave(scope)
        if muxer is not None and muxer.allowance is GUEST:
            await self._guests.serve(muxer)
        elif muxer is not None:
            await muxer.closed.wait()

    async def _shake_hands(self, stream: trio.SocketStream) -> Muxer:
        """Learn who it is; a known peer becomes the library's to serve, a guest does not."""
        raw = RawConnection(TrioTCPStream(stream), False)
        secured = await self._swarm.upgrader.upgrade_security(raw, False)
        muxer = await self._swarm.upgrader.upgrade_connection(secured, secured.get_remote_peer())
        assert isinstance(muxer, Muxer)
        if muxer.allowance is not GUEST:
            await self._swarm.add_conn(muxer, direction="inbound")
        return muxer


def socket_address(address: Multiaddr) -> tuple[str, int]:
    """Host and port of `/ip4|ip6|dns|dns4|dns6/HOST/tcp/PORT`. Raises ValueError for any other form."""
    parts = str(address).strip("/").split("/")
    if len(parts) < 4 or parts[0] not in ("ip4", "ip6", "dns", "dns4", "dns6") or parts[2] != "tcp":
        raise ValueError(f"{address} is not of the form /ip4/HOST/tcp/PORT")
    return parts[1], int(parts[3])
