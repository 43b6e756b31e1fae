"""What a home answers over HTTP while it asks to be admitted."""

from pathlib import Path
from typing import cast

import pytest
import trio

from node.journal import Journal
from node.web.application import Guarded
from node.web.guard import Guard
from tests.node.asgi import PORT, TOKEN, call, post
from tests.wallet.doorsteps import Elm, Server, Street
from wallet.api.asking import asking_application
from wallet.errors import BY_CODE, NotAMember
from wallet.home import Home
from wallet.joining.applying import Applicant
from wallet.joining.asking import Asking, AskingView
from wallet.joining.kept import Joining, begin_joining


class Newcomer:
    """A home that asks, and its API."""

    def __init__(self, folder: Path) -> None:
        self.elm = Elm()
        self.servers = [Server(self.elm, "one"), Server(self.elm, "two")]
        home = Home(folder / "home")
        invite = self.elm.invite([server.address for server in self.servers])
        self.joining: Joining = begin_joining(home, invite, "eve", "", None)
        self.asking = Asking(home, self.joining, cast(Journal, None), "127.0.0.1:1", trio.Event())
        self.app = Guarded(asking_application(self.asking), Guard(PORT, TOKEN))

    async def look(self) -> None:
        """Visit all doors once, as `Asking.run` does again and again."""
        there = Street(*self.servers)
        self.asking._applicant = Applicant(self.joining.invite, self.joining.request, there, lambda: 0)
        await self.asking._applicant.look()


@pytest.fixture
def newcomer(tmp_path: Path) -> Newcomer:
    return Newcomer(tmp_path)


async def test_the_status_has_every_field_before_and_after_somebody_answered(newcomer: Newcomer) -> None:
    before = await call(newcomer.app, path="/v1/wallet/status")
    assert before.status == 200 and set(before.json) == set(AskingView.__annotations__)
    assert (before.json["standing"], before.json["name"], before.json["asked"]) == ("asking", "", [])
    newcomer.servers[0].away = "refused"
    await newcomer.look()
    after = (await call(newcomer.app, path="/v1/wallet/status")).json
    assert (after["standing"], after["name"]) == ("asked", "Testville")
    assert after["asked"] == [newcomer.servers[1].address]
    assert after["problems"] == [f"{newcomer.servers[0].address}: not reached: refused"]


async def test_what_keeps_it_out_is_told_first_with_what_to_do(newcomer: Newcomer) -> None:
    newcomer.elm.decide(newcomer.elm.town.admit("eve"))
    await newcomer.look()
    found = (await call(newcomer.app, path="/v1/wallet/status")).json
    assert found["standing"] == "asking" and "is a member already" in found["problems"][0]
    assert "--handle OTHER" in found["next"]


async def test_admitted_is_told(newcomer: Newcomer) -> None:
    newcomer.elm.admit(newcomer.joining.request)
    await newcomer.look()
    found = (await call(newcomer.app, path="/v1/wallet/status")).json
    assert (found["standing"], found["problems"], found["next"]) == ("admitted", [], "")


@pytest.mark.parametrize("path", ["/", "/v1/wallet/summary", "/v1/wallet/balance", "/v1/health", "/v1/openapi.json"])
async def test_all_else_has_to_wait(newcomer: Newcomer, path: str) -> None:
    refused = await call(newcomer.app, path=path)
    assert (refused.status, refused.json["code"]) == (409, "joining")
    assert BY_CODE[refused.json["code"]] is NotAMember and refused.json["next"]


async def test_paying_has_to_wait(newcomer: Newcomer) -> None:
    refused = await post(newcomer.app, "/v1/wallet/pay", {"payee": "ana", "amount": "1"})
    assert (refused.status, refused.json["code"]) == (409, "joining")


async def test_it_can_be_ended(newcomer: Newcomer) -> None:
    assert (await post(newcomer.app, "/v1/wallet/down", {})).status == 202
    assert newcomer.asking.stop.is_set()


async def test_nobody_asks_without_the_token(newcomer: Newcomer) -> None:
    for path in ("/v1/wallet/status", "/v1/wallet/pay"):
        assert (await call(newcomer.app, path=path, headers=((b"host", b"127.0.0.1:4242"),))).status == 401
