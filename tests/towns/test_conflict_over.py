"""An account whose entry was displaced by another of its own: that entry is lost, what comes after it is not."""

from pathlib import Path
from typing import Any

import pytest

from node.standing import Standing
from protocol.base import Amount
from protocol.ops import Send
from tests.builders import found

from .memory_town import memory_town

FOUR = "w0 w1 w2 w3"


async def test_after_one_of_two_entries_became_final_the_account_goes_on_from_it_without_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: Any
) -> None:
    town = found("ana", "ben", "cat", witnesses=4, quorum=3)
    async with memory_town(town, tmp_path, f"{FOUR} ana ben", monkeypatch) as built:
        await built.up()
        await built.until_voting(*FOUR.split())
        opened = town.open("ana")
        await built.pay_in("ana", opened)
        assert await built.is_final("ana", opened)
        await built.until_level()
        lost = town.draft("ana", Send(town["ben"], Amount(5)))
        built.network.cut("ana", [*FOUR.split(), "ben"])
        await built.pay_in("ana", lost)
        stands = town.write("ana", Send(town["cat"], Amount(7)))
        await built.pay_in("ben", stands)
        assert await built.is_final("ben", stands)
        built.network.cut("ana", ())
        await built.until(lambda: built.standing("ana", lost) is Standing.CONFLICT)
        await built.until(lambda: built.standing("ana", stands) in (Standing.FINAL, Standing.SEEN))
        after = town.write("ana", Send(town["ben"], Amount(1)))
        await built.pay_in("ana", after)
        assert built.standing("ana", after) is not Standing.CONFLICT
        assert await built.is_final("ana", after)
        assert built.standing("ana", lost) is Standing.CONFLICT
