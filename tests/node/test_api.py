"""The node's routes, asked without a socket over a real ledger, journal and door."""

from base64 import b64decode, b64encode
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing

from node.standing import Standing
from node.web.application import Guarded
from protocol.entry import SignedEntry, read_signed
from protocol.messages import Bundle
from protocol.ops import PublicNote, Send
from protocol.payment import PaymentId
from tests.builders import Town, found
from tests.node.asgi import BEARER, HOST, TOKEN, Answer, call, post
from tests.node.served import QuietNode, served


async def hand_in(app: Guarded, signed: SignedEntry) -> Answer:
    return await post(app, "/v1/entries", {"entry": b64encode(signed.encode()).decode()})


async def opened(town: Town, app: Guarded, *names: str) -> None:
    for name in names:
        assert (await hand_in(app, town.open(name))).status == 201


async def certify(node: QuietNode, town: Town, signed: SignedEntry) -> None:
    await node.bookkeeper.submit(Bundle((), (town.certificate(signed),)))


def payment(town: Town, amount: int = 250, memo: str = "bread") -> SignedEntry:
    return town.write("ana", Send(town["ben"], amount, PublicNote(memo)))  # type: ignore[arg-type]  # an int will do


async def test_health_needs_the_token_and_says_that_all_is_well(tmp_path: Path) -> None:
    async with served(found("ana"), tmp_path) as (_, app):
        assert (await call(app, path="/v1/health", headers=[HOST])).status == 401
        assert (await call(app, path="/v1/health")).json == {"ok": True, "failed": None}


async def test_health_is_503_once_nothing_can_be_recorded(tmp_path: Path) -> None:
    async with served(found("ana"), tmp_path) as (node, app):
        node.bookkeeper.failed = "disk full"
        got = await call(app, path="/v1/health")
        assert (got.status, got.json["failed"]) == (503, "disk full")


async def test_status_names_community_and_peers(tmp_path: Path) -> None:
    async with served(found("ana", "ben"), tmp_path) as (node, app):
        got = (await call(app, path="/v1/status")).json
        assert got["community"].startswith("com1")
        assert (got["members"], got["height"], got["sum"], got["problems"]) == (2, 0, "0.00", [])
        assert got["peers"] == ["12D3KooWOther"]
        rooted = (await call(app, path="/v1/status", query="root=1")).json
        assert rooted["state_root"] == node.ledger.state_root().hex()


async def test_an_account_is_found_by_number_and_by_handle(tmp_path: Path) -> None:
    async with served(found("ana", "ben", limit=2000), tmp_path) as (_, app):
        for who in ("1", "@ana", "ana"):
            got = (await call(app, path=f"/v1/accounts/{who}")).json
            assert (got["account"], got["handle"], got["limit"], got["seq"]) == (1, "ana", "20.00", None)
        assert (await call(app, path="/v1/accounts/@commons")).json["account"] == 0


@pytest.mark.parametrize("who", ["@nobody", "3", "-1", "99999999999", "@", "%00", "1.0", "²"])
async def test_an_unknown_account_is_not_found(tmp_path: Path, who: str) -> None:
    async with served(found("ana", "ben"), tmp_path) as (_, app):
        got = await call(app, path=f"/v1/accounts/{who}")
        assert (got.status, got.json["code"]) == (404, "not_found")


async def test_a_handed_in_entry_is_recorded_and_moves_the_balance(tmp_path: Path) -> None:
    town = found("ana", "ben", limit=2000)
    async with served(town, tmp_path) as (node, app):
        await opened(town, app, "ana")
        signed = payment(town)
        assert (await hand_in(app, signed)).json == {"verdict": "accepted"}
        assert (await call(app, path="/v1/accounts/@ana")).json["balance"] == "-2.50"
        assert node.journal.by_id(signed.id) is not None


async def test_the_same_entry_again_is_a_duplicate(tmp_path: Path) -> None:
    town = found("ana", "ben")
    async with served(town, tmp_path) as (_, app):
        signed = town.open("ana")
        assert (await hand_in(app, signed)).status == 201
        assert (await hand_in(app, signed)).json == {"verdict": "duplicate"}


async def test_a_refused_entry_names_the_rule_and_changes_nothing(tmp_path: Path) -> None:
    town = found("ana", "ben", limit=100)
    async with served(town, tmp_path) as (node, app):
        await opened(town, app, "ana")
        row = node.journal.last_row
        got = await hand_in(app, payment(town, amount=101))
        assert (got.status, got.json["code"]) == (422, "limit")
        assert node.journal.last_row == row
        assert (await call(app, path="/v1/accounts/1")).json["balance"] == "0.00"


async def test_an_entry_whose_predecessor_is_missing_waits(tmp_path: Path) -> None:
    town = found("ana", "ben")
    async with served(town, tmp_path) as (_, app):
        town.open("ana")
        got = await hand_in(app, payment(town, amount=1))
        assert got.status == 202
        assert got.json == {"verdict": "waiting", "need": "prev", "account": 1, "incarnation": 0, "seq": 0}


async def test_a_second_entry_for_one_place_is_a_conflict(tmp_path: Path) -> None:
    town = found("ana", "ben")
    async with served(town, tmp_path) as (_, app):
        await opened(town, app, "ana")
        rival = town.draft("ana", Send(town["ben"], 2))  # type: ignore[arg-type]
        held = payment(town, amount=1)
        await hand_in(app, held)
        got = await hand_in(app, rival)
        assert (got.status, got.json["code"], got.json["facts"]) == (409, "conflict", {"held": held.id.hex()})


async def test_an_account_says_when_the_votes_over_one_of_its_entries_split(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    town = found("ana", "ben")
    async with served(town, tmp_path) as (node, app):
        await opened(town, app, "ana")
        assert (await call(app, path="/v1/accounts/@ana")).json["conflict"] is False
        monkeypatch.setattr(node, "state_of", lambda *_: Standing.CONFLICT)
        assert (await call(app, path="/v1/accounts/@ana")).json["conflict"] is True
        assert [row["conflict"] for row in (await call(app, path="/v1/members")).json["members"]] == [True, False]


BROKEN: list[tuple[str, dict[str, Any], int, str]] = [
    ("nothing", {}, 400, "bad_request"),
    ("a number", {"entry": 7}, 400, "bad_request"),
    ("another field", {"entry": "", "more": 1}, 400, "bad_request"),
    ("no base64", {"entry": "***"}, 400, "bad_request"),
    ("no bytes", {"entry": ""}, 400, "malformed"),
    ("bytes that mean nothing", {"entry": b64encode(b"\x93\x01\x02\x03").decode()}, 400, "malformed"),
    ("a longer entry than there can be", {"entry": "A" * 60_000}, 400, "bad_request"),
]


@pytest.mark.parametrize(("body", "status", "code"), [row[1:] for row in BROKEN], ids=[row[0] for row in BROKEN])
async def test_broken_bytes_are_refused_and_change_nothing(
    tmp_path: Path, body: dict[str, Any], status: int, code: str
) -> None:
    async with served(found("ana"), tmp_path) as (node, app):
        row = node.journal.last_row
        got = await post(app, "/v1/entries", body)
        assert (got.status, got.json["code"]) == (status, code)
        assert node.journal.last_row == row


async def test_an_entry_is_shown_with_its_exact_bytes_and_its_certificate(tmp_path: Path) -> None:
    town = found("ana", "ben")
    async with served(town, tmp_path) as (node, app):
        signed = town.open("ana")
        await hand_in(app, signed)
        before = (await call(app, path=f"/v1/entries/{signed.id.hex()}")).json
        assert (before["state"], before["certificate"]) == ("recorded", None)
        await certify(node, town, signed)
        after = (await call(app, path=f"/v1/entries/{signed.id.hex()}")).json
        assert (after["state"], after["certificate"]["seq"]) == ("final", 0)

        assert read_signed(b64decode(after["raw"])) == signed


@pytest.mark.parametrize(
    ("id", "status"), [("00" * 32, 404), ("00" * 31, 400), ("zz", 400), ("AB" * 32, 400), ("é" * 64, 400)]
)
async def test_an_unknown_or_wrong_entry_id_is_told_apart(tmp_path: Path, id: str, status: int) -> None:
    async with served(found("ana"), tmp_path) as (_, app):
        assert (await call(app, path=f"/v1/entries/{id}")).status == status


async def test_a_payment_is_shown_by_its_one_text_form(tmp_path: Path) -> None:
    town = found("ana", "ben", limit=2000)
    async with served(town, tmp_path) as (_, app):
        await opened(town, app, "ana")
        signed = payment(town)
        await hand_in(app, signed)
        got = (await call(app, path=f"/v1/payments/{PaymentId(signed.id, 0)}")).json
        assert (got["payer"], got["payee"], got["amount"], got["memo"]) == ("ana", "ben", "2.50", "bread")
        assert (got["state"], got["unit"], got["entry"], got["op"]) == ("recorded", "hours", signed.id.hex(), 0)


async def test_an_op_that_is_no_payment_is_not_found(tmp_path: Path) -> None:
    town = found("ana", "ben")
    async with served(town, tmp_path) as (_, app):
        signed = town.open("ana")
        await hand_in(app, signed)
        assert (await call(app, path=f"/v1/payments/{PaymentId(signed.id, 0)}")).status == 404
        assert (await call(app, path=f"/v1/payments/{PaymentId(signed.id, 1)}")).status == 404
        assert (await call(app, path="/v1/payments/pay1qqqq")).status == 400


async def test_a_chain_is_read_page_by_page(tmp_path: Path) -> None:
    town = found("ana", "ben", limit=2000)
    async with served(town, tmp_path) as (_, app):
        await opened(town, app, "ana")
        for _ in range(4):
            await hand_in(app, payment(town, amount=1))
        first = (await call(app, path="/v1/accounts/ana/chain", query="limit=3")).json
        assert ([entry["seq"] for entry in first["entries"]], first["next"]) == ([0, 1, 2], 2)
        rest = (await call(app, path="/v1/accounts/ana/chain", query="after=2")).json
        assert ([entry["seq"] for entry in rest["entries"]], rest["next"]) == ([3, 4], None)
        assert (await call(app, path="/v1/accounts/ben/chain")).json == {"entries": [], "next": None}
        assert (await call(app, path="/v1/accounts/ana/chain", query="after=x")).status == 400


async def pages(app: Guarded, path: str, rows: str, limit: int) -> AsyncIterator[list[Any]]:
    """Go through a list page by page."""
    after = ""
    while True:
        got = (await call(app, path=path, query=f"limit={limit}{after}")).json
        yield got[rows]
        if got["next"] is None:
            return
        after = f"&after={got['next']}"


async def test_all_entries_are_read_in_pages_and_what_comes_meanwhile_comes_last(tmp_path: Path) -> None:
    town = found("ana", "ben", limit=2000)
    async with served(town, tmp_path) as (node, app):
        await opened(town, app, "ana")
        handed = [payment(town, amount=amount) for amount in range(1, 4)]
        for signed in handed:
            await hand_in(app, signed)
            await certify(node, town, signed)
        shown: list[str] = []
        late: list[SignedEntry] = []
        async for page in pages(app, "/v1/entries", "entries", 2):
            assert len(page) <= 2
            shown += [entry["id"] for entry in page]
            if not late:
                late.append(payment(town, amount=9))
                await hand_in(app, late[0])
        wanted = [signed.id.hex() for signed in (*handed, *late)]
        assert shown[2:] == wanted and len(set(shown)) == len(shown) == 6


async def test_members_are_read_in_pages(tmp_path: Path) -> None:
    async with served(found("ben", "ana", "cem"), tmp_path) as (_, app):
        shown = [row["handle"] async for page in pages(app, "/v1/members", "members", 2) for row in page]
        assert shown == ["ben", "ana", "cem"]


@pytest.mark.parametrize("path", ["/v1/entries", "/v1/members", "/v1/accounts/ana/chain"])
@pytest.mark.parametrize("query", ["after=x", "after=-1", "after=1.5", "after=", "limit=0", "limit=x", "after=%C2%B2"])
async def test_a_page_that_makes_no_sense_is_refused(tmp_path: Path, path: str, query: str) -> None:
    async with served(found("ana"), tmp_path) as (_, app):
        got = await call(app, path=path, query=query)
        assert (got.status, got.json["code"]) == (400, "bad_request")


async def test_a_chain_is_shown_as_far_as_it_is_durable(tmp_path: Path) -> None:
    town = found("ana", "ben", limit=2000)
    async with served(town, tmp_path) as (node, app):
        await opened(town, app, "ana")
        node.bookkeeper.take(Bundle((payment(town),)))
        shown = (await call(app, path="/v1/accounts/ana/chain")).json
        assert [entry["seq"] for entry in shown["entries"]] == [0], "the payment is still on its way to the disk"


async def test_members_are_listed_in_order(tmp_path: Path) -> None:
    async with served(found("ben", "ana"), tmp_path) as (_, app):
        got = (await call(app, path="/v1/members")).json
        assert [member["handle"] for member in got["members"]] == ["ben", "ana"]


async def test_metrics_are_text_with_the_sum(tmp_path: Path) -> None:
    async with served(found("ana"), tmp_path) as (_, app):
        got = await call(app, path="/v1/metrics")
        assert got.header(b"content-type")[0].startswith(b"text/plain")
        assert b"\ntally_balance_sum_minor 0\n" in got.body


async def test_nothing_is_taken_once_the_door_is_closed(tmp_path: Path) -> None:
    town = found("ana")
    async with served(town, tmp_path) as (node, app):
        node.bookkeeper.failed = "disk full"
        got = await hand_in(app, town.open("ana"))
        assert (got.status, got.json["code"]) == (507, "record_failed")
        assert node.ledger.chain(town["ana"]) is None


class Listener:
    """A client of the event stream that a test can end."""

    def __init__(self) -> None:
        self.body = b""
        self.gone = trio.Event()
        self.grew = trio.Event()

    async def receive(self) -> dict[str, Any]:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        self.body += message.get("body", b"")
        self.grew.set()
        self.grew = trio.Event()

    async def until(self, count: int) -> list[dict[str, str]]:
        """Wait until that many events are here."""
        while len(self.events()) < count:
            await self.grew.wait()
        return self.events()

    def events(self) -> list[dict[str, str]]:
        blocks = [block for block in self.body.decode().split("\n\n")[:-1] if block.startswith("id:")]
        return [dict(line.split(": ", 1) for line in block.splitlines()) for block in blocks]


async def follow(app: Guarded, listener: Listener, *, query: str = "", last_id: str | None = None) -> None:
    first = True

    async def receive() -> dict[str, Any]:
        nonlocal first
        if first:
            first = False
            return {"type": "http.request", "body": b"", "more_body": False}
        return await listener.receive()

    headers = [HOST, BEARER] + ([(b"last-event-id", last_id.encode())] if last_id else [])
    scope = {
        "type": "http", "asgi": {"version": "3.0", "spec_version": "2.3"}, "http_version": "1.1", "method": "GET",
        "scheme": "http", "path": "/v1/events", "raw_path": b"/v1/events", "query_string": query.encode(),
        "root_path": "", "headers": headers, "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 4242),
    }  # fmt: skip
    await app(scope, receive, listener.send)


async def test_events_come_as_they_become_durable_and_are_replayed_by_id(tmp_path: Path) -> None:
    town = found("ana", "ben")
    async with served(town, tmp_path) as (node, app), trio.open_nursery() as nursery:
        listener = Listener()
        nursery.start_soon(follow, app, listener)
        with trio.fail_after(5):
            await trio.testing.wait_all_tasks_blocked()
            signed = town.open("ana")
            await hand_in(app, signed)
            await certify(node, town, signed)
            live = await listener.until(2)
        assert [event["event"] for event in live] == ["entry", "certificate"]
        late = Listener()

        async def follow_late() -> None:
            await follow(app, late, last_id=live[0]["id"])

        nursery.start_soon(follow_late)
        with trio.fail_after(5):
            assert await late.until(1) == [live[1]]
        everything = Listener()

        async def follow_all() -> None:
            await follow(app, everything, query="after=0")

        nursery.start_soon(follow_all)
        with trio.fail_after(5):
            assert [event["event"] for event in await everything.until(3)] == ["entry", "entry", "certificate"]
        for each in (listener, late, everything):
            each.gone.set()


async def test_a_wrong_last_event_id_is_refused(tmp_path: Path) -> None:
    async with served(found("ana"), tmp_path) as (_, app):
        got = await call(app, path="/v1/events", headers=[HOST, BEARER, (b"last-event-id", b"x")])
        assert got.status == 400
        assert TOKEN.encode() not in got.body
