"""The stream of what happens to a wallet's accounts: complete, in order, and the same again from any place in it."""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from node.happenings import SeenByPayee
from node.standing import Standing
from node.views import handle_of
from node.web.application import Guarded, application
from node.web.guard import Guard
from node.web.problem import Problem
from protocol.base import AccountId
from protocol.entry import SignedEntry
from protocol.messages import Bundle, Position
from protocol.ops import Bounce, Limits, PublicNote, Recv, Reinstate, Send, Suspend
from protocol.payment import PaymentId
from tests.builders import Town, charge, found, send
from tests.node.asgi import BEARER, HOST, PORT, TOKEN, call
from tests.node.served import QuietNode, served
from wallet.api.events import EventsApi
from wallet.errors import BadRequest
from wallet.programs.feed import Feed
from wallet.programs.happenings import At, Teller, read_at
from wallet.results import Community, Party, Payment


class Names:
    """Stands for the wallet of these members, over a real node."""

    def __init__(self, node: QuietNode, *own: AccountId) -> None:
        self.node, self.own = node, own

    def accounts(self) -> Collection[AccountId]:
        return self.own

    def community(self) -> Community:
        return Community("com1x", "Elm", "hours", 2, 2, 1, 1)

    def handle_of(self, account: AccountId) -> str:
        return handle_of(self.node.ledger.commons, account)

    def payment_in(self, signed: SignedEntry, index: int, state: Standing) -> Payment:
        op = signed.entry.ops[index]
        to, amount = (op.to, int(op.amount)) if isinstance(op, Send) else (op.payer, 7)  # type: ignore[union-attr]
        memo = op.note.text if isinstance(op, Send) and isinstance(op.note, PublicNote) else None
        payer, payee = Party(signed.account, self.handle_of(signed.account)), Party(to, self.handle_of(to))
        return Payment(str(PaymentId(signed.id, index)), state, payer, payee, amount, memo, False, None, 9)


class Street:
    """A town whose node has ana's wallet, with a feed."""

    def __init__(self, town: Town, node: QuietNode) -> None:
        self.town, self.node = town, node
        self.feed = Feed(Names(node, town["ana"]), node, lambda: 1_700_000_000.0)

    async def take(self, *signed: SignedEntry) -> None:
        await self.node.bookkeeper.submit(Bundle(signed))

    async def certify(self, signed: SignedEntry) -> None:
        await self.node.bookkeeper.submit(Bundle((), (self.town.certificate(signed),)))

    async def final(self, signed: SignedEntry) -> SignedEntry:
        await self.take(signed)
        await self.certify(signed)
        return signed

    async def decide(self, *ops: Any) -> None:
        signed, certificate = self.town.decide(*ops)
        await self.node.bookkeeper.submit(Bundle((signed,), (certificate,)))

    async def hear(self, signed: SignedEntry) -> None:
        place = Position(signed.account, 0, signed.seq, signed.id)
        self.node.bookkeeper.tell(SeenByPayee(place))
        await self.node.bookkeeper.ticket.durable()
        await wait_all_tasks_blocked()

    def told(self) -> list[tuple[str, ...]]:
        found: list[tuple[str, ...]] = []
        after = At(0)
        while True:
            page = self.feed.page(after)
            for one in page.happenings:
                shown = one.content
                words = ("direction", "state", "payer", "payee", "amount", "limit", "reason")
                found.append((one.event, *(str(shown[word]) for word in words if word in shown)))
            after = page.upto
            if page.is_last:
                return found


@asynccontextmanager
async def street(tmp_path: Path) -> AsyncIterator[Street]:
    town = found("ana", "ben", "cem")
    async with served(town, tmp_path) as (node, _):
        place = Street(town, node)
        for name in town.members:
            await place.final(town.open(name))
        yield place


FOUNDED = [("admitted", "1.00")]


async def test_a_payment_out_is_told_from_recorded_to_final_to_seen(tmp_path: Path) -> None:
    async with street(tmp_path) as place:
        paid = place.town.write("ana", send(place.town["ben"], 25, PublicNote("bread")))
        await place.take(paid)
        assert place.told()[1:] == [("payment", "out", "recorded", "ana", "ben", "0.25")]
        await place.certify(paid)
        await place.hear(paid)
        states = ["recorded", "final", "seen"]
        assert place.told() == FOUNDED + [("payment", "out", state, "ana", "ben", "0.25") for state in states]


async def test_what_the_payee_takes_in_it_has_seen_and_that_is_told_once(tmp_path: Path) -> None:
    async with street(tmp_path) as place:
        town = place.town
        heard = await place.final(town.write("ana", send(town["ben"], 10)))
        await place.hear(heard)
        unheard = await place.final(town.write("ana", send(town["ben"], 20)))
        await place.final(town.write("ben", Recv(town["ana"], 0, unheard.seq, 30)))
        await place.hear(unheard)  # its node says so late
        await place.hear(heard)
        seen = [told for told in place.told() if "seen" in told]
        assert seen == [("payment", "out", "seen", "ana", "ben", amount) for amount in ("0.10", "0.20")]
        late = await place.final(town.write("ana", send(town["ben"], 5)))
        await place.final(town.write("ben", Recv(town["ana"], 0, late.seq, 35)))
        assert [told[-1] for told in place.told() if "seen" in told] == ["0.10", "0.20", "0.05"]


async def test_a_payment_in_and_its_way_back_are_told(tmp_path: Path) -> None:
    async with street(tmp_path) as place:
        town = place.town
        came = await place.final(town.write("ben", send(town["ana"], 25)))
        await place.final(town.write("ana", Bounce(town["ben"], 0, came.seq)))
        assert place.told()[1:] == [
            ("payment", "in", "recorded", "ben", "ana", "0.25"),
            ("payment", "in", "final", "ben", "ana", "0.25"),
            ("payment", "out", "recorded", "ana", "ben", "0.07"),
            ("payment", "out", "final", "ana", "ben", "0.07"),
        ]


async def test_one_certificate_makes_several_payments_final_each_once(tmp_path: Path) -> None:
    async with street(tmp_path) as place:
        town = place.town
        entries = [town.write("ana", send(town["ben"], amount)) for amount in (1, 2, 3)]
        await place.take(*entries)
        await place.certify(entries[1])
        await place.certify(entries[2])
        assert [told[-1] for told in place.told() if "final" in told] == ["0.01", "0.02", "0.03"]


async def test_payments_among_others_are_not_told(tmp_path: Path) -> None:
    async with street(tmp_path) as place:
        await place.final(place.town.write("ben", send(place.town["cem"], 25)))
        assert place.told() == FOUNDED


async def test_what_the_stewards_do_to_the_account_is_told_and_nobody_elses(tmp_path: Path) -> None:
    async with street(tmp_path) as place:
        ana, ben = place.town["ana"], place.town["ben"]
        await place.decide(Limits(((ben, 1), (ana, 500))), Suspend(ben, 1))
        await place.decide(charge(ana, AccountId(0), 50), Suspend(ana, 1), Reinstate(ana), Suspend(ana, 2))
        assert place.told()[1:] == [
            ("limit", "5.00"), ("charge", "ana", "commons", "0.50", "dues"), ("suspended",), ("reinstated",),
            ("frozen",),
        ]  # fmt: skip


async def test_from_every_place_it_goes_on_without_loss_and_without_doubles(tmp_path: Path) -> None:
    async with street(tmp_path) as place:
        town = place.town
        paid = await place.final(town.write("ana", send(town["ben"], 1), send(town["cem"], 2)))
        await place.hear(paid)
        await place.final(town.write("ben", send(town["ana"], 3)))
        await place.hear(await place.final(town.write("ana", send(town["ben"], 4))))
        everything = place.feed.page(At(0)).happenings
        assert len(everything) == 1 + 6 + 2 + 3
        assert len({one.at for one in everything}) == len(everything)
        for n, one in enumerate(everything):
            assert place.feed.page(read_at(str(one.at))).happenings == everything[n + 1 :]
        assert place.feed.page(place.feed.newest()).happenings == ()


async def test_pages_follow_one_another_to_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wallet.programs.feed.PAGE_ROWS", 2)
    async with street(tmp_path) as place:
        for amount in (1, 2, 3):
            await place.hear(await place.final(place.town.write("ana", send(place.town["ben"], amount))))
        assert [told[-1] for told in place.told() if "seen" in told] == ["0.01", "0.02", "0.03"]
        assert len(place.told()) == 1 + 9


async def test_what_was_heard_long_ago_is_not_looked_at_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with street(tmp_path) as place:
        for amount in (1, 2, 3):
            await place.hear(await place.final(place.town.write("ana", send(place.town["ben"], amount))))
        after = place.feed.newest()
        await place.final(place.town.write("ben", send(place.town["ana"], 4)))
        looked: list[SignedEntry] = []
        teller = place.feed._teller

        def payments(signed: SignedEntry, state: Standing) -> Any:
            looked.append(signed)
            return Teller.payments(teller, signed, state)

        monkeypatch.setattr(teller, "payments", payments)
        assert len(place.feed.page(after).happenings) == 2
        assert {signed.seq for signed in looked if signed.account == place.town["ana"]} <= {3}


async def test_who_follows_is_told_of_new_things_at_once(tmp_path: Path) -> None:
    async with street(tmp_path) as place, trio.open_nursery() as nursery:
        states: list[str] = []

        async def follow() -> None:
            async for one in place.feed.follow(place.feed.newest()):
                states.append(one.content["state"])

        nursery.start_soon(follow)
        await wait_all_tasks_blocked()
        paid = await place.final(place.town.write("ana", send(place.town["ben"], 1)))
        await place.hear(paid)
        with trio.fail_after(5):
            while len(states) < 3:
                await trio.lowlevel.checkpoint()
        assert states == ["recorded", "final", "seen"]
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("text", ["", "x", "-1", "1.", ".1", "1.2.3", "1e3", "٣", "9" * 19, "1.-1"])
def test_what_is_no_place_is_refused(text: str) -> None:
    with pytest.raises(BadRequest):
        read_at(text)


# Over HTTP


def _app(place: Street) -> Guarded:
    failures = {BadRequest: lambda error: Problem(400, "bad_request", str(error))}
    return Guarded(application(EventsApi(place.feed).routes(), failures), Guard(PORT, TOKEN))


async def test_the_stream_begins_with_its_place_and_gives_each_event_its_own(tmp_path: Path) -> None:
    async with street(tmp_path) as place:
        await place.final(place.town.write("ana", send(place.town["ben"], 25)))
        got = await call(_app(place), path="/v1/wallet/events", query="after=0&once=1")
        blocks = got.body.decode().strip().split("\n\n")
        assert blocks[0] == "id: 0"
        assert [block.split("\n")[1] for block in blocks[1:]] == ["event: admitted", "event: payment", "event: payment"]
        last = blocks[-1].split("\n")[0].removeprefix("id: ")
        headers = [HOST, BEARER, (b"last-event-id", last.encode())]
        again = await call(_app(place), path="/v1/wallet/events", query="once=1", headers=headers)
        assert again.body.decode() == f"id: {last}\n\n"


async def test_a_wrong_place_is_refused_by_the_stream(tmp_path: Path) -> None:
    async with street(tmp_path) as place:
        for query in ("after=x", "after=0&once=yes"):
            got = await call(_app(place), path="/v1/wallet/events", query=query)
            assert (got.status, got.json["code"]) == (400, "bad_request")
