"""Starts the children of a devnet, one real process each, and sees to it that none outlives its parent.

Two modes. `fork`: a fork server that has the node's modules loaded forks each child, so that eight nodes are up in
two seconds. `process`: each child is a new interpreter, as on eight machines. Either way a child holds the read end
of the lifeline, a pipe whose one write end is the parent's: when the parent dies, by kill -9 too, the read ends.
May not know what a child does: that is the `target`, "module:function", given the child's end of its control pipe.
"""

import importlib
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext, ForkServerProcess
from typing import Literal, Self

import trio

Mode = Literal["fork", "process"]

GRACE_S = 2.0
"""Time a child has to end by itself once its parent is gone."""
STOP_S = 5.0
"""Time a child has to end after it was asked to, before it is killed."""


@dataclass(frozen=True, slots=True)
class Child:
    """A running child: its pid, and the parent's end of its control pipe."""

    pid: int
    pipe: socket.socket
    process: ForkServerProcess | trio.Process

    def is_alive(self) -> bool:
        if isinstance(self.process, trio.Process):
            return self.process.poll() is None
        return self.process.is_alive()

    async def wait(self) -> None:
        """Wait until the process has ended."""
        if isinstance(self.process, trio.Process):
            await self.process.wait()
            return
        # A descriptor of its own, because several may wait for one child's end.
        sentinel = os.dup(self.process.sentinel)
        try:
            await trio.lowlevel.wait_readable(sentinel)
        finally:
            os.close(sentinel)
        self.process.join()

    def kill(self) -> None:
        """End it as a power cut would."""
        if self.is_alive():
            os.kill(self.pid, signal.SIGKILL)

    async def stop(self, within_s: float = STOP_S) -> None:
        """Close its pipe, which asks it to end; kill it when it does not."""
        with suppress(OSError):
            self.pipe.shutdown(socket.SHUT_WR)
        with trio.move_on_after(within_s):
            await self.wait()
        self.kill()
        await self.wait()


class Launcher(AbstractContextManager["Launcher"]):
    """Starts children of one kind. Leaving the context closes the lifeline: what still runs then ends by itself."""

    def __init__(self, mode: Mode, target: str, preload: Sequence[str] = ()) -> None:
        self._target = target
        self._lifeline, self._held = os.pipe()
        self._context: ForkServerContext | None = None
        if mode == "fork":
            self._context = multiprocessing.get_context("forkserver")
            self._context.set_forkserver_preload([*preload, __name__])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._held)
        os.close(self._lifeline)

    async def start(self) -> Child:
        """Start one child. The first start of a fork server takes as long as loading the modules."""
        ours, theirs = socket.socketpair()
        try:
            if self._context is None:
                return await self._spawn(ours, theirs)
            return await trio.to_thread.run_sync(self._fork, ours, theirs)
        finally:
            theirs.close()

    def _fork(self, ours: socket.socket, theirs: socket.socket) -> Child:
        assert self._context is not None
        lifeline = Connection(os.dup(self._lifeline), writable=False)
        process = self._context.Process(target=enter, args=(self._target, theirs, lifeline), daemon=True)
        try:
            process.start()
        except EOFError:
            raise OSError("the fork server ended while it loaded the node; what it said is above") from None
        assert process.pid is not None
        return Child(process.pid, ours, process)

    async def _spawn(self, ours: socket.socket, theirs: socket.socket) -> Child:
        passed = (theirs.fileno(), self._lifeline)
        command = (sys.executable, "-m", "devnet.launcher", self._target, *map(str, passed))
        process = await trio.lowlevel.open_process(command, pass_fds=passed, stdin=subprocess.DEVNULL)
        return Child(process.pid, ours, process)


def enter(target: str, pipe: socket.socket, lifeline: Connection) -> None:
    """Be a child: watch the lifeline, then run the target with the control pipe."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent ends us in order.
    threading.Thread(target=_watch, args=(lifeline,), name="lifeline", daemon=True).start()
    module, _, function = target.partition(":")
    getattr(importlib.import_module(module), function)(pipe)


def _watch(lifeline: Connection) -> None:
    """End this process soon after its parent, whatever the rest of it is doing.

    Nothing is ever written to the lifeline, so a read returns only at its end.
    """
    os.read(lifeline.fileno(), 1)
    time.sleep(GRACE_S)
    os._exit(1)


def _main(target: str, pipe: str, lifeline: str) -> None:
    enter(target, socket.socket(fileno=int(pipe)), Connection(int(lifeline), writable=False))


if __name__ == "__main__":
    _main(*sys.argv[1:])
