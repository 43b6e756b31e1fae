"""What a program is told when a call over HTTP fails: one shape for every failure (RFC 9457, problem+json).

Pure: knows nothing of the server. `code` is stable and is what programs look at; `detail` is for people and may be
worded better one day; `facts` are the numbers behind it; `next` says what to do. Every failure of the API, the wrong
address and the unforeseen among them, leaves through here.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

CONTENT_TYPE = "application/problem+json"

Fact = str | int | bool | None


@dataclass(frozen=True, slots=True)
class Problem:
    """One failure. `status` is the HTTP status, `facts` are plain values without anything secret."""

    status: int
    code: str
    detail: str
    next: str = ""
    facts: Mapping[str, Fact] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    """Sent beside it, such as `Retry-After`."""

    def encode(self) -> bytes:
        """Write the body of the answer."""
        return json.dumps(
            {
                "type": f"urn:tallystick:problem:{self.code}",
                "title": HTTPStatus(self.status).phrase,
                "status": self.status,
                "code": self.code,
                "detail": self.detail,
                "facts": dict(self.facts),
                "next": self.next,
            }
        ).encode()


class Failed(Exception):
    """Raised by a handler that cannot do what it was asked; carries the problem that the caller gets."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.code)
        self.problem = problem


def not_found(what: str, next: str = "") -> Problem:
    """What was asked for is not here."""
    return Problem(404, "not_found", what, next)


def bad_request(detail: str, next: str = "") -> Problem:
    """The call itself is wrong: a field is missing, or is not what it should be."""
    return Problem(400, "bad_request", detail, next)


INTERNAL = Problem(
    500,
    "internal",
    "something went wrong inside the node; it was written to its log",
    "try again; if it happens again, show the log to whoever helps you",
)
