"""What a node holds without a certificate goes to the witnesses again after its restart, whoever handed it in."""

from pathlib import Path
from typing import Any

import pytest

from protocol.ops import Send
from protocol.verdict import Accepted
from tests.builders import found
from tests.towns.memory_town import memory_town


async def test_entries_handed_in_by_a_program_become_final_after_a_restart_without_being_handed_in_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: Any
) -> None:
    town = found("ana", "ben", "cat", witnesses=4, quorum=3)
    async with memory_town(town, tmp_path, "w0 w1 w2 w3 cat", monkeypatch) as built:
        await built.up("cat")
        opened, paid = town.open("ana"), town.write("ana", Send(town["ben"], 5))
        for signed in (opened, paid):
            assert await built.pay_in("cat", signed) == Accepted()
        await built.crash("cat")
        await built.up()
        assert await built.is_final("cat", paid)
        await built.until_level()
        assert built.node("w3").ledger.balance(town["ben"]) == 5
