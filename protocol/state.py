"""The whole state of a ledger in its three parts. Read by the judging modules, written by `Ledger` alone."""

from collections.abc import Sequence

from .base import AccountId, CommunityId, Signature
from .chain import Chain
from .commons import Commons
from .pairs import Pairs
from .signing import Authority, Tag, Verify


class State:
    """Account 0 by height, everybody's chain, and what is between accounts."""

    def __init__(self) -> None:
        self.commons = Commons()
        self.chains: dict[AccountId, Chain] = {}
        self.pairs = Pairs()

    def final_seq(self, account: AccountId, incarnation: int) -> int:
        """Up to where that incarnation is final here; -1 for not at all."""
        chain = self.chains.get(account)
        return chain.final_seq if chain is not None and chain.incarnation == incarnation else -1

    def final_end(self, account: AccountId) -> int:
        """The final seq of the account, -1 for none: seq goes on across incarnations."""
        chain = self.chains.get(account)
        return -1 if chain is None else chain.final_seq


def is_met(
    verify: Verify,
    authority: Authority,
    tag: Tag,
    community: CommunityId,
    content: bytes,
    signatures: Sequence[tuple[int, Signature]],
) -> bool:
    """As `Authority.is_met`, with an exchangeable `verify`: valid signatures, all of them, of k keys or more."""
    keys = authority.keys
    if len(signatures) < authority.threshold:
        return False
    previous = -1
    for index, signature in signatures:
        if not previous < index < len(keys) or not verify(keys[index], tag, community, content, signature):
            return False
        previous = index
    return True
