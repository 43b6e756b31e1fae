"""Ports that a home chooses: free, its own, and not such as the system hands out."""

import random
import socket
from collections.abc import Sequence
from contextlib import ExitStack

import pytest

from node.ports import PORTS, hold_port


def first_ones(ports: Sequence[int], count: int) -> list[int]:
    return list(ports[:count])


def test_no_two_that_are_held_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random, "sample", first_ones)
    with ExitStack() as held:
        chosen = [hold_port(held) for _ in range(8)]
        assert len(set(chosen)) == 8
        assert hold_port(held, chosen[0]) not in chosen
    assert all(port in PORTS for port in chosen)


def test_the_one_that_is_wanted_is_kept_while_it_is_free() -> None:
    with ExitStack() as held:
        port = hold_port(held)
    with ExitStack() as held:
        assert hold_port(held, port) == port
    with socket.create_server(("127.0.0.1", port)), ExitStack() as held:
        assert hold_port(held, port) != port
