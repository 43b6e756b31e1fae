"""The door takes crafted entries and certificates without hanging, filling up, or losing what it holds."""

from pathlib import Path

import pytest
import trio

from node.bookkeeper import Bookkeeper
from node.happenings import Happening
from node.journal import JournalFailed
from node.records import EntryRecord, ForkRecord
from node.rivals import Rivals
from protocol.messages import Bundle
from protocol.ops import Recv, Send
from protocol.verdict import Accepted, Need, Waiting
from tests.builders import Town, found
from tests.node.doors import door_of


@pytest.fixture
def town() -> Town:
    return found("ana", "ben", "cat", witnesses=4, quorum=3)


async def test_two_entries_that_wait_for_lives_that_never_began_do_not_release_one_another_for_ever(
    town: Town, tmp_path: Path
) -> None:
    async with door_of(town, tmp_path) as door:
        await settled(door, town, "ana", "ben")
        anas = town.draft("ana", Recv(town["ben"], 5, 0, 1))
        bens = town.draft("ben", Recv(town["ana"], 5, 0, 1))
        verdicts = await door.submit(Bundle((anas, bens)))
        assert [verdict.need for verdict in verdicts if isinstance(verdict, Waiting)] == [Need.REFERENCE] * 2
        assert len(door.waiting) == 2


async def settled(door: Bookkeeper, town: Town, *names: str) -> None:
    """Open these accounts, finally."""
    for name in names:
        opened = town.open(name)
        assert await door.submit(Bundle((opened,), (town.certificate(opened),))) == [Accepted()]


async def test_a_certified_branch_that_cannot_be_judged_yet_costs_neither_the_tail_nor_the_certificate(
    town: Town, tmp_path: Path
) -> None:
    async with door_of(town, tmp_path) as door:
        await settled(door, town, "ana", "ben")
        bens = town.write("ben", Send(town["ana"], 5))
        held = town.draft("ana", Send(town["cat"], 1))
        certified = town.draft("ana", Recv(town["ben"], 0, 1, 5))
        await door.submit(Bundle((held, bens)))
        root = door.ledger.state_root()
        await door.submit(Bundle((certified,), (town.certificate(certified),)))
        assert door.ledger.id_at(town["ana"], 0, 1) == held.id, "the tail stays until its rival can be judged"
        assert door.ledger.state_root() == root and door.ledger.check_sum() == 0
        assert [certificate.place.id for certificate in door.wanted()] == [certified.id]

        await door.submit(Bundle((), (town.certificate(bens),)))
        await door.submit(Bundle((certified,)))
        chain = door.ledger.chain(town["ana"])
        assert chain is not None and (chain.final_seq, chain.id) == (1, certified.id)
        assert door.wanted() == () and door.ledger.check_sum() == 0


async def test_votes_never_make_an_invalid_branch_stand(town: Town, tmp_path: Path) -> None:
    told: list[Happening] = []
    async with door_of(town, tmp_path) as door:
        door.listen(told.append)
        await settled(door, town, "ana")
        held = town.draft("ana", Send(town["ben"], 1))
        overdrawn = town.draft("ana", Send(town["ben"], 101))
        await door.submit(Bundle((held,)))
        before, told[:] = door.journal.last_row, []
        await door.submit(Bundle((overdrawn,), (town.certificate(overdrawn),)))
        chain = door.ledger.chain(town["ana"])
        assert chain is not None and (chain.id, chain.final_seq) == (held.id, 0)
        assert door.journal.last_row - before == len(told) == 1, "only the proof of the fork is kept"


async def test_a_proof_is_written_once_also_after_a_restart(town: Town, tmp_path: Path) -> None:
    one, other = town.open("ana"), None
    for _ in range(2):
        async with door_of(town, tmp_path) as door:
            other = town.sign(town["ana"], 0, town.community, 0, *one.entry.ops, time=1)
            await door.submit(Bundle((one, other)))
            proofs = [record for _, record in door.journal.replay() if isinstance(record, ForkRecord)]
            assert len(proofs) == 1


async def test_rows_are_known_at_once_after_a_restart(town: Town, tmp_path: Path) -> None:
    async with door_of(town, tmp_path) as door:
        await settled(door, town, "ana")
    async with door_of(town, tmp_path) as door:
        with trio.fail_after(1):
            assert await door.wait_rows(above=1) == door.journal.last_row


async def test_every_certificate_is_watched_whatever_comes_of_it(town: Town, tmp_path: Path) -> None:
    async with door_of(town, tmp_path) as door:
        seen = []
        door.watch(lambda certificate: seen.append(certificate.place.id))
        opened = town.open("ana")
        rival = town.sign(town["ana"], 0, town.community, 0, *opened.entry.ops, time=1)
        await door.submit(Bundle((opened,), (town.certificate(opened), town.certificate(rival))))
        assert seen[:2] == [rival.id, opened.id] and set(seen[2:]) <= {rival.id}  # it waits, and is looked at again


async def test_a_listener_that_fails_stops_neither_the_writer_nor_other_listeners(town: Town, tmp_path: Path) -> None:
    told: list[Happening] = []

    def fails(_: Happening) -> None:
        raise RuntimeError("a bug")

    async with door_of(town, tmp_path) as door:
        door.listen(fails)
        opened = town.open("ana")
        with trio.fail_after(1):
            await door.submit(Bundle((opened,)))
            door.listen(told.append)
            await door.submit(Bundle((town.open("ben"),)))
        assert [record for _, record in door.journal.replay()][1] == EntryRecord(opened)


async def test_nothing_piles_up_behind_a_door_that_is_closed(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with door_of(town, tmp_path) as door:

        def fails(_: object) -> int:
            raise JournalFailed("the disk is full")

        monkeypatch.setattr(door.journal, "append", fails)
        with pytest.raises(Exception, match="disk is full"):
            await door.submit(Bundle((town.open("ana"),)))
        for _ in range(10):
            door.tell(object())  # type: ignore[arg-type]
        assert door._writer._outbox.take() is None


def test_rivals_are_bounded_over_all_accounts() -> None:
    town = found(*(f"m{number}" for number in range(12)))
    rivals = Rivals(accounts_max=5)
    written = [town.open(name) for name in town.members]
    for signed in written:
        rivals.add(signed)
    kept = [signed for signed in written if rivals.get(signed.account, signed.id) is not None]
    assert kept == written[-5:]
