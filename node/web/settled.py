"""What reads answers from memory, which is up to one commit ahead of the disk; its answers wait here for that commit.

Looks at nothing of the answer.
"""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from ..bookkeeper import Bookkeeper
from ..settling import settled
from ..tickets import DoorClosed

Handler = Callable[[Request], Awaitable[Response]]


def once_durable(door: Bookkeeper, read: Handler, failure: Callable[[DoorClosed], Exception]) -> Handler:
    """Have the answer of `read` leave only when all that it may show is durable; at once when nothing is being written.

    Otherwise the handler raises what `failure` makes of the reason.
    """

    async def answered(request: Request) -> Response:
        response = await read(request)
        try:
            await settled(door)
        except DoorClosed as error:
            raise failure(error) from error
        return response

    return answered
