"""Guests: peers that are not on the list. Each may ask at the doorstep for a minute, and nothing else.

A guest's connection is kept away from the libp2p host: no gossip, no identify, no ping and no link can begin on it.
It is served one stream, the first that is for the doorstep. Who is known by the time that he comes is no guest.

The places cannot be kept shut: a newcomer takes that of the oldest guest, first of those behind the address that has
most of them. So one machine with many names displaces itself.
"""

from collections import Counter

import trio
from libp2p.exceptions import BaseLibp2pError
from libp2p.protocol_muxer.multiselect import Multiselect
from libp2p.protocol_muxer.multiselect_communicator import MultiselectCommunicator

from .doorstep import KNOCK, Answering, converse
from .limits import GUEST_GRACE_S, GUEST_S, GUESTS_MAX, QUESTION_DEADLINE_S, WELCOME_S
from .logs import LOGGER
from .stream import MuxedStream
from .yamux import Muxer


class Guest:
    """One guest's connection."""

    def __init__(self, muxer: Muxer, address: str) -> None:
        self.muxer = muxer
        self.peer = muxer.peer
        self.address = address
        self.since = trio.current_time()
        self.is_asking = False
        self.scope = trio.CancelScope(deadline=self.since + GUEST_S)

    def may_stay(self, now: float) -> bool:
        """Whether this guest is too young to be displaced."""
        return now - self.since < GUEST_GRACE_S


class Guests:
    """The guests that are here now. Nobody is let in before there is somebody who answers."""

    def __init__(self) -> None:
        self.here: dict[str, Guest] = {}
        self.answering: Answering | None = None

    def refusal(self, peer: str, address: str) -> str | None:
        """Why a stranger who comes from the network address `address` is not let in, or None."""
        if self.answering is None:
            return "nobody answers strangers here"
        present = self.here.get(peer)
        now = trio.current_time()
        if present is not None:
            # what only tried to link, as a stranger, makes room for a question at once
            return "the peer is already asking" if present.is_asking and present.may_stay(now) else None
        if len(self.here) >= GUESTS_MAX and self._to_displace(address).may_stay(now):
            return f"there are already {GUESTS_MAX} guests"
        return None

    def enter(self, muxer: Muxer, address: str) -> None:
        """Let one in who was not refused; another one may have to leave for it."""
        displaced = self.here.get(muxer.peer)
        if displaced is None and len(self.here) >= GUESTS_MAX:
            displaced = self._to_displace(address)
        if displaced is not None:
            self._send_away(displaced)
        self.here[muxer.peer] = Guest(muxer, address)

    def drop(self, peer: str) -> None:
        """Close the guest connection of `peer` now, if it has one."""
        if peer in self.here:
            self._send_away(self.here[peer])

    def welcome(self, peer: str) -> None:
        """`peer` is known from now on: have it come again as such, once its present answer had time to arrive."""
        guest = self.here.get(peer)
        if guest is not None:
            guest.scope.deadline = min(guest.scope.deadline, trio.current_time() + WELCOME_S)

    async def serve(self, muxer: Muxer) -> None:
        """Answer one guest until it leaves, is displaced or its time is over. Never raises: it ends only itself."""
        guest = self.here.get(muxer.peer)
        if guest is None or guest.muxer is not muxer:  # displaced before it began
            await muxer.close()
            return
        try:
            with guest.scope:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._answer, guest)
                    await muxer.start()
                    nursery.cancel_scope.cancel()  # who has left needs no answer
        except Exception as failed:
            LOGGER.debug("the guest %s broke off: %r", guest.peer, failed)
        finally:
            self._forget(guest)

    async def _answer(self, guest: Guest) -> None:
        with trio.fail_after(QUESTION_DEADLINE_S):
            stream = await self._opened(guest.muxer)
        if self.answering is not None:
            guest.is_asking = True
            await converse(stream, guest.peer, self.answering)
        guest.muxer.abort()

    async def _opened(self, muxer: Muxer) -> MuxedStream:
        """The first stream that is for the doorstep. Others are told so and reset."""
        while True:
            stream = await muxer.accept_stream()
            try:
                await Multiselect({KNOCK: None}).negotiate(MultiselectCommunicator(stream))
            except BaseLibp2pError:
                await stream.reset()
            else:
                return stream

    def _to_displace(self, newcomer: str) -> Guest:
        """The oldest guest of the address that has most of them, the newcomer counted."""
        of_address = Counter([newcomer, *(guest.address for guest in self.here.values())])
        return min(self.here.values(), key=lambda guest: (-of_address[guest.address], guest.since))

    def _send_away(self, guest: Guest) -> None:
        guest.scope.cancel()
        self._forget(guest)

    def _forget(self, guest: Guest) -> None:
        if self.here.get(guest.peer) is guest:
            del self.here[guest.peer]
