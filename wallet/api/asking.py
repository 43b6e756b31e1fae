"""What a home answers over HTTP while it asks to be admitted: how it stands, and its end. All else has to wait."""

import os

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Send
from starlette.types import Scope as Connection

from node.web.application import answer, application, problem_response
from node.web.calls import Call
from node.web.problem import Problem
from node.web.scopes import Scope

from ..errors import NotAMember
from ..joining.asking import Asking, AskingView
from .shapes import StoppingView

JOINING = Problem(
    409, NotAMember.code, "This home is not a member of its community yet: it asks to be admitted.",
    NotAMember.next_step,
)  # fmt: skip


class AskingRoom:
    """The handlers. One method a call."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking

    def routes(self) -> list[Call]:
        """The table of addresses."""
        return [
            Call("GET", "/v1/wallet/status", self.status, Scope.READ, "how the asking goes", AskingView),
            Call("POST", "/v1/wallet/down", self.down, Scope.OWNER, "end the process", StoppingView, status=202),
        ]

    async def status(self, _: Request) -> Response:
        """How the asking goes."""
        return answer(self._asking.view())

    async def down(self, _: Request) -> Response:
        """End the process, after this answer has left."""
        view: StoppingView = {"stopping": True, "pid": os.getpid()}
        response = answer(view, 202)
        response.background = BackgroundTask(self._end)
        return response

    async def _end(self) -> None:
        self._asking.stop.set()


def asking_application(asking: Asking) -> ASGIApp:
    """The calls of a home that asks; any other address is told to wait."""
    calls = AskingRoom(asking).routes()
    known, paths = application(calls), {call.path for call in calls}

    async def answer_or_wait(scope: Connection, receive: Receive, send: Send) -> None:
        if scope["path"] in paths:
            await known(scope, receive, send)
        else:
            await problem_response(JOINING)(scope, receive, send)

    return answer_or_wait
