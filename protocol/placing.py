"""Steps 1 to 8 of judging an entry: may it stand at its place at all, and did its author sign it?

PROTOCOL-RULES 3 (rules 1 to 3) and 15 (codes 1 to 8). Looks at no op but the first, and changes nothing.
"""

from .base import COMMONS, ENTRY_BYTES_MAX, ENTRY_VERSION, KEYS_MAX, NO_COMMUNITY, AccountId
from .chain import Chain
from .entry import SignedEntry
from .ops import Found, Open
from .signing import Authority, Tag, Verify
from .state import State, is_met
from .statements import ballot_content
from .verdict import Code, Need, Refused, Waiting


def ground_fault(state: State, signed: SignedEntry) -> Waiting | Refused | None:
    """Codes 1 to 4: bytes, version, height known, account admitted at it."""
    entry, commons = signed.entry, state.commons
    if len(signed.body) > ENTRY_BYTES_MAX:
        return Refused(Code.TOO_BIG, f"{len(signed.body)} bytes, at most {ENTRY_BYTES_MAX}")
    if entry.version != ENTRY_VERSION:
        return Refused(Code.VERSION, f"version {entry.version}, known is {ENTRY_VERSION}")
    if is_founding(state, signed):
        return None
    if entry.height > commons.height:
        return Waiting(Need.HEIGHT, COMMONS, 0, entry.height)
    if not commons.is_admitted(entry.account, entry.height):
        return Refused(Code.ACCOUNT_UNKNOWN, f"account {entry.account} was not admitted at height {entry.height}")
    return None


def is_founding(state: State, signed: SignedEntry) -> bool:
    """Tell whether this would be the first entry of all."""
    return signed.account == COMMONS and signed.seq == 0 and not state.commons.is_founded


def place_fault(state: State, signed: SignedEntry, chain: Chain | None) -> Waiting | Refused | None:
    """Codes 5 to 7 for an entry above the head: seq, prev, incarnation, height."""
    entry = signed.entry
    seq = chain.seq + 1 if chain is not None else 0
    if entry.incarnation != 0:
        return Refused(Code.PLACE, f"incarnation {entry.incarnation} was never opened")
    if entry.seq > seq:
        return Waiting(Need.PREV, entry.account, entry.incarnation, entry.seq - 1)
    if entry.prev != (chain.id if chain is not None else state.commons.community):
        if chain is not None and chain.tail:
            # The tail may yet give way to another branch, on which this entry may stand. Once it is final we know.
            return Waiting(Need.REFERENCE, entry.account, entry.incarnation, entry.seq - 1)
        return Refused(Code.PLACE, f"prev is not the entry before seq {entry.seq}")
    if entry.account == COMMONS:
        if entry.height != max(0, entry.seq - 1):
            return Refused(Code.PLACE, f"account 0 cites the height before it: {entry.seq - 1}, not {entry.height}")
        if chain is None and not (entry.ops and type(entry.ops[0]) is Found):
            return Refused(Code.PLACE, "account 0 begins with found")
    elif chain is None:
        if not (entry.ops and type(entry.ops[0]) is Open):
            return Refused(Code.PLACE, "an account begins with open")
    elif entry.height < chain.height:
        return Refused(Code.HEIGHT_FELL, f"height {entry.height} after {chain.height}")
    return None


def is_signed(state: State, verify: Verify, signed: SignedEntry, chain: Chain | None) -> bool:
    """Code 8: signed by the authority in force before it."""
    community = state.commons.community
    if signed.account != COMMONS:
        authority = chain.authority if chain is not None else state.commons.members[signed.account].authority
        return is_met(verify, authority, Tag.ENTRY, community, signed.body, signed.signatures)
    if is_founding(state, signed):
        return _is_founded_by_all(verify, signed)
    content = ballot_content(signed.seq, signed.round, signed.id)
    return is_met(verify, state.commons.stewards(), Tag.BALLOT, community, content, signed.signatures)


def _is_founded_by_all(verify: Verify, signed: SignedEntry) -> bool:
    """In round 0 all stewards by index, then all witnesses, signed the founding entry; no community stands yet."""
    found = signed.entry.ops[0]
    if signed.round != 0:
        return False
    if not isinstance(found, Found) or len(found.stewards.keys) > KEYS_MAX or len(found.witnesses) > KEYS_MAX:
        return False
    keys = (*found.stewards.keys, *found.witnesses)
    return is_met(verify, Authority(len(keys), keys), Tag.ENTRY, NO_COMMUNITY, signed.body, signed.signatures)


def rival_place(account: AccountId, seq: int) -> Refused:
    """What is said to a second entry for a place when no proof can be shown."""
    return Refused(Code.PLACE, f"another entry of account {account} stands at seq {seq}")
