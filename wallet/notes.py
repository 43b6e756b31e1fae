"""Memos as people write and read them: checked, sealed to a payee, and opened again.

A public memo stands in the entry for everybody. A sealed one only payer and payee can read (protocol/sealing.py); the
payer's clear text is in its book, the payee needs its key, so a locked wallet shows that there is a memo and not what
it says.
"""

from collections.abc import Callable

from protocol.base import COMMONS, NOTE_BYTES_MAX, AccountId, PublicKey
from protocol.entry import Entry
from protocol.ledger import Ledger
from protocol.ops import Note, PublicNote, SealedNote, Send, forbidden_code_point
from protocol.sealing import SEALED_TEXT_BYTES_MAX, NotePlace, open_note, seal_note
from protocol.signing import Authority, SecretKey

from .errors import BadNote, CannotSeal

KeyOf = Callable[[AccountId], SecretKey | None]
"""The key of an account of this wallet; None when it is not of this wallet, or the wallet is locked."""


def check_memo(memo: str | None, *, sealed: bool) -> None:
    """Raise BadNote when no entry could hold this memo, or there is none to seal."""
    if memo is None:
        if sealed:
            raise BadNote("There is no memo to seal.", next="Add a memo, or leave out --sealed.")
        return
    size, most = len(memo.encode(errors="replace")), SEALED_TEXT_BYTES_MAX if sealed else NOTE_BYTES_MAX
    if size > most:
        raise BadNote(f"The memo is too long: {size} bytes, at most {most}.", {"bytes": size, "most": most})
    if point := forbidden_code_point(memo):
        raise BadNote(f"The memo holds {point}, an invisible or control character.", {"code_point": point})


def write_note(ledger: Ledger, payer: AccountId, payee: AccountId, memo: str | None, sealer: SecretKey | None) -> Note:
    """The note of the payer's next entry; sealed with `sealer`, the payer's key, if one is given. Raises CannotSeal."""
    if memo is None:
        return None
    if sealer is None:
        return PublicNote(memo)
    key = None if payee == COMMONS else _key_of(ledger, payee)
    if key is None:
        raise CannotSeal("This payee's account answers to several people, so a memo cannot be sealed to it.")
    chain = ledger.chain(payer)
    incarnation, seq = (0, 0) if chain is None else (chain.incarnation, chain.seq + 1)
    return seal_note(memo, NotePlace(ledger.commons.community, payer, incarnation, seq, payee), sealer, key)


def read_note(ledger: Ledger, entry: Entry, send: Send, key_of: KeyOf) -> str | None:
    """The memo of a payment, as far as this wallet can read it."""
    match send.note:
        case PublicNote(text):
            return text
        case SealedNote():
            place = NotePlace(ledger.commons.community, entry.account, entry.incarnation, entry.seq, send.to)
            return _open(ledger, send.note, place, key_of)
        case None:
            return None


def _open(ledger: Ledger, note: SealedNote, place: NotePlace, key_of: KeyOf) -> str | None:
    for own, other in ((place.payee, place.payer), (place.payer, place.payee)):
        secret, public = key_of(own), _key_of(ledger, other)
        if secret is not None and public is not None:
            return open_note(note, place, secret, public)
    return None


def _key_of(ledger: Ledger, account: AccountId) -> PublicKey | None:
    """The one key that an account answers to, or None."""
    chain, member = ledger.chain(account), ledger.commons.members.get(account)
    authority: Authority | None = chain.authority if chain is not None else None if member is None else member.authority
    return authority.keys[0] if authority is not None and len(authority.keys) == 1 else None
