"""The systemd unit as systemd reads it, and the line in it as it stands."""

import shutil
import subprocess
from pathlib import Path

import pytest

from node.console.systemd import Unit

pytestmark = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd on this machine")

USUAL = Path("/srv/usual")


def verified(folder: Path, text: str, *for_whom: str) -> tuple[int, str]:
    """What `systemd-analyze verify` says of a unit."""
    file = folder / "tally-node.service"
    file.write_text(text)
    checked = subprocess.run(
        ["systemd-analyze", *for_whom, "verify", str(file)], capture_output=True, text=True,
        timeout=60, env={"PATH": "/usr/bin:/bin", "HOME": str(folder), "XDG_RUNTIME_DIR": str(folder)},
    )  # fmt: skip
    return checked.returncode, checked.stderr


@pytest.mark.parametrize("user", [None, "daemon"])
@pytest.mark.parametrize("home", [USUAL, Path('/srv/50% "of" $HOME')], ids=["plain", "odd"])
def test_systemd_finds_nothing_wrong_with_it(tmp_path: Path, home: Path, user: str | None) -> None:
    text = Unit("tally-node", "node", "run", home, USUAL, user).text()
    for_whom = ["--user"] if user is None else []
    assert verified(tmp_path, text, *for_whom) == (0, "")


def test_systemd_would_have_found_it(tmp_path: Path) -> None:
    text = Unit("tally-node", "node", "run", USUAL, USUAL).text()
    _, said = verified(tmp_path, text.replace("NoNewPrivileges=yes", "NoNewPrivileges=perhaps"), "--user")
    assert "perhaps" in said
