"""The set-up holds what it promises: one hashed lock, pip alone, no compiler, one known complaint and no other."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import distribution
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent.parent
LOCK = (ROOT / "requirements.lock").read_text()
KNOWN_COMPLAINT = (
    'libp2p 0.8.1 has requirement fastecdsa==2.3.2; sys_platform != "win32", but you have fastecdsa 4.0.0.'
)


def _locked() -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9][a-z0-9.-]*)==(\S+)", LOCK, re.MULTILINE))


def _wanted() -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    groups = project["dependency-groups"]
    return [Requirement(line) for line in project["project"]["dependencies"] + groups["build"] + groups["test"]]


def test_pip_check_reports_exactly_the_one_known_line() -> None:
    checked = subprocess.run([sys.executable, "-m", "pip", "check"], capture_output=True, text=True, timeout=60)
    assert checked.stdout.splitlines() == [KNOWN_COMPLAINT]


def test_every_locked_package_has_a_hash() -> None:
    entries = re.split(r"\n(?=[a-z])", LOCK[LOCK.index("\naioquic") + 1 :])
    assert len(entries) == len(_locked()) > 80
    assert all(re.search(r"--hash=sha256:[0-9a-f]{64}", entry) for entry in entries)


def test_the_lock_names_no_index_and_no_folder() -> None:
    assert not re.search(r"://|--index|--find-links|file:|/(?!\n)[a-z]+/", LOCK)


def test_the_lock_holds_what_the_project_asks_for() -> None:
    locked = _locked()
    for wanted in _wanted():
        assert wanted.specifier.contains(locked[wanted.name]), wanted


def test_what_is_installed_is_what_is_locked() -> None:
    locked = _locked()
    for wanted in _wanted():
        assert distribution(wanted.name).version == locked[wanted.name]


def test_ci_runs_what_everybody_runs() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert script.read_text().splitlines()[-1] == "exec make test"


def _make(tmp_path: Path, python: str) -> subprocess.CompletedProcess[str]:
    """Run `make setup` in an empty project where every Python on the path is the shell script `python`."""
    for name in ("Makefile", "requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("python3.11", "python3.12", "python3.13", "python3"):
        (tools / name).write_text(f"#!/bin/sh\n{python}\n")
        (tools / name).chmod(0o755)
    # Not as a part of the make that runs these tests.
    outer = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    path = f"{tools}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["make", "setup"], cwd=tmp_path, env={**outer, "PATH": path}, capture_output=True,
        text=True, timeout=60,
    )  # fmt: skip


def test_without_venv_make_prints_the_one_line_to_run(tmp_path: Path) -> None:
    python = 'case "$*" in *ensurepip*) exit 1;; *print*) echo 3.11;; esac'
    tried = _make(tmp_path, python)
    assert tried.returncode != 0
    assert tried.stdout.strip().endswith("run: sudo apt install python3.11-venv")
    assert not (tmp_path / ".venv").exists()


def test_with_only_old_pythons_make_says_which_is_needed(tmp_path: Path) -> None:
    tried = _make(tmp_path, "exit 1")
    assert tried.returncode != 0
    assert tried.stdout.startswith("tallystick needs Python 3.11 or newer")
    assert not (tmp_path / ".venv").exists()


FAKE_PIP = """
case "$*" in
  *"-m venv"*) mkdir -p .venv/bin; cp "$0" .venv/bin/python;;
  *requirements.lock*)
    sed -n 's/^\\([a-z].*==[^ ]*\\).*/Collecting \\1\\n  Downloading it/p' requirements.lock
    [ ! -e broken ] || { echo "ERROR: no room" >&2; exit 1; }
    echo "Installing collected packages: all"; echo "Successfully installed all";;
esac
"""
"""A Python whose venv is itself, and whose pip only talks."""


def test_set_up_shows_how_far_it_is_in_a_few_lines(tmp_path: Path) -> None:
    done = _make(tmp_path, FAKE_PIP)
    assert (done.returncode, done.stderr) == (0, "")
    first, *counts, last = done.stdout.splitlines()
    assert first.startswith("setting up .venv with python3.11") and last == "  installing them"
    total = len(_locked())
    assert counts == [f"  {at} of {total} packages" for at in range(10, total + 1, 10)]


def test_what_stops_pip_is_told_and_stops_make(tmp_path: Path) -> None:
    (tmp_path / "broken").touch()
    tried = _make(tmp_path, FAKE_PIP)
    assert tried.returncode != 0 and "ERROR: no room" in tried.stderr
    assert not list((tmp_path / ".venv").glob("packages-*"))
