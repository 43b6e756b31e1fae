"""Webhooks: what happens to the accounts of a wallet is sent where its owner wants it, at least once, in order.

Each webhook goes through the wallet's feed on its own: an event is sent again, with growing pauses, until its receiver
takes it, and only then comes the next. The book knows how far each has come, so a killed process goes on where it was.
A receiver knows by the signature that it was this wallet, and by the id that it has an event already.
Sending itself is `posting`'s; may not sign payments and never passes on a sealed memo.
"""

import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec
import trio

from ..books import webhooks as book_webhooks
from ..books.book import Book
from ..books.clerk import Clerk
from ..books.webhooks import Delivery, Moved, Removed, WebhookRow
from ..errors import BadRequest, BookFailed, NameTaken, NotFound, WebhookUnanswered
from .feed import Feed
from .happenings import At, Happening, read_at
from .tokens import check_name

if TYPE_CHECKING:
    from trio_typing import TaskStatus

EVENTS = ("payment", "admitted", "limit", "suspended", "frozen", "reinstated", "charge")
WEBHOOKS_MAX = 16
URL_MAX = 2_000
SECRET_BYTES = 32
SECRET_PREFIX = "whsec_"
FIRST_PAUSE_S = 5.0
PAUSE_GROWS = 4.0
LONGEST_PAUSE_S = 86_400.0

Post = Callable[[str, dict[str, str], bytes], Awaitable[str]]
"""Send a body with headers to a URL; returns why it was not taken, in a few words, or nothing."""


def signature(secret: str, time_s: int, body: bytes) -> str:
    """The value of the header Tallystick-Signature: HMAC-SHA256 over "TIME.BODY" with the secret's text as key."""
    code = hmac.new(secret.encode(), f"{time_s}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={time_s},v1={code}"


def pause_s(tries: int) -> float:
    """How long to wait after that many tries: 5 s, 20 s, 80 s ... a day."""
    return min(LONGEST_PAUSE_S, FIRST_PAUSE_S * PAUSE_GROWS ** min(tries - 1, 20))


def check_url(url: str) -> str:
    """Return the host of a URL that events may be sent to. Raises BadRequest."""
    wrong = BadRequest(
        "A webhook's address is http:// or https://, a host and a path, without a name and password or a #.",
        {"given": url[:80]}, "Write an address such as https://shop.example/hook.",
    )  # fmt: skip
    if not url.isascii() or not url.isprintable() or " " in url or len(url) > URL_MAX:
        raise wrong
    try:
        parts = urlsplit(url)
        port = parts.port
        (parts.hostname or "").encode("idna")  # else no name server can be asked for it
    except ValueError:
        raise wrong from None
    is_bare = not parts.username and not parts.password and "@" not in parts.netloc and "#" not in url
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0 or not is_bare or "\\" in url:
        raise wrong
    return parts.hostname


@dataclass(slots=True, eq=False)
class _Running:
    """A webhook at work."""

    row: WebhookRow
    tries: int = 0
    """In vain, of the event that is to be delivered now."""
    again: trio.Event = field(default_factory=trio.Event)
    """Set when there is reason to try again at once."""
    scope: trio.CancelScope = field(default_factory=trio.CancelScope)


@dataclass(frozen=True, slots=True)
class Shown:
    """A webhook as its owner sees it: all but the secret."""

    row: WebhookRow
    tries: int
    last: Delivery | None


class Webhooks:
    """The webhooks of one wallet. `run` must be running for anything to be sent but tests."""

    def __init__(
        self, book: Book, clerk: Clerk, feed: Feed, post: Post, clock: Callable[[], float] = time.time
    ) -> None:
        self._book, self._clerk, self._feed, self._post, self._clock = book, clerk, feed, post, clock
        self._all = {row.name: _Running(row) for row in book_webhooks.webhooks(book)}
        self._nursery: trio.Nursery | None = None

    async def run(self, *, task_status: "TaskStatus[None]" = trio.TASK_STATUS_IGNORED) -> None:
        """Deliver until cancelled."""
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            for running in self._all.values():
                nursery.start_soon(self._deliver_all, running)
            nursery.start_soon(trio.sleep_forever)
            task_status.started()

    # Delivering

    async def _deliver_all(self, running: _Running) -> None:
        """Go through the feed from where the webhook is, for as long as it is there."""
        with running.scope:
            try:
                after = read_at(running.row.upto)
                while True:
                    after = await self._deliver_page(running, after)
            except BookFailed:
                return  # the wallet tells of it itself; after a restart it goes on from what the book says

    async def _deliver_page(self, running: _Running, after: At) -> At:
        page = self._feed.page(after)
        for happening in page.happenings:
            if not running.row.events or happening.event in running.row.events:
                await self._deliver(running, happening)
        if page.is_last:
            await self._feed.wait(page.upto)
        else:
            await self._clerk.keep(Moved(running.row.id, str(page.upto)))  # so that a long way is gone once
        return page.upto

    async def _deliver(self, running: _Running, happening: Happening) -> None:
        """Send one event until it is taken, and write down that it was."""
        id, at = f"{running.row.id}-{happening.at}", str(happening.at)
        content = {"delivery": id, **happening.view()}
        if content.get("sealed"):
            content["memo"] = None  # it is for payer and payee alone
        while True:
            running.again = trio.Event()
            fault = await self._send(running.row, id, content)
            running.tries = running.tries + 1 if fault else 0
            tries = running.tries if fault else 1
            await self._clerk.keep(Delivery(running.row.id, id, happening.event, int(self._clock()), tries, fault, at))
            if not fault:
                return
            with trio.move_on_after(pause_s(running.tries)):
                await running.again.wait()

    async def _send(self, row: WebhookRow, id: str, content: dict[str, Any]) -> str:
        body = msgspec.json.encode(content)
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "tallystick",
            "Tallystick-Delivery": id,
            "Tallystick-Signature": signature(row.secret, int(self._clock()), body),
        }
        return await self._post(row.url, headers, body)

    # Its owner's part

    def listed(self) -> list[Shown]:
        """All webhooks, by name."""
        return [self._shown(running) for _, running in sorted(self._all.items())]

    def _shown(self, running: _Running) -> Shown:
        last = next(iter(book_webhooks.deliveries(self._book, running.row.id)), None)
        return Shown(running.row, running.tries, last)

    def deliveries(self, name: str) -> list[Delivery]:
        """How the last deliveries went, newest first. Raises NotFound."""
        return book_webhooks.deliveries(self._book, self._named(name).row.id)

    def _named(self, name: str) -> _Running:
        if name not in self._all:
            raise NotFound("There is no webhook of that name.", {"name": name[:40]}, "See `tally webhook list`.")
        return self._all[name]

    async def add(self, url: str, name: str | None, events: Sequence[str], *, check: bool) -> WebhookRow:
        """Tell `url` of what happens from now on; the row holds the secret, which is shown this once.

        Raises BadRequest, NameTaken, BookFailed, and WebhookUnanswered when `check` is asked for and a test fails.
        """
        host = check_url(url)
        name = self._free_name(host) if name is None else check_name(name, "webhook")
        self._check(name, events)
        secret = SECRET_PREFIX + secrets.token_urlsafe(SECRET_BYTES)
        upto, now = str(self._feed.newest()), int(self._clock())
        row = WebhookRow(secrets.token_hex(4), name, url, tuple(dict.fromkeys(events)), secret, now, upto)
        if check:
            await self._require_answer(row)
            self._check(name, events)  # others may have come meanwhile
        running = self._all[name] = _Running(row)
        try:
            with trio.CancelScope(shield=True):
                await self._clerk.keep(row)
        except BookFailed:
            del self._all[name]
            raise
        if self._nursery is not None:
            self._nursery.start_soon(self._deliver_all, running)
        return row

    def _free_name(self, host: str) -> str:
        plain = re.sub(r"[^a-z0-9._-]", "-", host.lower()).strip(".-_")[:28] or "hook"
        names = (plain if number == 1 else f"{plain}-{number}" for number in range(1, WEBHOOKS_MAX + 2))
        return next(name for name in names if name not in self._all)

    def _check(self, name: str, events: Sequence[str]) -> None:
        if unknown := [event for event in events if event not in EVENTS]:
            raise BadRequest("There is no event of that name.", {"given": unknown[0][:40], "known": ", ".join(EVENTS)})
        if name in self._all:
            raise NameTaken("There is a webhook of that name already.", {"name": name})
        if len(self._all) >= WEBHOOKS_MAX:
            raise BadRequest(f"There may be {WEBHOOKS_MAX} webhooks at most.", next="Remove one first.")

    async def _require_answer(self, row: WebhookRow) -> None:
        id = f"{row.id}-test"
        fault = await self._send(row, id, {"delivery": id, "event": "test"})
        if fault:
            raise WebhookUnanswered(f"The webhook did not take a test: {fault}.", {"url": row.url, "reason": fault})

    async def test(self, target: str) -> None:
        """Send a test to a webhook by its name, or to a URL. What waits for that webhook is tried again at once.

        Raises BadRequest, NotFound, WebhookUnanswered.
        """
        if "://" in target:
            check_url(target)
            await self._require_answer(WebhookRow("unnamed", "", target, (), secrets.token_hex(), 0, "0"))
            return
        running = self._named(target)
        await self._require_answer(running.row)
        running.again.set()

    async def remove(self, name: str) -> WebhookRow:
        """Tell a webhook nothing more. Raises NotFound, BookFailed."""
        running = self._named(name)
        del self._all[name]
        running.scope.cancel()
        with trio.CancelScope(shield=True):
            await self._clerk.keep(Removed(running.row.id))
        return replace(running.row, secret="")
