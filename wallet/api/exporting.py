"""The export over HTTP: payments as a file, sent page by page as it is read."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import trio
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from node.api import ServedNode
from node.web.calls import AS, FLAG, Call, Query, flag_in
from node.web.problem import Failed, bad_request
from node.web.scopes import Scope

from ..formats import WRITERS
from ..formats.exporting import FOREVER, Exporter, Wanted
from ..formats.rows import Writer
from ..service import Wallet
from .durable import once_shown

QUERY = (
    Query("format", str, "csv (unless another is named), jsonl or hledger", tuple(WRITERS)),
    Query("all", str, "1: the payments of everybody in the community", FLAG),
    Query("from", str, "the first day, as 2026-05-01, in UTC"),
    Query("to", str, "the last day"),
)
DAY_S = 86_400


class Exporting:
    """The handler of exports."""

    def __init__(self, wallet: Wallet, node: ServedNode) -> None:
        self._wallet, self._node = wallet, node
        self._exporter = Exporter(node, wallet)

    def routes(self) -> list[Call]:
        """The table of addresses."""
        shown = once_shown(self._node)
        return [
            Call("GET", "/v1/wallet/export", shown(self.export), Scope.READ, "payments as a file", bytes,
                 query=(AS, *QUERY), media="text/csv"),
        ]  # fmt: skip

    async def export(self, request: Request) -> Response:
        """The payments of the accounts of this wallet, or of one of them, or of everybody."""
        writer = WRITERS.get(request.query_params.get("format", "csv"))
        if writer is None:
            raise Failed(bad_request(f"format must be one of {', '.join(WRITERS)}"))
        wanted = self._wanted(request)
        return StreamingResponse(self._written(writer, wanted), media_type=writer.media)

    async def _written(self, writer: Writer, wanted: Wanted) -> AsyncIterator[str]:
        yield writer.head(self._exporter.place(wanted))
        for rows in self._exporter.pages(wanted):
            if rows:
                yield "".join(map(writer.line, rows))
            await trio.lowlevel.checkpoint()

    def _wanted(self, request: Request) -> Wanted:
        named, is_all = request.query_params.get("as"), flag_in(request, "all")
        if named is not None and is_all:
            raise Failed(bad_request("as names one account and all names everybody", "send one of them"))
        own = self._wallet.accounts() if named is None else (self._wallet.own_account(named),)
        first, last = _day(request, "from"), _day(request, "to")
        return Wanted(None if is_all else own, first or 0, FOREVER if last is None else last + DAY_S)


def _day(request: Request, name: str) -> int | None:
    """When a day of the query begins, in seconds since 1970. Raises Failed."""
    text = request.query_params.get(name)
    try:
        return None if text is None else int(datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).timestamp())
    except ValueError:
        raise Failed(bad_request(f"{name} must be a day, as 2026-05-01")) from None
