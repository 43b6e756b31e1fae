"""The yardstick of the network: round trips of 300 bytes over one stream of the bare library, between two processes.

Stands outside node/transport on purpose: it must not get any of what that adds.
"""

import socket
import time

import trio
from libp2p import new_host
from libp2p.abc import IHost, INetStream
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.crypto.x25519 import create_new_key_pair as new_noise_key
from libp2p.custom_types import TProtocol
from libp2p.peer.peerinfo import info_from_p2p_addr
from libp2p.security.noise.transport import PROTOCOL_ID as NOISE
from libp2p.security.noise.transport import Transport as Noise
from libp2p.stream_muxer.yamux.yamux import PROTOCOL_ID as YAMUX
from libp2p.stream_muxer.yamux.yamux import Yamux
from multiaddr import Multiaddr  # type: ignore[import-untyped]

from ..launcher import Launcher
from ..pipe import ChildEnd, Fields, ParentEnd, PipeClosed

ECHO = TProtocol("/tallystick/bench/echo/1")
FRAME = bytes(300)
LISTEN = Multiaddr("/ip4/127.0.0.1/tcp/0")


def _host(seed: int) -> IHost:
    pair = create_new_key_pair(bytes([seed]) * 32)
    noise = Noise(libp2p_keypair=pair, noise_privkey=new_noise_key().private_key)
    return new_host(key_pair=pair, sec_opt={NOISE: noise}, muxer_opt={TProtocol(YAMUX): Yamux})


def serve(pipe: socket.socket) -> None:
    """Be the child that echoes."""
    trio.run(_serve, pipe)


async def _serve(pipe: socket.socket) -> None:
    end, host = ChildEnd(pipe), _host(1)

    async def echo(stream: INetStream) -> None:
        while chunk := await stream.read(65_536):
            await stream.write(chunk)

    async def refuse(_: Fields) -> Fields:
        return {}

    host.set_stream_handler(ECHO, echo)
    async with host.run([LISTEN]):
        try:
            await end.first()
            await end.note("ready", address=str(host.get_addrs()[0]))
            await end.serve(refuse)
        except PipeClosed:
            pass
        finally:
            await host.close()


async def round_trips_ms(trips: int) -> list[float]:
    """Milliseconds of each of so many round trips."""
    with Launcher("fork", f"{__name__}:serve", preload=[__name__]) as launcher:
        child = await launcher.start()
        end = ParentEnd(child.pipe)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(end.run)
            await end.tell({"be": "echo"})
            note = await end.notes.receive()
            spent = await _ping(note["address"], trips)
            await child.stop()
            nursery.cancel_scope.cancel()
        return spent


async def _ping(address: str, trips: int) -> list[float]:
    host, spent = _host(2), []
    async with host.run([LISTEN]):
        try:
            peer = info_from_p2p_addr(Multiaddr(address))
            await host.connect(peer)
            stream = await host.new_stream(peer.peer_id, [ECHO])
            for _ in range(trips):
                began = time.perf_counter()
                await stream.write(FRAME)
                missing = len(FRAME)
                while missing:
                    missing -= len(await stream.read(missing))
                spent.append(1_000 * (time.perf_counter() - began))
        finally:
            await host.close()
    return spent
