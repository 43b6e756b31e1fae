"""Ports for the listeners of a home: chosen once, then the same at every start.

They lie below those that systems hand out for outgoing connections, or a port could be taken by any program's
connection the next time the node starts.
"""

import random
import socket
from contextlib import ExitStack

PORTS = range(20_000, 32_000)
TRIES = 200


def hold_port(held: ExitStack, wanted: int = 0) -> int:
    """Take hold of port `wanted` of loopback if it is free, else of another, until `held` is closed.

    So that no two of those held at a time are the same. Raises OSError when none is free.
    """
    for port in ([wanted] if wanted else []) + random.sample(PORTS, TRIES):
        door = held.enter_context(socket.socket())
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            door.bind(("127.0.0.1", port))
            door.listen(1)  # two that only bind with SO_REUSEADDR may have the same port
        except OSError:
            continue
        return port
    raise OSError(f"none of {TRIES} ports between {PORTS.start} and {PORTS.stop} is free on this machine")
