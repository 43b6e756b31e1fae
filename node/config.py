"""What a node is told by its owner: HOME/node/config.toml, read at the start and written when ports are chosen.

Only policy and addresses: no rule of the protocol and no secret stands here. A misspelt name is refused, because a
setting that silently does nothing is worse than none.
"""

import json
import tomllib
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, fields, replace
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from .addresses import ANYWHERE, PORT_MAX, is_multiaddr, multiaddr, own_address, read_announced, read_listened
from .filesystem import StoreRefused, check_private, make_private_folder, replace_private_file
from .ports import hold_port

PEERS_MAX = 1_000
ANNOUNCED_MAX = 4
VOTES_MAX = 1_000_000


@dataclass(frozen=True, slots=True)
class NodeConfig:
    """The settings of one node. A port of 0 is one that was not chosen yet."""

    home: Path
    listen_host: str = "127.0.0.1"
    """The address of this computer at which peers reach the node; 0.0.0.0 is every one it has, "" is none: the node
    only dials out."""
    listen_port: int = 0
    api_port: int = 0
    """Of the node's HTTP interface, which is on 127.0.0.1 always."""
    peers: tuple[str, ...] = ()
    """Addresses that are dialled for ever: multiaddrs that end in /p2p/ and the peer's id."""
    witness: bool = True
    """Vote when the charter names this node's witness key."""
    votes_per_minute: int = 0
    """Votes for one member; 0 is no budget."""
    votes_burst: int = 60
    """Votes that a member may save up."""
    announce: tuple[str, ...] = ()
    """Where others reach this node, told on its card: multiaddrs without /p2p/, such as /ip4/192.0.2.1/tcp/4100."""
    nearby: bool = False
    """Look for nodes of the community in the local network, and be found there (mDNS)."""

    @property
    def file(self) -> Path:
        return config_file(self.home)

    @property
    def listen(self) -> str:
        """Where the transport listens, as a multiaddr; "" when the node only dials out."""
        return multiaddr(self.listen_host, self.listen_port) if self.listen_host else ""


def config_file(home: Path) -> Path:
    return home / "node" / "config.toml"


def read_config(home: Path) -> NodeConfig:
    """Read the settings of `home`; without a file all have their defaults. Raises StoreRefused, naming the line."""
    file = config_file(home)
    if not file.exists():
        return NodeConfig(home)
    check_private(file)
    try:
        settings = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise StoreRefused(f"{file} is not TOML: {error}", "Correct it") from None
    return _checked(home, settings)


def write_config(config: NodeConfig) -> None:
    """Put the settings on the disk, in one step, for the owner alone."""
    settings = {field.name: getattr(config, field.name) for field in fields(config) if field.name != "home"}
    _checked(config.home, {name: list(value) if type(value) is tuple else value for name, value in settings.items()})
    lines = [f"{name} = {_toml(value)}\n" for name, value in settings.items()]
    make_private_folder(config.file.parent)
    replace_private_file(config.file, "".join(lines).encode())


def choose_ports(config: NodeConfig) -> NodeConfig:
    """Choose a free port for each that is 0, and write them down: they stay the same across restarts."""
    if config.listen_port and config.api_port:
        return config
    with ExitStack() as sockets:
        listen_port = config.listen_port or hold_port(sockets)
        api_port = config.api_port or hold_port(sockets)
    config = replace(config, listen_port=listen_port, api_port=api_port)
    write_config(config)
    return config


def settle_addresses(home: Path, listen: str | None, announce: Sequence[str]) -> NodeConfig:
    """Write down where the owner wants the node to listen and to be reached, and choose ports: all stay from now on.

    `listen` is HOST[:PORT] or "none", `announce` is HOST:PORT or multiaddrs; None and () leave what was said before.
    Raises NotAnAddress and StoreRefused, and then nothing is changed.
    """
    before = config = read_config(home)
    if listen is not None:
        host, port = read_listened(listen)
        config = replace(config, listen_host=host, listen_port=port or config.listen_port)
    if announce:
        config = replace(config, announce=tuple(dict.fromkeys(map(read_announced, announce))))
    if config != before and config.listen_port and config.api_port:
        write_config(config)
    return choose_ports(config)


def reached_at(config: NodeConfig) -> tuple[str, ...]:
    """Where others reach this node, for its card: what is announced, else where it listens; () when it only dials."""
    if config.announce or not config.listen_host:
        return config.announce
    return (multiaddr(own_address() if config.listen_host in ANYWHERE else config.listen_host, config.listen_port),)


def _toml(value: str | int | bool | tuple[str, ...]) -> str:
    """JSON writes booleans, whole numbers, printable ASCII text and lists of it as TOML does."""
    return json.dumps(value)


def _checked(home: Path, settings: dict[str, Any]) -> NodeConfig:
    known = [field.name for field in fields(NodeConfig) if field.name != "home"]
    for name, value in settings.items():
        if name not in known:
            raise _refused(home, f"there is no setting {name!r}", f"Use one of: {', '.join(known)}")
        fault = _fault(name, value)
        if fault is not None:
            raise _refused(home, f"{name} = {value!r}: {fault}", "Correct it, or delete the line")
    return NodeConfig(home, **{name: _frozen(value) for name, value in settings.items()})


def _frozen(value: Any) -> Any:
    return tuple(value) if type(value) is list else value


def _fault(name: str, value: Any) -> str | None:
    """Say what is wrong with one setting, or None."""
    match name:
        case "listen_port" | "api_port":
            return _number_fault(value, 0, PORT_MAX)
        case "votes_per_minute":
            return _number_fault(value, 0, VOTES_MAX)
        case "votes_burst":
            return _number_fault(value, 1, VOTES_MAX)
        case "witness" | "nearby":
            return None if type(value) is bool else "true or false was expected"
        case "peers":
            return _peers_fault(value)
        case "announce":
            return _announced_fault(value)
        case _:
            return None if value == "" or _is_listened(value) else 'an IP address was expected, or "" for none'


def _number_fault(value: Any, least: int, most: int) -> str | None:
    if type(value) is int and least <= value <= most:  # type, because true is an int to Python
        return None
    return f"a whole number {least} to {most} was expected"


def _peers_fault(value: Any) -> str | None:
    if type(value) is not list or len(value) > PEERS_MAX:
        return f"a list of at most {PEERS_MAX} addresses was expected"
    for peer in value:
        if not (_is_word(peer) and peer.startswith("/") and "/p2p/" in peer):
            return f"{peer!r} is not an address like /ip4/192.0.2.1/tcp/4100/p2p/12D3Koo..."
    return None


def _announced_fault(value: Any) -> str | None:
    if type(value) is not list or len(value) > ANNOUNCED_MAX:
        return f"a list of at most {ANNOUNCED_MAX} addresses was expected"
    for address in value:
        if type(address) is not str or not is_multiaddr(address):
            return f"{address!r} is not an address like /ip4/192.0.2.1/tcp/4100"
    return None


def _is_listened(value: Any) -> bool:
    try:
        return _is_word(value) and bool(ip_address(value))
    except ValueError:
        return False


def _is_word(value: Any) -> bool:
    return type(value) is str and 0 < len(value) <= 300 and value.isascii() and value.isprintable() and " " not in value


def _refused(home: Path, facts: str, next_step: str) -> StoreRefused:
    return StoreRefused(f"In {config_file(home)}, {facts}", next_step)
