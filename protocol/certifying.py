"""Judging certificates: is it a quorum's, and does what it covers stand here (PROTOCOL-RULES 7)?

Changes nothing. A certificate of account 0 holds commits and decides its next entry; any other holds votes and makes
an entry and all before it final. A certificate never makes an invalid entry valid.
"""

from dataclasses import dataclass

from .base import COMMONS, AccountId
from .chain import Chain
from .signing import Verify
from .state import State
from .statements import Certificate, Place, certificate_tag
from .verdict import Accepted, Code, Duplicate, Need, Refused, Waiting


@dataclass(frozen=True, slots=True)
class Overruled:
    """The certificate is valid, but the tail held here, from `seq` on, is another branch and must give way to it.

    With the certified entries at hand: rewind the account to where they leave the tail, judge them, then the
    certificate again.
    """

    account: AccountId
    seq: int


def certificate_verdict(
    state: State, verify: Verify, certificate: Certificate
) -> Accepted | Duplicate | Waiting | Refused | Overruled:
    """What is to become of a certificate."""
    place, commons = certificate.place, state.commons
    if not commons.is_founded:
        return Waiting(Need.HEIGHT, COMMONS, 0, 0)
    if place.epoch != commons.epoch:
        return Refused(Code.EPOCH_CLOSED, f"epoch {place.epoch}, the present one is {commons.epoch}")
    chain = state.chains.get(place.account)
    if chain is not None and place.seq <= chain.final_seq and _holds(chain, place):
        return Duplicate()
    keys = commons.witnesses
    if not certificate.is_valid(certificate_tag(place), keys, commons.quorum, commons.community, verify):
        return Refused(Code.SIGNATURE, f"not signed by {commons.quorum} witnesses of epoch {place.epoch}")
    if place.account == COMMONS:
        return _decision(state, place)
    return _standing(chain, place)


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


def _standing(chain: Chain | None, place: Place) -> Accepted | Waiting | Refused | Overruled:
    """A quorum's votes make a member's entry final, if it stands here."""
    if chain is None or place.incarnation != chain.incarnation:
        return Waiting(Need.PREV, place.account, place.incarnation, place.seq)
    if _holds(chain, place):
        return Accepted()
    if place.seq <= chain.final_seq:
        return Refused(Code.CONFLICT, f"another entry of account {place.account} is final at seq {place.seq}")
    if place.seq <= chain.seq:
        # Where exactly it leaves the tail cannot be told without its entries: all of the tail is in question.
        return Overruled(place.account, chain.final_seq + 1)
    return Waiting(Need.PREV, place.account, place.incarnation, place.seq)
