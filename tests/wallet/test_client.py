"""Finding the running node of a home: which run file is believed, and what is said when none is."""

import http.client
import json
import os
from pathlib import Path

import pytest

from node.console.exits import UNREACHABLE
from wallet.client import CallFailed, RunFile, connect

TOKEN = "t" * 43


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with a wallet, and the run file of a node whose process is this one."""
    (tmp_path / "wallet").mkdir()
    (tmp_path / "wallet" / "keystore").touch()
    (tmp_path / "run").mkdir()
    write_run_file(tmp_path, os.getpid())
    return tmp_path


def write_run_file(home: Path, pid: object) -> None:
    run_file = home / "run" / "api.json"
    run_file.write_text(json.dumps({"address": "127.0.0.1:1", "token": TOKEN, "pid": pid}))
    run_file.chmod(0o600)


def test_the_run_file_of_a_process_that_lives_is_believed(home: Path) -> None:
    assert connect(home).run == RunFile("127.0.0.1:1", TOKEN, os.getpid())


@pytest.mark.parametrize("error", [ProcessLookupError, PermissionError])
def test_a_run_file_that_a_killed_node_left_leads_nowhere(
    home: Path, monkeypatch: pytest.MonkeyPatch, error: type[OSError]
) -> None:
    def kill(pid: int, signal: int) -> None:
        assert (pid, signal) == (os.getpid(), 0)
        raise error

    monkeypatch.setattr(os, "kill", kill)
    with pytest.raises(CallFailed, match="not running") as refused:
        connect(home)
    assert (refused.value.code, refused.value.exit_status) == ("unreachable", UNREACHABLE)
    assert "tally up" in refused.value.next


class DeafConnection:
    """Stands for a connection that comes about, or not, and on which no answer comes."""

    is_there = True

    def __init__(self, address: str, timeout: float) -> None:
        pass

    def connect(self) -> None:
        if not self.is_there:
            raise ConnectionRefusedError

    def request(self, *_: object) -> None:
        self.connect()

    def getresponse(self) -> None:
        raise ConnectionResetError

    def close(self) -> None:
        pass


def test_who_lost_the_answer_is_told_to_look_before_paying_again(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http.client, "HTTPConnection", DeafConnection)
    with pytest.raises(CallFailed, match="was asked and did not answer") as lost:
        connect(home).post("/v1/wallet/pay", {})
    assert "look whether it was done before you ask again" in lost.value.next
    assert (lost.value.code, lost.value.exit_status) == ("unreachable", UNREACHABLE)
    with pytest.raises(CallFailed, match="does not answer") as looked:
        connect(home).get("/v1/wallet/balance")
    monkeypatch.setattr(DeafConnection, "is_there", False)
    with pytest.raises(CallFailed, match="does not answer") as refused:
        connect(home).post("/v1/wallet/pay", {})
    assert looked.value.next == refused.value.next == "Start it with `tally up --detach`."


@pytest.mark.parametrize("pid", ["x", None, []])
def test_a_damaged_run_file_leads_nowhere(home: Path, pid: object) -> None:
    write_run_file(home, pid)
    with pytest.raises(CallFailed, match="not running"):
        connect(home)
