"""How members become stewards: they serve, are called, accept, and the act is proposed; nobody becomes one unasked."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from protocol.base import AccountId
from protocol.bodies import Call
from protocol.record import Kind, SignedRecord, Slot, record_fault
from tests.builders import charge
from wallet import errors
from wallet.people.recording import signed_record
from wallet.stewards.calling import Calling
from wallet.stewards.listing import ActListing, ActState

from .council import Hall, HallNode, Steward, quiet, settle_hall, sitting, unthreaded

ANA, BEN, CEM, DEE = AccountId(1), AccountId(2), AccountId(3), AccountId(4)
NOW_S = 1_800_000_000


@dataclass
class Boards:
    """The same records at every node at once."""

    held: dict[Slot, SignedRecord] = field(default_factory=dict)

    def get(self, slot: Slot) -> SignedRecord | None:
        return self.held.get(slot)

    def of_kind(self, kind: Kind) -> list[SignedRecord]:
        found = [signed for signed in self.held.values() if signed.record.kind is kind and signed.record.body]
        return sorted(found, key=lambda signed: signed.record.author)


@dataclass
class BoardNode:
    """A node with records."""

    hall: HallNode
    board: Boards

    @property
    def ledger(self) -> Any:
        return self.hall.ledger

    async def publish(self, signed: SignedRecord) -> str | None:
        words = record_fault(self.ledger, signed, NOW_S)
        held = self.board.get(signed.slot)
        if words is None and (held is None or signed.beats(held)):
            self.board.held[signed.slot] = signed
            for node in self.hall.hall.hall_nodes():
                node.changed()
        return words


@dataclass
class Seated:
    """One home that may call and be called."""

    steward: Steward
    node: BoardNode
    calling: Calling
    listing: ActListing


@asynccontextmanager
async def seated(folder: Path, name: str, hall: Hall, boards: Boards) -> AsyncIterator[Seated]:
    async with sitting(folder, name, hall) as steward:
        node = BoardNode(steward.node, boards)
        calling = Calling(node, steward.wallet, steward.acts)
        steward.acts.also(calling.tend)
        steward.acts.wake()
        await quiet()
        yield Seated(steward, node, calling, ActListing(steward.acts, calling))


@pytest.fixture(autouse=True)
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    unthreaded(monkeypatch)
    monkeypatch.setattr("node.wallclock.now_s", lambda: NOW_S)


@pytest.fixture
def hall(tmp_path: Path) -> Hall:
    return settle_hall(tmp_path, ["ana", "ben", "cem", "dee"], stewards=1, threshold=1)


async def test_who_serves_is_called_accepts_and_is_a_steward(tmp_path: Path, hall: Hall) -> None:
    boards = Boards()
    async with seated(tmp_path, "ana", hall, boards) as ana, seated(tmp_path, "ben", hall, boards) as ben:
        await ben.calling.serve(BEN)
        called = await ana.calling.call(ANA, [ANA, BEN], 2)
        assert called.accepted == (ANA,)
        await quiet()
        assert hall.decided == []
        (row,) = ben.listing.open_rows()
        assert (row.state, row.signed, row.missing) == (ActState.CALLED, ("ana",), ("ben",))
        await ben.calling.accept(called.id)
        await quiet()
        stewards = ana.node.ledger.commons.stewards()
        assert (stewards.threshold, len(stewards.keys)) == (2, 2) and len(hall.decided) == 1
        assert ana.calling.calls() == [] and [row.state for row in ana.listing.past_rows()] == [ActState.IN_FORCE]
        assert ana.listing.past_rows()[0].words == ("new stewards: @ana, @ben; 2 of 2 sign",)
        wish = await ana.steward.acts.propose([charge(DEE, AccountId(0), 5)])
        await ben.steward.acts.agree(wish.id)
        await quiet()
        assert ben.listing.past_rows()[0].signed == ("ana", "ben")


async def test_nobody_is_called_who_did_not_say_to_serve_and_only_stewards_call(tmp_path: Path, hall: Hall) -> None:
    boards = Boards()
    async with seated(tmp_path, "ana", hall, boards) as ana, seated(tmp_path, "ben", hall, boards) as ben:
        with pytest.raises(errors.NotServing):
            await ana.calling.call(ANA, [ANA, BEN], 2)
        with pytest.raises(errors.NotSteward):
            await ben.calling.call(BEN, [BEN], 1)
        for accounts, threshold in (([ANA, ANA], 1), ([ANA], 2), ([], 1), ([AccountId(0)], 1)):
            with pytest.raises(errors.BadRequest):
                await ana.calling.call(ANA, accounts, threshold)
        assert boards.of_kind(Kind.CALL) == [] and hall.given == []


async def test_a_call_by_somebody_who_is_no_steward_is_not_shown(tmp_path: Path, hall: Hall) -> None:
    boards = Boards()
    async with seated(tmp_path, "ana", hall, boards) as ana, seated(tmp_path, "ben", hall, boards) as ben:
        await ben.calling.serve(BEN)
        key, body = ben.steward.wallet.signing_key(BEN), Call(1, (BEN,)).body()
        signed = signed_record(key, hall.community, BEN, Kind.CALL, b"", body, held=None, now_s=NOW_S)
        assert await ben.node.publish(signed) is None
        await quiet()
        assert ana.calling.calls() == [] == ben.calling.calls() and hall.given == []


async def test_an_acceptance_is_for_exactly_what_was_called(tmp_path: Path, hall: Hall) -> None:
    boards = Boards()
    async with seated(tmp_path, "ana", hall, boards) as ana, seated(tmp_path, "ben", hall, boards) as ben:
        await ben.calling.serve(BEN)
        called = await ana.calling.call(ANA, [ANA, BEN], 2)
        again = await ana.calling.call(ANA, [BEN, ANA], 1)
        with pytest.raises(errors.NotFound):
            await ben.calling.accept(called.id)
        assert BEN not in again.accepted
        await ana.calling.take_back(again.id)
        with pytest.raises(errors.NotFound):
            await ben.calling.take_back(again.id)
        await quiet()
        assert hall.given == [] and ana.listing.open_rows() == []


async def test_stewards_are_named_by_their_own_word_and_unnamed_ones_by_number(tmp_path: Path, hall: Hall) -> None:
    boards = Boards()
    async with seated(tmp_path, "ana", hall, boards):
        assert boards.get((ANA, Kind.SERVE, b"")) is not None  # a steward in force says so by itself
    hall.nodes.clear()
    async with seated(tmp_path, "ben", hall, boards) as ben:
        assert [account for _, _, account in ben.listing.stewards()] == [ANA]
        boards.held.clear()
        assert [account for _, _, account in ben.listing.stewards()] == [None]


async def test_a_call_that_could_not_be_taken_back_proposes_no_second_act(tmp_path: Path, hall: Hall) -> None:
    boards = Boards()
    async with seated(tmp_path, "ana", hall, boards) as ana, seated(tmp_path, "ben", hall, boards) as ben:
        await ben.calling.serve(BEN)
        called = await ana.calling.call(ANA, [ANA, BEN], 1)
        publish = ana.node.publish

        async def full(signed: SignedRecord) -> str | None:
            return "the disk is full" if signed.record.kind is Kind.CALL else await publish(signed)

        ana.node.publish = full  # type: ignore[method-assign]
        await ben.calling.accept(called.id)
        for _ in range(3):
            ana.steward.acts.wake()
            await quiet()
        assert len(hall.decided) == 1
        ana.node.publish = publish  # type: ignore[method-assign]
        ana.steward.acts.wake()
        await quiet()
        assert len(hall.decided) == 1 and ana.calling.calls() == []
