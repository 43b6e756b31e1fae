"""The ops: what an entry can do. One frozen dataclass an op, and the table of their tags.

Here is only their shape in bytes; what makes them valid and what they do is in `ledger` (members' ops, and the
fund of the commons) and `commons` (ops of account 0). An op is the array [tag, field, ...].
"""

import re
from dataclasses import dataclass
from typing import ClassVar, Self

from . import codec
from .base import (
    ACCOUNT_MAX,
    BALANCE_MAX,
    HASH_BYTES,
    INCARNATION_MAX,
    KEYS_MAX,
    NAME_BYTES_MAX,
    NOTE_BYTES_MAX,
    PPM,
    UNIT_BYTES_MAX,
    AccountId,
    Amount,
    Malformed,
    PublicKey,
    Signature,
)
from .signing import Authority, read_authority, read_signatures

FORBIDDEN_CODE_POINTS = (
    # Controls; marks that turn, hide or join text; lone surrogates; private use; non-characters; tags.
    # Ranges, because no rule may ask a language's Unicode tables, which change with its version.
    (0x0000, 0x001F), (0x007F, 0x009F), (0x00AD, 0x00AD), (0x061C, 0x061C), (0x180E, 0x180E),
    (0x200B, 0x200B), (0x200E, 0x200F), (0x2028, 0x202E), (0x2060, 0x206F), (0xD800, 0xF8FF),
    (0xFDD0, 0xFDEF), (0xFEFF, 0xFEFF), (0xFFF0, 0xFFFB), (0xFFFE, 0xFFFF), (0xE0000, 0xE0FFF), (0xF0000, 0x10FFFF),
)  # fmt: skip
_FORBIDDEN = re.compile("[" + "".join(f"{chr(low)}-{chr(high)}" for low, high in FORBIDDEN_CODE_POINTS) + "]")
_HANDLE = re.compile(r"[a-z0-9][a-z0-9-]{1,30}", re.ASCII)
COMMONS_HANDLE = "commons"
"""What account 0 is called: no member may be."""


def forbidden_code_point(words: str) -> str | None:
    """Name the first code point of `words` that no note, name or unit may hold, as "U+202E", or None."""
    found = _FORBIDDEN.search(words)
    return f"U+{ord(found.group()):04X}" if found else None


def is_handle(handle: str) -> bool:
    """Tell whether a member may be called so: ASCII [a-z0-9][a-z0-9-]{1,30}, and not the name of account 0."""
    return _HANDLE.fullmatch(handle) is not None and handle != COMMONS_HANDLE


@dataclass(frozen=True, slots=True)
class PublicNote:
    """Words that everybody may read, at most 256 bytes of UTF-8."""

    text: str


@dataclass(frozen=True, slots=True)
class SealedNote:
    """Words that only payer and payee can read: a box for the payee's key, at most 256 bytes."""

    box: bytes


Note = PublicNote | SealedNote | None


def _plain_note(note: Note) -> codec.Plain:
    if note is None:
        return ()
    return (1, note.text) if isinstance(note, PublicNote) else (2, note.box)


def _read_note(value: codec.Plain) -> Note:
    fields = codec.items(value)
    if not fields:
        return None
    kind, content = codec.items(fields, 2)
    if kind == 1 and type(kind) is int:
        return PublicNote(codec.text(content, NOTE_BYTES_MAX))
    if kind == 2 and type(kind) is int:
        return SealedNote(codec.blob(content, NOTE_BYTES_MAX))
    raise Malformed("a note is [], [1, text] or [2, box]")


def _account(value: codec.Plain) -> AccountId:
    return AccountId(codec.uint(value, ACCOUNT_MAX))


@dataclass(frozen=True, slots=True)
class Open:
    """Claim the account that an `admit` made: seq 0 of a member's chain. `next_hash` announces the next authority."""

    TAG: ClassVar[int] = 1
    authority: Authority
    next_hash: bytes

    def plain(self) -> codec.Plain:
        return (self.TAG, *self.authority.plain(), self.next_hash)

    @classmethod
    def read(cls, fields: codec.Plain) -> Self:
        threshold, keys, next_hash = codec.items(fields, 3)
        return cls(read_authority(threshold, keys), codec.binary(next_hash, HASH_BYTES))


@dataclass(frozen=True, slots=True)
class Send:
    """Pay: own balance falls by `amount`, a parcel is in flight to the account `to`."""

    TAG: ClassVar[int] = 2
    to: AccountId
    amount: Amount
    note: Note = None

    def plain(self) -> codec.Plain:
        return self.TAG, self.to, self.amount, _plain_note(self.note)

    @classmethod
    def read(cls, fields: codec.Plain) -> Self:
        to, amount, note = codec.items(fields, 3)
        return cls(_account(to), Amount(codec.uint(amount)), _read_note(note))


@dataclass(frozen=True, slots=True)
class Recv:
    """Take in all that `payer` has in flight to me up to its seq `upto`; `total` is the gross sum it ever sent me."""

    TAG: ClassVar[int] = 3
    payer: AccountId
    incarnation: int
    upto: int
    total: int

    def plain(self) -> codec.Plain:
        return self.TAG, self.payer, self.incarnation, self.upto, self.total

    @classmethod
    def read(cls, fields: codec.Plain) -> Self:
        payer, incarnation, upto, total = codec.items(fields, 4)
        return cls(_account(payer), codec.uint(incarnation, INCARNATION_MAX), codec.uint(upto), codec.uint(total))


@dataclass(frozen=True, slots=True)
class Bounce:
    """Return the one parcel that `payer` sent me at `seq`, untouched."""

    TAG: ClassVar[int] = 4
    payer: AccountId
    incarnation: int
    seq: int

    def plain(self) -> codec.Plain:
        return self.TAG, self.payer, self.incarnation, self.seq

    @classmethod
    def read(cls, fields: codec.Plain) -> Self:
        payer, incarnation, seq = codec.items(fields, 3)
        return cls(_account(payer), codec.uint(incarnation, INCARNATION_MAX), codec.uint(seq))


@dataclass(frozen=True, slots=True)
class Charter:
    """What the members agreed on; every field may change by a `charter` op, and counts from that height on."""

    version: int
    """Fixes which ops exist. 1: those of this file that are not reserved."""
    least_send: int
    """The smallest amount that may be sent to a member; also bounds what can be in flight to one."""
    ceiling: int
    """No taking in above this balance; 0 for no ceiling."""
    levy_ppm: int
    """Part of what is sent to members that is owed to the commons, in millionths."""
    commons_limit: int
    """How far the commons account may go below zero."""

    def plain(self) -> tuple[int, ...]:
        return self.version, self.least_send, self.ceiling, self.levy_ppm, self.commons_limit

    @classmethod
    def read(cls, fields: codec.Plain) -> Self:
        version, least_send, ceiling, levy_ppm, commons_limit = codec.items(fields, 5)
        return cls(
            codec.uint(version),
            codec.uint(least_send),
            codec.uint(ceiling, BALANCE_MAX),
            codec.uint(levy_ppm, PPM),
            codec.uint(commons_limit, BALANCE_MAX),
        )


@dataclass(frozen=True, slots=True)
class Found:
    """Found the community: first op of account 0, seq 0. Signed by all stewards and all witnesses it names."""

    TAG: ClassVar[int] = 32
    name: str
    unit: str
    decimals: int
    charter: Charter
    stewards: Authority
    quorum: int
    witnesses: tuple[PublicKey, ...]

    def plain(self) -> codec.Plain:
        return (
            self.TAG, self.name, self.unit, self.decimals, *self.charter.plain(), *self.stewards.plain(),
            self.quorum, self.witnesses,
        )  # fmt: skip

    @classmethod
    def read(cls, fields: codec.Plain) -> Self:
        name, unit, decimals, *charter, threshold, stewards, quorum, witnesses = codec.items(fields, 12)
        committee = read_authority(quorum, witnesses)
        return cls(
            codec.text(name, NAME_BYTES_MAX),
            codec.text(unit, UNIT_BYTES_MAX),
            codec.uint(decimals),
            Charter.read(tuple(charter)),
            read_authority(threshold, stewards),
            committee.threshold,
            committee.keys,
        )


@dataclass(frozen=True, slots=True)
class Admit:
    """Make somebody a member; the account may be paid at once and is claimed by an `open` with this authority."""

    TAG: ClassVar[int] = 33
    number: AccountId
    handle: str
    authority: Authority
    limit: int

    def plain(self) -> codec.Plain:
        return self.TAG, self.number, self.handle, *self.authority.plain(), self.limit

    @classmethod
    def read(cls, fields: codec.Plain) -> Self:
        number, handle, threshold, keys, limit = codec.items(fields, 5)
        return cls(
            _account(number),
            codec.text(handle, NAME_BYTES_MAX),
            read_authority(threshold, keys),
            codec.uint(limit, BALANCE_MAX),
        )


@dataclass(frozen=True, slots=True)
class Limits:
    """Set the credit limits of some members: how far each may go below zero."""

    TAG: ClassVar[int] = 34
    limits: tuple[tuple[AccountId, int], ...]

    def plain(self) -> codec.Plain:
        return self.TAG, self.limits

    @classmethod
    def read(cls, fields: codec.Plain) -> Self:
        (listed,) = codec.items(fields, 1)
        pairs = (codec.items(pair, 2) for pair in codec.items(listed))
        return cls(tuple((_account(account), codec.uint(limit, BALANCE_MAX)) for account, limit in pairs))


@dataclass(frozen=True, slots=True)
class Suspend:
    """Level 1: no more sends. Level 2: frozen, nothing is valid."""

    TAG: ClassVar[int] = 35
    account: AccountId
    level: int

    def plain(self) -> codec.Plain:
        return self.TAG, self.account, self.level

    @classmethod
    def read(cls, fields: codec.Plain) -> Self:
        account, level = codec.items(fields, 2)
        return cls(_account(account), codec.uint(level))


@dataclass(frozen=True, slots=True)
class Reinstate:
    """Lift a suspension: level 0."""

    TAG: ClassVar[int] = 36
    account: AccountId

    def plain(self) -> codec.Plain:
        return self.TAG, self.account

    @classmethod
    def read(cls, fields: codec.Plain) -> Self:
        (account,) = codec.items(fields, 1)
        return cls(_account(account))


@dataclass(frozen=True, slots=True)
class Amend:
    """The op `charter`: put a whole new charter in force from this height on."""

    TAG: ClassVar[int] = 37
    charter: Charter

    def plain(self) -> codec.Plain:
        return self.TAG, *self.charter.plain()

    @classmethod
    def read(cls, fields: codec.Plain) -> Self:
        return cls(Charter.read(fields))


@dataclass(frozen=True, slots=True)
class Stewards:
    """Name the stewards of the next place on. Every key signs an acceptance of the new authority."""

    TAG: ClassVar[int] = 39
    authority: Authority
    acceptances: tuple[tuple[int, Signature], ...]

    def plain(self) -> codec.Plain:
        return self.TAG, *self.authority.plain(), self.acceptances

    @classmethod
    def read(cls, fields: codec.Plain) -> Self:
        threshold, keys, acceptances = codec.items(fields, 3)
        return cls(read_authority(threshold, keys), read_signatures(acceptances))


@dataclass(frozen=True, slots=True)
class Charge:
    """Move `amount` between a member and the commons without the member's signature; one side is account 0."""

    TAG: ClassVar[int] = 40
    payer: AccountId
    payee: AccountId
    amount: Amount
    reason: str

    def plain(self) -> codec.Plain:
        return self.TAG, self.payer, self.payee, self.amount, self.reason

    @classmethod
    def read(cls, fields: codec.Plain) -> Self:
        payer, payee, amount, reason = codec.items(fields, 4)
        return cls(_account(payer), _account(payee), Amount(codec.uint(amount)), codec.text(reason, NOTE_BYTES_MAX))


@dataclass(frozen=True, slots=True)
class Unknown:
    """An op whose kind this charter does not know, kept as it came. Always refused: `op_unknown`."""

    tag: int
    fields: codec.Plain

    def plain(self) -> codec.Plain:
        return self.tag, *self.fields


MemberOp = Open | Send | Recv | Bounce
CommonsOp = Found | Admit | Limits | Suspend | Reinstate | Amend | Stewards | Charge
Op = MemberOp | CommonsOp | Unknown

OPS: dict[int, type[MemberOp | CommonsOp]] = {
    kind.TAG: kind
    for kind in (Open, Send, Recv, Bounce, Found, Admit, Limits, Suspend, Reinstate, Amend, Stewards, Charge)
}
RESERVED_TAGS = {
    5: "hold", 6: "claim", 7: "rotate", 8: "reopen", 9: "propose", 10: "choose",
    38: "floor", 41: "resolve", 42: "rekey", 43: "honour", 44: "witnesses", 45: "open_epoch",
}  # fmt: skip
"""Kinds that a later charter version brings. Until then they are as unknown as any other."""


def read_op(value: codec.Plain) -> Op:
    """Read one op. Raises Malformed when the fields of a known kind have the wrong number or types."""
    fields = codec.items(value)
    if not fields:
        raise Malformed("an op is [tag, field, ...]")
    tag = codec.uint(fields[0], KEYS_MAX * KEYS_MAX)
    kind = OPS.get(tag)
    return Unknown(tag, codec.plain(fields[1:])) if kind is None else kind.read(fields[1:])
