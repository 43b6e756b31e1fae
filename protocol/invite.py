"""Invites: one text, link or file by which somebody who has nothing yet finds a community and asks to join.

It holds the community, an anchor (a recent height of account 0 and the id there), where to knock, a one-time key, and
the *voucher*: its public part, signed by a steward or a member, which the newcomer shows. Nothing here dials or stores.
"""

from dataclasses import dataclass, field
from enum import Enum
from typing import Self

from . import codec
from .addresses import read_addresses
from .authorship import authority_of, is_by_author, is_by_steward
from .base import (
    ACCOUNT_MAX,
    BALANCE_MAX,
    COMMONS,
    HASH_BYTES,
    KEY_BYTES,
    AccountId,
    CommunityId,
    EntryId,
    Malformed,
    PublicKey,
)
from .commons import FREE
from .ledger import Ledger
from .longtext import LongText
from .payment import community_text
from .signing import SecretKey, Signatures, Tag, is_usable_key, read_signatures

USES_MAX = 1000
SEED_BYTES = 32
_TEXT = LongText("invite", "an invite")


def one_time_key(seed: bytes) -> SecretKey:
    """The key pair of an invite's 32 random bytes."""
    return SecretKey.from_seed(seed)


class InviteFault(Enum):
    """Why an invite is good for nothing here."""

    EXPIRED = "the invite has expired: ask for a new one"
    FOREIGN = "the invite is for another community"
    ALTERED = "the invite was altered: nobody who may invite here has signed it as it stands"
    NOT_ISSUED = "the invite was not issued by a steward or member of this community who may invite now"
    USED_UP = "the invite has been used as often as it allows: ask for a new one"
    SUSPENDED = "the member who made the invite is suspended: ask somebody else for one"

    @property
    def words(self) -> str:
        """One plain sentence, without its full stop."""
        return self.value

    @property
    def code(self) -> str:
        """The name in lower case, as it travels."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Voucher:
    """The public part of an invite: whoever proves `key` was invited by the issuer."""

    key: PublicKey
    issuer: AccountId
    """0: a steward; else a member, whose vouchers always wait for the stewards."""
    uses: int
    """How many a steward admits by it without looking; 0: each request waits."""
    limit: int
    """Credit limit of those admitted by it, in smallest units."""
    issued: int
    expires: int
    """Both seconds since 1970."""
    signatures: Signatures

    def content(self) -> bytes:
        """The bytes under the signature (Tag.INVITE)."""
        return codec.encode((self.key, *self.terms()))

    def terms(self) -> tuple[codec.Plain, ...]:
        """All but the key and the signatures."""
        return self.issuer, self.uses, self.limit, self.issued, self.expires

    def plain(self) -> codec.Plain:
        return self.key, *self.terms(), self.signatures

    @classmethod
    def read(cls, fields: codec.Plain) -> Self:
        key, issuer, uses, limit, issued, expires, signatures = codec.items(fields, 7)
        if not is_usable_key(codec.binary(key, KEY_BYTES)):
            raise Malformed("the voucher's key is not a valid Ed25519 point")
        return cls(
            PublicKey(key),
            AccountId(codec.uint(issuer, ACCOUNT_MAX)),
            codec.uint(uses, USES_MAX),
            codec.uint(limit, BALANCE_MAX),
            codec.uint(issued),
            codec.uint(expires),
            read_signatures(signatures),
        )


def voucher_fault(ledger: Ledger, voucher: Voucher, now_s: int) -> InviteFault | None:
    """Say why a voucher is no good at `now_s`, seconds since 1970, or None. How often it was used is not known."""
    if voucher.expires <= now_s:
        return InviteFault.EXPIRED
    if not ledger.commons.is_founded or not voucher.signatures:
        return InviteFault.NOT_ISSUED
    if voucher.issuer != COMMONS:
        if authority_of(ledger, voucher.issuer) is None or voucher.uses:
            return InviteFault.NOT_ISSUED
        if ledger.commons.level(voucher.issuer) != FREE:
            return InviteFault.SUSPENDED
    content, signatures = voucher.content(), voucher.signatures
    if is_by_author(ledger, voucher.issuer, Tag.INVITE, content, signatures):
        return None
    former = ledger.commons.former_stewards() if voucher.issuer == COMMONS else ()
    if any(is_by_steward(ledger, stewards, Tag.INVITE, content, signatures) for stewards in former):
        return InviteFault.NOT_ISSUED
    return InviteFault.ALTERED


@dataclass(frozen=True, slots=True)
class Invite:
    """One invite. Whoever holds it can ask to join, so its text is passed on like a key."""

    community: CommunityId
    height: int
    """A recent seq of account 0 when it was made, and the id of the entry there."""
    anchor: EntryId
    addresses: tuple[str, ...]
    """Where to knock: 1 to 4 multiaddrs with /p2p/."""
    seed: bytes = field(repr=False)
    """Of the one-time key, 32 bytes."""
    voucher: Voucher

    @property
    def key(self) -> SecretKey:
        """The one-time key."""
        return one_time_key(self.seed)

    def __str__(self) -> str:
        return _TEXT.write(self.plain())

    def link(self) -> str:
        """The invite as a link that opens tallystick."""
        return f"tally:{self}"

    def file_text(self) -> str:
        """The content of a file that says what it is."""
        return (
            f"# An invite to the tallystick community {community_text(self.community)}.\n"
            "# Whoever holds this file can ask to join with it: give it only to the person it is for.\n"
            "# To use it:  tally init --join FILE --handle NAME\n"
            f"{self}\n"
        )

    def plain(self) -> codec.Plain:
        terms = (*self.voucher.terms(), self.voucher.signatures)
        return self.community, self.height, self.anchor, self.addresses, self.seed, terms

    @classmethod
    def read(cls, fields: codec.Plain) -> Self:
        community, height, anchor, addresses, seed, terms = codec.items(fields, 6)
        key = SecretKey.from_seed(codec.binary(seed, SEED_BYTES)).public
        return cls(
            CommunityId(codec.binary(community, HASH_BYTES)),
            codec.uint(height),
            EntryId(codec.binary(anchor, HASH_BYTES)),
            read_addresses(addresses, least=1, with_peer=True),
            seed,
            Voucher.read((key, *codec.items(terms, 6))),
        )


def read_invite(text: str) -> Invite:
    """Read an invite from its text, a link, or a file with other lines around it, however it was broken into lines.

    Raises Malformed with one sentence: it is no invite, or damaged or not whole, or of a newer version.
    """
    return _TEXT.read(text, Invite.read)


def invite_fault(ledger: Ledger, invite: Invite, now_s: int) -> InviteFault | None:
    """Say why an invite is no good beside this ledger, or None: as `voucher_fault`, and whether it is for this one."""
    if invite.community != ledger.commons.community:
        return InviteFault.FOREIGN
    held = ledger.id_at(COMMONS, 0, invite.height)
    if held is not None and held != invite.anchor:
        return InviteFault.FOREIGN
    return voucher_fault(ledger, invite.voucher, now_s)
