"""The commons: what account 0 has decided, by height (PROTOCOL-RULES 2 and 4).

Charter, stewards, witnesses, and of each member the handle, the admitted authority, limit, level and adjust. It holds
decided entries only, so nothing here is ever taken back. Read by all judging; written by `Ledger.apply` alone, with
an `Act` that `governance` has judged. The money of the commons account is in its chain, as everybody's is.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from .base import COMMONS, NO_COMMUNITY, AccountId, CommunityId, EntryId, PublicKey
from .ops import Admit, Charter, Found
from .signing import Authority
from .timeline import Timeline

FREE = 0
SUSPENDED = 1
"""No send."""
FROZEN = 2
"""No entry at all."""


@dataclass(frozen=True, slots=True)
class Act:
    """What one entry of account 0 changes, judged as a whole. Values are absolute: the state after the entry."""

    found: Found | None = None
    charter: Charter | None = None
    stewards: Authority | None = None
    admits: tuple[Admit, ...] = ()
    limits: Mapping[AccountId, int] = field(default_factory=dict)
    levels: Mapping[AccountId, int] = field(default_factory=dict)
    adjusts: Mapping[AccountId, int] = field(default_factory=dict)
    """Also account 0's own."""


class Member:
    """One member as account 0 knows it, whether its account was opened or not."""

    __slots__ = ("adjust", "admitted_at", "authority", "handle", "level", "limit", "number")

    def __init__(self, admit: Admit, height: int) -> None:
        self.number = admit.number
        self.handle = admit.handle
        self.authority = admit.authority
        """Whose signature opens the account."""
        self.admitted_at = height
        self.limit = Timeline(height, admit.limit)
        self.level = Timeline(height, FREE)
        self.adjust = Timeline(height, 0)
        """Sum of all charges so far: negative when the member was charged."""


class Commons:
    """The state of account 0 by height. Everything that takes a height reads the newest when it is None."""

    def __init__(self) -> None:
        self.community: CommunityId = NO_COMMUNITY
        self.name = ""
        self.unit = ""
        self.decimals = 0
        self.height = -1
        """Seq of the newest decided entry; -1 before the founding."""
        self.epoch = 0
        self.quorum = 0
        self.witnesses: tuple[PublicKey, ...] = ()
        self.members: dict[AccountId, Member] = {}
        self.by_handle: dict[str, AccountId] = {}
        self._charter: Timeline[Charter] | None = None
        self._stewards: Timeline[Authority] | None = None
        self._adjust = Timeline(0, 0)

    @property
    def is_founded(self) -> bool:
        return self.height >= 0

    def charter(self, height: int | None = None) -> Charter:
        """The charter in force. Raises LookupError before the founding."""
        if self._charter is None:
            raise LookupError("no community was founded here yet")
        return self._charter.at(height)

    def stewards(self, height: int | None = None) -> Authority:
        """Who signs the entry of account 0 after `height`. Raises LookupError before the founding."""
        if self._stewards is None:
            raise LookupError("no community was founded here yet")
        return self._stewards.at(height)

    def former_stewards(self) -> tuple[Authority, ...]:
        """Who signed for account 0 before those in force, the oldest first."""
        return () if self._stewards is None else self._stewards.values()[:-1]

    def is_admitted(self, account: AccountId, height: int | None = None) -> bool:
        """Tell whether the account may be paid; account 0 always."""
        if account == COMMONS:
            return True
        member = self.members.get(account)
        return member is not None and (height is None or member.admitted_at <= height)

    def limit(self, account: AccountId, height: int | None = None) -> int:
        """How far below zero the account may go; of account 0 the charter says it. 0 for one not admitted yet."""
        if account == COMMONS:
            return self.charter(height).commons_limit
        return self.members[account].limit.at(height) if self.is_admitted(account, height) else 0

    def level(self, account: AccountId, height: int | None = None) -> int:
        """0 free, 1 suspended (no send), 2 frozen (no entry)."""
        return FREE if account == COMMONS or account not in self.members else self.members[account].level.at(height)

    def adjust(self, account: AccountId, height: int | None = None) -> int:
        """What charges have moved into (out of, if negative) the account."""
        if account == COMMONS:
            return self._adjust.at(height)
        return self.members[account].adjust.at(height) if account in self.members else 0

    def hold(self, account: AccountId, height: int | None = None) -> int:
        """What closures keep back of the account. Closures come with a later charter version: nothing yet."""
        return 0

    def advance(self, id: EntryId, act: Act) -> None:
        """Put the entry `id` at the next height in force. The act was judged against the state here."""
        height = self.height = self.height + 1
        if act.found is not None:
            self._begin(CommunityId(id), act.found)
        if act.charter is not None and self._charter is not None:
            self._charter.set(height, act.charter)
        if act.stewards is not None and self._stewards is not None:
            self._stewards.set(height, act.stewards)
        for admit in act.admits:
            self.members[admit.number] = Member(admit, height)
            self.by_handle[admit.handle] = admit.number
        for account, limit in act.limits.items():
            self.members[account].limit.set(height, limit)
        for account, level in act.levels.items():
            self.members[account].level.set(height, level)
        for account, adjust in act.adjusts.items():
            (self._adjust if account == COMMONS else self.members[account].adjust).set(height, adjust)

    def _begin(self, community: CommunityId, found: Found) -> None:
        self.community = community
        self.name, self.unit, self.decimals = found.name, found.unit, found.decimals
        self.quorum, self.witnesses = found.quorum, found.witnesses
        self._charter = Timeline(0, found.charter)
        self._stewards = Timeline(0, found.stewards)
