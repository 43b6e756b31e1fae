"""What members say of themselves over HTTP: names, offers, wants. What is published is signed at the owner's word.

Words of others are given as they were written: whoever shows them must make them harmless.
"""

from typing import Literal

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from node import wallclock
from node.amounts import format_amount
from node.api import ServedNode
from node.web.application import answer
from node.web.calls import AS, Call, Query, read_body
from node.web.problem import Failed, bad_request
from node.web.scopes import Scope
from protocol.base import AccountId
from protocol.bodies import Offer
from protocol.record import Kind

from ..money import parse_amount
from ..people.people import Called, Listed, People
from ..service import Wallet
from .durable import once_shown
from .people_shapes import OffersView, OfferView, ProfileView, PublishedView

DAYS_MAX = 3650
DAY_S = 86_400
KINDS = {"offer": Kind.OFFER, "want": Kind.WANT}
KIND_WORDS = {kind: word for word, kind in KINDS.items()}


class Rename(msgspec.Struct, forbid_unknown_fields=True):
    """A display name; empty takes it back."""

    name: str
    about: str = ""
    owner: str | None = msgspec.field(default=None, name="as")


class MakeOffer(msgspec.Struct, forbid_unknown_fields=True):
    """An offer or a want. Without a price it is to be agreed."""

    title: str
    kind: Literal["offer", "want"] = "offer"
    category: str = ""
    text: str = ""
    price: str | None = None
    days: int = 90
    owner: str | None = msgspec.field(default=None, name="as")


class PeopleApi:
    """The handlers. One method a call."""

    def __init__(self, wallet: Wallet, node: ServedNode, people: People) -> None:
        self._wallet, self._node, self._people = wallet, node, people

    def routes(self) -> list[Call]:
        """The table of addresses."""
        shown, filters = once_shown(self._node), (
            Query("kind", str, "offer or want; without it both", ("offer", "want")),
            Query("category", str, "only of this category"),
            Query("by", str, "only of this member, as @ana"),
            Query("search", str, "only with these words in title or text"),
        )  # fmt: skip
        bread = {"title": "Rye bread", "category": "food", "price": "2.50", "days": 30}
        return [
            Call("GET", "/v1/wallet/profile", shown(self.profile), Scope.READ, "what an own account is called",
                 ProfileView, query=(AS,)),
            Call("POST", "/v1/wallet/profile", self.rename, Scope.OWNER, "say what you are called; empty takes it back",
                 ProfileView, Rename, example={"name": "Ana's bakery", "about": "bread and cakes"}),
            Call("GET", "/v1/wallet/offers", shown(self.offers), Scope.READ, "what is offered and wanted now",
                 OffersView, query=filters),
            Call("POST", "/v1/wallet/offers", self.offer, Scope.OWNER, "publish an offer or a want", PublishedView,
                 MakeOffer, status=201, example=bread),
            Call("DELETE", "/v1/wallet/offers/{key}", self.withdraw, Scope.OWNER, "take an own offer or want back",
                 PublishedView, query=(AS,)),
        ]  # fmt: skip

    async def profile(self, request: Request) -> Response:
        """What an own account is called."""
        return answer(self._profile(self._wallet.own_account(request.query_params.get("as"))))

    async def rename(self, request: Request) -> Response:
        """Publish a display name."""
        body = await read_body(request, Rename)
        account = self._wallet.own_account(body.owner)
        await self._people.rename(account, body.name, body.about)
        return answer(self._profile(account))

    def _profile(self, account: AccountId) -> ProfileView:
        called = self._people.called()[account]
        return {
            "account": account,
            "handle": called.handle,
            "name": called.name,
            "about": called.about,
            "alike": list(called.alike),
        }

    async def offers(self, request: Request) -> Response:
        """What is offered and wanted now, narrowed down by the query."""
        wanted = request.query_params
        kind = wanted.get("kind")
        if kind is not None and kind not in KINDS:
            raise Failed(bad_request("kind is offer or want"))
        found = self._people.offers(KINDS.values() if kind is None else [KINDS[kind]])
        by = None if "by" not in wanted else self._wallet.find(wanted["by"])
        category, search = wanted.get("category"), wanted.get("search", "").casefold()
        fitting = [
            one for one in found
            if by in (None, one.author)
            and (category is None or one.offer.category.casefold() == category.casefold())
            and search in f"{one.offer.title}\n{one.offer.text}".casefold()
        ]  # fmt: skip
        called, community = self._people.called(), self._wallet.community()
        view: OffersView = {
            "unit": community.unit,
            "offers": [offer_view(one, called[one.author], community.decimals) for one in fitting],
        }
        return answer(view)

    async def offer(self, request: Request) -> Response:
        """Publish an offer or a want."""
        body = await read_body(request, MakeOffer)
        if not 1 <= body.days <= DAYS_MAX:
            raise Failed(bad_request(f"days must be 1 to {DAYS_MAX}"))
        account = self._wallet.own_account(body.owner)
        price = 0 if body.price is None else parse_amount(body.price, self._wallet.community().decimals)
        until = wallclock.now_s() + body.days * DAY_S
        offer = Offer(body.title, body.category, body.text, price, until)
        view: PublishedView = {"key": await self._people.offer(account, KINDS[body.kind], offer)}
        return answer(view, 201)

    async def withdraw(self, request: Request) -> Response:
        """Take an own offer or want back."""
        key = request.path_params["key"]
        await self._people.withdraw(self._wallet.own_account(request.query_params.get("as")), key)
        view: PublishedView = {"key": key}
        return answer(view)


def offer_view(listed: Listed, called: Called, decimals: int) -> OfferView:
    """One offer or want, with who says so."""
    offer = listed.offer
    return {
        "key": listed.key,
        "kind": KIND_WORDS[listed.kind],
        "by": called.handle,
        "name": called.name,
        "alike": list(called.alike),
        "title": offer.title,
        "category": offer.category,
        "text": offer.text,
        "price": format_amount(offer.price, decimals) if offer.price else None,
        "until": offer.until,
    }
