"""Waiting for a signed entry to get as far as was asked: recorded, final or seen; and saying so when it does not.

Always bounded in time. Whoever stops waiting changes nothing: what is signed goes on by itself.
"""

import trio

from node.standing import Standing
from node.tickets import DoorClosed
from protocol.messages import Position
from protocol.payment import PaymentId

from .errors import BadRequest, Conflict, Facts, Refused, StoreFailed, Timeout
from .port import NodePort
from .results import Wait

WANTED = {"recorded": Standing.RECORDED, "final": Standing.FINAL, "seen": Standing.SEEN}


async def wait_until(
    node: NodePort, place: Position, wait: Wait, deadline: float, op: int | None = None, *, is_alone: bool = False
) -> Standing:
    """Return the entry's standing once it is `wait` or further; `deadline` is on trio's clock, `op` its payment.

    `is_alone` says that no other node can hold it: as that is what makes it final, there is no use in waiting. Raises
    Timeout when it is not that far in time, Conflict or Refused when it never will be, StoreFailed, BadRequest.
    """
    wanted = WANTED.get(wait)
    if wanted is None:
        raise BadRequest("Wait for recorded, final or seen.", {"given": str(wait)[:40]})
    if wanted is Standing.RECORDED:
        state = node.state_of(place.account, place.seq, place.id)
    else:
        left = 0.0 if is_alone else max(0.0, deadline - trio.current_time())
        state = await node.wait_for(place.account, place.seq, place.id, wanted, left)
    if state not in (wanted, Standing.SEEN):
        _check_record(node)
    if state is Standing.CONFLICT:
        raise Conflict("Another entry was signed for this place, so this may never be final.", _facts(place, op, state))
    if state is Standing.REFUSED:
        raise Refused("The witnesses refuse this entry.", _facts(place, op, state), "Ask the stewards for help.")
    if wanted is not Standing.RECORDED and state not in (wanted, Standing.SEEN):
        raise _late(wait, _facts(place, op, state), is_alone=is_alone)
    return state


def _check_record(node: NodePort) -> None:
    """What cannot be recorded is in the book and is handed in again; until then nothing true can be said of it."""
    try:
        node.check_open()
    except DoorClosed as error:
        raise StoreFailed(f"The node could not record the payment: {error}.") from error


def _late(wait: Wait, facts: Facts, *, is_alone: bool) -> Timeout:
    if is_alone:
        words = "It becomes final when another member's node holds it too, and there is no other member yet"
        enough = "Nothing needs to be done. To be content with what can be had, say --wait recorded."
        return Timeout(f"Signed and {facts['state']}. {words}.", facts, enough)
    next = f"It goes on by itself; look again with `tally show {facts['id']}`." if "id" in facts else None
    return Timeout(f"Signed and {facts['state']}, but not {wait} in time.", facts, next)


def _facts(place: Position, op: int | None, state: Standing) -> Facts:
    return {"state": state.value} if op is None else {"id": str(PaymentId(place.id, op)), "state": state.value}
