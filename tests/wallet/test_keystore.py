"""The keystore opens to its passphrase and to nothing else, and refuses what it should not trust."""

import json
import os
import stat
from pathlib import Path

import pytest

from wallet import keystore
from wallet.errors import KeystoreRefused, WrongPassphrase
from wallet.home import Home
from wallet.keystore import DEAREST, FLOOR, USUAL, Cost, Secrets

SECRETS = Secrets(bytes(range(32)), 7)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path / "home")
    made.begin()
    return made


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bytes of a keystore under a passphrase."""
    made = Home(tmp_path_factory.mktemp("keystore") / "home")
    made.begin()
    keystore.save(made, SECRETS, "café au lait\x07", FLOOR)
    return made.keystore.read_bytes()


def put(home: Home, content: bytes) -> None:
    home.keystore.write_bytes(content)
    home.keystore.chmod(0o600)


def changed(content: bytes, **fields: object) -> bytes:
    line, box, _ = content.split(b"\n")
    return json.dumps({**json.loads(line), **fields}, sort_keys=True).encode() + b"\n" + box + b"\n"


def test_the_usual_cost_is_a_quarter_of_a_gigabyte_and_the_floor_a_quarter_of_that() -> None:
    assert (USUAL.memory_kib, USUAL.passes) == (262_144, 3) and (FLOOR.memory_kib, FLOOR.passes) == (65_536, 3)


def test_it_opens_however_the_keyboard_writes_the_passphrase(home: Home, locked: bytes) -> None:
    put(home, locked)
    assert keystore.needs_passphrase(home)
    assert keystore.load(home, "cafe\u0301 au lait") == SECRETS


def test_a_wrong_passphrase_or_none_is_one_clear_error(home: Home, locked: bytes) -> None:
    put(home, locked)
    for wrong in ("cafe au lait", None, ""):
        with pytest.raises(WrongPassphrase) as caught:
            keystore.load(home, wrong)
        assert "café" not in str(caught.value) and "cafe" not in str(caught.value)


def test_without_a_passphrase_the_key_lies_beside_it_and_the_file_says_so(home: Home) -> None:
    keystore.save(home, SECRETS, None)
    assert keystore.load(home, None) == SECRETS and not keystore.needs_passphrase(home)
    assert b"none: the key lies in the file keystore.key" in home.keystore.read_bytes()
    keystore.save(home, Secrets(SECRETS.entropy, 8), None)
    assert keystore.load(home, None).accounts == 8
    home.keystore_key.unlink()
    with pytest.raises(KeystoreRefused):
        keystore.load(home, None)


def test_setting_a_passphrase_takes_the_key_away(home: Home) -> None:
    keystore.save(home, SECRETS, None)
    keystore.save(home, SECRETS, "now guarded", FLOOR)
    assert not home.keystore_key.exists() and keystore.needs_passphrase(home)


def test_the_secret_is_not_in_the_files_nor_in_a_repr(home: Home, locked: bytes) -> None:
    assert SECRETS.entropy not in locked and SECRETS.entropy.hex().encode() not in locked
    assert SECRETS.entropy.hex() not in repr(SECRETS) and repr(SECRETS.entropy) not in repr(SECRETS)


def test_every_file_is_the_owners_alone(home: Home) -> None:
    keystore.save(home, SECRETS, None)
    for place in (home.keystore, home.keystore_key):
        assert stat.S_IMODE(place.stat().st_mode) == 0o600
    assert sorted(os.listdir(home.wallet)) == ["keystore", "keystore.key"], "no draft is left behind"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_loose_permissions_are_refused(home: Home, locked: bytes, mode: int) -> None:
    put(home, locked)
    home.keystore.chmod(mode)
    with pytest.raises(KeystoreRefused, match="Other users"):
        keystore.load(home, "café au lait")


def test_a_foreign_owner_is_refused(home: Home, locked: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    put(home, locked)
    monkeypatch.setattr(os, "geteuid", lambda: home.keystore.stat().st_uid + 1)
    with pytest.raises(KeystoreRefused, match="Other users"):
        keystore.load(home, "café au lait")


def test_a_symbolic_link_is_refused(home: Home, locked: bytes, tmp_path: Path) -> None:
    put(home, locked)
    home.keystore.rename(tmp_path / "elsewhere")
    home.keystore.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(KeystoreRefused):
        keystore.load(home, "café au lait")


@pytest.mark.parametrize(
    "fields",
    [
        {"memory_kib": FLOOR.memory_kib - 1}, {"passes": 2}, {"memory_kib": DEAREST.memory_kib + 1}, {"passes": 11},
        {"memory_kib": 2**60}, {"passes": -1}, {"memory_kib": "65536"}, {"memory_kib": True}, {"passes": 3.0},
        {"salt": "00"}, {"nonce": "zz"}, {"nonce": 5}, {"format": "another"}, {"lock": 5},
    ],
)  # fmt: skip
def test_absurd_parameters_are_refused_before_any_work(
    home: Home, locked: bytes, fields: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    def work(*_: object) -> bytes:
        raise AssertionError("memory would be taken now")

    monkeypatch.setattr(keystore, "crypto_pwhash_alg", work)
    put(home, changed(locked, **fields))
    with pytest.raises(KeystoreRefused):
        keystore.load(home, "café au lait")


@pytest.mark.parametrize("content", [b"", b"\n\n", b"{}\n00\n", b"[]\n00\n", b"x" * 5000, b"{\n", b"\xff\xfe\n00\n"])
def test_what_is_no_keystore_is_refused(home: Home, content: bytes) -> None:
    put(home, content)
    with pytest.raises(KeystoreRefused):
        keystore.load(home, "café au lait")


def test_a_header_or_box_that_was_touched_does_not_open(home: Home, locked: bytes) -> None:
    put(home, changed(locked, note="added"))
    with pytest.raises(WrongPassphrase):
        keystore.load(home, "café au lait")
    line, box, _ = locked.split(b"\n")
    put(home, line + b"\n" + (b"1" if box[:1] == b"0" else b"0") + box[1:] + b"\n")
    with pytest.raises(WrongPassphrase):
        keystore.load(home, "café au lait")


def test_no_keystore_is_written_too_cheap_too_dear_or_for_an_empty_passphrase(home: Home) -> None:
    for cost in (Cost(1024, 3), Cost(65_536, 1), Cost(2**30, 3)):
        with pytest.raises(KeystoreRefused):
            keystore.save(home, SECRETS, "a passphrase", cost)
    with pytest.raises(WrongPassphrase):
        keystore.save(home, SECRETS, "", FLOOR)
    assert not home.keystore.exists()


def test_a_crash_while_writing_leaves_the_old_keystore(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    keystore.save(home, SECRETS, None)
    before = home.keystore.read_bytes()

    def crash(*_: object) -> None:
        raise OSError("power cut")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", crash)
        with pytest.raises(OSError, match="power cut"):
            keystore.save(home, Secrets(SECRETS.entropy, 9), None)
    assert home.keystore.read_bytes() == before and keystore.load(home, None) == SECRETS
