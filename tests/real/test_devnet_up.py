"""`tally-devnet up` as a user meets it: real processes, living payments, faults from another shell, a clean end."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.real.devnets import END_S, RunningDevnet, run, tally
from tests.real.processes import gone_within


@pytest.fixture(scope="module")
def devnet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDevnet]:
    """One community of six for the tests of this file, which leave it as they found it."""
    home = tmp_path_factory.mktemp("devnet") / "net"
    with RunningDevnet(home, "--members", "6", "--traffic", "busy") as running:
        yield running
        assert running.interrupt() == 0
        assert gone_within(running.pids, END_S)


def final_within(devnet: RunningDevnet, payer: str, payee: str, limit_s: float = 20.0) -> bool:
    """Pay until it is final, as a patient user does."""
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        status, answer = tally(devnet.home_of(payer), "pay", payee, "0.01", "--yes", "--timeout", "5s")
        if status == 0:
            return bool(answer["state"] == "final")
    return False


def test_the_first_line_says_who_is_there_and_payments_are_seen_within_ten_seconds(devnet: RunningDevnet) -> None:
    assert set(devnet.ready) == {"event", "unit", "members"}
    assert devnet.ready["unit"] == "hours"
    for member in devnet.ready["members"]:
        assert set(member) == {"handle", "home", "api", "pid", "peer_id", "witness"}
    assert [member["witness"] for member in devnet.ready["members"]] == [True] * 4 + [False] * 2
    assert len(set(devnet.pids)) == 6
    assert devnet.event("payment", 10)["state"] == "seen"


def test_tally_works_on_every_home(devnet: RunningDevnet) -> None:
    for member in devnet.ready["members"]:
        status, answer = tally(member["home"], "balance")
        assert (status, answer["handle"], answer["limit"]) == (0, member["handle"], "20.00")


def test_status_shows_all_nodes_linked_and_everything_summing_to_nothing(devnet: RunningDevnet) -> None:
    status, answer = devnet.order("status")
    assert (status, answer["sum"]) == (0, "0.00")
    assert [member["peers"] for member in answer["members"]] == [5] * 6


def test_a_killed_witness_is_not_missed_and_comes_back(devnet: RunningDevnet) -> None:
    assert devnet.order("kill", "bob")[0] == 0
    assert devnet.event("killed")["handle"] == "bob"
    assert final_within(devnet, "ana", "eva")
    assert devnet.order("kill", "bob")[0] == 4
    assert devnet.order("start", "bob")[0] == 0
    assert devnet.event("started")["handle"] == "bob"
    assert final_within(devnet, "bob", "ana")


def test_a_member_who_signs_twice_gets_at_most_one_payment_final(devnet: RunningDevnet) -> None:
    status, found = devnet.order("double-spend", "femi")
    assert (status, found["lost"], found["votes_for_second"]) == (0, 0, 2)
    assert found["final"] <= 1
    assert len(found["proof_at"]) == found["nodes"] == 6
    assert found["state"] == "conflict"
    status, answer = tally(devnet.home_of("femi"), "pay", "ana", "0.01", "--yes", "--timeout", "5s")
    assert (status, answer["error"]["code"]) == (3, "conflict")
    status, answer = tally(devnet.home_of("femi"), "balance")
    assert (status, answer["spendable"], answer["limit"]) == (0, "0.00", "20.00")


def test_a_partition_cuts_off_and_healing_joins_again(devnet: RunningDevnet) -> None:
    assert devnet.order("partition", "dan")[0] == 0
    status, answer = tally(devnet.home_of("dan"), "pay", "ana", "0.01", "--yes", "--timeout", "1s")
    assert status in (4, 7)
    assert final_within(devnet, "ana", "eva")
    assert devnet.order("heal")[0] == 0
    assert final_within(devnet, "dan", "ana", 40)


def test_an_order_for_somebody_unknown_is_refused_and_changes_nothing(devnet: RunningDevnet) -> None:
    assert devnet.order("kill", "nobody")[0] == 6
    assert devnet.order("partition", "nobody")[0] == 6
    assert [member["state"] for member in devnet.order("status")[1]["members"]] == ["running"] * 6


def test_a_second_devnet_in_the_same_home_is_refused(devnet: RunningDevnet) -> None:
    status, output = run("up", "--home", devnet.home, "--json")
    assert (status, json.loads(output)["error"]["code"]) == (1, "already_running")
    assert devnet.order("start", "ana")[0] == 1
    assert devnet.order("status")[0] == 0


def test_the_log_of_a_node_can_be_read(devnet: RunningDevnet) -> None:
    status, output = run("logs", "ana", "--home", devnet.home)
    assert status == 0
    assert "up at 127.0.0.1" in output


def test_state_is_kept_between_runs_and_down_wipes_it_all(tmp_path: Path) -> None:
    home = tmp_path / "net"
    few = ("--members", "2", "--witnesses", "2", "--traffic", "off")
    with RunningDevnet(home, *few) as first:
        assert final_within(first, "ana", "bob")
        assert run("down", "--home", home)[0] == 0
        assert first.process.wait(END_S) == 0
    with RunningDevnet(home, *few) as second:
        assert [one["peer_id"] for one in second.ready["members"]] == [one["peer_id"] for one in first.ready["members"]]
        assert tally(second.home_of("bob"), "balance")[1]["balance"] == "0.01"
        status, output = run("down", "--wipe", "--home", home)
        assert status == 0
        assert {"ana", "bob", "devnet.json"} <= set(output.split())
    assert not home.exists()
    assert run("down", "--home", home)[0] == 4


@pytest.mark.parametrize("mode", ["fork", "process"])
def test_nothing_of_a_devnet_outlives_kill_9(tmp_path: Path, mode: str) -> None:
    few = ("--members", "2", "--witnesses", "2", "--mode", mode)
    with RunningDevnet(tmp_path / "net", *few) as running:
        running.event("payment")
        running.process.kill()
        running.process.wait(END_S)
        assert gone_within(running.pids, END_S)


def test_it_ends_by_itself_after_the_time_asked_for(tmp_path: Path) -> None:
    few = ("--members", "2", "--witnesses", "1", "--for", "1s", "--traffic", "off")
    with RunningDevnet(tmp_path / "net", *few) as running:
        assert running.process.wait(END_S) == 0
        assert gone_within(running.pids, END_S)
