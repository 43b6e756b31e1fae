"""Acts over HTTP: what is asked reaches a real wallet, every answer is as documented, nonsense changes nothing."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio

from node.web.application import Guarded, application
from node.web.guard import Guard
from node.web.openapi import document
from node.web.scopes import Grant, Scope
from protocol.invite import read_invite
from tests.json_schema import faults
from tests.node.asgi import PORT, TOKEN, Answer, call, post
from tests.wallet.test_inviting import HERE, NOW_S, PaperNode, ask
from tests.wallet.test_wallet_api import Nameless, StillDoor
from wallet.api.acts import ActsApi
from wallet.api.wallet import WalletApi
from wallet.stewards.calling import Calling
from wallet.stewards.inviting import Inviting
from wallet.stewards.listing import ActListing
from wallet.stewards.office import Office

from .council import Hall, quiet, settle_hall, sitting, unthreaded
from .test_calling import BoardNode, Boards


class Served:
    """One home's acts behind the guard."""

    def __init__(self, app: Guarded, papers: PaperNode, inviting: Inviting, hall: Hall, written: Any) -> None:
        self.app, self.papers, self.inviting, self.hall, self.written = app, papers, inviting, hall, written

    async def get(self, path: str) -> Answer:
        return self.checked("get", path, await call(self.app, path=f"/v1/wallet/{path}"))

    async def post(self, path: str, body: Any) -> Answer:
        return self.checked("post", path, await post(self.app, f"/v1/wallet/{path}", body))

    def checked(self, method: str, path: str, got: Answer) -> Answer:
        """Hold every answer against the document."""
        parts = path.split("/")
        named = [
            f"/v1/wallet/{known}"
            for known in (path, *("/".join([parts[0], hole, *parts[2:]]) for hole in ("{id}", "{who}")))
            if f"/v1/wallet/{known}" in self.written["paths"]
        ]
        assert named, path
        responses = self.written["paths"][named[0]][method]["responses"]
        if str(got.status) in responses:
            (media,) = responses[str(got.status)]["content"].values()
            assert not list(faults(got.json, media["schema"], self.written["components"]["schemas"])), got.json
        return got


class ServedHall:
    """What the web server needs of a node."""

    def __init__(self, node: Any) -> None:
        self._node = node
        self.bookkeeper = StillDoor()

    @property
    def ledger(self) -> Any:
        return self._node.ledger


@asynccontextmanager
async def serving(folder: Path, name: str, hall: Hall, boards: Boards) -> AsyncIterator[Served]:
    async with sitting(folder, name, hall) as steward:
        papers, wallet = PaperNode(steward.node), steward.wallet
        inviting = Inviting(papers, wallet, steward.acts, wallet.clerk, lambda _: [], lambda: [HERE])
        calling = Calling(BoardNode(steward.node, boards), wallet, steward.acts)
        for chore in (inviting.tend, calling.tend):
            steward.acts.also(chore)
        office = Office(steward.acts, inviting, calling, ActListing(steward.acts, calling))
        node: Any = ServedHall(steward.node)
        calls = ActsApi(wallet, node, office).routes()
        failures = WalletApi(wallet, node, Nameless(), trio.Event()).failures()
        guard = Guard(PORT, TOKEN, {"reads": Grant("reads", Scope.READ)}.get)
        steward.acts.wake()
        await quiet()
        yield Served(Guarded(application(calls, failures), guard), papers, inviting, hall, document(calls))


@pytest.fixture(autouse=True)
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    unthreaded(monkeypatch)
    monkeypatch.setattr("node.wallclock.now_s", lambda: NOW_S)


async def test_an_act_goes_from_order_to_in_force(tmp_path: Path) -> None:
    hall = settle_hall(tmp_path, ["ana", "ben", "cem"], stewards=2, threshold=2)
    boards = Boards()
    async with serving(tmp_path, "ana", hall, boards) as ana, serving(tmp_path, "ben", hall, boards) as ben:
        shown = (await ana.post("acts/preview", {"act": "charge", "member": "@cem", "amount": "1.00"})).json
        assert shown == {"words": ["take 1.00 hours from @cem for the commons"], "alone": False, "locked": False}
        made = await ana.post("acts", {"act": "limit", "member": "@cem", "limit": "7"})
        assert (made.status, made.json["state"], made.json["signed"]) == (201, "collecting", ["ana"])
        (act,) = (await ben.get("acts")).json["open"]
        assert (act["act"], act["missing"], act["needed"], act["here"]) == (made.json["act"], ["ben"], 2, False)
        done = await ben.post(f"acts/{act['act'][:5]}/sign", {})
        assert (done.status, done.json["state"], done.json["signed"]) == (200, "in force", ["ana", "ben"])
        listed = (await ana.get("acts")).json
        assert listed["open"] == [] and listed["past"][0]["words"] == ["credit limit of @cem: 7.00 hours"]
        assert (listed["stewards"], listed["needed"], listed["steward"]) == (2, 2, True)


async def test_an_act_that_was_signed_can_be_withdrawn_and_another_ones_not(tmp_path: Path) -> None:
    hall = settle_hall(tmp_path, ["ana", "ben", "cem"], stewards=2, threshold=2)
    boards = Boards()
    async with serving(tmp_path, "ana", hall, boards) as ana, serving(tmp_path, "ben", hall, boards) as ben:
        act = (await ana.post("acts", {"act": "suspend", "member": "@cem"})).json["act"]
        assert (await ben.post(f"acts/{act}/withdraw", {})).status == 404
        assert (await ana.post(f"acts/{act}/withdraw", {})).json["state"] == "withdrawn"
        assert (await ana.post(f"acts/{act}/withdraw", {})).status == 404
        assert "withdrawn" in [row["state"] for row in (await ana.get("acts")).json["past"]]


async def test_who_agreed_to_an_act_that_was_overtaken_can_withdraw_and_is_asked_again(tmp_path: Path) -> None:
    hall = settle_hall(tmp_path, ["ana", "ben", "cem"], stewards=3, threshold=3)
    boards, suspend, fee = Boards(), {"act": "suspend", "member": "@cem"}, {"act": "nothing"}
    async with (
        serving(tmp_path, "ana", hall, boards) as ana,
        serving(tmp_path, "ben", hall, boards) as ben,
        serving(tmp_path, "cem", hall, boards) as cem,
    ):
        first = (await ana.post("acts", suspend)).json["act"]
        await ben.post(f"acts/{first}/sign", {})
        await ana.post(f"acts/{first}/withdraw", {})
        other = (await ana.post("acts", fee)).json["act"]
        for home in (ben, cem):
            assert (await home.post(f"acts/{other}/sign", {})).status == 200
        await quiet()
        (left,) = (await ben.get("acts")).json["open"]
        assert (left["state"], left["words"], len(hall.decided)) == (
            "overtaken",
            ["suspend @cem (may receive, not pay)"],
            1,
        )
        assert (await ben.post(f"acts/{left['act']}/sign", {})).status == 404
        assert (await ben.post(f"acts/{left['act']}/withdraw", {})).json["state"] == "withdrawn"
        assert (await ben.get("acts")).json["open"] == []
        await ana.post("acts", suspend)
        await quiet()
        (again,) = (await ben.get("acts")).json["open"]
        assert (again["state"], again["signed"], again["here"]) == ("collecting", ["ana"], False)


async def test_newcomers_are_invited_listed_admitted_and_declined(tmp_path: Path) -> None:
    hall = settle_hall(tmp_path, ["ana", "ben"], stewards=1, threshold=1)
    async with serving(tmp_path, "ana", hall, Boards()) as ana:
        made = await ana.post("invites", {"uses": 0, "lasts_s": 60, "limit": "3"})
        assert (made.status, made.json["only_here"], made.json["limit"]) == (201, True, "3.00")
        assert made.json["link"] == "tally:" + made.json["invite"] and made.json["invite"] in made.json["file"]
        invite = read_invite(made.json["invite"])
        ana.papers.waiting = [ask(hall.community, invite, "cem"), ask(hall.community, invite, "dee")]
        asked = (await ana.get("requests")).json["requests"]
        assert [(one["handle"], one["invited_by"], one["own"]) for one in asked] == [
            ("cem", None, True), ("dee", None, True),
        ]  # fmt: skip
        assert (await ana.post("requests/dee/decline", {})).json["declined"] is True
        admitted = await ana.post("acts", {"act": "admit", "member": "cem"})
        assert admitted.json["words"] == ["admit @cem with a credit limit of 3.00 hours"]
        assert (await ana.get("requests")).json["requests"] == []


async def test_stewards_and_the_community_are_told(tmp_path: Path) -> None:
    hall = settle_hall(tmp_path, ["ana", "ben"], stewards=1, threshold=1)
    boards = Boards()
    async with serving(tmp_path, "ana", hall, boards) as ana, serving(tmp_path, "ben", hall, boards) as ben:
        assert (await ben.post("stewards/serve", {})).json["willing"] == ["ben"]
        told = (await ana.get("stewards")).json
        assert [one["handle"] for one in told["stewards"]] == ["ana"] and told["needed"] == 1
        called = await ana.post("stewards/call", {"members": ["@ana", "@ben"], "needed": 1})
        assert (called.json["state"], called.json["missing"]) == ("called", ["ben"])
        assert (await ben.post(f"acts/{called.json['act']}/sign", {})).status == 200
        await quiet()
        assert (await ben.get("stewards")).json["needed"] == 1 and len(hall.decided) == 1
        community = (await ben.get("community")).json
        assert community["words"][-2].startswith("witnesses: there is one witness")
        assert (community["may_lie"], community["may_be_away"], community["stewards"]) == (0, 0, 2)


WRONG: list[tuple[str, Any, int, str]] = [
    ("acts", {}, 400, "bad_request"),
    ("acts", {"act": "found"}, 400, "bad_request"),
    ("acts", {"act": "limit"}, 400, "bad_request"),
    ("acts", {"act": "limit", "member": "@ben"}, 400, "bad_request"),
    ("acts", {"act": "limit", "member": "@ben", "limit": "-1"}, 400, "bad_amount"),
    ("acts", {"act": "limit", "member": "@ben", "limit": 5}, 400, "bad_request"),
    ("acts", {"act": "limit", "member": "@nobody", "limit": "5"}, 422, "payee_unknown"),
    ("acts", {"act": "suspend", "member": "@commons"}, 400, "bad_request"),
    ("acts", {"act": "charge", "member": "@ben", "amount": "0"}, 400, "bad_amount"),
    ("acts", {"act": "charge", "member": "@ben", "amount": "1", "reason": "\u202e"}, 422, "refused"),
    ("acts", {"act": "charge", "member": "@ben", "amount": "1", "reason": "x" * 300}, 400, "bad_request"),
    ("acts", {"act": "charter"}, 400, "bad_request"),
    ("acts", {"act": "charter", "levy": "200%"}, 400, "bad_request"),
    ("acts", {"act": "charter", "levy": "two"}, 400, "bad_request"),
    ("acts", {"act": "admit"}, 400, "bad_request"),
    ("acts", {"act": "admit", "member": "eve"}, 404, "not_found"),
    ("acts", {"act": "nothing", "more": 1}, 400, "bad_request"),
    ("acts", {"act": "nothing", "timeout_s": -1}, 400, "bad_request"),
    ("acts", {"act": "limit", "member": "@ben", "limit": "5", "reason": "late"}, 400, "bad_request"),
    ("acts", {"act": "limit", "member": "@ben", "limit": "5", "amount": "9"}, 400, "bad_request"),
    ("acts", {"act": "suspend", "member": "@ben", "limit": "0"}, 400, "bad_request"),
    ("acts", {"act": "charter", "levy": "1%", "member": "@ben"}, 400, "bad_request"),
    ("acts", {"act": "nothing", "member": "@ben"}, 400, "bad_request"),
    ("acts/preview", {"act": "reinstate", "member": "@ben", "levy": "1%"}, 400, "bad_request"),
    ("acts/preview", {"act": "charge", "member": "@ben", "amount": "1e3"}, 400, "bad_amount"),
    ("acts/00000000/sign", {}, 404, "not_found"),
    ("acts/zz/sign", {}, 404, "not_found"),
    ("acts/00000000/withdraw", {}, 404, "not_found"),
    ("invites", {"uses": -1}, 400, "bad_request"),
    ("invites", {"uses": 1001}, 400, "bad_request"),
    ("invites", {"lasts_s": 0}, 400, "bad_request"),
    ("invites", {"limit": "x"}, 400, "bad_amount"),
    ("invites", {"as": "@ben"}, 404, "not_found"),
    ("requests/eve/decline", {}, 404, "not_found"),
    ("stewards/call", {"members": ["@ana", "@ana"], "needed": 1}, 400, "bad_request"),
    ("stewards/call", {"members": ["@ana"], "needed": 2}, 400, "bad_request"),
    ("stewards/call", {"members": ["@ana", "@ben"], "needed": 1}, 422, "not_serving"),
]


async def test_nonsense_is_refused_and_nothing_is_signed(tmp_path: Path) -> None:
    hall = settle_hall(tmp_path, ["ana", "ben"], stewards=1, threshold=1)
    boards = Boards()
    async with serving(tmp_path, "ana", hall, boards) as ana:
        before = dict(boards.held)
        for path, body, status, code in WRONG:
            got = await ana.post(path, body)
            assert (got.status, got.json["code"]) == (status, code), (path, body, got.json)
        assert hall.given == [] and ana.inviting._pages.wishes == {} == ana.inviting._pages.invites
        assert boards.held == before


async def test_who_may_only_look_signs_nothing(tmp_path: Path) -> None:
    hall = settle_hall(tmp_path, ["ana", "ben"], stewards=1, threshold=1)
    async with serving(tmp_path, "ana", hall, Boards()) as ana:
        bearer = [(b"host", f"127.0.0.1:{PORT}".encode()), (b"authorization", b"Bearer reads")]
        assert (await call(ana.app, path="/v1/wallet/acts", headers=bearer)).status == 200
        sent = [*bearer, (b"content-type", b"application/json"), (b"content-length", b"17")]
        got = await call(ana.app, "POST", "/v1/wallet/acts", headers=sent, body=b'{"act":"nothing"}')
        assert (got.status, got.json["code"], hall.given) == (403, "scope", [])
