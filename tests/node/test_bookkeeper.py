"""The one door: what it accepts, keeps waiting, proves and adopts, and that nothing is told before it is durable."""

from pathlib import Path

import pytest

from node.bookkeeper import Bookkeeper
from node.happenings import Certified, Entered, Forked, Happening, Overturned
from node.rebuilding import rebuild
from node.records import EntryRecord, ForkRecord
from node.tickets import DoorClosed
from protocol.base import COMMONS
from protocol.messages import Bundle
from protocol.ops import Open, Recv, Send
from protocol.statements import ForkProof
from protocol.verdict import Accepted, Code, Duplicate, Fork, Need, Refused, Waiting
from tests.builders import Town, authority, found
from tests.node.doors import door_of


@pytest.fixture
def town() -> Town:
    return found("ana", "ben", "cat", witnesses=4, quorum=3)


async def test_an_entry_is_durable_when_submit_returns_and_a_second_time_it_is_a_duplicate(
    town: Town, tmp_path: Path
) -> None:
    async with door_of(town, tmp_path) as door:
        opened = town.open("ana")
        assert await door.submit(Bundle((opened,))) == [Accepted()]
        assert [record for _, record in door.journal.replay()][-1] == EntryRecord(opened)
        assert await door.submit(Bundle((opened,))) == [Duplicate()]
        assert door.journal.last_row == 2


async def test_an_entry_before_its_predecessor_waits_and_is_applied_when_that_arrives(
    town: Town, tmp_path: Path
) -> None:
    async with door_of(town, tmp_path) as door:
        first, second, third = town.open("ana"), town.write("ana", Send(town["ben"], 1)), town.write("ana")
        third = town.draft("ana", Send(town["ben"], 2))
        verdicts = await door.submit(Bundle((second,)))
        assert verdicts == [Waiting(Need.PREV, town["ana"], 0, 0)]
        assert await door.submit(Bundle((first,))) == [Accepted()]
        assert door.ledger.id_at(town["ana"], 0, 1) == second.id
        assert len(door.waiting) == 0 and third.seq == 3


async def test_a_receive_waits_until_the_payer_is_final(town: Town, tmp_path: Path) -> None:
    async with door_of(town, tmp_path) as door:
        opened, paid = town.open("ana"), town.write("ana", Send(town["ben"], 5))
        bens, takes = town.open("ben"), town.write("ben", Recv(town["ana"], 0, 1, 5))
        verdicts = await door.submit(Bundle((opened, paid, bens, takes)))
        assert verdicts[3] == Waiting(Need.REFERENCE, town["ana"], 0, 1)
        await door.submit(Bundle((), (town.certificate(paid),)))
        assert door.ledger.own(town["ben"]) == 5
        assert door.ledger.check_sum() == 0


async def test_a_certificate_may_come_before_its_entries(town: Town, tmp_path: Path) -> None:
    async with door_of(town, tmp_path) as door:
        opened, paid = town.open("ana"), town.write("ana", Send(town["ben"], 5))
        await door.submit(Bundle((), (town.certificate(paid),)))
        assert [certificate.place.seq for certificate in door.wanted()] == [1]
        await door.submit(Bundle((opened, paid)))
        chain = door.ledger.chain(town["ana"])
        assert chain is not None and chain.final_seq == 1
        assert door.wanted() == ()


async def test_two_entries_for_one_place_are_proven_once_and_the_first_stays(town: Town, tmp_path: Path) -> None:
    told: list[Happening] = []
    async with door_of(town, tmp_path) as door:
        door.listen(told.append)
        opened = town.open("ana")
        one, other = town.draft("ana", Send(town["ben"], 5)), town.draft("ana", Send(town["cat"], 5))
        verdicts = await door.submit(Bundle((opened, one, other)))
        assert verdicts[2] == Fork(ForkProof(one, other))
        await door.submit(Bundle((other,)))
        assert [record for _, record in door.journal.replay()].count(ForkRecord(ForkProof(one, other))) == 1
        assert told.count(Forked(ForkProof(one, other))) == 1
        assert door.ledger.id_at(town["ana"], 0, 1) == one.id


async def test_of_an_account_that_signs_twice_without_end_one_proof_is_kept_and_told(
    town: Town, tmp_path: Path
) -> None:
    told: list[Happening] = []
    async with door_of(town, tmp_path) as door:
        door.listen(told.append)
        opened = town.open("ana")
        rivals = [town.draft("ana", Send(town["cat"], amount)) for amount in range(1, 10)]
        held = town.write("ana", Send(town["ben"], 5))
        above, beside = town.draft("ana", Send(town["ben"], 6)), town.draft("ana", Send(town["cat"], 6))
        verdicts = await door.submit(Bundle((opened, held, *rivals, above, beside)))
        assert [type(verdict) for verdict in verdicts] == [Accepted, Accepted, *[Fork] * 9, Accepted, Fork]
        rows, proof = door.journal.last_row, ForkProof(held, rivals[0])
        door.show(ForkProof(above, beside))
        await door.submit(Bundle((beside,)))
        assert door.journal.notes(ForkRecord) == [ForkRecord(proof)] and door.journal.last_row == rows
        assert [happening for happening in told if isinstance(happening, Forked)] == [Forked(proof)]
        again = Bookkeeper(rebuild(door.journal), door.journal)
        assert again.take(Bundle((rivals[3],))) == [Fork(ForkProof(held, rivals[3]))] and again.staged == 0


async def test_the_proofs_of_two_accounts_are_both_kept(town: Town, tmp_path: Path) -> None:
    async with door_of(town, tmp_path) as door:
        openings = [town.open(name) for name in ("ana", "ben")]
        pairs = [[town.draft(name, Send(town["cat"], amount)) for amount in (1, 2)] for name in ("ana", "ben")]
        await door.submit(Bundle((*openings, *pairs[0], *pairs[1])))
        assert door.journal.notes(ForkRecord) == [ForkRecord(ForkProof(*pair)) for pair in pairs]


@pytest.mark.parametrize("certificate_first", [True, False])
async def test_the_certified_branch_takes_the_place_of_the_tail_held_here(
    town: Town, tmp_path: Path, certificate_first: bool
) -> None:
    told: list[Happening] = []
    async with door_of(town, tmp_path) as door:
        opened = town.open("ana")
        mine = town.draft("ana", Send(town["ben"], 5))
        theirs = town.write("ana", Send(town["cat"], 7))
        after = town.write("ana", Send(town["cat"], 1))
        await door.submit(Bundle((opened, mine)))
        door.listen(told.append)
        certificate = town.certificate(after)
        if certificate_first:
            await door.submit(Bundle((), (certificate,)))
            await door.submit(Bundle((theirs, after)))
        else:
            await door.submit(Bundle((theirs, after), (certificate,)))
        assert door.ledger.id_at(town["ana"], 0, 2) == after.id
        assert [happening for happening in told if isinstance(happening, Overturned)] == [Overturned((mine,))]
        assert door.ledger.balance(town["cat"]) == 8 and door.ledger.balance(town["ben"]) == 0
        assert rebuild(door.journal).state_root() == door.ledger.state_root()


async def test_a_certificate_for_a_higher_place_still_waits_when_a_lower_one_changes_the_branch(
    town: Town, tmp_path: Path
) -> None:
    async with door_of(town, tmp_path) as door:
        opened, mine = town.open("ana"), town.draft("ana", Send(town["ben"], 5))
        theirs, last = town.write("ana", Send(town["cat"], 7)), town.write("ana", Send(town["cat"], 1))
        await door.submit(Bundle((opened, mine), (town.certificate(last),)))
        await door.submit(Bundle((theirs,), (town.certificate(theirs),)))
        assert door.ledger.id_at(town["ana"], 0, 1) == theirs.id
        assert [certificate.place.seq for certificate in door.wanted()] == [last.seq]
        await door.submit(Bundle((last,)))
        chain = door.ledger.chain(town["ana"])
        assert chain is not None and chain.final_seq == last.seq


@pytest.mark.parametrize("is_whole", [True, False])
async def test_a_certificate_of_a_branch_that_leaves_below_what_is_final_is_refused_and_asked_for_no_more(
    town: Town, tmp_path: Path, is_whole: bool
) -> None:
    async with door_of(town, tmp_path) as door:
        opened, mine = town.open("ana"), town.draft("ana", Send(town["ben"], 5))
        theirs, after = town.write("ana", Send(town["cat"], 7)), town.write("ana", Send(town["cat"], 1))
        certificate = town.certificate(after)
        await door.submit(Bundle((opened,), (certificate,)))
        await door.submit(Bundle((mine,), (town.certificate(mine),)))
        root, certificates = door.ledger.state_root(), door.journal.counts()["certificates"]
        assert door.wanted() == (certificate,)
        await door.submit(Bundle((theirs, after) if is_whole else (after,)))
        assert door.wanted() == (), "it can never stand here"
        assert door.journal.notes(ForkRecord) == ([ForkRecord(ForkProof(mine, theirs))] if is_whole else [])
        assert door.ledger.id_at(town["ana"], 0, 1) == mine.id
        assert (door.ledger.state_root(), door.journal.counts()["certificates"]) == (root, certificates)


async def test_a_branch_that_leaves_below_what_became_final_later_is_refused_then(town: Town, tmp_path: Path) -> None:
    async with door_of(town, tmp_path) as door:
        opened, mine = town.open("ana"), town.draft("ana", Send(town["ben"], 5))
        town.write("ana", Send(town["cat"], 7))
        after = town.write("ana", Send(town["cat"], 1))
        certificate = town.certificate(after)
        await door.submit(Bundle((opened, mine, after), (certificate,)))
        assert door.wanted() == (certificate,), "the tail may yet give way"
        await door.submit(Bundle((), (town.certificate(mine),)))
        assert door.wanted() == ()
        assert door.ledger.id_at(town["ana"], 0, 1) == mine.id


@pytest.mark.parametrize("certificate_first", [True, False])
async def test_a_certified_opening_takes_the_place_of_another_opening(
    town: Town, tmp_path: Path, certificate_first: bool
) -> None:
    async with door_of(town, tmp_path) as door:
        mine = town.draft("ana", Open(authority("ana"), bytes(32)), Send(town["ben"], 5))
        theirs, after = town.open("ana"), town.write("ana", Send(town["cat"], 7))
        await door.submit(Bundle((mine,)))
        certificate = town.certificate(after)
        if certificate_first:
            await door.submit(Bundle((), (certificate,)))
            await door.submit(Bundle((theirs, after)))
        else:
            await door.submit(Bundle((theirs, after), (certificate,)))
        assert door.ledger.id_at(town["ana"], 0, 1) == after.id
        assert (door.ledger.balance(town["cat"]), door.ledger.own(town["ana"])) == (7, -7)
        assert rebuild(door.journal).state_root() == door.ledger.state_root()


async def test_an_act_of_account_0_counts_only_when_commits_decide_it(town: Town, tmp_path: Path) -> None:
    async with door_of(town, tmp_path) as door:
        admitted, commits = town.decide(town.admit("dan"))
        assert await door.submit(Bundle((admitted,))) == [Waiting(Need.HEIGHT, COMMONS, 0, 1)]
        assert door.ledger.commons.height == 0
        await door.submit(Bundle((), (commits,)))
        assert door.ledger.commons.height == 1
        assert door.ledger.commons.by_handle["dan"] == town["dan"]
        other = town.ballots(admitted.entry, 1, [0])
        assert await door.submit(Bundle((other,))) == [Duplicate()]


async def test_a_refused_entry_changes_nothing_and_leaves_no_row(town: Town, tmp_path: Path) -> None:
    async with door_of(town, tmp_path) as door:
        opened = town.open("ana")
        await door.submit(Bundle((opened,), (town.certificate(opened),)))
        root, row = door.ledger.state_root(), door.journal.last_row
        (verdict,) = await door.submit(Bundle((town.draft("ana", Send(town["ben"], 101)),)))
        assert isinstance(verdict, Refused) and verdict.code is Code.LIMIT
        assert (door.ledger.state_root(), door.journal.last_row) == (root, row)


async def test_listeners_are_told_in_order_and_only_of_what_is_durable(town: Town, tmp_path: Path) -> None:
    told: list[tuple[Happening, int]] = []
    async with door_of(town, tmp_path) as door:
        door.listen(lambda happening: told.append((happening, door.journal.last_row)))
        opened = town.open("ana")
        certificate = town.certificate(opened)
        await door.submit(Bundle((opened,), (certificate,)))
        assert told == [(Entered(opened), 3), (Certified(certificate, (opened,)), 3)]


async def test_a_listener_that_fails_keeps_nothing_from_the_others(town: Town, tmp_path: Path) -> None:
    def failing(_: Happening) -> None:
        raise RuntimeError("a bug in a listener")

    told: list[Happening] = []
    async with door_of(town, tmp_path) as door:
        door.listen(failing)
        door.listen(told.append)
        opened = town.open("ana")
        await door.submit(Bundle((opened,)))
        assert told == [Entered(opened)]


async def test_after_a_failed_commit_nothing_is_taken_and_memory_is_what_the_disk_holds(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from node.journal import JournalFailed

    def full(_: object) -> int:
        raise JournalFailed("the disk is full")

    async with door_of(town, tmp_path) as door:
        opened = town.open("ana")
        await door.submit(Bundle((opened,)))
        monkeypatch.setattr(door.journal, "append", full)
        released: list[str] = []
        door.take(Bundle((town.write("ana", Send(town["ben"], 5)),)))
        door.after_commit(lambda: released.append("a vote"))
        with pytest.raises(DoorClosed):
            await door.ticket.durable()
        with pytest.raises(DoorClosed):
            door.take(Bundle((opened,)))
        assert released == []
        assert door.failed == "the disk is full"
        chain = door.ledger.chain(town["ana"])
        assert chain is not None and chain.seq == 0
