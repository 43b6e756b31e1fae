"""Calls that may be sent again under an Idempotency-Key: the same body is done once, another one is refused."""

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response

from node.web.calls import Handler

from ..service import Wallet


def once_keyed(wallet: Wallet) -> Callable[[Handler], Handler]:
    """Make handlers that compare the body with what the key was sent with before. They raise KeyReused.

    For what is done once however often it is asked for; mark its line in the table as `keyed`.
    """

    def keyed(handler: Handler) -> Handler:
        async def answered(request: Request) -> Response:
            key = request.headers.get("idempotency-key")
            if key is not None:
                await wallet.keys.claim(key, f"{request.method} {request.url.path}", await request.body())
            return await handler(request)

        return answered

    return keyed
