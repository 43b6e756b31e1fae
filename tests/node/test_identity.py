"""The node's two secrets: random, for the owner alone, never shown, never without the journal that remembers them."""

import os
from pathlib import Path

import pytest

from node.filesystem import StoreRefused
from node.identity import Identity, read_identity, save_identity
from node.journal import Journal
from node.records import EntryRecord
from node.store import found_store, identity_folder, journal_folder, open_store

from .journal_records import Chains


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save_identity(tmp_path / "node" / "identity", Identity.fresh())
    return tmp_path / "node" / "identity"


def test_what_was_saved_is_read(tmp_path: Path) -> None:
    identity = Identity.fresh()
    save_identity(tmp_path / "identity", identity)
    assert read_identity(tmp_path / "identity") == identity


def test_every_identity_is_another_and_its_keys_differ() -> None:
    one, other = Identity.fresh(), Identity.fresh()
    seeds = {one.transport_seed, other.transport_seed}
    seeds |= {one.witness_key.seed_and_public[:32], other.witness_key.seed_and_public[:32]}
    assert len(seeds) == 4 and {len(seed) for seed in seeds} == {32}


def test_files_are_for_the_owner_alone(folder: Path) -> None:
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.name for path in folder.iterdir()} == {"transport.key", "witness.key"}
    for path in folder.iterdir():
        assert path.stat().st_mode & 0o777 == 0o600 and path.stat().st_size == 32


def test_nothing_secret_is_printed() -> None:
    identity = Identity.fresh()
    for secret in (identity.transport_seed, identity.witness_key.seed_and_public[:32]):
        assert secret.hex() not in repr(identity) and repr(secret) not in repr(identity)
        assert secret.hex() not in str(identity)


def test_keys_are_never_replaced(folder: Path) -> None:
    before = read_identity(folder)
    with pytest.raises(StoreRefused, match="There are keys"):
        save_identity(folder, Identity.fresh())
    assert read_identity(folder) == before


def test_what_a_cut_short_making_left_is_thrown_away(tmp_path: Path) -> None:
    left = tmp_path / "identity.new"
    left.mkdir(mode=0o700)
    (left / "witness.key").write_bytes(bytes(32))
    identity = Identity.fresh()
    save_identity(tmp_path / "identity", identity)
    assert read_identity(tmp_path / "identity") == identity and not left.exists()


@pytest.mark.parametrize("name", ["transport.key", "witness.key"])
def test_keys_that_others_may_read_are_refused(folder: Path, name: str) -> None:
    (folder / name).chmod(0o640)
    with pytest.raises(StoreRefused, match="its permissions are 640"):
        read_identity(folder)


def test_a_folder_that_others_may_open_is_refused(folder: Path) -> None:
    folder.chmod(0o755)
    with pytest.raises(StoreRefused, match="chmod 700"):
        read_identity(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_key_of_another_user_is_refused(folder: Path) -> None:
    os.chown(folder / "witness.key", 12_345, -1)
    with pytest.raises(StoreRefused, match="belongs to another user"):
        read_identity(folder)


def test_a_link_in_the_place_of_a_key_is_refused(folder: Path) -> None:
    (folder / "witness.key").rename(folder / "elsewhere")
    (folder / "witness.key").symlink_to(folder / "elsewhere")
    with pytest.raises(StoreRefused, match="is a link"):
        read_identity(folder)


@pytest.mark.parametrize("size", [0, 31, 33])
def test_a_key_of_the_wrong_length_is_refused_without_showing_it(folder: Path, size: int) -> None:
    (folder / "witness.key").write_bytes(b"k" * size)
    with pytest.raises(StoreRefused, match=f"holds {size} bytes, not 32") as caught:
        read_identity(folder)
    assert "kkk" not in str(caught.value)


def test_a_missing_key_is_not_made_again(folder: Path) -> None:
    (folder / "witness.key").unlink()
    with pytest.raises(StoreRefused, match="witness.key is missing"):
        read_identity(folder)
    assert not (folder / "witness.key").exists()


def test_a_founded_store_knows_its_witness_key(tmp_path: Path) -> None:
    store = found_store(tmp_path)
    assert store.journal.witness() == store.identity.witness_key.public
    store.journal.close()
    again = open_store(tmp_path)
    assert again.identity == store.identity and again.journal.witness() == store.identity.witness_key.public
    again.journal.close()


def test_a_founding_cut_short_before_the_keys_makes_new_ones(tmp_path: Path) -> None:
    store = found_store(tmp_path)
    store.journal.close()
    for path in identity_folder(tmp_path).iterdir():
        path.unlink()
    identity_folder(tmp_path).rmdir()
    again = found_store(tmp_path)
    assert again.identity != store.identity
    assert again.journal.witness() == again.identity.witness_key.public
    again.journal.close()


def test_a_home_where_a_node_has_lived_is_not_founded_again(tmp_path: Path) -> None:
    store = found_store(tmp_path)
    store.journal.append([EntryRecord(Chains().entry())])
    store.journal.close()
    with pytest.raises(StoreRefused, match="has lived"):
        found_store(tmp_path)
    assert read_identity(identity_folder(tmp_path)) == store.identity


def test_keys_without_their_journal_get_no_new_one(tmp_path: Path) -> None:
    save_identity(identity_folder(tmp_path), Identity.fresh())
    with pytest.raises(StoreRefused, match="the journal that remembers what they signed is missing"):
        found_store(tmp_path)
    with pytest.raises(StoreRefused, match="There is no journal"):
        open_store(tmp_path)
    assert not journal_folder(tmp_path).exists()


def test_keys_beside_another_nodes_journal_are_not_its_keys(tmp_path: Path) -> None:
    save_identity(identity_folder(tmp_path), Identity.fresh())
    Journal.open(journal_folder(tmp_path), create=True).close()
    store = open_store(tmp_path)
    assert store.journal.witness() is None
    store.journal.close()
