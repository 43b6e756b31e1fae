"""The libp2p host, put together so that nothing a peer sends can end the process.

Noise and yamux only: with its defaults the library accepts plaintext under a forged peer id. It gets
no transports and no address book: this package listens and dials itself (`listening`, `dialling`),
because the library keeps a task for ever for every inbound connection, never dials a failed peer
again for a minute and waits 250 ms on every dial.
"""

from libp2p.abc import INetStream
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.crypto.x25519 import create_new_key_pair as create_noise_key_pair
from libp2p.host.basic_host import BasicHost
from libp2p.network.config import ConnectionConfig
from libp2p.network.swarm import Swarm
from libp2p.peer.id import ID
from libp2p.peer.peerstore import PeerStore
from libp2p.security.noise.transport import PROTOCOL_ID as NOISE
from libp2p.transport.upgrader import TransportUpgrader

from .gate import Gate, GatedMuxers
from .limits import CONNECTIONS_MAX, CONNECTIONS_PER_PEER_MAX, HANDSHAKE_DEADLINE_S
from .logs import LOGGER
from .noise import Noise

SEED_BYTES = 32


def build_host(seed: bytes, gate: Gate) -> BasicHost:
    """A host for the Ed25519 key of a 32-byte `seed`. Raises ValueError for any other length.

    The length is checked here because the library makes a random key from an empty seed.
    """
    if len(seed) != SEED_BYTES:
        raise ValueError(f"a transport key seed has {SEED_BYTES} bytes, not {len(seed)}")
    keys = create_new_key_pair(seed)
    own = ID.from_pubkey(keys.public_key)
    store = PeerStore()
    store.add_key_pair(own, keys)
    noise = Noise(keys, noise_privkey=create_noise_key_pair().private_key)
    upgrader = TransportUpgrader({NOISE: noise}, {}, int(HANDSHAKE_DEADLINE_S))
    upgrader.muxer_multistream = GatedMuxers(gate, int(HANDSHAKE_DEADLINE_S))
    swarm = Swarm(own, store, upgrader, [], connection_config=_quiet_limits())
    host = BasicHost(swarm, disable_identify_address_discovery=True)
    for notifee in list(swarm.notifees):
        if "Identify" in type(notifee).__name__:
            swarm.remove_notifee(notifee)  # we know our peers by their list; asking costs a stream each
    _guard_streams(swarm)
    return host


def _quiet_limits() -> ConnectionConfig:
    return ConnectionConfig(
        max_connections=CONNECTIONS_MAX,
        min_connections=0,
        low_watermark=0,
        high_watermark=CONNECTIONS_MAX,
        max_connections_per_peer=CONNECTIONS_PER_PEER_MAX,
        inbound_upgrade_timeout=HANDSHAKE_DEADLINE_S,
        outbound_upgrade_timeout=HANDSHAKE_DEADLINE_S,
        auto_connect_interval=86_400.0,
    )


def _guard_streams(swarm: Swarm) -> None:
    """Let no exception out of a stream: an unguarded one ends the whole node."""
    inner = swarm.common_stream_handler

    async def guarded(stream: INetStream) -> None:
        try:
            await inner(stream)
        except Exception as failed:
            LOGGER.debug("a stream of %s ended: %r", stream.muxed_conn.peer_id, failed)
            await stream.reset()

    swarm.set_stream_handler(guarded)
