"""Measures the transport beside the bare library: `python -m tests.real.measure_transport`.

A 300-byte frame goes to another process and back: once over our transport, once over a plain stream
of the stock library (one long-lived stream, noise and yamux), in turns within the same run. Then
with many frames outstanding. Prints one JSON line; checks that what comes back is what went out.
"""

import json
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

import trio
from libp2p.abc import INetStream
from libp2p.custom_types import TProtocol
from libp2p.peer.peerinfo import info_from_p2p_addr
from multiaddr import Multiaddr  # type: ignore[import-untyped]

from node.transport import Transport, open_transport

from .attacks import running, stock_host
from .transport_echo import EchoProcess, echo_process, module_process, peer_of, seed_of

FRAME = bytes(range(256)) + bytes(44)
ECHO = TProtocol("/echo/1")
ROUNDS, TRIPS = 5, 200
OUTSTANDING, BULK = 64, 6400
SERVER, CLIENT, STOCK_SERVER, STOCK_CLIENT = 1, 2, 3, 4

Trip = Callable[[int], Awaitable[None]]
"""Send so many frames at once and wait until all are back."""


@dataclass(slots=True)
class Figures:
    """What one stack needed."""

    trips_ms: list[float]
    client_cpu_s: float = 0.0
    server_cpu_s: float = 0.0
    bulk_s: float = 0.0
    bulk_client_cpu_s: float = 0.0
    bulk_server_cpu_s: float = 0.0

    def summary(self) -> dict[str, float]:
        """Milliseconds a trip, CPU milliseconds a trip and side, and the same for frames in bulk."""
        trips, ordered = len(self.trips_ms), sorted(self.trips_ms)
        return {
            "p50_ms": round(ordered[trips // 2], 3),
            "p99_ms": round(ordered[trips * 99 // 100], 3),
            "cpu_ms_client": round(self.client_cpu_s * 1000 / trips, 3),
            "cpu_ms_server": round(self.server_cpu_s * 1000 / trips, 3),
            "bulk_frames_s": round(BULK * ROUNDS / self.bulk_s),
            "bulk_cpu_ms_client": round(self.bulk_client_cpu_s * 1000 / (BULK * ROUNDS), 4),
            "bulk_cpu_ms_server": round(self.bulk_server_cpu_s * 1000 / (BULK * ROUNDS), 4),
        }


async def stock_server() -> None:
    """Echo over the stock library; answers "address" and "cpu"."""
    host = stock_host(seed_of(STOCK_SERVER))

    async def echo(stream: INetStream) -> None:
        while data := await stream.read(65536):
            await stream.write(data)

    host.set_stream_handler(ECHO, echo)
    async with host.run([Multiaddr("/ip4/127.0.0.1/tcp/0")]):
        addresses = [str(address) for address in host.get_addrs()]
        while question := await trio.to_thread.run_sync(sys.stdin.readline):
            print(json.dumps(addresses if "address" in question else time.process_time()), flush=True)
        await host.close()


@contextmanager
def stock_process() -> Iterator[EchoProcess]:
    """The stock server in a process of its own."""
    with module_process("tests.real.measure_transport", "stock") as server:
        server.addresses = server.ask("address")
        yield server


@asynccontextmanager
async def stock_trip(address: str) -> AsyncIterator[Trip]:
    """A stream of the stock library to `address`."""
    peer = info_from_p2p_addr(Multiaddr(address))
    async with running(stock_host(seed_of(STOCK_CLIENT))) as host:
        await host.connect(peer)
        stream = await host.new_stream(peer.peer_id, [ECHO])

        async def trip(count: int) -> None:
            await stream.write(FRAME * count)
            back = b""
            while len(back) < len(FRAME) * count:
                back += await stream.read(65536)
            assert back == FRAME * count

        yield trip


async def our_trip(transport: Transport, peer: str) -> Trip:
    """Our transport to `peer`."""
    await transport.links.receive()

    async def trip(count: int) -> None:
        for _ in range(count):
            assert transport.send_nowait(peer, FRAME)
        back: list[bytes] = []
        while len(back) < count:
            back += (await transport.inbox.receive())[1]
        assert back == [FRAME] * count

    return trip


async def measure(trip: Trip, server: EchoProcess, figures: Figures) -> None:
    """One round of single trips and one of many outstanding frames."""
    await trip(1)
    server_cpu, client_cpu = server.ask("cpu"), time.process_time()
    for _ in range(TRIPS):
        start = time.perf_counter()
        await trip(1)
        figures.trips_ms.append((time.perf_counter() - start) * 1000)
    figures.client_cpu_s += time.process_time() - client_cpu
    figures.server_cpu_s += server.ask("cpu") - server_cpu
    server_cpu, client_cpu, start = server.ask("cpu"), time.process_time(), time.perf_counter()
    for _ in range(BULK // OUTSTANDING):
        await trip(OUTSTANDING)
    figures.bulk_s += time.perf_counter() - start
    figures.bulk_client_cpu_s += time.process_time() - client_cpu
    figures.bulk_server_cpu_s += server.ask("cpu") - server_cpu


async def main() -> None:
    ours, stock = Figures([]), Figures([])
    with echo_process(SERVER, [f"/p2p/{peer_of(CLIENT)}"]) as our_server, stock_process() as stock_server:
        async with trio.open_nursery() as nursery, stock_trip(stock_server.addresses[0]) as stock_echo:
            transport = await nursery.start(open_transport, seed_of(CLIENT), "", our_server.addresses, "aa")
            our_echo = await our_trip(transport, our_server.peer_id)
            for _ in range(ROUNDS):
                await measure(our_echo, our_server, ours)
                await measure(stock_echo, stock_server, stock)
            nursery.cancel_scope.cancel()
    ratio = ours.summary()["p50_ms"] / stock.summary()["p50_ms"]
    print(json.dumps({"ours": ours.summary(), "stock": stock.summary(), "p50_ratio": round(ratio, 3)}))


if __name__ == "__main__":
    trio.run(stock_server if "stock" in sys.argv[1:] else main)
