"""The stewards' room: acts, invites, requests, stewards, the community. What signs is for the owner's token alone."""

from collections.abc import Sequence

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from node.api import ServedNode
from node.web.application import answer
from node.web.calls import Call, read_body
from node.web.scopes import Scope
from protocol.base import AccountId, EntryId
from protocol.ops import Op

from .. import errors
from ..money import parse_limit
from ..service import Wallet
from ..stewards.listing import ActRow, ActState
from ..stewards.office import Office
from ..stewards.orders import Propose, ops_of
from ..stewards.words import Wording
from .act_shapes import (
    ActPreviewView,
    ActsView,
    ActView,
    CommunityView,
    DeclinedView,
    InviteView,
    RequestsView,
    StewardsView,
)
from .act_views import act_view, community_view, invite_view, request_view
from .durable import once_shown
from .keyed import once_ever
from .paying import bounded

DAY_S = 86_400


class Invite(msgspec.Struct, forbid_unknown_fields=True):
    """An invite to be made. Without `limit` a newcomer gets the inviter's own credit limit."""

    uses: int = 0
    lasts_s: int = 7 * DAY_S
    limit: str | None = None
    owner: str | None = msgspec.field(default=None, name="as")


class Sign(msgspec.Struct, forbid_unknown_fields=True):
    """How long to wait for the decision, when no other steward is needed."""

    timeout_s: float = 30.0


class CallStewards(msgspec.Struct, forbid_unknown_fields=True):
    """Members who are asked to be the stewards, `needed` of whom sign."""

    members: list[str]
    needed: int
    owner: str | None = msgspec.field(default=None, name="as")


class Serve(msgspec.Struct, forbid_unknown_fields=True):
    """Whose owner would be a steward."""

    owner: str | None = msgspec.field(default=None, name="as")


class ActsApi:
    """The handlers. One method a call."""

    def __init__(self, wallet: Wallet, node: ServedNode, office: Office) -> None:
        self._wallet, self._node = wallet, node
        self._acts, self._inviting, self._calling = office.acts, office.inviting, office.calling
        self._listing = office.listing

    def routes(self) -> list[Call]:
        """The table of addresses."""
        shown, owner = once_shown(self._node), Scope.OWNER
        limit = {"act": "limit", "member": "@bob", "limit": "30"}
        return [
            Call("GET", "/v1/wallet/community", shown(self.community), Scope.READ, "the charter, also in words",
                 CommunityView),
            Call("GET", "/v1/wallet/acts", shown(self.acts), Scope.READ, "acts that are open, and the newest decided",
                 ActsView),
            Call("POST", "/v1/wallet/acts", once_ever(self._wallet)(self.propose), owner, "compose an act and sign it",
                 ActView, Propose, status=201, keyed=True, example=limit),
            Call("POST", "/v1/wallet/acts/preview", self.preview, owner, "say what an act would do; signs nothing",
                 ActPreviewView, Propose, example=limit),
            Call("POST", "/v1/wallet/acts/{id}/sign", self.sign, owner, "sign an open act, or accept a call", ActView,
                 Sign, example={}),
            Call("POST", "/v1/wallet/acts/{id}/withdraw", self.withdraw, owner, "want an act no longer", ActView),
            Call("POST", "/v1/wallet/invites", self.invite, owner, "make an invite", InviteView, Invite, status=201,
                 example={"uses": 5, "lasts_s": 604800, "limit": "20"}),
            Call("GET", "/v1/wallet/requests", shown(self.requests), Scope.READ, "who asks to be admitted",
                 RequestsView),
            Call("POST", "/v1/wallet/requests/{who}/decline", self.decline, owner, "show a request no longer",
                 DeclinedView),
            Call("GET", "/v1/wallet/stewards", shown(self.stewards), Scope.READ, "the stewards in force", StewardsView),
            Call("POST", "/v1/wallet/stewards/serve", self.serve, owner, "say that you would be a steward",
                 StewardsView, Serve, example={}),
            Call("POST", "/v1/wallet/stewards/call", self.call, owner, "ask members to be the stewards", ActView,
                 CallStewards, status=201, example={"members": ["@ana", "@bob", "@cem"], "needed": 2}),
        ]  # fmt: skip

    # The community

    async def community(self, _: Request) -> Response:
        """The charter in force."""
        return answer(community_view(self._node.ledger.commons))

    # Acts

    async def acts(self, _: Request) -> Response:
        """What is open, and what was decided lately."""
        stewards = self._node.ledger.commons.stewards()
        own = self._acts.ballots.own()
        view: ActsView = {
            "open": [act_view(row) for row in self._listing.open_rows()],
            "past": [act_view(row) for row in self._listing.past_rows()],
            "stewards": len(stewards.keys),
            "needed": stewards.threshold,
            "steward": any(key in own for key in stewards.keys),
        }
        return answer(view)

    async def propose(self, request: Request) -> Response:
        """Compose an act and sign it."""
        order = await read_body(request, Propose)
        timeout_s = bounded(order.timeout_s)
        if order.act == "admit":
            wish = await self._inviting.admit(self._handle(order), self._limit(order.limit), timeout_s)
        else:
            wish = await self._acts.propose(self._ops(order), timeout_s)
        return answer(act_view(self._listing.row_of(wish)), 201)

    async def preview(self, request: Request) -> Response:
        """Say what an act would do, and whether the rules allow it."""
        order = await read_body(request, Propose)
        ops: Sequence[Op]
        if order.act == "admit":
            ops = [self._inviting.admission(self._handle(order), self._limit(order.limit))]
        else:
            ops = self._ops(order)
        self._acts.check(ops)
        commons = self._node.ledger.commons
        alone, locked = commons.stewards().threshold == 1, self._wallet.locked
        view: ActPreviewView = {"words": Wording(commons).act(ops), "alone": alone, "locked": locked}
        return answer(view)

    def _ops(self, order: Propose) -> Sequence[Op]:
        return ops_of(order, self._node.ledger.commons, self._wallet.find)

    def _handle(self, order: Propose) -> str:
        if order.member is None:
            raise errors.BadRequest("This act needs a member.", {"missing": "member"})
        return order.member

    def _limit(self, text: str | None) -> int | None:
        return None if text is None else parse_limit(text, self._node.ledger.commons.decimals)

    async def sign(self, request: Request) -> Response:
        """Sign an open act, or accept a call to be a steward."""
        timeout_s = bounded((await read_body(request, Sign)).timeout_s)
        row = self._one(request.path_params["id"])
        if row.state is ActState.CALLED:
            await self._calling.accept(bytes.fromhex(row.id))
            return answer(act_view(self._one_or(row)))
        wish = await self._acts.agree(EntryId(bytes.fromhex(row.id)), timeout_s)
        return answer(act_view(self._listing.row_of(wish)))

    async def withdraw(self, request: Request) -> Response:
        """Want an act no longer."""
        row = self._one(request.path_params["id"])
        if row.state is ActState.CALLED:
            await self._calling.take_back(bytes.fromhex(row.id))
            return answer(act_view(row))
        if row.wish is None:
            raise errors.NotFound("You have not signed that act.", {"act": row.id[:8]})
        return answer(act_view(self._listing.row_of(await self._acts.withdraw(row.wish))))

    def _one(self, prefix: str) -> ActRow:
        """The open act or call whose id begins so."""
        wanted = prefix.lower()
        found = [row for row in self._listing.open_rows() if wanted and row.id.startswith(wanted)]
        if not found:
            raise errors.NotFound("No open act is called that.", {"act": prefix[:16]}, "See `tally acts`.")
        if len(found) > 1:
            raise errors.BadRequest("Several acts begin so.", {"act": prefix[:16]}, "Write more of its id.")
        return found[0]

    def _one_or(self, before: ActRow) -> ActRow:
        """How a call stands now; when all have accepted it is gone, and an act in its place."""
        return next((row for row in self._listing.open_rows() if row.id == before.id), before)

    # Newcomers

    async def invite(self, request: Request) -> Response:
        """Make an invite; this answer is the only place where it is whole."""
        body = await read_body(request, Invite)
        account = self._wallet.own_account(body.owner)
        made = await self._inviting.invite(account, body.uses, body.lasts_s, self._limit(body.limit))
        return answer(invite_view(made, self._node.ledger.commons), 201)

    async def requests(self, _: Request) -> Response:
        """Who asks to be admitted."""
        commons = self._node.ledger.commons
        asked = [request_view(asked, commons) for asked in self._inviting.asked()]
        view: RequestsView = {"unit": commons.unit, "requests": asked}
        return answer(view)

    async def decline(self, request: Request) -> Response:
        """Show a request no longer; other stewards still see it."""
        gone = await self._inviting.decline(request.path_params["who"])
        view: DeclinedView = {"id": gone.id.hex(), "handle": gone.handle, "declined": True}
        return answer(view)

    # Stewards

    async def stewards(self, _: Request) -> Response:
        """The stewards in force."""
        return answer(self._stewards())

    def _stewards(self) -> StewardsView:
        own, commons = self._acts.ballots.own(), self._node.ledger.commons
        listed = self._listing.stewards()
        sitting = {key for _, key, _ in listed}
        willing = [account for account, key in self._calling.serving().items() if key not in sitting]
        return {
            "stewards": [
                {"handle": self._called(account), "key": key.hex(), "own": key in own} for _, key, account in listed
            ],
            "needed": commons.stewards().threshold,
            "willing": [commons.members[account].handle for account in willing if account in commons.members],
        }

    def _called(self, account: AccountId | None) -> str | None:
        members = self._node.ledger.commons.members
        return None if account is None or account not in members else members[account].handle

    async def serve(self, request: Request) -> Response:
        """Say that the owner of an account would be a steward."""
        await self._calling.serve(self._wallet.own_account((await read_body(request, Serve)).owner))
        return answer(self._stewards())

    async def call(self, request: Request) -> Response:
        """Ask members to be the stewards."""
        body = await read_body(request, CallStewards)
        members = [self._wallet.find(who) for who in body.members]
        called = await self._calling.call(self._wallet.own_account(body.owner), members, body.needed)
        return answer(act_view(self._listing.call_row(called)), 201)
