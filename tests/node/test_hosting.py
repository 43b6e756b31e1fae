"""A host's home and its card: what the card says, that it stays, and what a home that is none is told."""

from dataclasses import replace
from pathlib import Path

import pytest

from node.config import read_config, write_config
from node.filesystem import StoreRefused
from node.hosting.home import (
    address_card,
    card_file,
    identity_of,
    make_host,
    new_card,
    read_card,
    renewed_card,
    void_card,
)
from node.store import open_store
from protocol.bodies import ROLE_ARCHIVE, ROLE_RELAY, ROLE_WITNESS
from protocol.host_card import HostCard, read_host_card

EXPIRES = 2_000_000_000


def host(home: Path, *, witness: bool = True, listen: str | None = "127.0.0.1:4100") -> HostCard:
    return make_host(home, witness=witness, listen=listen, announce=(), expires=EXPIRES)


def files(home: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}


def test_the_card_says_who_the_host_is_and_where(tmp_path: Path) -> None:
    card = host(tmp_path)
    identity = identity_of(tmp_path)
    assert card.peer == identity.peer_id and card.witness == identity.witness_key.public
    assert card.roles == ROLE_WITNESS | ROLE_ARCHIVE | ROLE_RELAY
    assert card.addresses == ("/ip4/127.0.0.1/tcp/4100",) and card.expires == EXPIRES
    assert read_host_card(str(card)) == card == read_card(tmp_path)
    assert card_file(tmp_path).stat().st_mode & 0o777 == 0o600


def test_a_host_that_is_no_witness_shows_no_witness_key_and_never_votes(tmp_path: Path) -> None:
    card = host(tmp_path, witness=False)
    assert card.witness == b"" and not card.roles & ROLE_WITNESS
    assert not read_config(tmp_path).witness


def test_without_being_told_a_host_listens_everywhere_and_gives_an_address_to_dial(tmp_path: Path) -> None:
    card = host(tmp_path, listen=None)
    assert read_config(tmp_path).listen_host == "0.0.0.0"
    assert "0.0.0.0" not in card.addresses[0]


def test_the_journal_waits_empty_for_its_community(tmp_path: Path) -> None:
    host(tmp_path)
    store = open_store(tmp_path)
    assert store.journal.counts()["entries"] == 0
    store.journal.close()


def test_a_second_host_in_one_home_is_refused_and_the_first_stays(tmp_path: Path) -> None:
    host(tmp_path)
    before = files(tmp_path)
    with pytest.raises(StoreRefused, match="There is a host in"):
        host(tmp_path, witness=False, listen="127.0.0.1:4200")
    assert files(tmp_path) == before


def test_a_home_with_a_wallet_is_no_place_for_a_host(tmp_path: Path) -> None:
    (tmp_path / "wallet").mkdir()
    with pytest.raises(StoreRefused, match="There is a wallet in"):
        host(tmp_path)
    assert not (tmp_path / "node").exists()


def test_a_home_without_a_host_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(StoreRefused, match="tally-node init"):
        read_card(tmp_path)


def test_making_a_host_goes_on_where_it_was_cut_short(tmp_path: Path) -> None:
    first = host(tmp_path)
    card_file(tmp_path).unlink()
    again = host(tmp_path)
    assert (again.peer, again.witness) == (first.peer, first.witness) and again.seed != first.seed


def test_a_new_card_has_a_fresh_key_and_the_one_before_is_gone(tmp_path: Path) -> None:
    first = host(tmp_path)
    second = new_card(tmp_path, EXPIRES + 1)
    assert replace(second, seed=first.seed, expires=EXPIRES) == first and second.seed != first.seed
    assert read_card(tmp_path) == second


def test_the_card_follows_the_addresses_and_keeps_its_key(tmp_path: Path) -> None:
    first = host(tmp_path)
    write_config(replace(read_config(tmp_path), announce=("/dns/oak.example/tcp/4100",)))
    moved = renewed_card(tmp_path)
    assert moved == replace(first, addresses=("/dns/oak.example/tcp/4100",)) == read_card(tmp_path)


def test_a_host_that_nobody_can_reach_gets_no_card(tmp_path: Path) -> None:
    with pytest.raises(StoreRefused, match="--announce"):
        host(tmp_path, listen="none")
    assert not any(tmp_path.iterdir())


def test_once_it_has_served_there_is_no_card(tmp_path: Path) -> None:
    host(tmp_path)
    void_card(tmp_path)
    assert read_card(tmp_path) is None


def test_a_host_with_a_community_gives_a_card_that_opens_nothing(tmp_path: Path) -> None:
    first = host(tmp_path)
    void_card(tmp_path)
    shown = address_card(tmp_path, EXPIRES)
    assert replace(shown, seed=first.seed) == first and shown.seed != first.seed
    assert read_card(tmp_path) is None


@pytest.mark.parametrize("text", ["", "card1qqqq", "com1nonsense"])
def test_a_damaged_card_file_is_named(tmp_path: Path, text: str) -> None:
    host(tmp_path)
    card_file(tmp_path).write_text(text)
    with pytest.raises(StoreRefused, match="card --new"):
        read_card(tmp_path)
    assert new_card(tmp_path, EXPIRES) == read_card(tmp_path)


def test_the_seed_is_in_no_repr(tmp_path: Path) -> None:
    card = host(tmp_path)
    assert card.seed.hex() not in repr(card) and repr(card.seed) not in repr(card)
