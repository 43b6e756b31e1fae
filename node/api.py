"""What a program may ask the node over HTTP, and the one thing it may hand in: a signed entry.

Answers from the ledger and the journal; changes nothing but through the node's door. Holds no secret. The server,
its guard and the shape of failures are in `node.web`.
"""

from base64 import b64decode
from collections.abc import Sequence
from typing import Protocol

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from protocol.base import HASH_BYTES, AccountId, EntryId, Malformed
from protocol.entry import SIGNED_BYTES_MAX, SignedEntry
from protocol.ledger import Ledger
from protocol.ops import Send
from protocol.payment import community_text, read_payment_id
from protocol.verdict import Accepted, Duplicate, Fork, Refused, Verdict, Waiting

from .amounts import format_amount
from .bookkeeper import Bookkeeper
from .feed import Feed
from .filesystem import StoreRefused
from .journal import Journal
from .metrics import metrics_text
from .records import EntryRecord
from .shapes import (
    AccountsView,
    AccountView,
    CertifiedEntryView,
    EntriesView,
    HealthView,
    HeldEntryView,
    RecordedPaymentView,
    StatusView,
    VerdictView,
)
from .standing import Standing
from .tickets import DoorClosed
from .views import LEVELS, account_named, certificate_view, entry_view, handle_of, send_view
from .web.application import FailureHandlers, answer, problem_response
from .web.calls import FLAG, Call, Handler, Query, flag_in, limit_in, number_in, number_of, paged, read_body
from .web.problem import Failed, Problem, bad_request, not_found
from .web.scopes import Scope
from .web.settled import once_durable

PAGE_MAX = 200
"""Entries in one answer."""
MEMBERS_MAX = 10_000


class ServedNode(Protocol):
    """What the API needs of a running node; `node.service.Node` fits it."""

    @property
    def ledger(self) -> Ledger: ...
    @property
    def journal(self) -> Journal: ...
    @property
    def bookkeeper(self) -> Bookkeeper: ...
    async def pay_in(self, signed_raw: bytes) -> Verdict: ...
    def state_of(self, account: AccountId, seq: int, id: EntryId) -> str: ...
    def connected(self) -> Sequence[str]:
        """Peer ids of the nodes connected now, sorted."""
        ...

    def problems(self) -> Sequence[str]:
        """What is wrong with the node, in words."""
        ...

    @property
    def peer_id(self) -> str: ...
    @property
    def is_witness(self) -> bool: ...


class HandIn(msgspec.Struct, forbid_unknown_fields=True):
    """The body of POST /v1/entries."""

    entry: str
    """The signed form, base64."""


class NodeApi:
    """The handlers. One method a route."""

    def __init__(self, node: ServedNode) -> None:
        self._node = node
        self._feed = Feed(node.bookkeeper)

    def routes(self) -> list[Call]:
        """The table of addresses."""
        settled, read = self._settled, Scope.READ
        entries = (
            Query("after", int, "the `next` of the page before"),
            Query("limit", int, f"1 to {PAGE_MAX}", least=1),
        )
        root = (Query("root", str, "1 adds the state root", FLAG),)
        after = (Query("after", int, "replay what is above this row; so does the header Last-Event-ID"),)
        return [
            Call("GET", "/v1/health", self.health, read, "200 while the node can record, 503 once it cannot",
                 HealthView, also=(503,)),
            Call("GET", "/v1/status", settled(self.status), read, "how the node is", StatusView, query=root),
            Call("GET", "/v1/members", settled(self.members), read, "everybody, in order of admission", AccountsView,
                 query=paged(MEMBERS_MAX)),
            Call("GET", "/v1/accounts/{who}", settled(self.account), read, "one account by number or @handle",
                 AccountView),
            Call("GET", "/v1/accounts/{who}/chain", settled(self.chain), read, "the entries of one account, ascending",
                 EntriesView, query=entries),
            Call("GET", "/v1/entries", settled(self.entries), read, "all entries in the order they were recorded here",
                 EntriesView, query=entries),
            Call("POST", "/v1/entries", self.hand_in, Scope.SPEND, "hand in a signed entry", VerdictView, HandIn,
                 status=201, also=(200, 202), example={"entry": "lQMAAQ=="}),
            Call("GET", "/v1/entries/{id}", settled(self.entry), read, "one entry by its id, with its certificate",
                 CertifiedEntryView),
            Call("GET", "/v1/payments/{id}", settled(self.payment), read, "one payment by its text form pay1...",
                 RecordedPaymentView),
            Call("GET", "/v1/metrics", self.metrics, read, "counters and gauges as Prometheus reads them", bytes,
                 media="text/plain"),
            Call("GET", "/v1/events", self.events, read, "entries and certificates as they become durable", bytes,
                 query=after, media="text/event-stream"),
        ]  # fmt: skip

    def _settled(self, read: Handler) -> Handler:
        return once_durable(self._node.bookkeeper, read, _unsettled)

    # How the node is

    async def health(self, _: Request) -> Response:
        """200 while the node can record; 503 once it cannot."""
        failed = self._node.bookkeeper.failed
        view: HealthView = {"ok": failed is None, "failed": failed}
        return answer(view, 200 if failed is None else 503)

    async def status(self, request: Request) -> Response:
        """Community, height, peers, and what is wrong if anything is; with ?root=1 also the state root."""
        ledger, commons = self._node.ledger, self._node.ledger.commons
        view: StatusView = {
            "community": community_text(commons.community),
            "name": commons.name,
            "unit": commons.unit,
            "decimals": commons.decimals,
            "height": commons.height,
            "quorum": commons.quorum,
            "witnesses": len(commons.witnesses),
            "members": len(commons.members),
            "sum": format_amount(ledger.check_sum(), commons.decimals),
            "row": self._node.journal.last_row,
            "waiting": len(self._node.bookkeeper.waiting),
            "peer_id": self._node.peer_id,
            "peers": list(self._node.connected()),
            "witness": self._node.is_witness,
            "problems": list(self._node.problems()),
        }
        if flag_in(request, "root"):
            view["state_root"] = ledger.state_root().hex()
        return answer(view)

    async def metrics(self, _: Request) -> Response:
        """Counters and gauges as Prometheus reads them."""
        text = metrics_text(self._node.ledger, self._node.bookkeeper, len(self._node.connected()))
        return Response(text, media_type="text/plain; version=0.0.4")

    # Accounts

    async def members(self, request: Request) -> Response:
        """Everybody above `after`, in order of admission, at most `limit`; `next`: where to go on, or null."""
        after, limit = number_in(request, "after", 0), limit_in(request, MEMBERS_MAX, MEMBERS_MAX)
        numbers = [number for number in sorted(self._node.ledger.commons.members) if number > after]
        page = numbers[:limit]
        view: AccountsView = {
            "members": [self._account_view(number) for number in page],
            "next": page[-1] if len(numbers) > limit else None,
        }
        return answer(view)

    async def account(self, request: Request) -> Response:
        """One account by number or handle."""
        return answer(self._account_view(self._account(request)))

    async def chain(self, request: Request) -> Response:
        """Durable entries of one account above `after`, ascending, at most `limit`; `next`: where to go on, or null."""
        account = self._account(request)
        after, limit = number_in(request, "after", -1), limit_in(request, 50, PAGE_MAX)
        chain = self._node.ledger.chain(account)
        if chain is None:
            return answer(_entries([], None))
        rows = self._node.journal.entries(account, chain.incarnation, after + 1, min(chain.seq, after + limit))
        held = [signed for signed in rows if chain.id_at(signed.seq) == signed.id]
        is_more = bool(held) and held[-1].seq < chain.seq
        return answer(_entries([*map(self._entry_view, held)], held[-1].seq if is_more else None))

    def _account(self, request: Request) -> AccountId:
        account = account_named(self._node.ledger.commons, request.path_params["who"])
        if account is None:
            raise Failed(not_found("there is no such account here", "GET /v1/members lists them"))
        return account

    def _account_view(self, account: AccountId) -> AccountView:
        ledger, commons = self._node.ledger, self._node.ledger.commons
        chain = ledger.chain(account)
        return {
            "account": account,
            "handle": handle_of(commons, account),
            "balance": format_amount(ledger.balance(account), commons.decimals),
            "limit": format_amount(commons.limit(account), commons.decimals),
            "unit": commons.unit,
            "level": LEVELS[commons.level(account)],
            "incarnation": chain.incarnation if chain else 0,
            "seq": chain.seq if chain else None,
            "id": chain.id.hex() if chain else None,
            "final_seq": chain.final_seq if chain else None,
            "conflict": self._is_in_conflict(account),
        }

    def _is_in_conflict(self, account: AccountId) -> bool:
        """Tell whether votes split over an entry of this account, as far as this node asked for them."""
        chain = self._node.ledger.chain(account)
        tail = [] if chain is None else [held.signed for held in chain.tail]
        return any(self._node.state_of(account, signed.seq, signed.id) == Standing.CONFLICT for signed in tail)

    # Entries and payments

    async def entries(self, request: Request) -> Response:
        """Entries of any account above journal row `after`, as they were recorded, from at most `limit` rows.

        `next` is the last row that was looked at, null when there is none above it.
        """
        after, limit = number_in(request, "after", 0), limit_in(request, 50, PAGE_MAX)
        journal = self._node.journal
        page = journal.since(after, limit)
        is_more = len(page) == limit and bool(journal.since(page[-1][0], 1))
        held = [self._entry_view(record.signed) for _, record in page if isinstance(record, EntryRecord)]
        return answer(_entries(held, page[-1][0] if is_more else None))

    async def entry(self, request: Request) -> Response:
        """One entry by its id, with the certificate that covers it."""
        signed = self._by_id(request.path_params["id"])
        chain = self._node.ledger.chain(signed.account)
        covered = chain is not None and signed.seq <= chain.final_seq and chain.id_at(signed.seq) == signed.id
        place = signed.account, signed.seq, signed.entry.incarnation
        certificate = self._node.journal.certificate_at(*place) if covered else None
        shown = None if certificate is None else certificate_view(certificate)
        view: CertifiedEntryView = {**self._entry_view(signed), "certificate": shown}
        return answer(view)

    async def payment(self, request: Request) -> Response:
        """One payment by its text form."""
        try:
            payment = read_payment_id(request.path_params["id"])
        except Malformed as error:
            raise Failed(
                bad_request(f"that is no payment id: {error}", "copy the whole id, it starts with pay1")
            ) from None
        signed = self._node.journal.by_id(payment.entry)
        if signed is None or payment.op >= len(signed.entry.ops) or not isinstance(signed.entry.ops[payment.op], Send):
            raise Failed(not_found("there is no such payment here", "it may not have arrived yet"))
        state = self._node.state_of(signed.account, signed.seq, signed.id)
        view: RecordedPaymentView = {
            **send_view(signed, payment.op, self._node.ledger.commons),
            "state": state,
            "entry": signed.id.hex(),
            "op": payment.op,
            "time": signed.entry.time,
        }
        return answer(view)

    async def hand_in(self, request: Request) -> Response:
        """Take a signed entry in by the door: recorded when this answers 201."""
        raw = base64_bytes((await read_body(request, HandIn)).entry)
        try:
            return verdict_response(await self._node.pay_in(raw))
        except Malformed as error:
            raise Failed(Problem(400, "malformed", f"these bytes are no signed entry: {error}")) from None

    def _by_id(self, text: str) -> SignedEntry:
        try:
            id = bytes.fromhex(text)
        except ValueError:
            id = b""
        if len(id) != HASH_BYTES or text != id.hex():
            raise Failed(bad_request("an entry's id is 64 hex digits in small letters"))
        signed = self._node.journal.by_id(EntryId(id))
        if signed is None:
            raise Failed(not_found("there is no such entry here", "it may not have arrived yet"))
        return signed

    def _entry_view(self, signed: SignedEntry) -> HeldEntryView:
        state = self._node.state_of(signed.account, signed.seq, signed.id)
        return {**entry_view(signed, self._node.ledger.commons), "state": state}

    # Events

    async def events(self, request: Request) -> Response:
        """Entries and certificates as they become durable, each with its row as id; replays what is above `after`."""
        if self._feed.is_full:
            raise Failed(Problem(503, "too_many_listeners", "too many event streams are open", "close one first"))
        named = request.headers.get("last-event-id")
        newest = self._node.journal.last_row
        after = number_of(named, "Last-Event-ID") if named else number_in(request, "after", newest)
        return StreamingResponse(self._feed.follow(after), media_type="text/event-stream")


def _entries(entries: list[HeldEntryView], next: int | None) -> EntriesView:
    return {"entries": entries, "next": next}


def verdict_response(verdict: Verdict) -> Response:
    """Say what became of an entry that was handed in."""
    match verdict:
        case Accepted():
            return answer({"verdict": "accepted"}, 201)
        case Duplicate():
            return answer({"verdict": "duplicate"})
        case Waiting(need, account, incarnation, seq):
            where = {"account": account, "incarnation": incarnation, "seq": seq}
            return answer({"verdict": "waiting", "need": need.value, **where}, 202)
        case Refused(code, facts):
            return problem_response(Problem(422, code.word, f"the rules refuse it: {facts}", "nothing changed"))
        case Fork(proof):
            return problem_response(
                Problem(409, "conflict", "another entry, signed as validly, is held for its place",
                        "never sign twice for one place", {"held": proof.first.id.hex()})
            )  # fmt: skip


def _door_closed(error: Exception) -> Problem:
    return Problem(507, "record_failed", f"the record cannot be kept: {error}", "free the disk, then start again")


def _unsettled(error: DoorClosed) -> Failed:
    detail = f"what would be shown is not on disk: {error}"
    return Failed(Problem(503, "record_failed", detail, "ask again; if it stays so, mend the disk, then start again"))


def _unreadable(error: Exception) -> Problem:
    assert isinstance(error, StoreRefused)
    return Problem(503, "record_unreadable", error.facts, error.next_step)


FAILURES: FailureHandlers = {DoorClosed: _door_closed, StoreRefused: _unreadable}


def base64_bytes(text: str) -> bytes:
    """Read base64. Raises Failed(bad_request)."""
    if len(text) > 2 * SIGNED_BYTES_MAX:
        raise Failed(bad_request("the entry is longer than any entry can be"))
    try:
        return b64decode(text, validate=True)
    except ValueError:
        raise Failed(bad_request("the entry must be base64")) from None
