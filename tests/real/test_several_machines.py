"""A community on several machines, as its people would found, join and use it: real commands, real nodes.

The machines are network namespaces: oak, elm and ash are hosts, ana founds, and dora sits behind a router that lets
nobody in.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import pytest

from .machines import Machine, until
from .namespaces import hosts, why_not

FINAL_WITHIN_S = 30.0
MENDED_WITHIN_S = 60.0


class Street:
    """The machines by name."""

    def __init__(self, machines: list[Machine]) -> None:
        self.oak, self.elm, self.ash, self.ana, self.dora = machines
        self.hosts = (self.oak, self.elm, self.ash)
        self.members = (self.ana, self.dora)


@pytest.fixture(scope="module", autouse=True)
def _possible() -> None:
    reason = why_not()
    if reason is not None:
        pytest.skip(reason)


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    """Five machines with nothing on them."""
    folder = tmp_path_factory.mktemp("street")
    with hosts("oak", "elm", "ash", "ana", "dora", behind_nat=["dora"]) as made:
        yield Street([Machine(host, folder) for host in made])


def set_up_host(machine: Machine) -> str:
    """Make a host that is a witness, start it, and give its card."""
    said = machine.node("init", "--witness", *machine.listening)
    machine.node("run", "--detach")
    return next(word for word in said.split() if word.startswith("card1"))


def is_linked_with(host: Machine, others: int) -> bool:
    """Whether a host has so many links."""
    return f"linked with {others} other node" in host.node("status")


def found(founder: Machine, witnesses: Sequence[Machine], quorum: int) -> str:
    """Have a member found a community with hosts, and start; what the founding says."""
    cards = [word for host in witnesses for word in ("--witness", set_up_host(host))]
    terms = ("--community", "Elm Street", "--unit", "hours", "--limit", "20", "--handle", "ana", "--no-passphrase")
    said = founder.tally("init", *terms, *cards, "--quorum", str(quorum), *founder.listening)
    founder.tally("up", "--detach")
    return said


@pytest.fixture(scope="module")
def founded(street: Street) -> Street:
    """Ana has founded with the three hosts, and runs."""
    said = found(street.ana, street.hosts, 3)
    assert "safe if one of the four lies, works if one is away" in said
    return street


def test_a_founder_and_three_hosts_make_a_community(founded: Street) -> None:
    for host in founded.hosts:
        until(partial(is_linked_with, host, 3), 20, "the hosts are linked")
        assert "witness and archive of Elm Street" in host.node("status")


def test_nodes_that_all_moved_find_each_other_on_the_local_network(tmp_path: Path) -> None:
    with hosts("oak", "ana") as made:
        oak, ana = (Machine(host, tmp_path) for host in made)
        found(ana, [oak], 2)
        until(partial(is_linked_with, oak, 1), 20, "the host is linked")
        oak.node("down")
        ana.tally("down")
        for number, machine in enumerate((oak, ana), 1):
            machine.look_nearby()
            machine.move(f"10.77.9.{number}")
        oak.node("run", "--detach")
        ana.tally("up", "--detach")
        until(partial(is_linked_with, oak, 1), 20, "they have found each other")
