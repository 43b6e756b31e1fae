"""Waiting for a signed entry to get as far as was asked: recorded, final or seen; and saying so when it does not.

Always bounded in time. Whoever stops waiting changes nothing: what is signed goes on by itself.
"""

import trio

from node.standing import Standing
from protocol.messages import Position
from protocol.payment import PaymentId

from .errors import BadRequest, Conflict, Facts, Refused, Timeout
from .port import NodePort
from .results import Wait

WANTED = {"recorded": Standing.RECORDED, "final": Standing.FINAL, "seen": Standing.SEEN}


async def wait_until(node: NodePort, place: Position, wait: Wait, deadline: float, op: int | None = None) -> Standing:
    """Return the entry's standing once it is `wait` or further; `deadline` is on trio's clock, `op` its payment.

    Raises Timeout when it is not that far in time, Conflict or Refused when it never will be, BadRequest.
    """
    wanted = WANTED.get(wait)
    if wanted is None:
        raise BadRequest("Wait for recorded, final or seen.", {"given": str(wait)[:40]})
    if wanted is Standing.RECORDED:
        state = node.state_of(place.account, place.seq, place.id)
    else:
        left = max(0.0, deadline - trio.current_time())
        state = await node.wait_for(place.account, place.seq, place.id, wanted, left)
    if state is Standing.CONFLICT:
        raise Conflict("Another entry was signed for this place, so this may never be final.", _facts(place, op, state))
    if state is Standing.REFUSED:
        raise Refused("The witnesses refuse this entry.", _facts(place, op, state), "Ask the stewards for help.")
    if wanted is not Standing.RECORDED and state is not wanted and state is not Standing.SEEN:
        facts = _facts(place, op, state)
        next = f"It goes on by itself; look again with `tally show {facts['id']}`." if "id" in facts else None
        raise Timeout(f"Signed and {state.value}, but not {wait} in time.", facts, next)
    return state


def _facts(place: Position, op: int | None, state: Standing) -> Facts:
    return {"state": state.value} if op is None else {"id": str(PaymentId(place.id, op)), "state": state.value}
