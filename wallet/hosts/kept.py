"""The hosts of a community, as a steward's home keeps them: whom to tell yet, and the cards that make them known.

HOME/wallet/hosts holds the cards of hosts that were not told that they are founded, with their one-time keys, and the
records that a steward signed for all of them; it goes when everybody knows and the records are on the board. Signs the
records; judges nothing.
"""

import json
from dataclasses import dataclass, field

import trio

from protocol import codec
from protocol.base import COMMONS, CommunityId, Malformed
from protocol.bodies import Card
from protocol.entry import SignedEntry
from protocol.host_card import HostCard, read_host_card
from protocol.record import Kind, SignedRecord
from protocol.signing import SecretKey

from ..errors import HomeRefused, HostRefused, HostUnreachable
from ..home import Home, read_private, write_private
from ..people.recording import signed_record
from .knocking import Knocker, be_founded
from .publishing import CARD_S

FORMAT = "tallystick hosts 1"
FILE_BYTES_MAX = 1 << 20
RECORD_BYTES_MAX = 4096


@dataclass(frozen=True, slots=True)
class KeptHosts:
    """What HOME/wallet/hosts says."""

    untold: tuple[HostCard, ...] = field(default=(), repr=False)
    records: tuple[SignedRecord, ...] = ()


def read_hosts(home: Home) -> KeptHosts:
    """Read the file; nothing when there is none. Raises HomeRefused when it cannot be used."""
    if not home.hosts.exists():
        return KeptHosts()
    try:
        content = json.loads(read_private(home.hosts, FILE_BYTES_MAX))
        if content["format"] != FORMAT:
            raise HomeRefused("This home was made by another version of tallystick.", next="Install the newer one.")
        records = [codec.decode(bytes.fromhex(raw), RECORD_BYTES_MAX) for raw in content["records"]]
        return KeptHosts(tuple(map(read_host_card, content["untold"])), tuple(map(SignedRecord.read, records)))
    except (ValueError, KeyError, TypeError, Malformed):
        facts = {"file": str(home.hosts)}
        raise HomeRefused(
            "What is kept of the hosts cannot be read.", facts, "Put the file back or remove it."
        ) from None


def keep_hosts(home: Home, kept: KeptHosts) -> None:
    """Write the file, or remove it when there is nothing left to be done."""
    if not kept.untold and not kept.records:
        home.hosts.unlink(missing_ok=True)
        return
    content = {
        "format": FORMAT,
        "untold": [str(card) for card in kept.untold],
        "records": [codec.encode(signed.plain()).hex() for signed in kept.records],
    }
    write_private(home.hosts, json.dumps(content).encode())


def card_record(
    card: HostCard, community: CommunityId, steward: SecretKey, index: int, held: SignedRecord | None, now_s: int
) -> SignedRecord:
    """A steward's word for a host: its card on the board, as account 0. `index` is the steward's among the stewards."""
    body = Card(card.peer, card.roles, card.addresses, now_s + CARD_S)
    return signed_record(
        steward, community, COMMONS, Kind.CARD, body.key, body.body(), held=held, now_s=now_s, index=index
    )


@dataclass(frozen=True, slots=True)
class Told:
    """Which hosts were not reached, and which have a community already: this one, or another's."""

    away: tuple[HostCard, ...] = ()
    refused: tuple[HostCard, ...] = ()


async def tell(knocker: Knocker, kept: KeptHosts, founding: SignedEntry, peers: tuple[str, ...]) -> Told:
    """Hand each host that was not told its community, with the cards that are kept, all at the same time."""
    away: list[HostCard] = []
    refused: list[HostCard] = []

    async def one(card: HostCard) -> None:
        try:
            await be_founded(knocker, card, founding, kept.records, peers)
        except HostUnreachable:
            away.append(card)
        except HostRefused:
            refused.append(card)

    async with trio.open_nursery() as nursery:
        for card in kept.untold:
            nursery.start_soon(one, card)
    return Told(tuple(away), tuple(refused))
