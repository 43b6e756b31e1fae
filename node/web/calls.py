"""What can be asked over HTTP, as a table: one `Call` a line says all about it, and everything else follows from that.

The routes, who may ask, and the OpenAPI document (`openapi`) are made from these lines, so none of them can differ. A
handler stays a plain `async def name(self, request) -> Response`; it reads its body with `read_body`.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .problem import Failed, Problem, bad_request
from .scopes import Grant, Scope

Handler = Callable[[Request], Awaitable[Response]]
Shape = TypeVar("Shape")


@dataclass(frozen=True, slots=True)
class Query:
    """One parameter behind the question mark."""

    name: str
    kind: type[str] | type[int]
    words: str
    one_of: tuple[str, ...] = ()
    """All that it may be; none: anything."""
    least: int | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """One address and method."""

    method: Literal["GET", "POST", "DELETE"]
    path: str
    """As /v1/wallet/payments/{id}; what is in braces the handler finds in `request.path_params`."""
    handler: Handler
    needs: Scope
    """The least scope of a token that may ask."""
    words: str
    """One line on what it does."""
    gives: Any
    """The shape of the answer: a msgspec.Struct, as a rule one of the `views`; bytes is text of the type `media`."""
    takes: Any = None
    """The shape of the body, a msgspec.Struct that forbids unknown fields; None: it takes none."""
    query: tuple[Query, ...] = ()
    status: int = 200
    """Of an answer that went well."""
    also: tuple[int, ...] = ()
    """Other statuses that come with the same shape."""
    keyed: bool = False
    """It may be sent again under an Idempotency-Key."""
    media: str = "application/json"
    example: Any = None
    """A body as somebody would send it."""


FLAG = ("0", "1")
AS = Query("as", str, "an account of this wallet, as @ana; without it the first one")


def paged(most: int) -> tuple[Query, ...]:
    """The parameters of a list that is given in pages."""
    return (
        Query("after", str, "the `next` of the page before; leave it out for the first page"),
        Query("limit", int, f"rows on a page, 1 to {most}", least=1),
    )


def routes_of(calls: Iterable[Call]) -> list[Route]:
    """Make a table the addresses of a server; what shares a path is one address with several methods."""
    by_path: dict[str, dict[str, Call]] = {}
    for call in calls:
        methods = by_path.setdefault(call.path, {})
        assert call.method not in methods, f"{call.method} {call.path} is in the table twice"
        methods[call.method] = call
    return [Route(path, partial(_answered, methods), methods=list(methods)) for path, methods in by_path.items()]


async def _answered(methods: Mapping[str, Call], request: Request) -> Response:
    call = methods["GET" if request.method == "HEAD" else request.method]
    granted = grant_of(request)
    if granted.scope < call.needs:
        raise Failed(scope_too_small(granted, call.needs))
    request.scope["call"] = call
    return await call.handler(request)


def grant_of(request: Request) -> Grant:
    """Whose token the request came with. The guard put it there; without a guard nothing is served."""
    granted = request.scope["grant"]
    assert isinstance(granted, Grant)
    return granted


def scope_too_small(granted: Grant, needed: Scope) -> Problem:
    """The token is right, and may not ask this."""
    next = (
        "use the token in run/api.json of the home"
        if needed is Scope.OWNER
        else f"make one with 'tally token create NAME --scope {needed.word}'"
    )
    return Problem(
        403, "scope", f"this call needs a token of scope {needed.word}", next,
        {"needs": needed.word, "has": granted.scope.word},
    )  # fmt: skip


async def read_body(request: Request, shape: type[Shape]) -> Shape:
    """Read a JSON body of that shape; no body counts as {}. Raises Failed(bad_request) naming the wrong field."""
    call = request.scope["call"]
    assert call.takes == shape, f"the table says that {call.path} takes {call.takes}"
    raw = await request.body()
    try:
        return msgspec.json.decode(raw or b"{}", type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Failed(bad_request(f"the body is not what this call expects: {error}")) from None


def number_of(text: str, name: str) -> int:
    """Read a number from a query or header. Raises Failed(bad_request)."""
    if not (text.isascii() and text.isdecimal() and len(text) <= 18):
        raise Failed(bad_request(f"{name} must be a whole number"))
    return int(text)


def number_in(request: Request, name: str, default: int) -> int:
    """Read a number from the query, or take the default."""
    text = request.query_params.get(name)
    return default if text is None else number_of(text, name)


def flag_in(request: Request, name: str) -> bool:
    """Read a yes or no from the query: 1, or 0 and nothing. Raises Failed(bad_request) for what could mean either."""
    text = request.query_params.get(name, "0")
    if text not in FLAG:
        raise Failed(bad_request(f"{name} must be 1 or 0"))
    return text == "1"


def limit_in(request: Request, default: int, most: int) -> int:
    """How many rows a page may have. Raises Failed(bad_request) for none at all; more than `most` are `most`."""
    limit = number_in(request, "limit", default)
    if limit == 0:
        raise Failed(bad_request("limit must be at least 1"))
    return min(limit, most)
