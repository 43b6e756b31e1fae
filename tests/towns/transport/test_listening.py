"""Handshakes: so many strangers at a time, and a newcomer displaces one who has only knocked for long."""

import trio
import trio.testing

from node.transport.limits import HANDSHAKE_DEADLINE_S, HANDSHAKE_GRACE_S, HANDSHAKES_MAX
from node.transport.listening import Handshakes


async def test_a_newcomer_is_turned_away_while_all_are_as_new(autojump_clock: trio.testing.MockClock) -> None:
    handshakes = Handshakes()
    scopes = [handshakes.enter() for _ in range(HANDSHAKES_MAX)]
    assert None not in scopes
    await trio.sleep(HANDSHAKE_GRACE_S / 2)
    assert handshakes.enter() is None


async def test_then_the_oldest_who_only_knocks_makes_room(autojump_clock: trio.testing.MockClock) -> None:
    handshakes = Handshakes()
    scopes = [handshakes.enter() for _ in range(HANDSHAKES_MAX)]
    await trio.sleep(HANDSHAKE_GRACE_S)
    newcomer = handshakes.enter()
    assert newcomer is not None
    cancelled = [scope is not None and scope.cancel_called for scope in scopes]
    assert cancelled == [True] + [False] * (HANDSHAKES_MAX - 1)


async def test_who_is_through_leaves_a_place(autojump_clock: trio.testing.MockClock) -> None:
    handshakes = Handshakes()
    scopes = [handshakes.enter() for _ in range(HANDSHAKES_MAX)]
    assert scopes[3] is not None
    handshakes.leave(scopes[3])
    assert handshakes.enter() is not None
    assert not any(scope is not None and scope.cancel_called for scope in scopes)


async def test_a_handshake_has_a_deadline(autojump_clock: trio.testing.MockClock) -> None:
    scope = Handshakes().enter()
    assert scope is not None
    began = trio.current_time()
    with scope:
        await trio.sleep_forever()
    assert trio.current_time() - began == HANDSHAKE_DEADLINE_S
