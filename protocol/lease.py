"""The witness's side of the instance lease: of several copies of one wallet, one may sign at a time.

A wallet asks with its instance's nonce, new at each start. A lease lasts 60 seconds from the last request of its
holder. It is kept in memory only: it guards honest people against their own copies, while
certificates guard everybody against dishonest ones. The caller has checked that the account's key signed the request,
so there is at most one row a member.
May not read a clock: `now` is seconds on the witness's monotonic clock.
"""

from dataclasses import dataclass

from .base import AccountId

LEASE_S = 60.0


@dataclass(frozen=True, slots=True)
class _Holding:
    instance: bytes
    until: float


class Leases:
    """Who may sign for which account at present, as far as this witness knows."""

    def __init__(self, length_s: float = LEASE_S) -> None:
        self._length_s = length_s
        self._holdings: dict[AccountId, _Holding] = {}

    def ask(self, account: AccountId, instance: bytes, previous: bytes, now: float) -> bool:
        """Grant the lease unless another instance holds it; `previous` is the asker's own nonce before a restart."""
        holding = self._holdings.get(account)
        if holding is not None and holding.until > now and holding.instance not in (instance, previous):
            return False
        self._holdings[account] = _Holding(instance, now + self._length_s)
        return True

    def may_submit(self, account: AccountId, instance: bytes, now: float) -> bool:
        """Whether a submission of `instance` may have a vote: False while another one holds the lease.

        It takes no lease and prolongs none: no key signed which instance a submission names, so anybody could do that
        by submitting the account's entries again. An empty nonce is a submission by somebody else's node, which
        neither holds nor needs a lease.
        """
        holding = self._holdings.get(account)
        return not instance or holding is None or holding.until <= now or holding.instance == instance
