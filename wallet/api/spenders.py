"""With whose token a call came that moves money, so that the payment counts against the token's cap."""

from starlette.requests import Request

from node.web.calls import grant_of
from node.web.scopes import Scope

from ..books.tokens import Spender


def spender_of(request: Request) -> Spender | None:
    """The token that pays; None for the owner's, which has no cap."""
    granted = grant_of(request)
    return None if granted.scope is Scope.OWNER else Spender(granted.hash, granted.cap)
