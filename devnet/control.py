"""How other commands reach a running devnet: a private socket in its home, one question a connection.

`tally-devnet kill bob` in another shell connects, writes one JSON line and reads one back. Only the home's owner can
connect: the socket lies in a private folder. The asking side is plain blocking code, so that these commands start
fast; the answering side runs inside the devnet.
"""

import errno
import hashlib
import json
import os
import socket
import stat
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import trio

from .pipe import ChildRefused, Fields, PipeClosed, Writer, read_lines

PATH_BYTES_MAX = 100
"""Systems allow 104 to 108 bytes for a socket's path."""
ASK_S = 60.0
"""How long a command waits for its answer: a double spend takes seconds to show what follows."""
ASKERS_MAX = 16
"""Connections served at once; further ones wait in the system's queue."""


NO_FACTS: Fields = {}


class NotRunning(Exception):
    """No devnet runs in this home."""


def socket_path(home: Path) -> Path:
    """Say where the socket of a home lies: in it, or in a private folder of its own when that path is too long."""
    inside = home / "control.sock"
    if len(os.fsencode(inside)) <= PATH_BYTES_MAX:
        return inside
    name = hashlib.blake2b(os.fsencode(home), digest_size=8).hexdigest()
    return Path(tempfile.gettempdir()) / f"tally-devnet-{os.getuid()}" / f"{name}.sock"


def ask(home: Path, do: str, facts: Fields = NO_FACTS, wait_s: float = ASK_S) -> dict[str, Any]:
    """Give the devnet of `home` one order and return its answer. Raises NotRunning, or ChildRefused."""
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(wait_s)
        try:
            line.connect(os.fspath(socket_path(home)))
            line.sendall(json.dumps({"do": do, **facts}).encode() + b"\n")
            with line.makefile("rb") as answers:
                raw = answers.readline()
        except (FileNotFoundError, ConnectionError):
            raise NotRunning(f"no devnet is running in {home}") from None
    if not raw:
        raise NotRunning(f"the devnet in {home} ended before it answered")
    fields = json.loads(raw)
    if "error" in fields:
        raise ChildRefused(fields["error"]["code"], fields["error"]["message"], fields["error"]["facts"])
    return dict(fields["answer"])


def is_running(home: Path) -> bool:
    """Tell whether a devnet answers in this home."""
    with socket.socket(socket.AF_UNIX) as line:
        try:
            line.connect(os.fspath(socket_path(home)))
        except OSError:
            return False
    return True


def open_control(home: Path) -> socket.socket:
    """Listen in `home`. A socket left by a devnet that was killed is removed. Raises OSError, also when one runs."""
    if is_running(home):
        raise OSError(errno.EADDRINUSE, f"a devnet is running in {home} already")
    place = socket_path(home)
    place.parent.mkdir(mode=0o700, exist_ok=True)
    found = place.parent.stat()
    if found.st_uid != os.getuid() or stat.S_IMODE(found.st_mode) & 0o077:
        raise PermissionError(f"{place.parent} must be yours alone (chmod 700)")
    with suppress(FileNotFoundError):
        place.unlink()
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(os.fspath(place))
    listener.listen(ASKERS_MAX)
    return listener


async def serve(listener: socket.socket, order: Callable[[Fields], Awaitable[Fields]]) -> None:
    """Answer whoever connects, until cancelled; then the socket is gone from the disk."""
    place = Path(listener.getsockname())
    try:
        accept = trio.SocketListener(_async_socket(listener))
        await trio.serve_listeners(lambda stream: _answer(stream, order), [accept])
    finally:
        with suppress(FileNotFoundError):
            place.unlink()


def _async_socket(listener: socket.socket) -> trio.socket.SocketType:
    return trio.socket.from_stdlib_socket(listener)


async def _answer(stream: trio.SocketStream, order: Callable[[Fields], Awaitable[Fields]]) -> None:
    """Serve one connection: one question, one answer. A connection without a question only asks whether we live."""
    async with stream:
        with trio.move_on_after(ASK_S), suppress(ValueError, PipeClosed):
            async for fields in read_lines(stream):
                await Writer(stream).write(await _reply(fields, order))
                return


async def _reply(fields: Fields, order: Callable[[Fields], Awaitable[Fields]]) -> Fields:
    try:
        return {"answer": await order(fields)}
    except ChildRefused as error:
        return {"error": {"code": error.code, "message": error.message, "facts": error.facts}}
    except PipeClosed:
        return {"error": {"code": "gone", "message": "that node ended before it answered", "facts": {}}}
