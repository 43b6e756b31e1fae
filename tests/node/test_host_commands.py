"""`tally-node` at the keyboard, without anything that runs: what is said, the exit status, and what stays as it was."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from node.__main__ import run
from node.hosting.home import card_file, read_card, void_card
from node.running import alone

Outcome = tuple[int, str, str]


@pytest.fixture
def tally_node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    monkeypatch.setenv("TALLY_NODE_HOME", str(tmp_path / "host"))

    def called(*arguments: str) -> Outcome:
        status = run(arguments)
        return (status, *capsys.readouterr())

    return called


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "host"


def made(tally_node: Callable[..., Outcome], *more: str) -> Any:
    status, out, _ = tally_node("init", "--listen", "127.0.0.1:4100", "--json", *more)
    assert status == 0
    return json.loads(out)


def test_init_shows_the_card_and_says_what_it_is_worth(tally_node: Callable[..., Outcome], home: Path) -> None:
    status, out, err = tally_node("init", "--witness", "--listen", "0.0.0.0:4100", "--announce", "oak.example:4100")
    assert status == 0
    assert out.splitlines() == [
        f"a host lies in {home}",
        "it serves as witness, archive, relay, reached at oak.example:4100",
        str(read_card(home)),
    ]
    assert "may name the community that this host serves, once" in err


def test_init_as_json_is_one_object(tally_node: Callable[..., Outcome], home: Path) -> None:
    facts = made(tally_node)
    assert facts["roles"] == ["archive", "relay"] and facts["addresses"] == ["127.0.0.1:4100"]
    assert facts["card"] == str(read_card(home)) and not facts["expired"] and not facts["founded"]
    assert abs(facts["expires"] - time.time() - 30 * 86_400) < 60


def test_a_card_is_shown_again_until_a_new_one_is_made(tally_node: Callable[..., Outcome]) -> None:
    card = made(tally_node)["card"]
    assert json.loads(tally_node("card", "--json")[1])["card"] == card
    fresh = json.loads(tally_node("card", "--new", "--expires", "2d", "--json")[1])
    assert fresh["card"] != card and abs(fresh["expires"] - time.time() - 2 * 86_400) < 60
    assert json.loads(tally_node("card", "--json")[1])["card"] == fresh["card"]


def test_a_damaged_card_is_made_anew(tally_node: Callable[..., Outcome], home: Path) -> None:
    made(tally_node)
    card_file(home).write_text("card1x")
    status, _, err = tally_node("card")
    assert status == 1 and "tally-node card --new" in err
    assert tally_node("card", "--new")[0] == 0 and read_card(home) is not None


def test_a_host_that_is_just_founded_with_is_on_its_way_and_not_down(
    tally_node: Callable[..., Outcome], home: Path
) -> None:
    made(tally_node)
    with alone(home / "run"):
        assert "waits for whoever holds its card" in tally_node("status")[1]
        void_card(home)
        status, out, _ = tally_node("status")
        assert status == 0 and "it has its community and is on its way up" in out
        assert json.loads(tally_node("status", "--json")[1])["starting"] is True
    assert tally_node("status")[0] == 4


def test_a_host_with_a_community_says_that_its_card_opens_nothing(
    tally_node: Callable[..., Outcome], home: Path
) -> None:
    made(tally_node)
    void_card(home)
    status, _, err = tally_node("card")
    assert status == 0 and "has its community" in err and not card_file(home).exists()


BAD = {
    "no host: card": (("card",), 1, "There is no host in"),
    "no host: run": (("run",), 6, "There is no host in this home"),
    "no host: down": (("down",), 6, "There is no host in this home"),
    "no host: status": (("status",), 6, "There is no host in this home"),
    "no host: service": (("service",), 6, "There is no host in this home"),
    "nobody could reach it": (("init", "--listen", "none"), 1, "Nobody can reach a host that does not listen"),
    "a name to listen at": (("init", "--listen", "oak.example:4100"), 2, "is no address of this computer"),
    "an address without a port": (("init", "--announce", "oak.example"), 2, "has no port"),
    "a length of time that is none": (("init", "--expires", "soon"), 2, "is no length of time"),
    "too long a time": (("init", "--expires", "367d"), 2, "366 d is the longest"),
    "no such command": (("found",), 2, "No such command"),
    "no such option": (("run", "--port", "1"), 2, "No such option"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_done_is_said_and_makes_no_host(
    tally_node: Callable[..., Outcome], home: Path, case: str
) -> None:
    arguments, status, words = BAD[case]
    found, out, err = tally_node(*arguments)
    assert found == status and words in err and not out
    assert not (home / "node" / "identity").exists() and not (home / "run").exists()
    assert words in json.loads(tally_node(*arguments, "--json")[1])["error"]["message"]


def test_a_wrong_address_at_the_start_changes_nothing(tally_node: Callable[..., Outcome], home: Path) -> None:
    made(tally_node)
    before = (home / "node" / "config.toml").read_bytes()
    status, _, err = tally_node("run", "--listen", "nowhere:1")
    assert status == 2 and "nowhere" in err
    assert (home / "node" / "config.toml").read_bytes() == before


def test_a_unit_is_shown_and_installed_only_when_asked(
    tally_node: Callable[..., Outcome], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    made(tally_node)
    assert "[Service]" in tally_node("service")[1].splitlines() and not (tmp_path / "config").exists()
    status, out, err = tally_node("service", "--install")
    assert status == 0 and out == f"written: {tmp_path}/config/systemd/user/tally-node-host.service\n"
    assert "systemctl --user enable --now tally-node-host.service" in err
    assert tally_node("service", "--install", "--system")[0] == 2
