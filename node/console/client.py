"""Calls the node that runs in a home, over loopback HTTP.

Uses the standard library alone, so that a command starts fast. Finds the address and the token in HOME/run/api.json,
which only the home's owner can read. Knows no route: an answer is plain JSON, a failure is a `CallFailed`.
"""

import fcntl
import http.client
import json
import os
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .exits import FAILED, LOCKED, NOT_FINAL, NOT_FOUND, REFUSED, UNREACHABLE, USAGE

ANSWER_BYTES_MAX = 64 << 20
PIECE_BYTES = 64 << 10
TIMEOUT_S = 60.0

STATUS_BY_EXIT = {FAILED: 500, USAGE: 400, REFUSED: 422, UNREACHABLE: 503, LOCKED: 423, NOT_FOUND: 404, NOT_FINAL: 504}
"""The HTTP status for a failure that ends a command with that exit status."""
_EXIT_BY_STATUS = {status: exit_status for exit_status, status in STATUS_BY_EXIT.items()} | {409: REFUSED}
_TOKEN_REFUSED = {"token_wrong", "too_many_tries"}
"""What a node answers to a token that is not its own: it is not the one that wrote the run file, or not yet."""


class CallFailed(Exception):
    """A command cannot do what it was asked."""

    def __init__(
        self, code: str, message: str, *, exit_status: int = FAILED, next: str = "",
        facts: Mapping[str, Any] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(message)
        self.code = code
        self.message = message
        self.exit_status = exit_status
        self.next = next
        self.facts = dict(facts or {})

    @property
    def error(self) -> dict[str, Any]:
        """What --json shows."""
        return {"code": self.code, "message": self.message, "facts": self.facts, "next": self.next}


@dataclass(frozen=True, slots=True)
class RunFile:
    """What HOME/run/api.json says of the node that runs there."""

    address: str
    token: str = field(repr=False)
    pid: int


@dataclass(frozen=True, slots=True)
class Client:
    """One home's running node."""

    run: RunFile
    start: str = "tally up --detach"
    """The command that starts it."""

    def get(self, path: str) -> dict[str, Any]:
        """Ask for something."""
        return self._call("GET", path, None, TIMEOUT_S)

    def post(self, path: str, body: Mapping[str, Any], timeout_s: float = TIMEOUT_S) -> dict[str, Any]:
        """Have something done; the answer may take `timeout_s`."""
        return self._call("POST", path, body, timeout_s)

    def delete(self, path: str) -> dict[str, Any]:
        """Have something taken away."""
        return self._call("DELETE", path, None, TIMEOUT_S)

    def lines(self, path: str, silence_s: float = TIMEOUT_S) -> Iterator[bytes]:
        """Ask for something long and give it line by line, with the line ends, as it comes.

        Raises CallFailed when nothing comes for `silence_s`, or when it ends before it is whole.
        """
        headers = {"Authorization": f"Bearer {self.run.token}"}
        connection = http.client.HTTPConnection(self.run.address, timeout=silence_s)
        try:
            connection.request("GET", path, None, headers)
            response = connection.getresponse()
            if response.status >= 400:
                _answer(response.status, response.read(ANSWER_BYTES_MAX), self.start)
            begun = b""
            while piece := response.read1(PIECE_BYTES):  # it tells when the end is missing; readline does not
                *lines, begun = (begun + piece).split(b"\n")
                yield from (line + b"\n" for line in lines)
            yield from (begun,) if begun else ()
        except TimeoutError:
            raise unreachable("The node did not answer in time.", self.start) from None
        except (OSError, http.client.HTTPException):
            raise unreachable("The node of this home does not answer.", self.start) from None
        finally:
            connection.close()

    def _call(self, method: str, path: str, body: Mapping[str, Any] | None, timeout_s: float) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self.run.token}", "Content-Type": "application/json"}
        connection = http.client.HTTPConnection(self.run.address, timeout=timeout_s)
        may_be_done = False
        try:
            connection.connect()
            may_be_done = method != "GET"
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            response = connection.getresponse()
            content = response.read(ANSWER_BYTES_MAX)
        except (OSError, http.client.HTTPException) as error:
            in_time = " in time" if isinstance(error, TimeoutError) else ""
            if may_be_done:
                raise self._lost(f"The node was asked and did not answer{in_time}.") from None
            raise unreachable(f"The node of this home does not answer{in_time}.", self.start) from None
        finally:
            connection.close()
        return _answer(response.status, content, self.start)

    def _lost(self, message: str) -> CallFailed:
        """What was asked for may have been done: whoever simply asks again may do it twice."""
        next = f"If it has ended, start it with `{self.start}`; look whether it was done before you ask again."
        return CallFailed("unreachable", message, exit_status=UNREACHABLE, next=next)


def _answer(status: int, content: bytes, start: str) -> dict[str, Any]:
    try:
        answer = json.loads(content)
    except ValueError:
        raise unreachable("The node's answer could not be read.", start) from None
    if not isinstance(answer, dict):
        raise unreachable("The node's answer could not be read.", start)
    if status < 400:
        return answer
    if answer.get("code") in _TOKEN_REFUSED:
        raise CallFailed(
            "unreachable", "Another program answers in place of this home's node, or the node is just starting.",
            exit_status=UNREACHABLE,
            next=f"Wait a moment and try again; if it stays so, start the node with `{start}`.",
        )  # fmt: skip
    raise CallFailed(
        answer.get("code", "failed"),
        answer.get("detail", "the node refused"),
        exit_status=_EXIT_BY_STATUS.get(status, FAILED),
        next=answer.get("next", ""),
        facts=answer.get("facts"),
    )


def unreachable(message: str, start: str = "tally up --detach") -> CallFailed:
    """The node is not there; `start` is the command that starts it."""
    return CallFailed("unreachable", message, exit_status=UNREACHABLE, next=f"Start it with `{start}`.")


def running(home: Path, start: str = "tally up --detach") -> Client | None:
    """Find the running node of `home`; None when none runs. Raises CallFailed as `read_run_file` does."""
    run = read_run_file(home)
    return None if run is None or not _lives(run.pid) else Client(run, start)


def _lives(pid: int) -> bool:
    """Tell whether a process of this user has that number.

    The file of a node that was killed stays; the token in it is not for whoever has its port now. (Not by the lock, as
    `running_pid` does: every command would keep a node that starts just then out of it for a moment.)
    """
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


def read_run_file(home: Path) -> RunFile | None:
    """Read HOME/run/api.json; None when nothing runs. Raises CallFailed when others could have written or read it."""
    try:
        with (home / "run" / "api.json").open("rb") as file:
            found = os.fstat(file.fileno())
            if found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & 0o077:
                raise CallFailed(
                    "home", f"{file.name} is open to other users.", next="Stop the node and start it again."
                )
            content = json.load(file)
            return RunFile(content["address"], content["token"], int(content["pid"]))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except PermissionError:
        raise CallFailed("home", "This home belongs to another user.", next="Name another one with --home.") from None
    except (ValueError, KeyError, TypeError):
        return None


def running_pid(home: Path) -> int | None:
    """The process that runs `home`; None when none does.

    It holds the lock of HOME/run for as long as it lives, however it ends, so the number in the lock file is never that
    of a stranger who was given the same one later.
    """
    try:
        with (home / "run" / "lock").open("rb") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                found = re.match(rb"process (\d+)", lock.read(100))
                return int(found.group(1)) if found else None
    except OSError:
        return None
    return None
