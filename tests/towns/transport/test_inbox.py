"""Peers are served in turn, each with everything it has, and closing ends the waiting."""

import pytest
import trio
import trio.testing

from node.transport.inbox import Inbox


class Peer:
    """A source whose frames a test puts in."""

    def __init__(self, peer: str, inbox: Inbox) -> None:
        self.peer = peer
        self._inbox = inbox
        self._frames: list[bytes] = []

    def sends(self, *frames: bytes) -> None:
        self._frames += frames
        self._inbox.announce(self)

    def take_frames(self) -> list[bytes]:
        frames, self._frames = self._frames, []
        return frames


def test_a_flood_of_one_peer_does_not_keep_another_waiting() -> None:
    inbox = Inbox()
    loud, quiet = Peer("loud", inbox), Peer("quiet", inbox)
    loud.sends(*[b"!"] * 1000)
    quiet.sends(b"please")
    loud.sends(b"!")
    assert inbox.receive_nowait() == ("loud", [b"!"] * 1001)
    loud.sends(b"again")
    assert inbox.receive_nowait() == ("quiet", [b"please"])
    assert inbox.receive_nowait() == ("loud", [b"again"])
    with pytest.raises(trio.WouldBlock):
        inbox.receive_nowait()


def test_a_forgotten_peer_delivers_nothing() -> None:
    inbox = Inbox()
    peer = Peer("anna", inbox)
    peer.sends(b"late")
    inbox.forget(peer)
    with pytest.raises(trio.WouldBlock):
        inbox.receive_nowait()


async def test_a_waiting_task_gets_what_comes_and_ends_when_the_inbox_closes() -> None:
    inbox = Inbox()
    received = []

    async def take() -> None:
        async for delivery in inbox:
            received.append(delivery)

    with trio.fail_after(1):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(take)
            await trio.testing.wait_all_tasks_blocked()
            Peer("anna", inbox).sends(b"one")
            await trio.testing.wait_all_tasks_blocked()
            Peer("bob", inbox).sends(b"two")
            inbox.close()
    assert received == [("anna", [b"one"]), ("bob", [b"two"])]
