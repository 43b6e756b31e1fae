"""Starting and stopping a home for real: signals, second ones, taken ports, and the question before a payment."""

import json
import os
import pty
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from node.config import read_config, write_config
from tests.real.homes import PROJECT, end, ending, make_community, tally
from wallet.client import running_pid

TIMEOUT_S = 30.0


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A home that was founded and is ended after the test."""
    place = tmp_path / "home"
    founded = tally(place, "init", "--community", "Elm", "--unit", "hours", "--limit", "20", "--handle", "ana",
                    "--no-passphrase")  # fmt: skip
    assert founded.returncode == 0, founded.stdout
    with ending([place]):
        yield place


def foreground(home: Path) -> subprocess.Popen[str]:
    """`tally up` in a process of its own, that has said that it runs."""
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "wallet", "--home", str(home), "--json", "up"], text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
    )  # fmt: skip
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["pid"] == process.pid
    return process


def reported(home: Path, *arguments: str) -> Any:
    return json.loads(tally(home, *arguments, "--json").stdout)


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_cleanly(home: Path, sign: signal.Signals) -> None:
    process = foreground(home)
    process.send_signal(sign)
    assert process.wait(TIMEOUT_S) == 0
    assert process.stderr is not None and "Traceback" not in process.stderr.read()
    assert not (home / "run" / "api.json").exists()
    assert running_pid(home) is None
    process.communicate()


def test_while_it_runs_only_its_owner_can_read_what_is_in_run(home: Path) -> None:
    assert tally(home, "up", "--detach").returncode == 0
    for file in (home / "run").iterdir():
        assert stat.S_IMODE(file.stat().st_mode) & 0o077 == 0, file
    assert set(json.loads((home / "run" / "api.json").read_text())) == {"address", "token", "pid"}


def test_the_token_is_new_at_each_start_and_in_no_log(home: Path) -> None:
    tokens = set()
    for _ in range(2):
        assert tally(home, "up", "--detach").returncode == 0
        token = json.loads((home / "run" / "api.json").read_text())["token"]
        tokens.add(token)
        tally(home, "status")
        pid = running_pid(home)
        if Path("/proc").exists():
            assert token.encode() not in Path(f"/proc/{pid}/cmdline").read_bytes()
            assert token.encode() not in Path(f"/proc/{pid}/environ").read_bytes()
        assert tally(home, "down").returncode == 0
        assert token not in (home / "run" / "tally.log").read_text()
    assert len(tokens) == 2


def test_a_second_one_on_the_same_home_is_refused_and_the_first_goes_on(home: Path) -> None:
    first = foreground(home)
    for extra in ((), ("--detach",)):
        refused = tally(home, "up", *extra, "--json")
        error = json.loads(refused.stdout)["error"]
        assert (refused.returncode, error["code"], error["facts"]) == (1, "already_running", {"pid": first.pid})
        assert error["message"] == f"A node is running in {home} already."
    assert tally(home, "balance").returncode == 0
    assert tally(home, "down").returncode == 0
    assert first.wait(TIMEOUT_S) == 0
    first.communicate()


@pytest.mark.parametrize("setting", ["api_port", "listen_port"])
def test_a_port_in_use_is_named(home: Path, setting: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        config = read_config(home)
        values = {"api_port": config.api_port, "listen_port": config.listen_port, setting: port}
        write_config(type(config)(home, **values))
        refused = reported(home, "up", "--detach")
        assert refused["error"]["code"] == "port_in_use"
        assert str(port) in refused["error"]["message"]
    assert tally(home, "up", "--detach").returncode == 0


def test_after_a_kill_it_starts_again_and_nothing_is_lost(home: Path) -> None:
    assert tally(home, "up", "--detach").returncode == 0
    paid = reported(home, "pay", "@commons", "1", "--yes", "--wait", "recorded", "--ref", "one")
    os.kill(running_pid(home) or 0, signal.SIGKILL)
    deadline = time.monotonic() + TIMEOUT_S
    while running_pid(home) is not None and time.monotonic() < deadline:
        time.sleep(0.02)
    assert reported(home, "balance")["error"]["code"] == "unreachable"
    assert tally(home, "up", "--detach").returncode == 0
    again = reported(home, "pay", "@commons", "1", "--yes", "--wait", "recorded", "--ref", "one")
    assert again["id"] == paid["id"]
    assert reported(home, "balance")["balance"] == "-1.00"


def test_a_stopped_process_is_ended_by_a_signal(home: Path) -> None:
    process = foreground(home)
    process.send_signal(signal.SIGSTOP)
    down = subprocess.Popen(
        [sys.executable, "-P", "-m", "wallet", "--home", str(home), "down"], stdout=subprocess.PIPE, text=True,
        stderr=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(PROJECT)},
    )  # fmt: skip
    time.sleep(0.5)
    process.send_signal(signal.SIGCONT)
    assert down.wait(TIMEOUT_S) == 0
    assert process.wait(TIMEOUT_S) == 0
    down.communicate()
    process.communicate()


def test_a_home_of_another_format_is_refused_in_words(home: Path) -> None:
    end(home)
    (home / "node" / "config.toml").write_text("nonsense = 1\n")
    (home / "node" / "config.toml").chmod(0o600)
    refused = reported(home, "up", "--detach")
    assert refused["error"]["code"] == "store_refused" and "nonsense" in refused["error"]["message"]


def test_an_open_home_is_refused(home: Path) -> None:
    home.chmod(0o755)
    refused = reported(home, "up", "--detach")
    assert refused["error"]["code"] == "home"
    home.chmod(0o700)


def at_a_terminal(home: Path, answer: str, *arguments: str) -> tuple[int, str]:
    """Run a command at a real terminal where somebody types `answer`."""
    pid, terminal = pty.fork()
    if pid == 0:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # else the child of a job in the background is deaf to Ctrl-C
        os.environ.update({"TALLY_HOME": str(home), "PYTHONPATH": str(PROJECT)})
        os.execv(sys.executable, [sys.executable, "-P", "-m", "wallet", *arguments])
    shown, answered = "", False
    with os.fdopen(terminal, "rb+", buffering=0) as screen:
        while True:
            try:
                part = screen.read(4096)
            except OSError:  # Linux says so when the other end is closed
                break
            if not part:
                break
            shown += part.decode()
            if not answered and shown.endswith(("[y/N] ", ": ")):
                screen.write(answer.encode())
                answered = True
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown


def test_at_a_terminal_pay_asks_once_and_no_is_no(home: Path) -> None:
    assert tally(home, "up", "--detach").returncode == 0
    status, shown = at_a_terminal(home, "n\n", "pay", "@commons", "2.50", "--wait", "recorded")
    assert status == 1 and "@ana pays @commons 2.50 hours" in shown and shown.count("[y/N]") == 1
    assert reported(home, "balance")["balance"] == "0.00"
    status, shown = at_a_terminal(home, "y\n", "pay", "@commons", "2.50", "--wait", "recorded")
    assert status == 0 and "afterwards -2.50 hours" in shown
    assert reported(home, "balance")["balance"] == "-2.50"


def test_at_a_terminal_ctrl_c_exits_130_and_pays_nothing(home: Path) -> None:
    assert tally(home, "up", "--detach").returncode == 0
    status, _ = at_a_terminal(home, "\x03", "pay", "@commons", "2.50")
    assert status == 130
    assert reported(home, "balance")["balance"] == "0.00"


def test_a_passphrase_is_not_shown_while_it_is_typed(tmp_path: Path) -> None:
    place = tmp_path / "asked"
    (tmp_path / "secret").write_text("correct horse\n")
    made = (
        "init",
        "--community",
        "Elm",
        "--unit",
        "h",
        "--handle",
        "ana",
        "--passphrase-file",
        str(tmp_path / "secret"),
    )
    assert tally(place, *made).returncode == 0
    status, shown = at_a_terminal(place, "correct horse\n", "words")
    assert status == 0 and "correct horse" not in shown and "24 " in shown


def test_a_payment_between_two_homes_is_seen(tmp_path: Path) -> None:
    homes = make_community(tmp_path, ["ana", "bob", "cem", "dee"])
    with ending(list(homes.values())):
        for place in homes.values():
            assert tally(place, "up", "--detach").returncode == 0
        paid = reported(homes["ana"], "pay", "@bob", "2.50", "--yes", "--wait", "seen")
        assert paid["state"] == "seen"
        assert reported(homes["cem"], "show", paid["id"])["amount"] == "2.50"
        balances = {name: reported(place, "balance")["balance"] for name, place in homes.items()}
        assert balances == {"ana": "-2.50", "bob": "2.50", "cem": "0.00", "dee": "0.00"}
