"""Invites and requests at a steward's wallet: what admits by itself, how often, and what waits for a person."""

from collections.abc import Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from protocol.base import COMMONS, AccountId, CommunityId, Signature
from protocol.bodies import ROLE_ARCHIVE, ROLE_WALLET, ROLE_WITNESS, Card
from protocol.invite import Invite, InviteFault, invite_fault, read_invite
from protocol.ops import Admit
from protocol.request import Request, request_fault
from protocol.signing import Authority, Tag, sign
from tests.builders import authority, key
from tests.papers import peer
from wallet import errors
from wallet.books.acts import ActPages
from wallet.stewards.inviting import Inviting
from wallet.stewards.ops import read_wanted

from .council import Hall, HallNode, Steward, quiet, settle_hall, sitting, unthreaded

ANA = AccountId(1)
NOW_S = 1_800_000_000
HERE = "/ip4/127.0.0.1/tcp/9/p2p/" + peer("here")


@dataclass
class PaperNode:
    """A node's board and box, as tables."""

    hall: HallNode
    cards_held: list[tuple[AccountId, Card]] = field(default_factory=list)
    waiting: list[Request] = field(default_factory=list)

    @property
    def ledger(self) -> Any:
        return self.hall.ledger

    @property
    def board(self) -> "PaperNode":
        return self

    @property
    def requests(self) -> "PaperNode":
        return self

    def cards(self, now_s: int) -> Sequence[tuple[AccountId, Card]]:
        return self.cards_held

    def live(self, now_s: int) -> Sequence[Request]:
        known = [member.authority for member in self.ledger.commons.members.values()]
        return [request for request in self.waiting if request.authority not in known]


@dataclass
class Desk:
    """One home that invites."""

    steward: Steward
    papers: PaperNode
    inviting: Inviting

    def handles(self) -> list[str]:
        return [member.handle for member in self.papers.ledger.commons.members.values()]


@pytest.fixture(autouse=True)
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    unthreaded(monkeypatch)
    monkeypatch.setattr("node.wallclock.now_s", lambda: NOW_S)


@asynccontextmanager
async def inviting(folder: Path, name: str, hall: Hall) -> Any:
    async with sitting(folder, name, hall) as steward:
        papers = PaperNode(steward.node)
        made = Inviting(papers, steward.wallet, steward.acts, steward.wallet.clerk, lambda _: ["bob"], lambda: [HERE])
        steward.acts.also(made.tend)
        yield Desk(steward, papers, made)


def ask(community: CommunityId, made: Invite, handle: str, name: str = "", lasts_s: int = 1000) -> Request:
    """What a newcomer with that invite leaves."""
    who = name or handle
    draft = Request(made.voucher, authority(who), handle, "hello", NOW_S + lasts_s, Signature(bytes(64)), ())
    content = draft.content()
    by_invite = sign(made.key, Tag.REQUEST, community, content)
    by_account = ((0, sign(key(who), Tag.REQUEST, community, content)),)
    return replace(draft, by_invite=by_invite, by_account=by_account)


def ask_with_keys(community: CommunityId, made: Invite, handle: str, count: int) -> Request:
    """What a newcomer leaves whose account shall answer to so many keys, most of which sign."""
    keys = sorted((key(f"{handle}-{number}") for number in range(count)), key=lambda one: one.public)
    threshold = count // 2 + 1
    account = Authority(threshold, tuple(one.public for one in keys))
    draft = Request(made.voucher, account, handle, "hello", NOW_S + 1000, Signature(bytes(64)), ())
    content = draft.content()
    by_invite = sign(made.key, Tag.REQUEST, community, content)
    signed = [(index, sign(one, Tag.REQUEST, community, content)) for index, one in enumerate(keys[:threshold])]
    return replace(draft, by_invite=by_invite, by_account=tuple(signed))


async def test_an_invite_is_good_and_says_where_to_knock_witnesses_first(tmp_path: Path) -> None:
    hall = settle_hall(tmp_path, ["ana", "ben"], stewards=1, threshold=1, limit=70)
    async with inviting(tmp_path, "ana", hall) as desk:
        far = "/ip4/192.0.2.7/tcp/4001"
        for who, roles, addresses in (
            ("phone", ROLE_WALLET, (far,)), ("w0", ROLE_WITNESS, (far,)), ("deaf", ROLE_WITNESS, ()),
            ("archive", ROLE_ARCHIVE | ROLE_WALLET, (far,)),
        ):  # fmt: skip
            desk.papers.cards_held.append((ANA, Card(peer(who), roles, addresses, NOW_S + 9)))
        made = await desk.inviting.invite(ANA, 3, 60, None)
        assert read_invite(made.link()) == made
        assert invite_fault(desk.papers.ledger, made, NOW_S) is None
        assert invite_fault(desk.papers.ledger, made, NOW_S + 60) is InviteFault.EXPIRED
        assert made.addresses == (f"{far}/p2p/{peer('w0')}", f"{far}/p2p/{peer('archive')}", HERE)
        voucher = made.voucher
        assert (voucher.issuer, voucher.uses, voucher.limit, voucher.expires) == (COMMONS, 3, 70, NOW_S + 60)
        assert ActPages(desk.steward.wallet.book).invites.keys() == {voucher.key}


async def test_a_member_with_many_cards_takes_one_place_before_everybody_has_one(tmp_path: Path) -> None:
    hall = settle_hall(tmp_path, ["ana", "ben"], stewards=1, threshold=1)
    async with inviting(tmp_path, "ana", hall) as desk:
        far = "/ip4/192.0.2.7/tcp/4001"
        held = [(1, "m1"), (1, "m2"), (1, "m3"), (1, "m4"), (2, "ben")]
        for author, who in [(0, "host1"), (0, "host2"), *held]:
            desk.papers.cards_held.append((AccountId(author), Card(peer(who), ROLE_WITNESS, (far,), NOW_S + 9)))
        made = await desk.inviting.invite(ANA, 0, 60, None)
        hosts = tuple(f"{far}/p2p/{peer(who)}" for who in ("host1", "host2"))
        assert made.addresses == (*hosts, f"{far}/p2p/{peer('m1')}", HERE), "a steward's are not held back"
        del desk.papers.cards_held[:2]
        made = await desk.inviting.invite(ANA, 0, 60, None)
        assert made.addresses == (*(f"{far}/p2p/{peer(who)}" for who in ("m1", "ben", "m2")), HERE)


async def test_a_members_invite_has_no_uses_and_a_locked_wallet_makes_none(tmp_path: Path) -> None:
    hall = settle_hall(tmp_path, ["ana", "ben"], stewards=1, threshold=1)
    async with inviting(tmp_path, "ben", hall) as desk:
        with pytest.raises(errors.NotSteward):
            await desk.inviting.invite(AccountId(2), 1, 60, None)
        made = await desk.inviting.invite(AccountId(2), 0, 60, None)
        assert made.voucher.issuer == 2 and invite_fault(desk.papers.ledger, made, NOW_S) is None
        desk.steward.wallet.lock()
        with pytest.raises(errors.Locked):
            await desk.inviting.invite(AccountId(2), 0, 60, None)
        for uses, lasts_s in ((-1, 60), (1001, 60), (0, 0), (0, 10**9)):
            with pytest.raises(errors.BadRequest):
                await desk.inviting.invite(AccountId(2), uses, lasts_s, None)
        assert len(desk.steward.acts.pages.invites) == 1


async def test_requests_on_a_voucher_are_admitted_together_as_often_as_it_says(tmp_path: Path) -> None:
    hall = settle_hall(tmp_path, ["ana", "ben"], stewards=1, threshold=1)
    async with inviting(tmp_path, "ana", hall) as desk:
        made = await desk.inviting.invite(ANA, 2, 60, 15)
        names = ["ben", "cem", "dee", "eve"]  # the first one's handle is taken
        desk.papers.waiting = [ask(hall.community, made, name, f"new {name}") for name in names]
        desk.steward.acts.wake()
        await quiet()
        assert desk.handles() == ["ana", "ben", "cem", "dee"] and len(hall.decided) == 1
        assert desk.papers.ledger.commons.limit(AccountId(4)) == 15
        assert [one.request.handle for one in desk.inviting.asked()] == ["ben", "eve"]
        desk.steward.acts.wake()
        await quiet()
        assert len(hall.decided) == 1 and desk.steward.acts.pages.uses(made.voucher.key) == 2


async def test_newcomers_with_many_keys_come_in_by_several_acts_and_stop_nobody(tmp_path: Path) -> None:
    hall = settle_hall(tmp_path, ["ana", "ben"], stewards=1, threshold=1)
    async with inviting(tmp_path, "ana", hall) as desk:
        made = await desk.inviting.invite(ANA, 50, 60, 15)
        many = [ask_with_keys(hall.community, made, f"{'wide' * 7}-{number:02}", 16) for number in range(10)]
        assert request_fault(desk.papers.ledger, many[0], NOW_S) is None
        desk.papers.waiting = [*many, ask(hall.community, made, "cem")]
        for _ in range(3):
            desk.steward.acts.wake()
            await quiet()
        assert len(hall.decided) == 2 and "cem" in desk.handles()
        assert {request.handle for request in many} <= set(desk.handles())


async def test_uses_are_counted_by_the_voucher_that_was_issued_also_after_a_restart(tmp_path: Path) -> None:
    hall = settle_hall(tmp_path, ["ana", "ben"], stewards=1, threshold=1)
    async with inviting(tmp_path, "ana", hall) as desk:
        made = await desk.inviting.invite(ANA, 1, 60, 15)
        desk.papers.waiting = [ask(hall.community, made, "cem")]
        desk.steward.acts.wake()
        await quiet()
    inflated = replace(made, voucher=replace(made.voucher, uses=9))
    async with inviting(tmp_path, "ana", hall) as desk:
        desk.papers.waiting = [ask(hall.community, made, "dee"), ask(hall.community, inflated, "eve")]
        assert request_fault(desk.papers.ledger, desk.papers.waiting[1], NOW_S) == "altered"
        desk.steward.acts.wake()
        await quiet()
        assert "dee" not in desk.handles() and "eve" not in desk.handles()


async def test_a_request_without_uses_waits_until_a_steward_admits_or_declines_it(tmp_path: Path) -> None:
    hall = settle_hall(tmp_path, ["ana", "ben"], stewards=1, threshold=1)
    async with inviting(tmp_path, "ana", hall) as desk:
        made = await desk.inviting.invite(ANA, 0, 60, 15)
        desk.papers.waiting = [ask(hall.community, made, "cem"), ask(hall.community, made, "dee")]
        desk.steward.acts.wake()
        await quiet()
        assert hall.decided == []
        first = desk.inviting.asked()[0]
        assert (first.own, first.invited_by, first.alike) == (True, COMMONS, ("bob",))
        await desk.inviting.admit("@CEM", 4, 5)
        await desk.inviting.decline("dee")
        assert desk.handles()[-1] == "cem" and desk.papers.ledger.commons.limit(AccountId(3)) == 4
        assert desk.inviting.asked() == []
        for who in ("dee", "nobody", ""):
            with pytest.raises(errors.NotFound):
                await desk.inviting.admit(who, None)


async def test_of_two_who_ask_for_one_name_a_steward_says_which(tmp_path: Path) -> None:
    hall = settle_hall(tmp_path, ["ana", "ben"], stewards=1, threshold=1)
    async with inviting(tmp_path, "ana", hall) as desk:
        made = await desk.inviting.invite(ANA, 0, 60, 15)
        desk.papers.waiting = [ask(hall.community, made, "cem", name) for name in ("one", "two")]
        with pytest.raises(errors.BadRequest):
            await desk.inviting.admit("cem", None)
        await desk.inviting.admit(desk.papers.waiting[1].id.hex()[:8], None, 5)
        assert desk.papers.ledger.commons.members[AccountId(3)].authority == authority("two")


async def test_with_two_stewards_a_voucher_proposes_and_the_other_one_signs(tmp_path: Path) -> None:
    hall = settle_hall(tmp_path, ["ana", "ben", "cem"], stewards=2, threshold=2)
    async with inviting(tmp_path, "ana", hall) as desk, sitting(tmp_path, "ben", hall) as ben:
        made = await desk.inviting.invite(ANA, 5, 60, 15)
        desk.papers.waiting = [ask(hall.community, made, "dee")]
        desk.steward.acts.wake()
        await quiet()
        (act,) = ben.node.place.acts()
        assert [op.handle for op in act.signed.entry.ops if isinstance(op, Admit)] == ["dee"]
        desk.papers.waiting.append(ask(hall.community, made, "eve"))
        desk.steward.acts.wake()
        await quiet()
        assert len(ben.node.place.acts()) == 1  # the next ones wait for the first
        await ben.acts.agree(act.id)
        await quiet()
        (act,) = ben.node.place.acts()
        await ben.acts.agree(act.id)
        await quiet()
        assert desk.handles()[-2:] == ["dee", "eve"]
        assert [read_wanted(wish.ops) for wish in desk.steward.acts.pages.open_wishes()] == []


async def test_what_a_locked_wallet_did_not_admit_it_admits_when_unlocked(tmp_path: Path) -> None:
    hall = settle_hall(tmp_path, ["ana", "ben"], stewards=1, threshold=1)
    async with inviting(tmp_path, "ana", hall) as desk:
        made = await desk.inviting.invite(ANA, 1, 60, 15)
        desk.steward.wallet.lock()
        desk.papers.waiting = [ask(hall.community, made, "cem")]
        desk.steward.acts.wake()
        await quiet()
        assert hall.decided == [] and desk.steward.acts.pages.dealt == {}
        await desk.steward.wallet.unlock(None)
        await quiet()
        assert desk.handles()[-1] == "cem"
