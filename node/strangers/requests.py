"""The box of requests to join: what newcomers left at this node or another one, until it ends or they are admitted.

A request ends by the clock, its own or its invite's, when who issued its invite may invite no more, and when an account
with its keys was admitted. Those that were admitted are remembered a while longer than their invite, so that it can be
said to be used up, and a newcomer who was away hears of the admission. Bounded, because anybody with an invite can
leave one: members' invites never take the room of the stewards'. May not admit anybody, sign or send.
"""

import logging
from collections.abc import Callable, Iterable, Iterator

from protocol import codec
from protocol.base import COMMONS, AccountId, Malformed, PublicKey
from protocol.invite import InviteFault, voucher_fault
from protocol.ledger import Ledger
from protocol.request import Request, request_fault
from protocol.signing import Authority

from ..board import Keeper
from ..journal import Change, DropRequest, KeepRequest
from ..writing import let_go

logger = logging.getLogger("tallystick.requests")

REQUEST_BYTES_MAX = 8_192
ISSUER_MAX = 64
"""Live requests on invites of one issuer; account 0 stands for all stewards."""
ALL_MAX = 256
"""Live requests; the places of account 0 among them are kept free for it."""
ADMITTED_MAX = 512
"""Requests that are remembered because they were admitted; of more, those whose invites end first are forgotten."""
ADMITTED_KEPT_S = 30 * 86_400
"""After the end of its invite one that was admitted is remembered so long: a newcomer who was away may hear of it."""

FULL, OLDER, BUSY, USED_UP = "full", "older", "busy", InviteFault.USED_UP.code
"""Codes beside those of `request_fault`: no room; a newer one of the same newcomer is here; the disk takes nothing."""

Listener = Callable[[], None]
NewListener = Callable[[Request], None]


class RequestBox:
    """The requests that this node holds. `ledger` gives the present ledger; times are seconds since 1970."""

    def __init__(self, keeper: Keeper, ledger: Callable[[], Ledger]) -> None:
        self._keeper = keeper
        self._ledger = ledger
        self._live: dict[bytes, Request] = {}
        self._admitted: dict[bytes, Request] = {}
        self._known: set[Authority] = set()
        """The admitted authorities at height `_known_at`; heights never fall, and what is decided stays."""
        self._known_at = -1
        self._listeners: list[Listener] = []
        self._new_listeners: list[NewListener] = []

    def restore(self, contents: Iterable[bytes]) -> None:
        """Take up what the disk held; it was judged when it came."""
        for content in contents:
            try:
                request = Request.read(codec.items(codec.decode(content, REQUEST_BYTES_MAX)))
                self._live[request.id] = request
            except Malformed as error:
                logger.warning("a request on the disk cannot be read and is left out: %s", error)

    def on_change(self, listener: Listener) -> None:
        """Have `listener` called when requests came or ended, once that is durable."""
        self._listeners.append(listener)

    def on_new(self, listener: NewListener) -> None:
        """Have `listener` told of each new request, once it is durable."""
        self._new_listeners.append(listener)

    def live(self, now_s: int) -> list[Request]:
        """The requests that wait to be admitted, in the order in which they came."""
        return [request for request in self._live.values() if _ends_at(request) > now_s and not self._is_in(request)]

    def holds(self, id: bytes) -> bool:
        """Tell whether this very request is here already, waiting or admitted."""
        return id in self._live or id in self._admitted

    def has_admitted(self, key: PublicKey) -> bool:
        """Tell whether somebody was admitted on the invite with this one-time key, as far as that is remembered."""
        return any(request.voucher.key == key for request in self._admitted.values())

    def take(self, request: Request, now_s: int) -> str | None:
        """Keep a request; says by a code why not. One that is here already, or admitted, is no fault."""
        if self.holds(request.id) or self._is_in(request):
            return None
        fault = self.quick_fault(request, now_s) or request_fault(self._ledger(), request, now_s)
        if fault is not None:
            return fault
        ends = [own.id for own in self._own(request)]
        for id in ends:
            del self._live[id]
        self._live[request.id] = request
        kept = KeepRequest(request.id, codec.encode(request.plain()))
        changes: list[Change] = [*map(DropRequest, ends), kept]
        self._keeper.stage(changes, lambda: self._tell(request))
        return None

    def quick_fault(self, request: Request, now_s: int) -> str | None:
        """As the code of `take`, by what costs no look at signatures."""
        if _ends_at(request) <= now_s:
            return InviteFault.EXPIRED.code
        if self._keeper.is_full:
            return BUSY
        own = self._own(request)
        if any(_age(request) < _age(other) for other in own):
            return OLDER
        if self._count_beside(request) >= max(1, request.voucher.uses):
            return USED_UP
        return None if own or self._has_room(request.voucher.issuer) else FULL

    async def durable(self) -> str | None:
        """Wait until all that was taken is on the disk; says why when the disk did not take it."""
        return await self._keeper.durable()

    def sweep(self, now_s: int) -> None:
        """Let go what has ended, by the clock or with its invite, and set apart what was admitted."""
        admitted = [request for request in self._live.values() if self._is_in(request)]
        for request in admitted:
            self._admitted[request.id] = self._live.pop(request.id)
        excess = len(self._admitted) - ADMITTED_MAX
        gone = [request.id for request in sorted(self._admitted.values(), key=_ends_at)[: max(0, excess)]]
        gone += [id for id, request in self._admitted.items() if _ends_at(request) + ADMITTED_KEPT_S <= now_s]
        # whose invite is no good is turned away everywhere by now, and would not hear of an admission
        gone += [id for id, request in self._live.items()
                 if _ends_at(request) <= now_s or voucher_fault(self._ledger(), request.voucher, now_s)]  # fmt: skip
        gone = list(dict.fromkeys(gone))
        for id in gone:
            self._live.pop(id, None)
            self._admitted.pop(id, None)
        if gone or admitted:
            self._keeper.stage([*map(DropRequest, gone)], self._tell_change)

    def _all(self) -> Iterator[Request]:
        yield from self._live.values()
        yield from self._admitted.values()

    def _is_in(self, request: Request) -> bool:
        """Tell whether an account with the newcomer's keys was admitted."""
        commons = self._ledger().commons
        if commons.height != self._known_at:
            self._known_at = commons.height
            self._known = {member.authority for member in commons.members.values()}
        return request.authority in self._known

    def _own(self, request: Request) -> list[Request]:
        """What the same newcomer asks on the same invite: one at most."""
        return [other for other in self._live.values() if _newcomer(other) == _newcomer(request)]

    def _count_beside(self, request: Request) -> int:
        """How many others ask, or were admitted, on the same invite."""
        return sum(other.voucher.key == request.voucher.key and other.authority != request.authority
                   for other in self._all())  # fmt: skip

    def _has_room(self, issuer: AccountId) -> bool:
        of_issuer = sum(other.voucher.issuer == issuer for other in self._live.values())
        of_members = sum(other.voucher.issuer != COMMONS for other in self._live.values())
        return of_issuer < ISSUER_MAX and (issuer == COMMONS or of_members < ALL_MAX - ISSUER_MAX)

    def _tell(self, request: Request) -> None:
        for listener in self._new_listeners:
            let_go(listener, request)
        self._tell_change()

    def _tell_change(self) -> None:
        for listener in self._listeners:
            let_go(listener)


def _ends_at(request: Request) -> int:
    return min(request.expires, request.voucher.expires)


def _age(request: Request) -> tuple[int, bytes]:
    """Of two requests of one newcomer the greater one stays, at every node."""
    return request.expires, request.id


def _newcomer(request: Request) -> tuple[bytes, Authority]:
    return request.voucher.key, request.authority
