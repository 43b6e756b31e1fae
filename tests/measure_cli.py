"""Measures how long the command takes beside `python -c "import click"`: run `python -m tests.measure_cli`.

Prints the ratios that the project promises (help at most 2.5, balance at most 4). It measures, so it asserts nothing:
a busy machine would make it lie. Balance is asked of a real node that is started for it.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

ROUNDS = 15
HELP_MAX = 2.5
BALANCE_MAX = 4.0


def seconds(command: Sequence[str]) -> float:
    """How long one run of a command takes, wall clock."""
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def measure(commands: dict[str, Sequence[str]]) -> dict[str, float]:
    """The median of each, measured in turns so that what else the machine does weighs on all alike."""
    for command in commands.values():
        seconds(command)
    taken: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(ROUNDS):
        for name, command in commands.items():
            taken[name].append(seconds(command))
    return {name: median(values) for name, values in taken.items()}


def main() -> None:
    """Measure and print."""
    script = str(Path(sys.executable).with_name("tally"))
    tally = [script] if Path(script).exists() else [sys.executable, "-m", "wallet"]
    with tempfile.TemporaryDirectory() as folder:
        at_home = [*tally, "--home", f"{folder}/home"]
        subprocess.run(
            [*at_home, "init", "--community", "C", "--unit", "h", "--handle", "ana", "--no-passphrase", "--json"],
            check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        subprocess.run([*at_home, "up", "--detach", "--json"], check=True, stdout=subprocess.DEVNULL)
        try:
            import_click = [sys.executable, "-c", "import click"]
            found = measure(
                {"import click": import_click, "help": [*tally, "--help"], "balance": [*at_home, "balance"]}
            )
        finally:
            subprocess.run([*at_home, "down", "--json"], check=True, stdout=subprocess.DEVNULL)
    base = found["import click"]
    print(f"python -c 'import click'  {base * 1000:6.1f} ms")
    for name, most in (("help", HELP_MAX), ("balance", BALANCE_MAX)):
        print(f"tally {name:<19} {found[name] * 1000:6.1f} ms   {found[name] / base:.2f} times (promised: {most})")


if __name__ == "__main__":
    main()
