"""The owner's tokens for programs, over HTTP: make one, list them, revoke one."""

from typing import Literal

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from node.amounts import format_amount
from node.web.application import answer
from node.web.calls import Call, read_body
from node.web.scopes import Scope

from ..books.tokens import DAY_S
from ..money import parse_amount
from ..programs.tokens import Shown, Tokens
from ..service import Wallet
from .shapes import MadeTokenView, TokensView, TokenView


class NewToken(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a new token. `cap` is a decimal; `expires_s` seconds from now, 0: it lasts until it is revoked."""

    name: str
    scope: Literal["read", "request", "spend"]
    cap: str | None = None
    expires_s: int = 0


class TokensApi:
    """The handlers. One method a call."""

    def __init__(self, wallet: Wallet, tokens: Tokens) -> None:
        self._wallet, self._tokens = wallet, tokens

    def routes(self) -> list[Call]:
        """The table of addresses."""
        owner, example = Scope.OWNER, {"name": "till", "scope": "spend", "cap": "20", "expires_s": 90 * DAY_S}
        return [
            Call("GET", "/v1/wallet/tokens", self.tokens, owner, "the tokens for programs, by name", TokensView),
            Call("POST", "/v1/wallet/tokens", self.create, owner, "make a token; it is shown this once", MadeTokenView,
                 NewToken, status=201, example=example),
            Call("DELETE", "/v1/wallet/tokens/{name}", self.revoke, owner, "have a token open nothing any more",
                 TokenView),
        ]  # fmt: skip

    async def tokens(self, _: Request) -> Response:
        """List them."""
        view: TokensView = {"tokens": [self._view(shown) for shown in self._tokens.listed()]}
        return answer(view)

    async def create(self, request: Request) -> Response:
        """Make one."""
        body = await read_body(request, NewToken)
        cap = 0 if body.cap is None else parse_amount(body.cap, self._wallet.community().decimals)
        shown, token = await self._tokens.create(body.name, Scope[body.scope.upper()], cap, body.expires_s)
        view: MadeTokenView = {**self._view(shown), "token": token}
        return answer(view, 201)

    async def revoke(self, request: Request) -> Response:
        """Revoke one."""
        return answer(self._view(await self._tokens.revoke(request.path_params["name"])))

    def _view(self, shown: Shown) -> TokenView:
        row, decimals, spends = shown.row, self._wallet.community().decimals, shown.row.scope is Scope.SPEND
        return {
            "name": row.name,
            "scope": row.scope.word,
            "cap": format_amount(row.cap, decimals) if spends else None,
            "spent": format_amount(shown.spent, decimals) if spends else None,
            "created": row.created,
            "expires": row.expires or None,
            "expired": shown.is_expired,
            "last_used_day": row.used * DAY_S or None,
        }
