"""A node's settings: what is written is read again, and what cannot be meant is refused by name."""

from pathlib import Path

import pytest

from node.addresses import NotAnAddress
from node.config import (
    NodeConfig,
    choose_ports,
    config_file,
    reached_at,
    read_config,
    settle_addresses,
    write_config,
)
from node.filesystem import StoreRefused

PEER = "/ip4/127.0.0.1/tcp/4100/p2p/12D3KooWPjceQrSwdWXPyLLeABRXmuqt69Rg3sBYbU1Nft9HyQ6X"


def put(home: Path, text: str) -> None:
    config_file(home).parent.mkdir(mode=0o700, exist_ok=True)
    config_file(home).touch(mode=0o600)
    config_file(home).write_text(text)


def test_without_a_file_all_settings_have_their_defaults(tmp_path: Path) -> None:
    assert read_config(tmp_path) == NodeConfig(tmp_path)
    assert not config_file(tmp_path).exists()


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    config = NodeConfig(tmp_path, "0.0.0.0", 4_100, 4_200, (PEER, PEER), False, 30, 5, ("/dns/a.example/tcp/1",), True)
    write_config(config)
    assert read_config(tmp_path) == config
    assert config_file(tmp_path).stat().st_mode & 0o777 == 0o600


def test_a_setting_that_is_left_out_has_its_default(tmp_path: Path) -> None:
    put(tmp_path, "votes_per_minute = 12\n")
    assert read_config(tmp_path) == NodeConfig(tmp_path, votes_per_minute=12)


def test_ports_are_chosen_once_and_stay(tmp_path: Path) -> None:
    chosen = choose_ports(read_config(tmp_path))
    assert 0 < chosen.listen_port != chosen.api_port > 0
    assert choose_ports(read_config(tmp_path)) == chosen


def test_a_port_that_is_set_is_kept(tmp_path: Path) -> None:
    chosen = choose_ports(NodeConfig(tmp_path, listen_port=4_100))
    assert chosen.listen_port == 4_100 and chosen.api_port > 0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("lisen_port = 4100", "there is no setting 'lisen_port'"),
        ("home = '/elsewhere'", "there is no setting 'home'"),
        ("listen_port = 65536", "a whole number 0 to 65535"),
        ("listen_port = -1", "a whole number 0 to 65535"),
        ("api_port = '4100'", "a whole number 0 to 65535"),
        ("api_port = true", "a whole number 0 to 65535"),
        ("votes_per_minute = 1.5", "a whole number 0 to 1000000"),
        ("votes_burst = 0", "a whole number 1 to 1000000"),
        ("witness = 1", "true or false"),
        ("listen_host = 'a b'", "an IP address"),
        ("listen_host = 'oak.example'", "an IP address"),
        ("listen_host = 4", "an IP address"),
        ("nearby = 'yes'", "true or false"),
        ("announce = '/ip4/192.0.2.1/tcp/4100'", "a list of at most 4"),
        ("announce = ['192.0.2.1:4100']", "is not an address like"),
        ("announce = ['/ip4/192.0.2.1/tcp/4100/p2p/12D3Koo']", "is not an address like"),
        ("announce = ['/ip4/192.0.2.1/tcp/70000']", "is not an address like"),
        ("announce = [4100]", "is not an address like"),
        ("peers = '/ip4/1.2.3.4/tcp/1'", "a list of at most"),
        ("peers = ['127.0.0.1:4100']", "is not an address like"),
        ("peers = ['/ip4/127.0.0.1/tcp/4100']", "is not an address like"),
        ("listen_port = 4100\nlisten_port = 4101", "is not TOML"),
        ("listen_port: 4100", "is not TOML"),
    ],
)
def test_a_setting_that_cannot_be_meant_is_refused_by_name(tmp_path: Path, text: str, words: str) -> None:
    put(tmp_path, text)
    with pytest.raises(StoreRefused, match="config.toml") as caught:
        read_config(tmp_path)
    assert words in str(caught.value)
    assert config_file(tmp_path).read_text() == text


def test_settings_that_could_not_be_read_again_are_not_written(tmp_path: Path) -> None:
    with pytest.raises(StoreRefused, match="a whole number"):
        write_config(NodeConfig(tmp_path, api_port=70_000))
    assert not config_file(tmp_path).exists()


def test_a_file_that_others_may_change_is_refused(tmp_path: Path) -> None:
    write_config(NodeConfig(tmp_path))
    config_file(tmp_path).chmod(0o666)
    with pytest.raises(StoreRefused, match="chmod 600"):
        read_config(tmp_path)


def test_what_the_owner_says_of_addresses_is_written_down_and_stays(tmp_path: Path) -> None:
    said = settle_addresses(tmp_path, "0.0.0.0:4100", ["oak.example:4100", "/ip4/192.0.2.1/tcp/4101"])
    assert (said.listen_host, said.listen_port) == ("0.0.0.0", 4_100) and said.api_port
    assert said.announce == ("/dns/oak.example/tcp/4100", "/ip4/192.0.2.1/tcp/4101")
    assert settle_addresses(tmp_path, None, ()) == read_config(tmp_path) == said
    moved = settle_addresses(tmp_path, "127.0.0.1", ())
    assert (moved.listen_host, moved.listen_port, moved.announce) == ("127.0.0.1", 4_100, said.announce)


def test_a_node_that_only_dials_out_listens_nowhere(tmp_path: Path) -> None:
    config = settle_addresses(tmp_path, "none", ())
    assert config.listen == "" and reached_at(config) == ()
    assert read_config(tmp_path) == config


def test_where_others_reach_a_node_is_what_it_announces_else_where_it_listens(tmp_path: Path) -> None:
    at_home = NodeConfig(tmp_path, "192.0.2.7", 4_100)
    assert at_home.listen == "/ip4/192.0.2.7/tcp/4100" and reached_at(at_home) == (at_home.listen,)
    announced = NodeConfig(tmp_path, "0.0.0.0", 4_100, announce=("/dns/oak.example/tcp/80",))
    assert reached_at(announced) == announced.announce
    (guessed,) = reached_at(NodeConfig(tmp_path, "0.0.0.0", 4_100))
    assert guessed.startswith("/ip4/") and guessed.endswith("/tcp/4100") and "0.0.0.0" not in guessed


@pytest.mark.parametrize(("listen", "announce"), [("oak.example", ()), (None, ["4100"]), ("0.0.0.0", ["0.0.0.0:4100"])])
def test_an_address_that_is_none_changes_nothing(tmp_path: Path, listen: str | None, announce: list[str]) -> None:
    before = settle_addresses(tmp_path, "127.0.0.1:4100", ())
    with pytest.raises(NotAnAddress):
        settle_addresses(tmp_path, listen, announce)
    assert read_config(tmp_path) == before
