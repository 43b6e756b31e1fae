"""What its owner does with a running wallet over HTTP: unlock and lock it, check the books, end the process."""

import os

import msgspec
import trio
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response

from node.api import ServedNode
from node.verify import check_books
from node.web.application import answer
from node.web.calls import Call, read_body
from node.web.scopes import Scope

from ..service import Wallet
from .shapes import LockView, ReportView, StoppingView
from .views import report_view


class Unlock(msgspec.Struct, forbid_unknown_fields=True):
    """The body of an unlock."""

    passphrase: str | None = None

    def __repr__(self) -> str:
        return "Unlock(...)"


class Verify(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a check of the books."""

    full: bool = False


class Running:
    """The handlers. One method a call. `stop` ends the whole process politely."""

    def __init__(self, wallet: Wallet, node: ServedNode, stop: trio.Event) -> None:
        self._wallet, self._node, self._stop = wallet, node, stop

    def routes(self) -> list[Call]:
        """The table of addresses."""
        owner = Scope.OWNER
        return [
            Call("POST", "/v1/wallet/unlock", self.unlock, owner, "let the wallet sign", LockView, Unlock,
                 example={"passphrase": "correct horse"}),
            Call("POST", "/v1/wallet/lock", self.lock, owner, "have the wallet forget its keys", LockView),
            Call("POST", "/v1/wallet/verify", self.verify, owner, "check the books", ReportView, Verify,
                 example={"full": True}),
            Call("POST", "/v1/wallet/down", self.down, owner, "end the process", StoppingView, status=202),
        ]  # fmt: skip

    async def unlock(self, request: Request) -> Response:
        """Open the keystore."""
        await self._wallet.unlock((await read_body(request, Unlock)).passphrase)
        return self._locked()

    async def lock(self, _: Request) -> Response:
        """Forget the keys."""
        self._wallet.lock()
        return self._locked()

    def _locked(self) -> Response:
        view: LockView = {"locked": self._wallet.locked}
        return answer(view)

    async def verify(self, request: Request) -> Response:
        """Check the books."""
        journal, ledger = self._node.journal, self._node.ledger
        full = (await read_body(request, Verify)).full
        found = await check_books(journal, ledger, full=full)
        return answer(report_view(found, self._wallet.community()))

    async def down(self, _: Request) -> Response:
        """End the process, after this answer has left."""
        view: StoppingView = {"stopping": True, "pid": os.getpid()}
        response = answer(view, 202)
        response.background = BackgroundTask(self._end)
        return response

    async def _end(self) -> None:
        self._stop.set()
