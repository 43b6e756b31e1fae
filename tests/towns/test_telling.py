"""What peers are told of is durable: the replicator answers after the commit, and of what failed it says nothing."""

from pathlib import Path
from typing import Any

import pytest
from trio.testing import wait_all_tasks_blocked

from node.replicating import Replicator
from node.shelf import Shelf
from protocol.base import ACCOUNT_MAX
from protocol.messages import Bundle, Compare, Heads, Message, Range
from protocol.replication import fingerprint
from tests.builders import Town, found
from tests.node.doors import HeldDisk, door_of, until_reread


@pytest.fixture
def town() -> Town:
    return found("ana", "ben", limit=2000)


class Wires:
    """Stands for the exchange: keeps who answers what, and what was sent."""

    def __init__(self) -> None:
        self.handlers: dict[type, Any] = {}
        self.answer = self.answer_in_turn = self.handlers.__setitem__
        self.sent: list[Message] = []

    def on_link(self, *_: object) -> None:
        pass

    def send(self, _peer: str, message: Message) -> bool:
        self.sent.append(message)
        return True


@pytest.mark.parametrize("fails", [False, True])
async def test_peers_are_told_of_final_heads_only_once_their_certificates_are_durable(
    town: Town, tmp_path: Path, fails: bool
) -> None:
    async with door_of(town, tmp_path) as door:
        wires = Wires()
        Replicator(door, wires, Shelf(door))  # type: ignore[arg-type]  # it stands for the real one
        opened = town.open("ana")
        disk = HeldDisk(door)
        door.take(Bundle((opened,), (town.certificate(opened),)))
        all_of_it = Range(0, ACCOUNT_MAX, 0, fingerprint(()))
        wires.handlers[Compare]("a peer", Compare((all_of_it,)))
        door.hasten()
        await wait_all_tasks_blocked()
        assert wires.sent == []
        disk.fails = fails
        disk.may_end.set()
        await wait_all_tasks_blocked()
        told = [head.seq for message in wires.sent if isinstance(message, Heads) for head in message.heads
                if head.account == town["ana"]]  # fmt: skip
        assert told == ([] if fails else [0])
        wires.sent.clear()
        await until_reread(door)
        wires.handlers[Compare]("a peer", Compare((all_of_it,)))
        assert len(wires.sent) == 1, "what the disk holds is served, also when it takes nothing more"
