"""Records: people's and nodes' words beside the chains. (author, kind, key) names a slot, the highest counter fills it.

They are replicated, capped for each author, and never part of a balance. Here are their bytes and who may write them;
what the bodies say is in `bodies`. Who keeps and spreads them is not known here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Self

from . import codec
from .authorship import authority_of, is_by_author
from .base import ACCOUNT_MAX, COMMONS, AccountId, Malformed, digest
from .bodies import BODY_BYTES_MAX, Accept, Body, Call, Card, Offer, Profile, Serve
from .commons import FREE, FROZEN
from .ledger import Ledger
from .signing import Signatures, Tag, read_signatures

KEY_BYTES_MAX = 64


class Kind(IntEnum):
    """What a record is about."""

    CARD = 1
    PROFILE = 2
    OFFER = 3
    WANT = 4
    SERVE = 5
    CALL = 6
    ACCEPT = 7


SLOTS_MAX: Mapping[Kind, int] = {
    Kind.CARD: 8,
    Kind.PROFILE: 1,
    Kind.OFFER: 32,
    Kind.WANT: 32,
    Kind.SERVE: 1,
    Kind.CALL: 4,
    Kind.ACCEPT: 4,
}
"""Slots that one author may fill, withdrawn ones among them; `slots_max` knows account 0's."""
COMMONS_CARDS_MAX = 64

Slot = tuple[AccountId, Kind, bytes]

_BODIES: Mapping[Kind, type[Body]] = {
    Kind.CARD: Card,
    Kind.PROFILE: Profile,
    Kind.OFFER: Offer,
    Kind.WANT: Offer,
    Kind.SERVE: Serve,
    Kind.CALL: Call,
    Kind.ACCEPT: Accept,
}


def slots_max(author: AccountId, kind: Kind) -> int:
    """How many slots of that kind the author may fill."""
    return COMMONS_CARDS_MAX if author == COMMONS and kind is Kind.CARD else SLOTS_MAX[kind]


@dataclass(frozen=True, slots=True)
class Record:
    """One record without its signatures. An empty body withdraws what stood in the slot."""

    author: AccountId
    kind: Kind
    key: bytes
    counter: int
    body: bytes

    def content(self) -> bytes:
        """The bytes under the signature (Tag.RECORD)."""
        return codec.encode(self.plain())

    def plain(self) -> tuple[codec.Plain, ...]:
        return self.author, int(self.kind), self.key, self.counter, self.body


@dataclass(frozen=True, slots=True)
class SignedRecord:
    """A record and who signed it: the author's authority, or one steward for account 0."""

    record: Record
    signatures: Signatures

    @property
    def id(self) -> bytes:
        """32 bytes; signatures are no part of it."""
        return digest(b"tally record", self.record.content())

    @property
    def slot(self) -> Slot:
        return self.record.author, self.record.kind, self.record.key

    def beats(self, other: "SignedRecord") -> bool:
        """Tell whether this one fills the slot that both are for: higher counter, then higher id."""
        return (self.record.counter, self.id) > (other.record.counter, other.id)

    def plain(self) -> codec.Plain:
        return *self.record.plain(), self.signatures

    @classmethod
    def read(cls, fields: codec.Plain) -> Self:
        """Read what `plain` wrote. Raises Malformed; what is in the body is asked by `record_fault`."""
        author, kind, key, counter, body, signatures = codec.items(fields, 6)
        if type(kind) is not int or kind not in _BODIES:
            raise Malformed("a record is of kind 1 to 7")
        record = Record(
            AccountId(codec.uint(author, ACCOUNT_MAX)),
            Kind(kind),
            codec.blob(key, KEY_BYTES_MAX),
            codec.uint(counter),
            codec.blob(body, BODY_BYTES_MAX),
        )
        return cls(record, read_signatures(signatures))


def read_body(kind: Kind, body: bytes) -> Body:
    """Read the body of a record that was not withdrawn. Raises Malformed."""
    return _BODIES[kind].read(body)


def record_fault(ledger: Ledger, signed: SignedRecord, now_s: int) -> str | None:
    """Say in words why a record is not taken, or None. `now_s`: seconds since 1970, for cards.

    It depends on the author's level and on the clock, so a record that was good may not be later. What costs most,
    the signature, is looked at last.
    """
    record = signed.record
    if not ledger.commons.is_founded:
        return "there is no community here yet"
    if record.author != COMMONS and authority_of(ledger, record.author) is None:
        return f"account {record.author} was not admitted"
    words = _level_fault(ledger.commons.level(record.author), record) or _body_fault(ledger, record, now_s)
    if words is not None:
        return words
    if not is_by_author(ledger, record.author, Tag.RECORD, record.content(), signed.signatures):
        return "it is not signed by one steward" if record.author == COMMONS else "it is not signed by its author"
    return None


def _level_fault(level: int, record: Record) -> str | None:
    """A frozen member shows its node and nothing else, a suspended one trades with nobody; anybody may withdraw."""
    if level == FREE or not record.body:
        return None
    if level == FROZEN and record.kind is not Kind.CARD:
        return f"account {record.author} is frozen"
    return f"account {record.author} is suspended" if record.kind in (Kind.OFFER, Kind.WANT) else None


def _body_fault(ledger: Ledger, record: Record, now_s: int) -> str | None:
    if not record.body:
        return None
    try:
        body = read_body(record.kind, record.body)
    except Malformed as error:
        return str(error)
    if not body.may_stand_at(record.key):
        return "it stands under another key than its content asks for"
    if isinstance(body, Card) and body.expires <= now_s:
        return "the card has expired"
    if isinstance(body, Accept) and body.signer(ledger.commons.community, ledger.verify) is None:
        return "the acceptance is not signed by one of the keys that it names"
    return None
