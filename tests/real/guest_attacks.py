"""Hostile strangers: each function does one thing at a node's doorstep that an unguarded one would pay for.

As `attacks`, but with keys that the target does not know, so that all of it happens on guest connections.
"""

import os
import struct

import trio
from libp2p.custom_types import TProtocol

from .attacks import DATA, GOSSIP, IDENTIFY_PUSH, PING, TALLYSTICK, Attack, Target, intruder, may_be_cut_off

KNOCK = TProtocol("/tallystick/knock/1")
IDENTIFY = TProtocol("/ipfs/id/1.0.0")
MESH = TProtocol("/meshsub/1.2.0")
NOT_FOR_GUESTS = (TALLYSTICK, GOSSIP, MESH, PING, IDENTIFY, IDENTIFY_PUSH)


def framed(question: bytes) -> bytes:
    """A question as the doorstep reads it."""
    return struct.pack(">I", len(question)) + question


async def other_protocols(target: Target, seed: bytes) -> None:
    """Ask for all that peers get. Raises AssertionError when the target speaks one of them to a stranger."""
    for protocol in NOT_FOR_GUESTS:
        given = False
        try:
            async with intruder(target, seed) as enemy:
                with trio.fail_after(3):
                    await enemy.host.new_stream(enemy.peer, [protocol])
                given = True
        except* Exception:
            pass
        assert not given, f"the target speaks {protocol} to strangers"


async def garbage_for_questions(target: Target, seed: bytes) -> None:
    """Impossible lengths, empty frames, bytes that mean nothing."""
    for payload in (b"\xff" * 50, bytes(4), struct.pack(">I", 2**31), os.urandom(20_000), b"GET / HTTP/1.1\r\n\r\n"):

        @may_be_cut_off
        async def say(target: Target, seed: bytes, payload: bytes = payload) -> None:
            async with intruder(target, seed) as enemy:
                await enemy.say(KNOCK, payload)

        await say(target, seed)


@may_be_cut_off
async def questions_without_end(target: Target, seed: bytes) -> None:
    """Thousands of questions at once, whether they are answered or not."""
    async with intruder(target, seed) as enemy:
        stream = await enemy.host.new_stream(enemy.peer, [KNOCK])
        with trio.move_on_after(3):
            while True:
                await stream.write(framed(b"x") * 10_000)


@may_be_cut_off
async def great_answers_never_read(target: Target, seed: bytes) -> None:
    """Ask for a megabyte again and again and read none of it."""
    async with trio.open_nursery() as nursery:
        for number in range(20):
            nursery.start_soon(_one_that_never_reads, target, bytes([number]) + seed[1:])


@may_be_cut_off
async def _one_that_never_reads(target: Target, seed: bytes) -> None:
    async with intruder(target, seed) as enemy:
        stream = await enemy.host.new_stream(enemy.peer, [KNOCK])
        await stream.write(framed(b"1000000") * 64)
        await trio.sleep(4)


@may_be_cut_off
async def more_than_a_guest_may_send(target: Target, seed: bytes) -> None:
    """Megabytes on a stream that was never asked for."""
    async with intruder(target, seed) as enemy:
        with trio.move_on_after(3):
            while True:
                await enemy.send_raw(DATA, 0, 999, 60_000, bytes(60_000))


@may_be_cut_off
async def many_conversations_at_once(target: Target, seed: bytes) -> None:
    """Two hundred streams on one connection, each with the beginning of a question."""
    async with intruder(target, seed) as enemy:
        with trio.move_on_after(4):
            for _ in range(200):
                stream_id = await enemy.open_silently()
                await enemy.send_raw(DATA, 0, stream_id, 1000, bytes(1000))


async def sixty_strangers_who_stay(target: Target, seed: bytes) -> None:
    """More than there are places, each silent once it is in, for four seconds."""
    async with trio.open_nursery() as nursery:
        for number in range(60):
            nursery.start_soon(_one_who_stays, target, bytes([number]) + seed[1:])
            await trio.sleep(0.02)


@may_be_cut_off
async def _one_who_stays(target: Target, seed: bytes) -> None:
    async with intruder(target, seed):
        await trio.sleep(4)


GUEST_ATTACKS: tuple[Attack, ...] = (
    other_protocols,
    garbage_for_questions,
    questions_without_end,
    great_answers_never_read,
    more_than_a_guest_may_send,
    many_conversations_at_once,
    sixty_strangers_who_stay,
)
