"""Hostile peers: each function does one thing to a node that ends, fills or blocks an unguarded one.

They use the stock library, so they are also a check that we still talk to it. Every attack takes a
`Target` and the seed of a key that the target knows (a stranger does not get as far), is bounded in
time and returns when it is done; whether the target still serves others is for the caller to see.
"""

import os
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import wraps
from typing import Any

import trio
from libp2p import new_host
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.crypto.x25519 import create_new_key_pair as create_noise_key_pair
from libp2p.custom_types import TProtocol
from libp2p.host.basic_host import BasicHost
from libp2p.peer.peerinfo import info_from_p2p_addr
from libp2p.pubsub.pb import rpc_pb2
from libp2p.security.insecure.transport import PLAINTEXT_PROTOCOL_ID, InsecureTransport
from libp2p.security.noise.transport import PROTOCOL_ID as NOISE
from libp2p.security.noise.transport import Transport as StockNoise
from libp2p.stream_muxer.yamux.yamux import PROTOCOL_ID as YAMUX
from libp2p.stream_muxer.yamux.yamux import Yamux
from libp2p.utils import encode_varint_prefixed
from multiaddr import Multiaddr  # type: ignore[import-untyped]

TALLYSTICK = TProtocol("/tallystick/1")
GOSSIP = TProtocol("/meshsub/1.1.0")
IDENTIFY_PUSH = TProtocol("/ipfs/id/push/1.0.0")
PING = TProtocol("/ipfs/ping/1.0.0")
MULTISTREAM = b"\x13/multistream/1.0.0\n"
CONNECT_S = 8.0
YAMUX_HEADER = struct.Struct("!BBHII")
DATA, WINDOW_UPDATE, YAMUX_PING = 0, 1, 2
SYN = 1


@dataclass(frozen=True, slots=True)
class Target:
    """The node under attack: its multiaddr with /p2p/ and the gossip topic it listens to."""

    address: str
    topic: str

    @property
    def socket(self) -> tuple[str, int]:
        """Host and port."""
        parts = self.address.split("/")
        return parts[2], int(parts[4])


Attack = Callable[[Target, bytes], Awaitable[None]]


class Intruder:
    """A stock libp2p host that is connected to the target."""

    def __init__(self, host: BasicHost, target: Target) -> None:
        self.host = host
        self.peer = info_from_p2p_addr(Multiaddr(target.address)).peer_id

    @property
    def muxer(self) -> Any:
        """The stock yamux connection, for frames that no correct peer sends."""
        return self.host.get_network().get_connections(self.peer)[0].muxed_conn

    async def send_raw(self, kind: int, flags: int, stream_id: int, value: int, body: bytes = b"") -> None:
        """One yamux frame, whatever it says."""
        await self.muxer._write_frame(YAMUX_HEADER.pack(0, kind, flags, stream_id, value) + body)

    async def open_silently(self) -> int:
        """Announce a stream and never say what it is for."""
        stream_id: int = self.muxer.next_stream_id
        self.muxer.next_stream_id += 2
        await self.send_raw(WINDOW_UPDATE, SYN, stream_id, 0)
        return stream_id

    async def say(self, protocol: TProtocol, *payloads: bytes) -> None:
        """Each payload on a stream of its own, which is then reset."""
        for payload in payloads:
            stream = await self.host.new_stream(self.peer, [protocol])
            if payload:
                await stream.write(payload)
            await trio.sleep(0.1)
            await stream.reset()


def stock_host(seed: bytes) -> BasicHost:
    """The library's own host, noise and yamux."""
    keys = create_new_key_pair(seed)
    noise = StockNoise(keys, noise_privkey=create_noise_key_pair().private_key)
    host = new_host(key_pair=keys, sec_opt={NOISE: noise}, muxer_opt={TProtocol(YAMUX): Yamux})
    assert isinstance(host, BasicHost)
    return host


@asynccontextmanager
async def running(host: BasicHost) -> AsyncIterator[BasicHost]:
    """Run a stock host and close it so that nothing stays open."""
    async with host.run([]):
        try:
            yield host
        finally:
            with trio.CancelScope(shield=True, deadline=trio.current_time() + 3):
                await host.close()


@asynccontextmanager
async def intruder(target: Target, seed: bytes) -> AsyncIterator[Intruder]:
    """A connected intruder."""
    async with running(stock_host(seed)) as host:
        with trio.fail_after(CONNECT_S):
            await host.connect(info_from_p2p_addr(Multiaddr(target.address)))
        yield Intruder(host, target)


def may_be_cut_off(attack: Attack) -> Attack:
    """The target may hang up at any moment: whatever that breaks on the intruder's side is expected."""

    @wraps(attack)
    async def attempt(target: Target, seed: bytes) -> None:
        try:
            await attack(target, seed)
        except* Exception as cut_off:
            print(f"{attack.__name__} was cut off: {cut_off.exceptions[0]!r:.200}")

    return attempt


async def plaintext_under_a_forged_id(target: Target, seed: bytes) -> None:
    """Finding 1: dial without encryption. Raises AssertionError when the target accepts it."""
    keys = create_new_key_pair(seed)
    plain = {TProtocol(PLAINTEXT_PROTOCOL_ID): InsecureTransport(keys)}
    host = new_host(key_pair=keys, sec_opt=plain, muxer_opt={TProtocol(YAMUX): Yamux})
    assert isinstance(host, BasicHost)
    accepted = False
    try:
        async with running(host):
            with trio.fail_after(CONNECT_S):
                await host.connect(info_from_p2p_addr(Multiaddr(target.address)))
            accepted = True
    except* Exception:
        pass
    assert not accepted, "the target talks to peers that prove nothing"


async def strangers(target: Target, seed: bytes) -> None:
    """Finding 14: twenty peers that nobody knows connect at once."""
    async with trio.open_nursery() as nursery:
        for number in range(1, 21):
            nursery.start_soon(_one_stranger, target, bytes([number]) + seed[1:])


@may_be_cut_off
async def _one_stranger(target: Target, seed: bytes) -> None:
    async with intruder(target, seed):
        await trio.sleep(0.2)


@may_be_cut_off
async def impossible_protocol_names(target: Target, seed: bytes) -> None:
    """Finding 3: names that are no text, lengths that are no lengths."""
    payloads = (
        MULTISTREAM + b"\x03\xff\xfe\n",
        b"\xff" * 20,
        MULTISTREAM + b"\x80" * 11,
        b"\x00" * 10,
        MULTISTREAM + b"\x00",
        b"\x14/multistream/9.9.9\n\n",
        MULTISTREAM + b"\xff\xff\xff\xff\x0f" + b"A" * 1000,
    )
    async with intruder(target, seed) as enemy:
        for payload in payloads:
            stream = await enemy.muxer.open_stream()
            await stream.write(payload)
            await trio.sleep(0.05)
            await stream.reset()


@may_be_cut_off
async def streams_reset_early(target: Target, seed: bytes) -> None:
    """Finding 3: streams that end in the middle of the negotiation."""
    async with intruder(target, seed) as enemy:
        for number in range(30):
            stream = await enemy.muxer.open_stream()
            if number % 2:
                await stream.write(MULTISTREAM)
            await (stream.reset() if number % 3 else stream.close())


@may_be_cut_off
async def gossip_that_is_no_gossip(target: Target, seed: bytes) -> None:
    """Finding 4: bytes that are no protobuf."""
    async with intruder(target, seed) as enemy:
        await enemy.say(GOSSIP, b"\x05hello", b"\xff" * 30, b"\x04\x0a\xff\xff\xff", b"\x80\x80\x80\x80\x80\x01")


@may_be_cut_off
async def gossip_with_broken_signatures(target: Target, seed: bytes) -> None:
    """Finding 5: messages whose sender, key or signature is garbage."""
    stranger = b"\x12\x20" + os.urandom(32)
    forged: Sequence[dict[str, bytes]] = (
        {"from_id": b"", "seqno": b""},
        {"from_id": b"\xff\xff", "seqno": b"1", "signature": b"1", "key": b"zzz"},
        {"from_id": stranger, "seqno": b"1", "signature": b"1" * 64, "key": b"\xff\xff\xff"},
        {"from_id": stranger, "seqno": b"1", "signature": b"1" * 64, "key": b"\x08\x09\x12\x02ab"},
        {"from_id": os.urandom(34), "seqno": b"1", "signature": b"1" * 64, "key": b"\x08\x01\x12\x20" + bytes(32)},
    )
    messages = [rpc_pb2.Message(data=b"x", topicIDs=[f"/tallystick/{target.topic}"], **parts) for parts in forged]
    packets = [rpc_pb2.RPC(publish=[message]) for message in messages]
    async with intruder(target, seed) as enemy:
        await enemy.say(GOSSIP, *(encode_varint_prefixed(packet.SerializeToString()) for packet in packets))


@may_be_cut_off
async def forged_hints_without_end(target: Target, seed: bytes) -> None:
    """Messages that look right and cost a signature check each, as fast as they can be sent."""
    async with intruder(target, seed) as enemy:
        stream = await enemy.host.new_stream(enemy.peer, [GOSSIP])
        author, number = enemy.host.get_id().to_bytes(), 0
        with trio.move_on_after(3):
            while True:
                packet = rpc_pb2.RPC()
                for _ in range(100):
                    number += 1
                    packet.publish.add(
                        data=b"news",
                        topicIDs=[f"/tallystick/{target.topic}"],
                        from_id=author,
                        seqno=number.to_bytes(8, "big"),
                        signature=bytes(64),
                    )
                await stream.write(encode_varint_prefixed(packet.SerializeToString()))


@may_be_cut_off
async def gossip_with_broken_control(target: Target, seed: bytes) -> None:
    """Finding 4: control messages that make no sense, and a topic name of 100 kB."""
    control = rpc_pb2.ControlMessage()
    control.ihave.add(topicID="t").messageIDs.extend([b"zz", b"\xff"])
    control.iwant.add().messageIDs.extend([b"zz"])
    control.graft.add(topicID="nope")
    prune = control.prune.add(topicID=f"/tallystick/{target.topic}")
    prune.backoff = 2**40
    prune.peers.add(peerID=b"\xff", signedPeerRecord=b"junk")
    control.idontwant.add().messageIDs.extend([b"x"])
    packets = (
        rpc_pb2.RPC(control=control),
        rpc_pb2.RPC(senderRecord=b"junk"),
        rpc_pb2.RPC(subscriptions=[rpc_pb2.RPC.SubOpts(subscribe=True, topicid="x" * 100_000)]),
    )
    async with intruder(target, seed) as enemy:
        await enemy.say(GOSSIP, *(encode_varint_prefixed(packet.SerializeToString()) for packet in packets))


async def garbage_on_the_port(target: Target, seed: bytes) -> None:
    """Finding 7: zeros, noise, HTTP and handshakes that end early."""
    payloads = (
        bytes(100),
        os.urandom(5000),
        b"GET / HTTP/1.1\r\n\r\n",
        MULTISTREAM + b"\x07/noise\n" + b"\xff\xff" + os.urandom(70_000),
        MULTISTREAM + b"\x07/noise\n" + b"\x00\x20" + os.urandom(532),
        MULTISTREAM + b"\x03\xff\xfe\n",
    )
    for payload in payloads * 3:
        await trio.to_thread.run_sync(_knock, target.socket, payload)


def _knock(address: tuple[str, int], payload: bytes) -> None:
    try:
        with socket.create_connection(address, timeout=1) as knocking:
            knocking.settimeout(0.05)
            knocking.sendall(payload)
            knocking.recv(100)
    except OSError:
        pass  # being cut off is the right answer


@may_be_cut_off
async def a_frame_of_four_gigabytes_announced(target: Target, seed: bytes) -> None:
    """Finding 8: a yamux frame that could never fit."""
    async with intruder(target, seed) as enemy:
        stream_id = await enemy.open_silently()
        await enemy.send_raw(DATA, 0, stream_id, 0xFFFFFFFF, b"abc")
        await trio.sleep(0.3)


@may_be_cut_off
async def sixty_megabytes_beyond_the_window(target: Target, seed: bytes) -> None:
    """Finding 9: ignore the window of 256 KiB."""
    chunk = bytes(1 << 20)
    async with intruder(target, seed) as enemy:
        stream_id = await enemy.open_silently()
        with trio.move_on_after(5):
            for _ in range(60):
                await enemy.send_raw(DATA, 0, stream_id, len(chunk), chunk)


@may_be_cut_off
async def bytes_for_streams_that_do_not_exist(target: Target, seed: bytes) -> None:
    """Finding 9, sideways: no window is counted where there is no stream."""
    chunk = bytes(60_000)
    async with intruder(target, seed) as enemy:
        with trio.move_on_after(5):
            for _ in range(500):
                await enemy.send_raw(DATA, 0, 9_999, len(chunk), chunk)


@may_be_cut_off
async def answers_never_read(target: Target, seed: bytes) -> None:
    """Finding 10, sideways: ask for echoes for ever and do not read one."""
    frame = struct.pack(">I", 50_000) + bytes(50_000)
    async with intruder(target, seed) as enemy:
        stream = await enemy.host.new_stream(enemy.peer, [TALLYSTICK])
        with trio.move_on_after(3):
            for _ in range(1000):
                await stream.write(frame)


@may_be_cut_off
async def a_thousand_half_open_streams(target: Target, seed: bytes) -> None:
    """Finding 11: open, and never say what for."""
    async with intruder(target, seed) as enemy:
        with trio.move_on_after(4):
            for _ in range(1000):
                await enemy.open_silently()


@may_be_cut_off
async def a_hundred_idle_streams(target: Target, seed: bytes) -> None:
    """Finding 12: negotiate and stay silent."""
    async with intruder(target, seed) as enemy:
        with trio.move_on_after(3):
            for _ in range(100):
                await enemy.host.new_stream(enemy.peer, [PING])


@may_be_cut_off
async def pings_without_end(target: Target, seed: bytes) -> None:
    """Ask for signs of life faster than they can be given."""
    async with intruder(target, seed) as enemy:
        with trio.move_on_after(2):
            for number in range(20_000):
                await enemy.send_raw(YAMUX_PING, SYN, 0, number)


async def four_hundred_who_only_knock(target: Target, seed: bytes) -> None:
    """Finding 13, for a moment: connections that never say a word."""
    knocking: list[socket.socket] = []
    try:
        for _ in range(400):
            knocking.append(await trio.to_thread.run_sync(socket.create_connection, target.socket, 2))
        await trio.sleep(0.2)
    except OSError:
        pass  # refused: also a right answer
    finally:
        for each in knocking:
            each.close()


async def impossible_frame_lengths(target: Target, seed: bytes) -> None:
    """Finding 15: frames of four gigabytes and of nothing."""
    await _one_impossible_length(target, seed)
    await _nothing_framed(target, seed)


@may_be_cut_off
async def _one_impossible_length(target: Target, seed: bytes) -> None:
    async with intruder(target, seed) as enemy:
        await enemy.say(TALLYSTICK, b"\xff\xff\xff\xffabc")


@may_be_cut_off
async def _nothing_framed(target: Target, seed: bytes) -> None:
    async with intruder(target, seed) as enemy:
        await enemy.say(TALLYSTICK, bytes(4))


@may_be_cut_off
async def garbage_for_identify_and_ping(target: Target, seed: bytes) -> None:
    """Finding 16."""
    async with intruder(target, seed) as enemy:
        await enemy.say(IDENTIFY_PUSH, b"\x05hello", os.urandom(200), b"\xff\xff\xff\xff\x7f" + b"a" * 1000, b"")
        await enemy.say(PING, b"x" * 31, b"x" * 33)


ATTACKS: tuple[Attack, ...] = (
    plaintext_under_a_forged_id,
    strangers,
    impossible_protocol_names,
    streams_reset_early,
    gossip_that_is_no_gossip,
    gossip_with_broken_signatures,
    gossip_with_broken_control,
    forged_hints_without_end,
    garbage_on_the_port,
    a_frame_of_four_gigabytes_announced,
    sixty_megabytes_beyond_the_window,
    bytes_for_streams_that_do_not_exist,
    answers_never_read,
    a_thousand_half_open_streams,
    a_hundred_idle_streams,
    pings_without_end,
    four_hundred_who_only_knock,
    impossible_frame_lengths,
    garbage_for_identify_and_ping,
)
