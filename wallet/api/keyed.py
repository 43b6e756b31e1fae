"""Calls that may be sent again under an Idempotency-Key: the same body is done once, another one is refused."""

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response

from node.console.exits import LOCKED, NOT_FOUND, REFUSED, USAGE
from node.web.calls import Handler
from node.web.problem import Failed, bad_request

from ..errors import WalletError
from ..service import Wallet

NOTHING_DONE = {USAGE, REFUSED, LOCKED, NOT_FOUND}
"""The exit statuses of failures after which nothing has changed."""


def key_in(request: Request) -> str | None:
    """The Idempotency-Key of a call, if it has one. Raises Failed for two: nobody can know which is meant."""
    keys = request.headers.getlist("idempotency-key")
    if len(keys) > 1:
        raise Failed(bad_request("Idempotency-Key was sent twice", "send one of them"))
    return keys[0] if keys else None


def once_keyed(wallet: Wallet) -> Callable[[Handler], Handler]:
    """Make handlers that compare the body with what the key was sent with before. They raise KeyReused.

    For what is done once however often it is asked for; mark its line in the table as `keyed`.
    """

    def keyed(handler: Handler) -> Handler:
        async def answered(request: Request) -> Response:
            key = key_in(request)
            if key is not None:
                await wallet.keys.claim(key, f"{request.method} {request.url.path}", await request.body())
            return await handler(request)

        return answered

    return keyed


def once_ever(wallet: Wallet) -> Callable[[Handler], Handler]:
    """The same for what would be done twice if it were asked for twice: the answer is kept, and given again."""

    def keyed(handler: Handler) -> Handler:
        async def answered(request: Request) -> Response:
            key, keys = key_in(request), wallet.keys
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
