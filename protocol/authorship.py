"""Who may speak for an account outside its chain: in records and vouchers.

A member's words need the authority in force. The community's (account 0) need one steward in force, whichever: what a
single steward may do here is cheap and never touches a balance. Reads a ledger, changes nothing.
"""

from .base import COMMONS, AccountId
from .ledger import Ledger
from .signing import Authority, Signatures, Tag


def authority_of(ledger: Ledger, account: AccountId) -> Authority | None:
    """Who signs for a member now: its chain's authority, before the first entry the admitted one. None: no member."""
    chain, member = ledger.chain(account), ledger.commons.members.get(account)
    if chain is not None:
        return chain.authority
    return None if member is None else member.authority


def is_by_author(ledger: Ledger, author: AccountId, tag: Tag, content: bytes, signatures: Signatures) -> bool:
    """Tell whether the author signed it; of account 0 that is exactly one steward in force."""
    if author == COMMONS:
        return is_by_steward(ledger, ledger.commons.stewards(), tag, content, signatures)
    authority = authority_of(ledger, author)
    return authority is not None and authority.is_met(tag, ledger.commons.community, content, signatures)


def is_by_steward(ledger: Ledger, stewards: Authority, tag: Tag, content: bytes, signatures: Signatures) -> bool:
    """Tell whether the one signature is by any of these stewards.

    The index is not asked: it moves when others leave the list, and what a steward still in office signed stays good.
    """
    if len(signatures) != 1:
        return False
    ((_, signature),) = signatures
    community = ledger.commons.community
    return any(ledger.verify(key, tag, community, content, signature) for key in stewards.keys)
