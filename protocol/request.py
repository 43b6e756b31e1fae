"""Requests: what a newcomer leaves at any node to be admitted, once: keys, handle, greeting, and until when.

A request carries its voucher and is signed by the invite's one-time key and by the newcomer's own, so whoever holds
account 0 can check it and pass it on. Admitting is the stewards' act; it is not known here.
"""

from dataclasses import dataclass
from typing import Self

from . import codec
from .base import NAME_BYTES_MAX, SIGNATURE_BYTES, Signature, digest
from .invite import InviteFault, Voucher, voucher_fault
from .ledger import Ledger
from .ops import is_handle
from .shapes import words_fault
from .signing import Authority, Signatures, Tag, read_authority, read_signatures

GREETING_BYTES_MAX = 200

WORDS = {
    **{fault.code: fault.words for fault in InviteFault},
    "handle_taken": "somebody of that handle is a member already: choose another",
    "handle": "a handle is 2 to 31 of a-z, 0-9 and -, and not commons",
    "greeting": f"a greeting is plain words of at most {GREETING_BYTES_MAX} bytes",
    "signature": "the request is not signed by the invite's key and by its own",
}
"""A plain sentence for each code of `request_fault`, without its full stop."""


@dataclass(frozen=True, slots=True)
class Request:
    """Asks to be admitted as `handle` with that authority."""

    voucher: Voucher
    authority: Authority
    handle: str
    greeting: str
    expires: int
    """Seconds since 1970."""
    by_invite: Signature
    by_account: Signatures

    @property
    def id(self) -> bytes:
        """32 bytes; signatures are no part of it."""
        return digest(b"tally request", self.content())

    def content(self) -> bytes:
        """The bytes under both signatures (Tag.REQUEST)."""
        return request_content(self.voucher, self.authority, self.handle, self.greeting, self.expires)

    def plain(self) -> codec.Plain:
        return (
            self.voucher.plain(), *self.authority.plain(), self.handle, self.greeting, self.expires,
            self.by_invite, self.by_account,
        )  # fmt: skip

    @classmethod
    def read(cls, fields: codec.Plain) -> Self:
        voucher, threshold, keys, handle, greeting, expires, by_invite, by_account = codec.items(fields, 8)
        return cls(
            Voucher.read(voucher),
            read_authority(threshold, keys),
            codec.text(handle, NAME_BYTES_MAX),
            codec.text(greeting, GREETING_BYTES_MAX),
            codec.uint(expires),
            Signature(codec.binary(by_invite, SIGNATURE_BYTES)),
            read_signatures(by_account),
        )


def request_content(voucher: Voucher, authority: Authority, handle: str, greeting: str, expires: int) -> bytes:
    """The bytes that the invite's key and the newcomer's sign (Tag.REQUEST)."""
    return codec.encode((voucher.key, *voucher.terms(), *authority.plain(), handle, greeting, expires))


def request_fault(ledger: Ledger, request: Request, now_s: int) -> str | None:
    """Say by one code of `WORDS` why a request is not taken at `now_s` (seconds since 1970), or None."""
    fault = voucher_fault(ledger, request.voucher, now_s)
    if fault is not None:
        return fault.code
    if request.expires <= now_s:
        return InviteFault.EXPIRED.code
    if not is_handle(request.handle):
        return "handle"
    if request.handle in ledger.commons.by_handle:
        return "handle_taken"
    if words_fault(request.greeting, GREETING_BYTES_MAX) is not None:
        return "greeting"
    return None if _is_signed(ledger, request) else "signature"


def _is_signed(ledger: Ledger, request: Request) -> bool:
    """By the one-time key and by the newcomer's, which is another: who made the invite knows the one-time key."""
    authority, community, content = request.authority, ledger.commons.community, request.content()
    if authority.fault() is not None or request.voucher.key in authority.keys:
        return False
    if not ledger.verify(request.voucher.key, Tag.REQUEST, community, content, request.by_invite):
        return False
    return authority.is_met(Tag.REQUEST, community, content, request.by_account)
