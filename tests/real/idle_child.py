"""Children for the tests of the launcher: one that answers its pipe, one that hears nothing."""

import os
import socket
import time

import trio

from devnet.pipe import ChildEnd, ChildRefused, Fields


async def _order(fields: Fields) -> Fields:
    if fields["do"] == "fail":
        raise ChildRefused("no", "it was asked to fail", {"asked": 1})
    return {"pid": os.getpid(), "echo": fields.get("text", "")}


async def _serve(pipe: socket.socket) -> None:
    end = ChildEnd(pipe)
    await end.note("ready", pid=os.getpid())
    await end.serve(_order)


def answering(pipe: socket.socket) -> None:
    """Serve orders until the parent closes the pipe."""
    trio.run(_serve, pipe)


def deaf(pipe: socket.socket) -> None:
    """Hang, as a node does whose loop is stuck: only the lifeline can end it."""
    while True:
        time.sleep(60)
