"""The door: so many strangers at a time, and a newcomer displaces one who has only knocked for long."""

import trio
import trio.testing

from node.transport.limits import HANDSHAKE_DEADLINE_S, HANDSHAKE_GRACE_S, HANDSHAKES_MAX
from node.transport.listening import Door


async def test_a_full_door_closes_to_a_newcomer_for_a_moment(autojump_clock: trio.testing.MockClock) -> None:
    door = Door()
    scopes = [door.enter() for _ in range(HANDSHAKES_MAX)]
    assert None not in scopes
    await trio.sleep(HANDSHAKE_GRACE_S / 2)
    assert door.enter() is None


async def test_then_the_oldest_who_only_knocks_makes_room(autojump_clock: trio.testing.MockClock) -> None:
    door = Door()
    scopes = [door.enter() for _ in range(HANDSHAKES_MAX)]
    await trio.sleep(HANDSHAKE_GRACE_S)
    newcomer = door.enter()
    assert newcomer is not None
    cancelled = [scope is not None and scope.cancel_called for scope in scopes]
    assert cancelled == [True] + [False] * (HANDSHAKES_MAX - 1)


async def test_who_is_through_leaves_a_place(autojump_clock: trio.testing.MockClock) -> None:
    door = Door()
    scopes = [door.enter() for _ in range(HANDSHAKES_MAX)]
    assert scopes[3] is not None
    door.leave(scopes[3])
    assert door.enter() is not None
    assert not any(scope is not None and scope.cancel_called for scope in scopes)


async def test_a_handshake_has_a_deadline(autojump_clock: trio.testing.MockClock) -> None:
    scope = Door().enter()
    assert scope is not None
    began = trio.current_time()
    with scope:
        await trio.sleep_forever()
    assert trio.current_time() - began == HANDSHAKE_DEADLINE_S
