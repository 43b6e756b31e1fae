"""What a command loads when it starts: a person waits for every library, so these stay out until they are needed."""

import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
SLOW = {
    "libp2p", "starlette", "hypercorn", "trio", "anyio", "rich", "nacl", "msgpack", "msgspec", "apsw", "mnemonic",
    "babel", "segno", "multiaddr", "protocol", "devnet", "asyncio", "logging.handlers", "decimal", "getpass",
}  # fmt: skip
"""Libraries and packages that no command may load which only asks the running wallet."""

ASKING = (
    "balance",
    "history",
    "members",
    "show",
    "status",
    "pay",
    "receive",
    "refund",
    "unlock",
    "lock",
    "verify",
    "events",
    "batch",
    "export",
    "down",
)
PROBE = """
import sys
from importlib import import_module
run = import_module(sys.argv.pop(1) + ".__main__").run
run(sys.argv[1:])
print("LOADED", *sys.modules)
"""


def loaded_by(*arguments: str, package: str = "wallet") -> set[str]:
    """The modules in memory after a command ran against a home where nothing runs."""
    done = subprocess.run(
        [sys.executable, "-c", PROBE, package, "--home", "/nonexistent/home", *arguments],
        capture_output=True, text=True, timeout=60, cwd=PROJECT, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    last = done.stdout.splitlines()[-1]
    assert last.startswith("LOADED "), done.stderr
    return set(last.split()[1:])


def test_help_loads_click_and_nothing_that_calls_out() -> None:
    loaded = loaded_by("--help")
    assert "click" in loaded
    assert not loaded & SLOW
    assert not any(name.startswith("wallet.commands.") and name != "wallet.commands.session" for name in loaded)


@pytest.mark.parametrize("name", ASKING)
def test_a_command_that_asks_loads_nothing_slow(name: str) -> None:
    arguments = {"show": ("x",), "refund": ("x",), "pay": ("@bob", "1", "--yes"), "batch": ("x.csv", "--yes")}.get(
        name, ()
    )
    loaded = loaded_by(name, *arguments)
    assert not loaded & SLOW
    assert "http.client" in loaded


@pytest.mark.parametrize("name", ["--help", "status", "down", "run", "service"])
def test_a_host_s_command_loads_nothing_slow_before_it_runs(name: str) -> None:
    assert not loaded_by(name, package="node") & SLOW
