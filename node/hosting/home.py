"""A host's home: the node's own keys, its settings, and the card for whoever founds a community with it.

    HOME/node/identity/    two secrets, of no member
    HOME/node/journal/     empty until a community is founded with this host
    HOME/node/card         the card, with the seed of its one-time key; it goes once a community is there

A home with a card waits for its community. May not start anything and speaks to nobody.
"""

import secrets
from dataclasses import replace
from pathlib import Path

from protocol.addresses import ADDRESSES_MAX
from protocol.base import Malformed
from protocol.bodies import ROLE_ARCHIVE, ROLE_RELAY, ROLE_WITNESS
from protocol.host_card import SEED_BYTES, HostCard, read_host_card

from ..addresses import NOWHERE
from ..config import NodeConfig, reached_at, read_config, settle_addresses, write_config
from ..filesystem import StoreRefused, check_private, replace_private_file, sync_folder
from ..identity import Identity, read_identity
from ..store import found_store, identity_folder

EVERYWHERE = "0.0.0.0"
_UNREACHED = "Nobody can reach a host that does not listen", "Say where it is reached: --announce HOST:PORT"
ROLES = {ROLE_WITNESS: "witness", ROLE_ARCHIVE: "archive", ROLE_RELAY: "relay"}
"""What a host does, in words. Every host keeps all chains and passes on what it hears."""


def card_file(home: Path) -> Path:
    return home / "node" / "card"


def make_host(home: Path, *, witness: bool, listen: str | None, announce: tuple[str, ...], expires: int) -> HostCard:
    """Make keys and settings in `home` and its first card; goes on where an earlier call was cut short.

    `listen` and `announce` as people write them; without `listen` it is every address of the computer. `expires`:
    seconds since 1970. Raises StoreRefused, NotAnAddress.
    """
    refuse_wallet(home)
    if card_file(home).exists():
        raise StoreRefused(f"There is a host in {home} already", "See its card with: tally-node card")
    if listen == NOWHERE and not announce:
        raise StoreRefused(*_UNREACHED)
    config = settle_addresses(home, listen or EVERYWHERE, announce)
    write_config(replace(config, witness=witness))
    found_store(home).journal.close()
    return new_card(home, expires)


def refuse_wallet(home: Path) -> None:
    """Raise StoreRefused when a member's wallet lies in this home: a host holds no member's key."""
    if (home / "wallet").exists():
        raise StoreRefused(
            f"There is a wallet in {home}, whose node runs with it",
            "Start it with tally up, or name another folder with --home",
        )


def is_waiting(home: Path) -> bool:
    """Tell whether this host has no community yet. Raises StoreRefused when there is no host here."""
    identity_of(home)
    return card_file(home).exists()


def read_card(home: Path) -> HostCard | None:
    """The card of this home as it was last given out; None when a community is there already.

    Raises StoreRefused when there is no host here, or the card's file cannot be used.
    """
    if not is_waiting(home):
        return None
    file = card_file(home)
    check_private(file)
    try:
        return read_host_card(file.read_text("ascii"))
    except (Malformed, UnicodeDecodeError) as error:
        raise StoreRefused(f"{file} cannot be read: {error}", "Make a new card with: tally-node card --new") from None


def renewed_card(home: Path) -> HostCard:
    """The card as it was last given out, with the roles and addresses that the settings say now.

    Raises StoreRefused when there is none.
    """
    card = read_card(home)
    if card is None:
        raise StoreRefused("This host has its community", "See: tally-node status")
    fresh = _card(read_config(home), identity_of(home), card.expires, card.seed)
    if fresh != card:
        _keep(home, fresh)
    return fresh


def new_card(home: Path, expires: int) -> HostCard:
    """A card with a fresh one-time key; the one before is void. `expires`: seconds since 1970. Raises StoreRefused."""
    card = _card(read_config(home), identity_of(home), expires, secrets.token_bytes(SEED_BYTES))
    _keep(home, card)
    return card


def address_card(home: Path, expires: int) -> HostCard:
    """A card of a host that has its community: it says where the host is reached now, and its one-time key opens
    nothing. Raises StoreRefused."""
    return _card(read_config(home), identity_of(home), expires, secrets.token_bytes(SEED_BYTES))


def void_card(home: Path) -> None:
    """The one-time key has served: nobody founds with this host again."""
    card_file(home).unlink(missing_ok=True)
    sync_folder(card_file(home).parent)


def identity_of(home: Path) -> Identity:
    """The host's own keys. Raises StoreRefused, saying how to make a host, when there is none."""
    refuse_wallet(home)
    if not identity_folder(home).exists():
        raise StoreRefused(f"There is no host in {home}", "Make one with: tally-node init")
    return read_identity(identity_folder(home))


def _keep(home: Path, card: HostCard) -> None:
    replace_private_file(card_file(home), f"{card}\n".encode())


def _card(config: NodeConfig, identity: Identity, expires: int, seed: bytes) -> HostCard:
    addresses = reached_at(config)
    if not addresses:
        raise StoreRefused(*_UNREACHED)
    roles = ROLE_ARCHIVE | ROLE_RELAY | (ROLE_WITNESS if config.witness else 0)
    witness = identity.witness_key.public if config.witness else b""
    return HostCard(identity.transport_key, roles, addresses[:ADDRESSES_MAX], witness, expires, seed)
