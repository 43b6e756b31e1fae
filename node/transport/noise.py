"""The encrypted channel under a connection: libp2p's noise handshake, then our own record reading and writing.

The library does the handshake (and so decides who the peer is). After it the library reads a record
in three steps and a lock each; here one read of the socket feeds all records that it holds.
A record is a 2-byte big-endian length and a sealed part of at most 65,535 bytes (libp2p noise spec).

May not decide anything about peers: that is `gate`.
"""

import os
import struct
from typing import Any, cast

import trio
from libp2p.abc import IRawConnection, ISecureConn
from libp2p.connection_types import ConnectionType
from libp2p.peer.id import ID
from libp2p.security.base_session import BaseSession
from libp2p.security.noise.transport import Transport as LibraryNoise
from libp2p.security.secure_session import SecureSession
from multiaddr import Multiaddr  # type: ignore[import-untyped]

_LENGTH = struct.Struct(">H")
PLAIN_BYTES_MAX = 65535 - 16
"""A sealed record holds its plain bytes and 16 bytes of authentication."""
READ_BYTES = 1 << 16


class Session(BaseSession):
    """One authenticated, encrypted connection. One task may read and one may write at a time.

    What the socket takes at once is written without a turn of the event loop and without a deadline
    to set and take back: that halves what a small message costs. A write that is cancelled half-way
    leaves a cut record behind and the connection useless: only the multiplexer's writer task writes
    after the handshake, and it is cancelled only to close.
    """

    def __init__(self, handshaken: SecureSession) -> None:
        super().__init__(
            local_peer=handshaken.local_peer,
            local_private_key=handshaken.local_private_key,
            remote_peer=handshaken.remote_peer,
            remote_permanent_pubkey=handshaken.remote_permanent_pubkey,
            is_initiator=handshaken.is_initiator,
        )
        channel = cast(Any, handshaken.conn)  # the library's noise reader-writer: its parts are untyped
        self._raw: IRawConnection = channel.read_writer.read_write_closer
        self._socket: trio.SocketStream = cast(Any, self._raw).stream.stream
        self._seal = channel.noise_state.encrypt
        self._open = channel.noise_state.decrypt
        self._wire = bytearray()
        self._plain = bytearray()
        self._unsent = bytearray()

    async def receive(self) -> bytes:
        """What has arrived, at least one byte; no bytes at all once the peer has closed."""
        while not self._plain:
            await trio.lowlevel.wait_readable(self._socket.socket.fileno())
            try:
                arrived = os.read(self._socket.socket.fileno(), READ_BYTES)
            except BlockingIOError:
                continue
            if not arrived:
                return b""
            self._unseal(arrived)
        plain = bytes(self._plain)
        self._plain.clear()
        return plain

    def _unseal(self, arrived: bytes) -> None:
        wire = self._wire
        wire += arrived
        start, end = 0, len(wire)
        while end - start >= 2:
            (size,) = _LENGTH.unpack_from(wire, start)
            stop = start + 2 + size
            if stop > end:
                break
            self._plain += self._open(bytes(wire[start + 2 : stop]))
            start = stop
        del wire[:start]

    async def read(self, n: int | None = None) -> bytes:
        """Up to `n` bytes, as the library's negotiation asks for them."""
        if not self._plain:
            self._plain += await self.receive()
        size = len(self._plain) if n is None else n
        plain = bytes(self._plain[:size])
        del self._plain[:size]
        return plain

    async def write(self, data: bytes) -> None:
        """Write all of `data`, as the library's negotiation asks for it."""
        if not self.write_now(data):
            await self.drain()

    def write_now(self, data: bytes) -> bool:
        """Seal `data` into records and give the socket what it takes. False when some is left for `drain`.

        Raises OSError when the connection is gone.
        """
        unsent = self._unsent
        for start in range(0, len(data), PLAIN_BYTES_MAX):
            sealed = self._seal(data[start : start + PLAIN_BYTES_MAX])
            unsent += _LENGTH.pack(len(sealed)) + sealed
        try:
            del unsent[: os.write(self._socket.socket.fileno(), unsent)]
        except BlockingIOError:
            return False
        return not unsent

    async def drain(self) -> None:
        """Wait until the socket has taken all that `write_now` left."""
        await self._socket.send_all(bytes(self._unsent))
        self._unsent.clear()

    async def close(self) -> None:
        """Give the socket back. Safe to call again."""
        await trio.aclose_forcefully(self._socket)

    def get_remote_address(self) -> tuple[str, int] | None:
        """Host and port of the other end, or None once the socket is gone."""
        return self._raw.get_remote_address()

    def get_transport_addresses(self) -> list[Multiaddr]:
        """The other end as multiaddrs."""
        return self._raw.get_transport_addresses()

    def get_connection_type(self) -> ConnectionType:
        """Always a direct connection: there are no relays here."""
        return ConnectionType.DIRECT


class Noise(LibraryNoise):
    """The library's noise transport, with the connection afterwards in our hands."""

    async def secure_inbound(self, conn: IRawConnection) -> ISecureConn:
        """Handshake as the side that was dialled."""
        return Session(cast(SecureSession, await super().secure_inbound(conn)))

    async def secure_outbound(self, conn: IRawConnection, peer_id: ID) -> ISecureConn:
        """Handshake as the dialling side; raises when the other end is not `peer_id`."""
        return Session(cast(SecureSession, await super().secure_outbound(conn, peer_id)))
