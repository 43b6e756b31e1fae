"""Who may call the API: decided from a request's first line and headers alone, before anything is read or done.

Pure: no server, no clock (the time is passed in), so that a table of cases can test it. Any page in a browser on this
machine can send requests to a loopback port; that is what Host, Origin and Sec-Fetch-Site are checked against. Other
users of the machine can too; that is what the token is for, on every call, also those that only read.
"""

import hmac
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from .problem import Problem
from .scopes import OWNER, Grant

BODY_BYTES_MAX = 64 * 1024
WRONG_TOKENS_MAX = 10
WRONG_TOKENS_SPAN_S = 60.0

Headers = Iterable[tuple[bytes, bytes]]
Finder = Callable[[str], Grant | None]
"""Tells what a token opens, or None when it opens nothing (any more); compares in constant time."""


def nobody_else(_: str) -> Grant | None:
    """The finder of a server that knows only its owner's token."""
    return None


_NEXT_TOKEN = "send 'Authorization: Bearer TOKEN' with the token that run/api.json in the home holds"


@dataclass(slots=True)
class Guard:
    """The rules for one server that listens at `port` of loopback. `token` is its owner's, `find` knows the others."""

    port: int
    token: str = field(repr=False)
    find: Finder = field(default=nobody_else, repr=False)
    still_holds: Callable[[Grant], bool] = field(default=lambda _: True, repr=False)
    """Tells of what `find` gave whether the token opens it still."""
    _wrong: deque[float] = field(default_factory=deque)
    """When the wrong tokens of the last minute came; at most WRONG_TOKENS_MAX are remembered."""

    @property
    def hosts(self) -> tuple[str, ...]:
        """Every name this server goes by. A page that reached it under another one came by DNS rebinding."""
        return f"127.0.0.1:{self.port}", f"localhost:{self.port}", f"[::1]:{self.port}"

    def check(self, headers: Headers, now_s: float) -> Grant | Problem:
        """What the token of a request opens, or why it is turned away. `now_s` is a monotonic clock's."""
        listed = [(name.lower(), value.decode("latin-1").strip()) for name, value in headers]
        refused = (
            self._check_host(_values(listed, b"host"))
            or self._check_origin(_values(listed, b"origin"))
            or self._check_site(_values(listed, b"sec-fetch-site"))
        )
        if refused is not None:
            return refused
        found = self._check_token(_values(listed, b"authorization"), now_s)
        return found if isinstance(found, Problem) else _check_body(listed) or found

    def holds(self, grant: Grant) -> bool:
        """Tell whether a grant is good still: a stream may last longer than its token."""
        return grant is OWNER or self.still_holds(grant)

    def _check_host(self, hosts: list[str]) -> Problem | None:
        if len(hosts) == 1 and hosts[0].lower() in self.hosts:
            return None
        return Problem(
            403, "host_not_allowed", "the Host header does not name this server", f"call http://{self.hosts[0]}"
        )

    def _check_origin(self, origins: list[str]) -> Problem | None:
        if not origins or (len(origins) == 1 and origins[0].lower() in {f"http://{host}" for host in self.hosts}):
            return None
        return Problem(403, "origin_not_allowed", "a page of another site may not call this server")

    @staticmethod
    def _check_site(sites: list[str]) -> Problem | None:
        # `same-site` is refused too: every port of localhost is one site to a browser.
        if not sites or (len(sites) == 1 and sites[0].lower() in {"same-origin", "none"}):
            return None
        return Problem(403, "cross_site", "a page of another site may not call this server")

    def _check_token(self, given: list[str], now_s: float) -> Grant | Problem:
        if not given:
            return Problem(401, "token_missing", "this call needs the token", _NEXT_TOKEN, headers=_CHALLENGE)
        scheme, _, token = given[0].partition(" ")
        token = token.strip()
        found = OWNER if hmac.compare_digest(token.encode(), self.token.encode()) else self.find(token)
        if found is not None and len(given) == 1 and scheme.lower() == "bearer":
            return found
        return self._count_wrong(now_s)

    def _count_wrong(self, now_s: float) -> Problem:
        """Answer a wrong token. The right one is always let in: else anybody here could lock its owner out."""
        while self._wrong and now_s - self._wrong[0] >= WRONG_TOKENS_SPAN_S:
            self._wrong.popleft()
        if len(self._wrong) < WRONG_TOKENS_MAX:
            self._wrong.append(now_s)
            return Problem(
                401, "token_wrong", "that is no token of this server, or not any more", _NEXT_TOKEN, headers=_CHALLENGE
            )
        wait_s = max(1, round(self._wrong[0] + WRONG_TOKENS_SPAN_S - now_s))
        return Problem(
            429,
            "too_many_tries",
            "too many wrong tokens within a minute",
            f"wait {wait_s} seconds; {_NEXT_TOKEN}",
            {"retry_after_s": wait_s},
            {"retry-after": str(wait_s)},
        )


_CHALLENGE = {"www-authenticate": "Bearer"}


def _values(headers: list[tuple[bytes, str]], wanted: bytes) -> list[str]:
    return [value for name, value in headers if name == wanted]


def _check_body(headers: list[tuple[bytes, str]]) -> Problem | None:
    """Check what the headers announce of a body; the server counts the bytes that really come."""
    lengths = _values(headers, b"content-length")
    if not any(length != "0" for length in lengths) and not _values(headers, b"transfer-encoding"):
        return None
    if any(len(length) > 18 or int(length) > BODY_BYTES_MAX for length in lengths if length.isdecimal()):
        return body_too_big()
    if not is_json(_values(headers, b"content-type")) or _values(headers, b"content-encoding"):
        return Problem(
            415, "not_json", "a body must be JSON", "send 'Content-Type: application/json' and no Content-Encoding"
        )
    return None


def body_too_big() -> Problem:
    """More than the cap, announced or sent."""
    return Problem(413, "body_too_big", "the body is too big", "send less", {"bytes_max": BODY_BYTES_MAX})


def is_json(content_types: list[str]) -> bool:
    """Tell whether one Content-Type is there and says JSON in UTF-8."""
    if len(content_types) != 1:
        return False
    kind, *parameters = [part.strip().lower() for part in content_types[0].split(";")]
    return kind == "application/json" and all(part in {"", "charset=utf-8", 'charset="utf-8"'} for part in parameters)
