"""Makes the homes of a devnet before its first start, and sees before every start that its ports are free.

Runs in a child (`devnet.child`), because peer ids come from the transport library, which takes a second to load. All
homes know one another's addresses: each dials those before it, and lets those after it in.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from node.addresses import multiaddr
from node.config import NodeConfig, read_config, write_config
from node.identity import read_identity
from node.ports import hold_port
from node.store import identity_folder
from wallet.founding import Founder, Terms, found_together

from .places import Place


def found_homes(terms: Terms, places: Sequence[Place], quorum: int) -> list[str]:
    """Found the community in all places. Returns the entries of account 0 that are still to be decided, in hex.

    Raises BadRequest or HomeRefused.
    """
    founders = [Founder(Path(place.home), place.handles, None, place.is_witness, place.is_steward) for place in places]
    founded = found_together(terms, founders, quorum=quorum)
    return [signed.encode().hex() for signed in founded.pending]


def settle_network(homes: Sequence[Path]) -> None:
    """Give every home a free port for peers and one for its API, and the addresses of the others.

    Ports stay as they are while they are free. Raises OSError when the machine has no free port.
    """
    configs = [read_config(home) for home in homes]
    with ExitStack() as held:
        settled = [_with_free_ports(config, held) for config in configs]
    peers = [_peer_id(home) for home in homes]
    for index, config in enumerate(settled):
        wanted = replace(config, peers=tuple(_peers(settled, peers, index)))
        if wanted != configs[index]:
            write_config(wanted)


def _peer_id(home: Path) -> str:
    return read_identity(identity_folder(home)).peer_id


def _with_free_ports(config: NodeConfig, held: ExitStack) -> NodeConfig:
    listen_port = hold_port(held, config.listen_port)
    return replace(
        config,
        listen_port=listen_port,
        api_port=hold_port(held, config.api_port),
        announce=(multiaddr("127.0.0.1", listen_port),),  # so that somebody who joins on this machine finds them all
    )


def _peers(configs: Sequence[NodeConfig], peers: Sequence[str], index: int) -> list[str]:
    """What home `index` knows of the others: the address of those before it, the name of those after it."""
    dialled = [
        f"/ip4/127.0.0.1/tcp/{config.listen_port}/p2p/{peer}"
        for config, peer in zip(configs[:index], peers[:index], strict=True)
    ]
    return dialled + [f"/p2p/{peer}" for peer in peers[index + 1 :]]
