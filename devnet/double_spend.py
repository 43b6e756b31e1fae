"""`double-spend NAME`: lets a member sign twice for one place, and finds out at every node what follows.

The promises that it checks: at most one of the two payments is final; every node comes to hold the proof; nothing that
was final before is contradicted anywhere. Tells the story in plain lines and as fields.
"""

from typing import Any

import trio

from node.amounts import format_amount

from .community import Community
from .pipe import ChildRefused

AMOUNT = 100
"""Minor units of either payment, or less when the member can spend less."""
PROOF_S = 10.0
"""How long the proof may take to reach every node."""
LOOK_S = 0.25


async def double_spend(community: Community, handle: str, decimals: int, unit: str) -> dict[str, Any]:
    """Carry it out. Raises ChildRefused when the member cannot pay, or there are not two others to pay."""
    name = community.member(handle).person.handle
    payees = [other for other in community.running() if other != name][:2]
    if len(payees) < 2:
        raise ChildRefused("unreachable", "it takes two other members whose nodes run", {})
    before = await community.ask_all("finals")
    finals = [final for answer in before.values() for final in answer["finals"]]
    outcome = await community.ask(name, "double", payees=payees, amount=AMOUNT)
    evidence = await _gather_evidence(community, outcome)
    lost = await community.ask_all("lost", finals=finals)
    found = {
        "name": name, "payees": payees, "amount": format_amount(AMOUNT, decimals), "seq": outcome["seq"],
        "state": outcome["state"], "second": outcome["second"], "votes_for_second": outcome["votes_for_second"],
        "final": len({one["final"] for one in evidence.values()} - {None}),
        "second_is_final": any(one["final"] == outcome["second_id"] for one in evidence.values()),
        "proof_at": [other for other, one in evidence.items() if one["proof"]],
        "nodes": len(evidence),
        "lost": sum(answer["lost"] for answer in lost.values()),
    }  # fmt: skip
    return {**found, "story": _story(found, outcome["problem"], unit)}


async def _gather_evidence(community: Community, outcome: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Ask every node until all hold the proof, or it takes too long."""
    evidence: dict[str, dict[str, Any]] = {}
    with trio.move_on_after(PROOF_S):
        while not evidence or not all(one["proof"] for one in evidence.values()):
            evidence = await community.ask_all("evidence", account=outcome["account"], seq=outcome["seq"])
            await trio.sleep(LOOK_S)
    return evidence


def _story(found: dict[str, Any], problem: str, unit: str) -> list[str]:
    name, (first, second), amount = found["name"], found["payees"], f"{found['amount']} {unit}"
    held = f"{len(found['proof_at'])} of {found['nodes']}"
    state = "in conflict" if found["state"] == "conflict" else found["state"]
    lines = [
        f"{name} paid {first} a trifle honestly, so that the wallet may sign for the next minute.",
        f"Then {name} signed two payments for one place of the account: {amount} to {first}, and {amount} to {second}.",
        f"{found['votes_for_second']} witnesses were shown the payment to {second} first, and voted for it.",
        f"The payment to {first} is {state}{': ' + problem if problem else '.'}",
        f"The payment to {second} is {'final' if found['second_is_final'] else 'not final'}.",
        f"Final in all: {found['final']} (never more than one). The proof is held by {held} nodes.",
        f"Payments that were final before and are contradicted now: {found['lost']}.",
    ]
    if found["state"] == "conflict":
        lines.append(f"{name}'s account is in conflict: it can be paid, but no longer pays; traffic leaves it alone.")
    return lines
