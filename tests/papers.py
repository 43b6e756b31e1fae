"""What people and nodes of a `Town` put on paper: records, vouchers, invites, requests, cards. Judges nothing."""

from dataclasses import replace

from protocol.addresses import peer_text
from protocol.base import COMMONS, AccountId, EntryId, PublicKey, Signature
from protocol.bodies import ROLE_WALLET, ROLE_WITNESS, Card
from protocol.host_card import HostCard
from protocol.invite import Invite, Voucher
from protocol.record import Kind, Record, SignedRecord
from protocol.request import Request
from protocol.signing import SecretKey, Tag, sign

from .builders import Town, authority, key, signatures

NOW_S = 1_800_000_000
DAY_S = 86_400
SEED = bytes(range(32))
"""Of the one-time key of every invite and card here, unless a test says otherwise."""
ADDRESS = "/ip4/192.0.2.7/tcp/4001"


def peer(name: str) -> str:
    """The peer id of the node of this name."""
    return peer_text(key(name).public)


def voice(town: Town, author: AccountId) -> SecretKey:
    """The key that speaks for the author: its own, or the first steward's for account 0."""
    return key(town.stewards[0] if author == COMMONS else town.members[author - 1])


def record(town: Town, author: AccountId, kind: Kind, slot: bytes, body: bytes, counter: int = 1,
           by: SecretKey | None = None) -> SignedRecord:  # fmt: skip
    """A record signed by its author, or by any key at all."""
    unsigned = Record(author, kind, slot, counter, body)
    keys = [(0, by or voice(town, author))]
    return SignedRecord(unsigned, signatures(keys, Tag.RECORD, town.community, unsigned.content()))


def card(town: Town, author: AccountId, name: str = "node", expires: int = NOW_S + DAY_S) -> SignedRecord:
    """The author's card of the node of this name."""
    shown = Card(peer(name), ROLE_WALLET, (ADDRESS,), expires)
    return record(town, author, Kind.CARD, shown.key, shown.body())


def voucher(town: Town, issuer: AccountId = COMMONS, uses: int = 0, seed: bytes = SEED, limit: int = 0,
            expires: int = NOW_S + DAY_S, by: SecretKey | None = None) -> Voucher:  # fmt: skip
    """A voucher signed by its issuer, or by any key at all."""
    unsigned = Voucher(SecretKey.from_seed(seed).public, issuer, uses, limit, NOW_S, expires, ())
    keys = [(0, by or voice(town, issuer))]
    return replace(unsigned, signatures=signatures(keys, Tag.INVITE, town.community, unsigned.content()))


def invite(town: Town, voucher: Voucher, seed: bytes = SEED, addresses: tuple[str, ...] = ()) -> Invite:
    """An invite with this voucher, anchored at the founding."""
    places = addresses or (f"{ADDRESS}/p2p/{peer('node')}",)
    return Invite(town.community, 0, EntryId(town.founding.id), places, seed, voucher)


def request(town: Town, voucher: Voucher, name: str, greeting: str = "I bake", seed: bytes = SEED,
            expires: int = NOW_S + DAY_S) -> Request:  # fmt: skip
    """A request of the newcomer `name`, signed by both keys."""
    unsigned = Request(voucher, authority(name), name, greeting, expires, Signature(bytes(64)), ())
    return signed_request(town, unsigned, seed, name)


def signed_request(town: Town, unsigned: Request, seed: bytes, *names: str) -> Request:
    """The request signed anew by the one-time key of `seed` and by the keys of these names."""
    content = unsigned.content()
    by_invite = sign(SecretKey.from_seed(seed), Tag.REQUEST, town.community, content)
    keys = [(index, key(name)) for index, name in enumerate(names)]
    by_account = signatures(keys, Tag.REQUEST, town.community, content)
    return replace(unsigned, by_invite=by_invite, by_account=by_account)


def host_card(name: str = "host", witness: bool = True) -> HostCard:
    """The card of a host of this name."""
    public: PublicKey = key(name).public
    roles = ROLE_WITNESS if witness else ROLE_WALLET
    return HostCard(public, roles, (ADDRESS,), key("witness 0").public if witness else b"", NOW_S + DAY_S, SEED)
