"""Judging certificates: is it a quorum's, and does what it covers stand here (PROTOCOL-RULES 7)?

Changes nothing. A certificate of account 0 holds commits and decides its next entry; any other holds votes and makes
an entry and all before it final. A certificate never makes an invalid entry valid.
"""

from dataclasses import dataclass

from .base import COMMONS, AccountId
from .chain import Chain
from .entry import SignedEntry
from .state import State, Verify
from .statements import Certificate, Place, certificate_tag
from .verdict import Accepted, Code, Duplicate, Need, Refused, Waiting


@dataclass(frozen=True, slots=True)
class Overruled:
    """The certificate is valid, but the branch held here differs from `seq` on: the tail must give way to it.

    Rewind the account to `seq` - 1, then judge the certified branch and the certificate again.
    """

    account: AccountId
    seq: int


def certificate_verdict(
    state: State, verify: Verify, certificate: Certificate, branch: tuple[SignedEntry, ...]
) -> Accepted | Duplicate | Waiting | Refused | Overruled:
    """What is to become of a certificate; `branch` are entries that came with it, in any order."""
    place, commons = certificate.place, state.commons
    if not commons.is_founded:
        return Waiting(Need.HEIGHT, COMMONS, 0, 0)
    if place.epoch != commons.epoch:
        return Refused(Code.EPOCH_CLOSED, f"epoch {place.epoch}, the present one is {commons.epoch}")
    chain = state.chains.get(place.account)
    if chain is not None and place.seq <= chain.final_seq and _holds(chain, place):
        return Duplicate()
    if not is_by_quorum(state, verify, certificate):
        return Refused(Code.SIGNATURE, f"not signed by {commons.quorum} witnesses of epoch {place.epoch}")
    if place.account == COMMONS:
        return _decision(state, place)
    return _standing(chain, place, branch)


def is_by_quorum(state: State, verify: Verify, certificate: Certificate) -> bool:
    """As `Certificate.is_valid`, with an exchangeable `verify`: q or more different witnesses, all signatures valid."""
    commons, place = state.commons, certificate.place
    if len(certificate.votes) < commons.quorum:
        return False
    tag, previous = certificate_tag(place), -1
    for witness, number, signature in certificate.votes:
        if not previous < witness < len(commons.witnesses):
            return False
        if not verify(commons.witnesses[witness], tag, commons.community, place.content(number), signature):
            return False
        previous = witness
    return True


def _holds(chain: Chain, place: Place) -> bool:
    """Whether the entry certified stands in this chain. Of account 0 the round is no part of the place."""
    is_same_life = place.account == COMMONS or place.incarnation == chain.incarnation
    return is_same_life and chain.id_at(place.seq) == place.id


def _decision(state: State, place: Place) -> Accepted | Waiting | Refused:
    """A quorum's commits decide the next entry of account 0; the caller holds the entry of that id."""
    height = state.commons.height
    if place.seq <= height:
        return Refused(Code.CONFLICT, f"another entry of account 0 was decided for seq {place.seq}")
    if place.seq > height + 1:
        return Waiting(Need.HEIGHT, COMMONS, 0, place.seq - 1)
    return Accepted()


def _standing(
    chain: Chain | None, place: Place, branch: tuple[SignedEntry, ...]
) -> Accepted | Waiting | Refused | Overruled:
    """A quorum's votes make a member's entry final, if it stands here."""
    if chain is None or place.incarnation != chain.incarnation:
        return Waiting(Need.PREV, place.account, place.incarnation, place.seq)
    if _holds(chain, place):
        return Accepted()
    if place.seq <= chain.final_seq:
        return Refused(Code.CONFLICT, f"another entry of account {place.account} is final at seq {place.seq}")
    seq = _parting(chain, place, branch)
    if seq is not None and seq <= chain.final_seq:
        return Refused(Code.CONFLICT, f"it leaves account {place.account}'s final branch at seq {seq}")
    if seq is not None and seq <= chain.seq:
        return Overruled(place.account, seq)
    if place.seq <= chain.seq:
        # Where exactly it leaves the tail cannot be told without its entries: all of the tail gives way.
        return Overruled(place.account, chain.final_seq + 1)
    return Waiting(Need.PREV, place.account, place.incarnation, place.seq)


def _parting(chain: Chain, place: Place, branch: tuple[SignedEntry, ...]) -> int | None:
    """Lowest seq at which the certified branch differs from the chain held, if `branch` leads back to it."""
    by_id: dict[bytes, SignedEntry] = {signed.id: signed for signed in branch}
    wanted: bytes = place.id
    for seq in range(place.seq, -1, -1):
        signed = by_id.get(wanted)
        if signed is None or signed.account != place.account or signed.seq != seq:
            return None
        if seq == 0 or chain.id_at(seq - 1) == signed.entry.prev:
            return seq
        wanted = signed.entry.prev
    return None
