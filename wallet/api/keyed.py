"""Calls that may be sent again under an Idempotency-Key: the same body is done once, another one is refused."""

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response

from node.console.exits import LOCKED, NOT_FOUND, REFUSED, USAGE
from node.web.calls import Handler
from node.web.problem import Failed

from ..errors import WalletError
from ..service import Wallet

NOTHING_DONE = {USAGE, REFUSED, LOCKED, NOT_FOUND}
"""The exit statuses of failures after which nothing has changed."""


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


def once_ever(wallet: Wallet) -> Callable[[Handler], Handler]:
    """The same for what would be done twice if it were asked for twice: the answer is kept, and given again."""

    def keyed(handler: Handler) -> Handler:
        async def answered(request: Request) -> Response:
            key, keys = request.headers.get("idempotency-key"), wallet.keys
            if key is None:
                return await handler(request)
            if not await keys.claim(key, f"{request.method} {request.url.path}", await request.body()):
                return Response(keys.answered(key), request.scope["call"].status, media_type="application/json")
            try:
                response = await handler(request)
            except (Failed, WalletError) as error:
                if isinstance(error, Failed) or error.exit_status in NOTHING_DONE:
                    await keys.release(key)
                raise
            await keys.keep_answer(key, bytes(response.body))
            return response

        return answered

    return keyed
