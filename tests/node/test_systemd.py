"""The systemd unit: what it says, and what installing never does."""

import sys
from pathlib import Path

import pytest

from node.console.systemd import Unit
from node.filesystem import StoreRefused

USUAL = Path("/srv/usual")


def unit(home: Path = USUAL, user: str | None = None) -> Unit:
    return Unit("tally-node", "node", "run", home, USUAL, user)


def test_it_starts_the_home_and_waits_for_the_network() -> None:
    lines = unit().text().splitlines()
    assert f"ExecStart={sys.executable} -P -m node --home /srv/usual --no-input run" in lines
    assert {"Restart=on-failure", "NoNewPrivileges=yes", "After=network-online.target"} <= set(lines)
    assert "WantedBy=default.target" in lines and not any(line.startswith("User=") for line in lines)


def test_for_the_whole_system_it_names_the_user_and_opens_the_home_alone() -> None:
    lines = unit(user="ana").text().splitlines()
    assert {"User=ana", "ProtectSystem=strict", "ReadWritePaths=/srv/usual", "WantedBy=multi-user.target"} <= set(lines)


@pytest.mark.parametrize(
    ("home", "name"),
    [
        (USUAL, "tally-node.service"),
        (Path("/srv/oak"), "tally-node-oak.service"),
        (Path("/srv/Oak & Elm"), "tally-node-Oak-Elm.service"),
        (Path("/srv/§"), "tally-node-home.service"),
    ],
)
def test_each_home_has_a_unit_of_its_own(home: Path, name: str) -> None:
    assert unit(home).name == name


def test_a_home_with_an_odd_name_is_one_word_of_the_line() -> None:
    odd = unit(Path('/srv/50% "of" $HOME\\'))
    assert '--home "/srv/50%% \\"of\\" $$HOME\\\\" --no-input' in odd.run_line


def test_a_home_that_no_line_can_hold_is_refused() -> None:
    with pytest.raises(StoreRefused, match="No unit can name"):
        unit(Path("/srv/a\nExecStart=/bin/evil")).text()


def test_installing_writes_one_file_and_again_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    for _ in range(2):
        place = unit().install()
        assert place == tmp_path / "systemd" / "user" / "tally-node.service"
        assert place.read_text() == unit().text()
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [place]


def test_installing_never_replaces_the_unit_of_another_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    place = unit(Path("/srv/a/oak")).install()
    before = place.read_text()
    with pytest.raises(StoreRefused, match="starts something else"):
        unit(Path("/srv/b/oak")).install()
    assert place.read_text() == before
