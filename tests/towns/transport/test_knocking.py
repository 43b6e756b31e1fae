"""A connection that was made to ask at a doorstep is given back however the asking ends."""

from typing import Any, cast

import pytest
import trio
from multiaddr import Multiaddr  # type: ignore[import-untyped]

from node.transport.doorstep import NotReached
from node.transport.gate import Gate
from node.transport.knocking import Knocker
from node.transport.limits import HOST, Conduct
from node.transport.links import Links
from node.transport.yamux import Muxer


class Silent:
    """A connection on which no stream is ever opened."""

    allowance = HOST
    is_aborted = False

    async def open_stream(self) -> None:
        await trio.sleep_forever()

    def abort(self) -> None:
        self.is_aborted = True


class SilentKnocker(Knocker):
    """Reaches whom it asks at once, over `made`."""

    made: Silent

    async def _connect(self, peer: str, address: Multiaddr) -> Muxer:
        return cast(Muxer, self.made)


async def test_who_says_nothing_once_it_was_reached_keeps_no_connection(autojump_clock: Any) -> None:
    gate = Gate(Conduct(trio.current_time))
    async with trio.open_nursery() as nursery:
        knocker = SilentKnocker(cast(Any, None), gate, Links(), nursery, lambda peer: None)
        knocker.made = Silent()
        with pytest.raises(NotReached, match="no answer"):
            async with knocker.knock("peer", Multiaddr("/ip4/192.0.2.7/tcp/4100"), 5):
                raise AssertionError("it was not reached")
    assert knocker.made.is_aborted and not gate.asking
