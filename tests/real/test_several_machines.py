"""A community on several machines, as its people would found, join and use it: real commands, real nodes.

The machines are network namespaces: oak, elm and ash are hosts, ana founds, dora and emil sit behind routers that let
nobody in. The tests follow one another, as days do.
"""

import time
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
        self.oak, self.elm, self.ash, self.ana, self.dora, self.emil = machines
        self.hosts = (self.oak, self.elm, self.ash)
        self.used_link = ""


@pytest.fixture(scope="module", autouse=True)
def _possible() -> None:
    reason = why_not()
    if reason is not None:
        pytest.skip(reason)


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    """Six machines with nothing on them."""
    folder = tmp_path_factory.mktemp("street")
    with hosts("oak", "elm", "ash", "ana", "dora", "emil", behind_nat=["dora", "emil"]) as made:
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


def invite_of(machine: Machine, *terms: str) -> str:
    """The link of a new invite."""
    return next(word for word in machine.tally("invite", *terms).split() if word.startswith("tally:invite1"))


def standing_of(machine: Machine) -> str:
    """How far a home that joins has come."""
    return str(machine.facts("status")["standing"])


def balances(machine: Machine) -> dict[str, str]:
    """All balances, as one member's node sees them."""
    return {row["handle"]: row["balance"] for row in machine.facts("members")["members"]}


def limit_of(machine: Machine, handle: str) -> str:
    """A member's credit limit, as one member's node sees it."""
    return next(str(row["limit"]) for row in machine.facts("members")["members"] if row["handle"] == handle)


def state_of(machine: Machine, payment: str) -> str:
    """How safe a payment is, as this machine's node sees it."""
    return str(machine.facts("show", payment)["state"])


def pay(machine: Machine, payee: str, amount: str, *options: str) -> str:
    """Pay, and give the payment's name."""
    return str(machine.facts("pay", payee, amount, "--yes", *options)["id"])


@pytest.fixture(scope="module")
def joined(founded: Street) -> Street:
    """Dora has joined by an invite that admits without another look, from behind her router."""
    founded.used_link = link = invite_of(founded.ana, "--uses", "1", "--limit", "15")
    founded.dora.tally("init", "--join", link, "--handle", "dora", "--no-passphrase", "--listen", "none")
    founded.dora.tally("up", "--detach")
    until(lambda: standing_of(founded.dora) == "open", 30, "the account is open by itself")
    return founded


def test_a_newcomer_behind_a_router_joins_by_one_link_and_is_linked_with_all(joined: Street) -> None:
    until(lambda: len(joined.dora.facts("status")["peers"]) == 4, 20, "linked with three hosts and the founder")
    assert balances(joined.ana).keys() == {"ana", "dora"}


def test_an_invite_for_one_is_used_up(joined: Street) -> None:
    again = ("--handle", "emil", "--no-passphrase", "--listen", "none")
    said = joined.emil.tally("init", "--join", joined.used_link, *again, fails=True)
    assert "has been used as often as it allows" in said
    assert balances(joined.ana).keys() == {"ana", "dora"} and "emil" not in joined.ana.tally("requests")


def test_payments_both_ways_are_final_and_seen(joined: Street) -> None:
    pay(joined.ana, "@dora", "2.50", "--wait", "seen")
    pay(joined.dora, "@ana", "5", "--wait", "seen")
    until(lambda: balances(joined.ana) == balances(joined.dora) == {"ana": "2.50", "dora": "-2.50"}, 10, "all see it")


def test_with_one_witness_away_payments_are_final(joined: Street) -> None:
    joined.elm.host.unplug()
    try:
        pay(joined.dora, "@ana", "1", "--wait", "final")
    finally:
        joined.elm.host.plug_in()


def test_with_two_away_a_payment_waits_and_is_final_by_itself_when_they_are_back(joined: Street) -> None:
    joined.elm.host.unplug()
    joined.ash.host.unplug()
    try:
        payment = pay(joined.dora, "@ana", "1", "--wait", "recorded")
        time.sleep(5)
        assert state_of(joined.dora, payment) == "recorded"
    finally:
        joined.elm.host.plug_in()
        joined.ash.host.plug_in()
    until(
        lambda: state_of(joined.dora, payment) in ("final", "seen"), MENDED_WITHIN_S, "final when the network is mended"
    )


def test_who_was_away_is_paid_and_sees_it_when_back(joined: Street) -> None:
    joined.ana.tally("down")
    payment = pay(joined.dora, "@ana", "1")
    assert state_of(joined.dora, payment) == "final"
    joined.ana.tally("up", "--detach")
    until(lambda: state_of(joined.dora, payment) == "seen", MENDED_WITHIN_S, "ana has it")


def test_one_asks_while_the_steward_is_away_and_is_admitted_and_paid_when_she_is_back(joined: Street) -> None:
    link = invite_of(joined.dora)
    joined.ana.tally("down")
    said = joined.emil.tally("init", "--join", link, "--handle", "emil", "--no-passphrase", "--listen", "none")
    assert "ask" in said
    joined.emil.tally("up", "--detach")
    until(lambda: standing_of(joined.emil) == "asked", 20, "a host has taken the request")
    joined.ana.tally("up", "--detach")
    until(lambda: "emil" in joined.ana.tally("requests"), MENDED_WITHIN_S, "the request was passed on to the steward")
    joined.ana.tally("admit", "@emil", "--yes")
    until(lambda: standing_of(joined.emil) == "open", MENDED_WITHIN_S, "admitted, and open by itself")
    pay(joined.dora, "@emil", "0.50", "--wait", "seen")
    until(lambda: balances(joined.emil) == balances(joined.ana), 20, "emil sees what ana sees")


def open_acts(machine: Machine) -> list[str]:
    """What stewards are deciding, as this machine's node sees it: what `tally sign` calls each."""
    return [act["act"] for act in machine.facts("acts")["open"]]


def sign_the_open_act(machine: Machine) -> None:
    """Sign the one act that is open, once it has come here."""
    until(lambda: len(open_acts(machine)) == 1, 20, "the act has come here")
    machine.tally("sign", open_acts(machine)[0], "--yes")


def is_decided(machine: Machine) -> bool:
    """Whether nothing is open any more."""
    return not open_acts(machine)


def test_three_become_stewards_and_two_of_them_decide_while_the_third_is_away(joined: Street) -> None:
    ana, dora, emil = joined.ana, joined.dora, joined.emil
    dora.tally("stewards", "--serve")
    emil.tally("stewards", "--serve")
    until(lambda: "would serve: @dora, @emil" in ana.tally("stewards"), 20, "ana hears who would serve")
    ana.tally("stewards", "--set", "@ana,@dora,@emil", "--of", "2", "--yes")
    sign_the_open_act(dora)
    sign_the_open_act(emil)
    until(lambda: "2 of 3 stewards decide" in emil.tally("community"), 30, "all have accepted")
    until(partial(is_decided, dora), 20, "dora sees it too")
    ana.tally("down")
    dora.tally("limit", "@emil", "40", "--yes")
    sign_the_open_act(emil)
    until(lambda: limit_of(dora, "emil") == "40.00", 30, "two of three decided")
    ana.tally("up", "--detach")
    until(lambda: limit_of(ana, "emil") == "40.00", 30, "who was away sees it")


def test_after_all_machines_were_off_everything_is_as_before(joined: Street) -> None:
    before = balances(joined.ana)
    for host in joined.hosts:
        host.node("down")
    for member in (joined.ana, joined.dora, joined.emil):
        member.tally("down")
    for host in joined.hosts:
        host.node("run", "--detach")
    for member in (joined.ana, joined.dora, joined.emil):
        member.tally("up", "--detach")
    pay(joined.emil, "@dora", "0.25", "--wait", "seen")
    pay(joined.ana, "@dora", "0.25", "--wait", "seen")
    until(lambda: balances(joined.ana)["emil"] == "0.25", 20, "ana sees what emil paid")
    assert before["emil"] == "0.50"
    for member in (joined.ana, joined.dora, joined.emil):
        member.tally("verify")


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
