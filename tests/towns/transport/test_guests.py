"""Guests: a place each for a minute; newcomers displace the oldest of who takes most, and no question is cut short."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio
import trio.testing
from libp2p.custom_types import TProtocol
from libp2p.protocol_muxer.exceptions import MultiselectClientError
from libp2p.protocol_muxer.multiselect_client import MultiselectClient
from libp2p.protocol_muxer.multiselect_communicator import MultiselectCommunicator
from libp2p.stream_muxer.exceptions import MuxedStreamError

from node.transport.doorstep import KNOCK, PIECE_BYTES, Answering, Frames
from node.transport.framing import pack
from node.transport.guests import Guests
from node.transport.limits import (
    GUEST,
    GUEST_GRACE_S,
    GUEST_S,
    GUESTS_MAX,
    QUESTION_DEADLINE_S,
    QUESTION_PAUSE_S,
    QUESTIONS_MAX,
    REPLY_BYTES_MAX,
    WELCOME_S,
    WRITE_DEADLINE_S,
)
from node.transport.stream import BACKLOG_BYTES, MuxedStream
from node.transport.yamux import Muxer

from .memory import muxer


class Visitor:
    """A connection as far as the places look at it."""

    def __init__(self, peer: str) -> None:
        self.peer = peer


def visitor(peer: str) -> Any:
    return Visitor(peer)


async def yes(peer: str, question: bytes) -> bytes:
    return b"yes"


def served() -> Guests:
    """Places of a node that answers strangers."""
    guests = Guests()
    guests.answering = Answering(yes)
    return guests


async def test_nobody_is_let_in_where_nobody_answers() -> None:
    assert Guests().refusal("anna", "a") is not None
    assert served().refusal("anna", "a") is None


async def test_a_newcomer_waits_while_all_are_as_new_and_then_displaces_the_oldest(
    autojump_clock: trio.testing.MockClock,
) -> None:
    guests = served()
    for number in range(GUESTS_MAX):
        guests.enter(visitor(f"guest {number}"), f"address {number}")
        await trio.sleep(GUEST_GRACE_S / (2 * GUESTS_MAX))
    assert guests.refusal("newcomer", "elsewhere") is not None
    assert len(guests.here) == GUESTS_MAX, "a refusal changes nothing"
    await trio.sleep(GUEST_GRACE_S)
    oldest = guests.here["guest 0"]
    assert guests.refusal("newcomer", "elsewhere") is None
    guests.enter(visitor("newcomer"), "elsewhere")
    assert oldest.scope.cancel_called and "guest 0" not in guests.here
    assert len(guests.here) == GUESTS_MAX and not any(each.scope.cancel_called for each in guests.here.values())


async def test_who_takes_most_places_displaces_itself(autojump_clock: trio.testing.MockClock) -> None:
    guests = served()
    guests.enter(visitor("honest"), "its own")
    await trio.sleep(1)
    for number in range(GUESTS_MAX * 3):
        await trio.sleep(GUEST_GRACE_S)
        assert guests.refusal(f"name {number}", "one machine") is None
        guests.enter(visitor(f"name {number}"), "one machine")
    assert "honest" in guests.here and len(guests.here) == GUESTS_MAX


@pytest.mark.parametrize("is_asking", [True, False])
async def test_the_same_peer_has_one_place_and_its_question_is_not_cut_short(
    is_asking: bool, autojump_clock: trio.testing.MockClock
) -> None:
    guests = served()
    guests.enter(visitor("anna"), "a")
    first = guests.here["anna"]
    first.is_asking = is_asking
    assert (guests.refusal("anna", "b") is not None) == is_asking
    await trio.sleep(GUEST_GRACE_S)
    assert guests.refusal("anna", "b") is None, "what has hung for a while makes room"
    guests.enter(visitor("anna"), "b")
    assert first.scope.cancel_called and list(guests.here) == ["anna"]


async def test_who_is_known_by_now_leaves_soon_and_who_is_shut_out_at_once() -> None:
    guests = served()
    guests.enter(visitor("anna"), "a")
    guests.enter(visitor("bob"), "a")
    anna, bob = guests.here["anna"], guests.here["bob"]
    guests.welcome("anna")
    guests.drop("bob")
    assert anna.scope.deadline <= trio.current_time() + WELCOME_S and not anna.scope.cancel_called
    assert bob.scope.cancel_called and list(guests.here) == ["anna"]


@asynccontextmanager
async def at_the_door(guests: Guests) -> AsyncIterator[Muxer]:
    """The guest's end of a connection that is being served as that of "bob"."""
    left, right = trio.testing.memory_stream_pair()
    client, server = muxer(left, True), muxer(right, False, GUEST)
    guests.enter(server, "somewhere")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(client.start)
        nursery.start_soon(guests.serve, server)
        await client.event_started.wait()
        yield client
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()


async def opened(client: Muxer) -> MuxedStream:
    """A stream on which the doorstep is chosen."""
    stream = await client.open_stream()
    await MultiselectClient().select_one_of([KNOCK], MultiselectCommunicator(stream))
    return stream


async def test_a_guest_that_opens_nothing_is_sent_away(autojump_clock: trio.testing.MockClock) -> None:
    guests, began = served(), trio.current_time()
    async with at_the_door(guests) as client:
        await client.closed.wait()
    assert trio.current_time() - began == pytest.approx(QUESTION_DEADLINE_S) and not guests.here


async def test_a_stream_for_anything_else_is_told_so_and_the_next_one_is_served(
    autojump_clock: trio.testing.MockClock,
) -> None:
    guests = served()
    async with at_the_door(guests) as client:
        for protocol in ("/tallystick/1", "/meshsub/1.1.0", "/ipfs/id/1.0.0", "/ipfs/ping/1.0.0"):
            stream = await client.open_stream()
            with pytest.raises(MultiselectClientError, match="not supported"):
                await MultiselectClient().select_one_of([TProtocol(protocol)], MultiselectCommunicator(stream))
            await stream.reset()
        await opened(client)
        assert guests.here["bob"].is_asking


@pytest.mark.parametrize("said", [b"", pack(bytes(1000))[:-1]])
async def test_a_question_has_a_deadline_however_slowly_it_drips(
    said: bytes, autojump_clock: trio.testing.MockClock
) -> None:
    guests = served()
    async with at_the_door(guests) as client:
        stream, began = await opened(client), trio.current_time()
        for number in range(len(said)):
            if client.closed.is_set():
                break
            stream.offer(said[number : number + 1])
            await trio.sleep(0.1)
        await client.closed.wait()
    assert trio.current_time() - began == pytest.approx(QUESTION_DEADLINE_S, abs=0.2) and not guests.here


async def test_the_most_eager_guest_leaves_after_its_time(autojump_clock: trio.testing.MockClock) -> None:
    guests, began = served(), trio.current_time()
    async with at_the_door(guests) as client:
        stream = await opened(client)
        while not client.closed.is_set():
            stream.offer(pack(b"again"))
            await trio.sleep(3)
    assert trio.current_time() - began == pytest.approx(GUEST_S, abs=3) and not guests.here


async def test_questions_are_paced_and_counted(autojump_clock: trio.testing.MockClock) -> None:
    guests, began = served(), trio.current_time()
    async with at_the_door(guests) as client:
        frames = Frames(await opened(client), REPLY_BYTES_MAX)
        for _ in range(2 * QUESTIONS_MAX):
            await frames.send(b"again")
        for _ in range(QUESTIONS_MAX):
            assert await frames.receive() == b"yes"
        with pytest.raises(MuxedStreamError):
            await frames.receive()
    assert trio.current_time() - began == pytest.approx((QUESTIONS_MAX - 1) * QUESTION_PAUSE_S)


async def test_little_waits_for_who_does_not_read_its_answer(autojump_clock: trio.testing.MockClock) -> None:
    async def much(peer: str, question: bytes) -> bytes:
        return bytes(REPLY_BYTES_MAX)

    guests = served()
    guests.answering = Answering(much)
    async with at_the_door(guests) as client:
        stream, server = await opened(client), guests.here["bob"].muxer
        stream.offer(pack(b"everything"))
        await trio.sleep(1)
        assert sum(len(each.pending) for each in server.streams.values()) <= BACKLOG_BYTES + PIECE_BYTES
        await trio.sleep(WRITE_DEADLINE_S)
        assert not guests.here and client.closed.is_set()
