"""A home is its owner's alone, and one that is in use is not made again."""

import stat
from pathlib import Path

import pytest

from wallet.errors import BY_CODE, HomeRefused, WalletError
from wallet.home import Home, read_private, write_private


def founded(place: Path) -> Home:
    """A home as far as its folders go."""
    home = Home(place)
    home.begin()
    home.book.touch(0o600)
    home.finish()
    return home


def test_its_folders_are_private(tmp_path: Path) -> None:
    home = Home(tmp_path / "deep" / "home")
    home.begin()
    for place in (home.root, home.wallet, home.node, home.run):
        assert stat.S_IMODE(place.stat().st_mode) == 0o700


def test_a_home_with_a_wallet_is_not_made_again(tmp_path: Path) -> None:
    home = founded(tmp_path / "home")
    with pytest.raises(HomeRefused, match="already"):
        home.begin()
    assert home.is_founded() and home.book.exists()
    home.check()


def test_until_it_is_finished_a_home_is_not_founded_and_is_begun_again_from_nothing(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.begin()
    home.book.touch(0o600)
    (home.node / "config.toml").touch(0o600)
    with pytest.raises(HomeRefused, match="cut short"):
        home.check()
    home.begin()
    assert not home.is_founded() and not home.book.exists() and (home.node / "config.toml").exists()


def test_a_home_without_a_wallet_or_open_to_others_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HomeRefused, match="no wallet"):
        Home(tmp_path / "nothing").check()
    home = founded(tmp_path / "home")
    home.wallet.chmod(0o750)
    with pytest.raises(HomeRefused, match="Other users"):
        home.check()


def test_a_private_file_is_replaced_at_once(tmp_path: Path) -> None:
    place = tmp_path / "file"
    write_private(place, b"one")
    write_private(place, b"two")
    assert read_private(place, 3) == b"two" and stat.S_IMODE(place.stat().st_mode) == 0o600
    with pytest.raises(HomeRefused, match="longer"):
        read_private(place, 2)
    with pytest.raises(HomeRefused):
        read_private(tmp_path / "missing", 3)


def test_every_kind_of_failure_has_a_code_of_its_own_and_says_what_next() -> None:
    for code, kind in BY_CODE.items():
        assert kind.code == code and code.isidentifier() and issubclass(kind, WalletError)
        assert kind.next_step.endswith(".") and kind.exit_status in range(1, 8)
