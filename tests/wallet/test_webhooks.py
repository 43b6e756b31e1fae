"""Webhooks: everything in order, each until it is taken, and nothing lost when the process is killed."""

import hmac
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing
from trio.testing import MockClock, wait_all_tasks_blocked

from protocol.base import CommunityId
from tests.builders import send
from tests.wallet.test_feed import Street, street
from wallet import errors
from wallet.books.book import Book
from wallet.books.clerk import Clerk
from wallet.home import Home
from wallet.programs.posting import Poster
from wallet.programs.webhooks import LONGEST_PAUSE_S, WEBHOOKS_MAX, Webhooks, check_url, pause_s, signature

URL = "https://shop.example/hook"


class Receiver:
    """Whoever is at the other end: takes everything unless told to fail, and keeps what came."""

    def __init__(self) -> None:
        self.fails = ""
        self.got: list[tuple[str, dict[str, str], bytes]] = []

    async def __call__(self, url: str, headers: dict[str, str], body: bytes) -> str:
        await trio.lowlevel.checkpoint()
        self.got.append((url, headers, body))
        return self.fails

    @property
    def ids(self) -> list[str]:
        return [headers["Tallystick-Delivery"] for _, headers, _ in self.got]

    @property
    def told(self) -> list[str]:
        contents = [json.loads(body) for _, _, body in self.got]
        return [f"{content['event']} {content.get('state', '')} {content.get('amount', '')}" for content in contents]


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path / "home")
    made.begin()
    Book.create(made.book, CommunityId(b"c" * 32), [])
    return made


@asynccontextmanager
async def opened(home: Home, place: Street, receiver: Receiver) -> AsyncIterator[Webhooks]:
    """The webhooks of a wallet; at the end the process is killed."""
    book = Book.open(home.book)
    try:
        async with trio.open_nursery() as nursery:
            clerk = Clerk(book)
            await nursery.start(clerk.run)
            webhooks = Webhooks(book, clerk, place.feed, receiver, lambda: 1_700_000_000.0)
            await nursery.start(webhooks.run)
            yield webhooks
            nursery.cancel_scope.cancel()
    finally:
        book.close()


async def pay(place: Street, *amounts: int) -> None:
    """Somebody pays this wallet."""
    for amount in amounts:
        await place.final(place.town.write("ben", send(place.town["ana"], amount)))
    await wait_all_tasks_blocked(0.01)


async def test_what_happens_from_now_on_is_sent_once_and_in_order(
    tmp_path: Path, home: Home, receiver: Receiver
) -> None:
    async with street(tmp_path) as place, opened(home, place, receiver) as webhooks:
        await pay(place, 1)
        await webhooks.add(URL, "shop", (), check=False)
        await pay(place, 2, 3)
        assert receiver.told == [
            "payment recorded 0.02", "payment final 0.02", "payment recorded 0.03", "payment final 0.03",
        ]  # fmt: skip
        assert len(set(receiver.ids)) == 4
        assert [one.fault for one in webhooks.deliveries("shop")] == [""] * 4


async def test_only_the_events_that_were_asked_for_are_sent(tmp_path: Path, home: Home, receiver: Receiver) -> None:
    async with street(tmp_path) as place, opened(home, place, receiver) as webhooks:
        await webhooks.add(URL, "shop", ("limit", "charge"), check=False)
        await pay(place, 2)
        assert receiver.got == []


async def test_a_receiver_can_check_who_sent_it(tmp_path: Path, home: Home, receiver: Receiver) -> None:
    async with street(tmp_path) as place, opened(home, place, receiver) as webhooks:
        row = await webhooks.add(URL, None, (), check=False)
        await pay(place, 2)
        url, headers, body = receiver.got[0]
        assert url == URL and headers["Content-Type"] == "application/json"
        assert headers["Tallystick-Signature"] == signature(row.secret, 1_700_000_000, body)
        parts = dict(part.split("=") for part in headers["Tallystick-Signature"].split(","))
        code = hmac.new(row.secret.encode(), f"{parts['t']}.".encode() + body, sha256).hexdigest()
        assert parts["v1"] == code and json.loads(body)["delivery"] == headers["Tallystick-Delivery"]


async def test_an_event_is_sent_again_with_growing_pauses_and_the_next_one_waits_for_it(
    tmp_path: Path, home: Home, receiver: Receiver
) -> None:
    async with street(tmp_path) as place, opened(home, place, receiver) as webhooks:
        await webhooks.add(URL, "shop", (), check=False)
        running = webhooks._all["shop"]
        receiver.fails = "it answered 500"
        await pay(place, 2, 3)
        for tries in range(1, 5):
            assert len(receiver.got) == tries == running.tries
            running.again.set()
            await wait_all_tasks_blocked(0.01)
        assert len(set(receiver.ids)) == 1, "a stable id, so that doubles can be dropped"
        shown = webhooks.listed()[0]
        assert shown.last is not None
        assert (shown.tries, shown.last.tries, shown.last.fault) == (5, 5, "it answered 500")
        receiver.fails = ""
        running.again.set()
        await wait_all_tasks_blocked(0.01)
        assert len(receiver.got) == 5 + 4 and len(set(receiver.ids)) == 4
        assert webhooks.listed()[0].tries == 0


def test_pauses_grow_up_to_a_day() -> None:
    pauses = [pause_s(tries) for tries in range(1, 40)]
    assert pauses[:4] == [5, 20, 80, 320] and pauses == sorted(pauses)
    assert pauses[-1] == LONGEST_PAUSE_S == 86_400


async def test_pauses_are_kept(tmp_path: Path, home: Home, receiver: Receiver, autojump_clock: MockClock) -> None:
    async with street(tmp_path) as place, opened(home, place, receiver) as webhooks:
        await webhooks.add(URL, "shop", (), check=False)
        receiver.fails = "it answered 500"
        await place.take(place.town.write("ben", send(place.town["ana"], 2)))
        began = trio.current_time()
        while len(receiver.got) < 4:
            await trio.sleep(1)
        assert 105 <= trio.current_time() - began <= 108


async def test_what_was_not_taken_when_the_process_was_killed_is_sent_after_it(
    tmp_path: Path, home: Home, receiver: Receiver
) -> None:
    async with street(tmp_path) as place:
        async with opened(home, place, receiver) as webhooks:
            await webhooks.add(URL, "shop", (), check=False)
            await pay(place, 2)
            receiver.fails = "it could not be reached"
            await pay(place, 3)
        taken = receiver.ids[:2]
        await pay(place, 4)
        receiver.fails, receiver.got = "", []
        async with opened(home, place, receiver) as webhooks:
            await wait_all_tasks_blocked(0.01)
            assert receiver.told == [
                "payment recorded 0.03", "payment final 0.03", "payment recorded 0.04", "payment final 0.04",
            ]  # fmt: skip
            assert not set(taken) & set(receiver.ids)


async def test_a_target_that_takes_no_test_is_not_added(tmp_path: Path, home: Home, receiver: Receiver) -> None:
    async with street(tmp_path) as place, opened(home, place, receiver) as webhooks:
        receiver.fails = "it answered 302"
        with pytest.raises(errors.WebhookUnanswered) as refused:
            await webhooks.add(URL, "shop", (), check=True)
        assert refused.value.facts == {"url": URL, "reason": "it answered 302"}
        assert webhooks.listed() == []
        receiver.fails = ""
        await webhooks.add(URL, "shop", (), check=True)
        assert receiver.told == ["test  ", "test  "]


async def test_a_test_that_is_taken_sends_what_waits_at_once(tmp_path: Path, home: Home, receiver: Receiver) -> None:
    async with street(tmp_path) as place, opened(home, place, receiver) as webhooks:
        await webhooks.add(URL, "shop", (), check=False)
        receiver.fails = "it answered 500"
        await pay(place, 2)
        with pytest.raises(errors.WebhookUnanswered):
            await webhooks.test("shop")
        receiver.fails = ""
        await webhooks.test(URL)
        await webhooks.test("shop")
        await wait_all_tasks_blocked(0.01)
        assert receiver.told[-2:] == ["payment recorded 0.02", "payment final 0.02"]
        with pytest.raises(errors.NotFound):
            await webhooks.test("till")


async def test_a_removed_webhook_is_told_nothing_more_also_after_a_restart(
    tmp_path: Path, home: Home, receiver: Receiver
) -> None:
    async with street(tmp_path) as place:
        async with opened(home, place, receiver) as webhooks:
            await webhooks.add(URL, "shop", (), check=False)
            await webhooks.add("http://localhost:99/", None, (), check=False)
            await webhooks.remove("shop")
            await pay(place, 2)
            assert {url for url, _, _ in receiver.got} == {"http://localhost:99/"}
            with pytest.raises(errors.NotFound):
                await webhooks.remove("shop")
        async with opened(home, place, receiver) as webhooks:
            assert [shown.row.name for shown in webhooks.listed()] == ["localhost"]
            left = "SELECT count(*) FROM delivery WHERE webhook NOT IN (SELECT id FROM webhook)"
            assert webhooks._book.rows(left) == [(0,)]


async def test_only_so_many_deliveries_are_remembered(tmp_path: Path, home: Home, receiver: Receiver) -> None:
    async with street(tmp_path) as place, opened(home, place, receiver) as webhooks:
        await webhooks.add(URL, "shop", (), check=False)
        await pay(place, *[1] * 30)
        assert len(receiver.got) == 60 and len(webhooks.deliveries("shop")) == 50


async def test_a_sealed_memo_is_not_sent(tmp_path: Path, home: Home, receiver: Receiver) -> None:
    async with street(tmp_path) as place, opened(home, place, receiver) as webhooks:
        await webhooks.add(URL, "shop", (), check=False)
        names = place.feed._wallet
        open_payment = names.payment_in

        def sealed(*what: object) -> object:
            made = open_payment(*what)  # type: ignore[arg-type]
            return type(made)(*[getattr(made, name) for name in made.__slots__[:5]], "our secret", True, None, 9)

        names.payment_in = sealed  # type: ignore[method-assign, assignment]
        await pay(place, 2)
        assert len(receiver.got) == 2 and not any(b"our secret" in body for _, _, body in receiver.got)


GOOD = ["http://localhost", "http://127.0.0.1:8080/x?y=1", "https://shop.example/a/b", "http://[::1]:9/"]
BAD = [
    "", "shop.example", "ftp://shop.example/", "file:///etc/passwd", "http://", "http:///x", "https://a:b@shop.example/",
    "https://a@shop.example/", "http://shop.example/#x", "http://shop.example:0/", "http://shop.example:99999/",
    "http://shop.example:x/", "http://shop .example/", "http://shop.example/ x", "http://shop.example/\n", "http://é/",
    "javascript:alert(1)", "http://shop.example\\@evil.example/", "http://[::1/", "http://x/" + "a" * 2000, "//x/",
    "unix:/run/x", "http://shop.example/\x00", "http://shop..example/", "http://./", "http://" + "a" * 64 + ".example/",
]  # fmt: skip


@pytest.mark.parametrize("url", GOOD)
def test_an_address_of_the_web_is_taken(url: str) -> None:
    assert check_url(url)


@pytest.mark.parametrize("url", BAD)
async def test_another_address_is_refused_and_nothing_is_sent(
    tmp_path: Path, home: Home, receiver: Receiver, url: str
) -> None:
    async with street(tmp_path) as place, opened(home, place, receiver) as webhooks:
        for check in (True, False):
            with pytest.raises(errors.BadRequest):
                await webhooks.add(url, "shop", (), check=check)
        assert webhooks.listed() == [] and receiver.got == []


@pytest.mark.parametrize("host", ["shop..example", "a" * 64, "xn--", "xn--a"])
async def test_a_host_that_no_name_server_can_be_asked_for_is_only_not_reached(host: str) -> None:
    assert "could not be reached" in await Poster().post(f"http://{host}/", {}, b"{}")


async def test_names_and_events_are_checked_before_anything_is_sent(
    tmp_path: Path, home: Home, receiver: Receiver
) -> None:
    async with street(tmp_path) as place, opened(home, place, receiver) as webhooks:
        await webhooks.add(URL, "shop", (), check=False)
        with pytest.raises(errors.NameTaken):
            await webhooks.add(URL, "shop", (), check=True)
        for name, events in (("Shop", ()), ("a/b", ()), ("", ()), ("x", ("pay",)), ("x", ("",)), ("x", ("payment ",))):
            with pytest.raises(errors.BadRequest):
                await webhooks.add(URL, name, events, check=True)
        for _ in range(WEBHOOKS_MAX - 1):
            await webhooks.add(URL, None, (), check=False)
        with pytest.raises(errors.BadRequest):
            await webhooks.add(URL, None, (), check=True)
        assert receiver.got == [] and len(webhooks.listed()) == WEBHOOKS_MAX


def test_the_sample_for_receivers_in_the_readme_knows_our_signatures() -> None:
    readme = (Path(__file__).parents[2] / "wallet" / "README.md").read_text()
    (sample,) = [text for text in re.findall(r"```python\n(.*?)```", readme, re.DOTALL) if "is_genuine" in text]
    names: dict[str, Any] = {"print": lambda _: None}
    exec(sample, names)
    is_genuine, body = names["is_genuine"], b'{"event":"payment"}'
    header = signature("whsec_x", 1_700_000_000, body)
    assert is_genuine("whsec_x", header, body, 1_700_000_200)
    assert not is_genuine("whsec_y", header, body, 1_700_000_200)
    assert not is_genuine("whsec_x", header, body + b" ", 1_700_000_200)
    assert not is_genuine("whsec_x", header, body, 1_700_000_400), "too old to be sent again by somebody else"
