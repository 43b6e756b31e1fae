"""Invites and requests: how a community grows.

A steward's invite may admit so many newcomers without another look: its *voucher* says so, and this wallet, which
issued it, makes requests on it into admissions by itself, each counted in the book before it is proposed. A member's
invite, and a steward's without uses, lets somebody ask; a steward then admits by hand. The one-time key of an invite
is in its text alone. May not decide anything: admissions are acts.
"""

import secrets
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import Protocol

from node import wallclock
from protocol import codec
from protocol.base import COMMONS, AccountId, PublicKey
from protocol.bodies import ROLE_ARCHIVE, ROLE_WITNESS, Card
from protocol.invite import SEED_BYTES, USES_MAX, Invite, InviteFault, Voucher, one_time_key, voucher_fault
from protocol.ledger import Ledger
from protocol.ops import Admit
from protocol.request import Request
from protocol.signing import SecretKey, Tag, sign

from .. import errors
from ..books.acts import ActPages, Dealt, DealtRow, InviteRow, WishRow
from ..books.clerk import Clerk
from ..refusals import stopped
from .ops import read_wanted
from .stewarding import Stewarding

ADDRESSES_MAX = 4
LONGEST_S = 365 * 86_400
VOUCHER_BYTES_MAX = 4_096
ADMITS_MAX = 24
"""Newcomers in one act; more follow in the next."""
ADMITS_BYTES_MAX = 3_500
"""Their ops together. An entry has room for no more, and who asks chooses how many keys an account has."""


class Cards(Protocol):
    """What is read of the node's board."""

    def cards(self, now_s: int) -> Sequence[tuple[AccountId, Card]]: ...


class Requests(Protocol):
    """The node's box of requests."""

    def live(self, now_s: int) -> Sequence[Request]: ...


class InvitingNode(Protocol):
    """What inviting needs of a node."""

    @property
    def ledger(self) -> Ledger: ...
    @property
    def board(self) -> Cards: ...
    @property
    def requests(self) -> Requests: ...


class Inviter(Protocol):
    """The wallet that invites."""

    def signing_key(self, account: AccountId) -> SecretKey: ...
    def steward_key(self, account: AccountId) -> SecretKey: ...


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as a steward sees it."""

    request: Request
    invited_by: AccountId
    """0: a steward."""
    own: bool
    """By an invite of this wallet."""
    alike: tuple[str, ...]
    """Handles of members that the wanted one looks like."""


class Inviting:
    """Makes invites, lists requests and admits.

    `resembling` names the members that a handle looks like; `reached_at` is where others reach this node, as multiaddrs
    with its peer id.
    """

    def __init__(
        self, node: InvitingNode, inviter: Inviter, acts: Stewarding, clerk: Clerk,
        resembling: Callable[[str], Sequence[str]], reached_at: Callable[[], Sequence[str]],
    ) -> None:  # fmt: skip
        self._node, self._inviter, self._acts, self._clerk = node, inviter, acts, clerk
        self._resembling, self._reached_at = resembling, reached_at

    @property
    def _pages(self) -> ActPages:
        return self._acts.pages

    # Inviting

    async def invite(self, account: AccountId, uses: int, lasts_s: int, limit: int | None) -> Invite:
        """Make an invite of a steward of this wallet, else of the member `account`, whose invites have no uses.

        `limit` is the credit limit of whoever is admitted by it, by default the inviter's own. Durable when it
        returns. Raises Locked, NotSteward, Suspended, BadRequest, and Unreachable when nobody could be reached by it.
        """
        if not 0 <= uses <= USES_MAX or not 1 <= lasts_s <= LONGEST_S:
            raise errors.BadRequest(f"An invite has 0 to {USES_MAX} uses and lasts up to a year.")
        addresses = self._addresses()
        if not addresses:
            raise errors.Unreachable("Nobody could reach this community: no address is known.", next=_ANNOUNCE)
        seed, now_s, commons = secrets.token_bytes(SEED_BYTES), wallclock.now_s(), self._node.ledger.commons
        most = commons.limit(account) if limit is None else limit
        draft = Voucher(one_time_key(seed).public, COMMONS, uses, most, now_s, now_s + lasts_s, ())
        voucher = self._signed(draft, account)
        fault = voucher_fault(self._node.ledger, voucher, now_s)
        if fault is InviteFault.SUSPENDED:
            raise stopped(commons.level(account), "invite")
        if fault is not None:
            raise errors.BadRequest(f"You cannot invite now: {fault.words}.")
        row = InviteRow(voucher.key, codec.encode(voucher.plain()), now_s)
        await self._keep(row)
        anchor = self._node.ledger.id_at(COMMONS, 0, commons.height)
        assert anchor is not None
        return Invite(commons.community, commons.height, anchor, addresses, seed, voucher)

    def _signed(self, draft: Voucher, account: AccountId) -> Voucher:
        community, seats = self._node.ledger.commons.community, self._acts.ballots.seats()
        if seats:
            signature = sign(self._inviter.steward_key(seats[0].account), Tag.INVITE, community, draft.content())
            return replace(draft, signatures=((seats[0].steward, signature),))
        if draft.uses:
            raise errors.NotSteward("Only a steward's invite admits without another look.", next=_WITHOUT_USES)
        own = replace(draft, issuer=account)
        signature = sign(self._inviter.signing_key(account), Tag.INVITE, community, own.content())
        return replace(own, signatures=((0, signature),))

    def _addresses(self) -> tuple[str, ...]:
        """Those that are always there first: witnesses and archives, then this node.

        Anybody can say that of a card, so one member's second comes after everybody's first; a steward's are hosts'.
        """
        turns: Counter[AccountId] = Counter()
        cards: list[tuple[int, str]] = []
        for author, card in self._node.board.cards(wallclock.now_s()):
            if card.addresses and card.roles & (ROLE_WITNESS | ROLE_ARCHIVE):
                turns[author] += author != COMMONS
                cards.append((turns[author], f"{card.addresses[0]}/p2p/{card.peer}"))
        steady = [address for _, address in sorted(cards, key=itemgetter(0))]
        found = [*steady[: ADDRESSES_MAX - 1], *self._reached_at(), *steady]
        return tuple(dict.fromkeys(found))[:ADDRESSES_MAX]

    # Requests

    def asked(self) -> list[Asked]:
        """The requests that wait for a steward and were not declined here."""
        found = []
        for request in self._node.requests.live(wallclock.now_s()):
            dealt = self._pages.dealt.get(request.id)
            if dealt is None or dealt.how is not Dealt.DECLINED:
                voucher = request.voucher
                alike = tuple(self._resembling(request.handle))
                found.append(Asked(request, voucher.issuer, voucher.key in self._pages.invites, alike))
        return found

    async def admit(self, who: str, limit: int | None, timeout_s: float = 0.0) -> WishRow:
        """Admit whoever asked for a handle. `limit` is the credit limit, by default that of the invite.

        Raises NotFound, BadRequest when several ask for it, and what `Stewarding.propose` raises.
        """
        return await self._acts.propose([self.admission(who, limit)], timeout_s)

    def admission(self, who: str, limit: int | None) -> Admit:
        """The op that admits whoever asked for a handle. Raises NotFound, BadRequest."""
        return _admit(self._the_one(who), limit)

    async def decline(self, who: str) -> Request:
        """Show a request no longer here; other stewards still see it. Raises NotFound, BadRequest."""
        request = self._the_one(who)
        await self._keep(DealtRow(request.id, request.voucher.key, Dealt.DECLINED, request.expires))
        return request

    def _the_one(self, who: str) -> Request:
        """The request for a handle, or of an id that begins so."""
        wanted = who.lower().removeprefix("@")
        asked = [one.request for one in self.asked()]
        found = [request for request in asked if request.handle == wanted]
        found = found or [request for request in asked if len(wanted) >= 4 and request.id.hex().startswith(wanted)]
        if not found:
            raise errors.NotFound("Nobody asks to be admitted under that name.", {"given": who[:40]}, _LIST)
        if len(found) > 1:
            ids = ", ".join(request.id.hex()[:8] for request in found)
            raise errors.BadRequest("Several ask for that name.", {"requests": ids}, "Name one by its id.")
        return found[0]

    # By itself

    async def tend(self) -> None:
        """Make requests on this wallet's vouchers into one act, when none of that kind is under way."""
        if not self._acts.ballots.seats() or any(_is_admission(wish) for wish in self._pages.open_wishes()):
            return
        chosen = self._to_admit()
        if chosen:
            counted = [DealtRow(one.id, one.voucher.key, Dealt.ADMITTED, one.expires) for one in chosen]
            await self._acts.propose([_admit(request, None) for request in chosen], beside=counted)

    def _to_admit(self) -> list[Request]:
        """What vouchers of this wallet have uses left for; a handle that is taken is left for its owner to change."""
        now_s, ledger = wallclock.now_s(), self._node.ledger
        chosen: dict[str, Request] = {}
        left: dict[PublicKey, int] = {}
        room = ADMITS_BYTES_MAX
        for request in self._node.requests.live(now_s):
            key, is_taken = request.voucher.key, request.handle in ledger.commons.by_handle
            if request.id in self._pages.dealt or is_taken or request.handle in chosen:
                continue
            size = len(codec.encode(_admit(request, None).plain()))
            uses = left[key] if key in left else self._uses_left(key)
            has_room = uses > 0 and size <= room and len(chosen) < ADMITS_MAX
            if has_room and voucher_fault(ledger, request.voucher, now_s) is None:
                left[key], room = uses - 1, room - size
                chosen[request.handle] = request
        return list(chosen.values())

    def _uses_left(self, key: PublicKey) -> int:
        """By the voucher as this wallet wrote it, whatever a request shows; 0 for one that it did not write."""
        row = self._pages.invites.get(key)
        if row is None:
            return 0
        return Voucher.read(codec.decode(row.voucher, VOUCHER_BYTES_MAX)).uses - self._pages.uses(key)

    async def _keep(self, row: InviteRow | DealtRow) -> None:
        await self._pages.keep(self._clerk, row)


def _is_admission(wish: WishRow) -> bool:
    return wish.own and all(isinstance(op, Admit) for op in read_wanted(wish.ops))


def _admit(request: Request, limit: int | None) -> Admit:
    most = request.voucher.limit if limit is None else limit
    return Admit(COMMONS, request.handle, request.authority, most)


_ANNOUNCE = "Say where this node is reached: `tally up --announce ADDRESS`."
_WITHOUT_USES = "Leave out --uses: a steward then admits whoever asks."
_LIST = "See `tally requests`."
