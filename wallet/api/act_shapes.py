"""The shapes of answers about acts, stewards, invites and requests. Amounts are decimal strings, handles are bare."""

from typing import TypedDict


class ActView(TypedDict):
    """An act. `state` is called, waiting, collecting, deciding, overtaken, in force, refused or withdrawn; `act` is the
    beginning of `id` by which people name it; `needed` of `signed` and `missing` together have to sign; `here`: signed
    or wished for by this wallet; `time` is seconds since 1970 by the clock of who composed it."""

    act: str
    id: str
    state: str
    words: list[str]
    signed: list[str]
    missing: list[str]
    needed: int
    here: bool
    reason: str
    place: int | None
    time: int | None


class ActsView(TypedDict):
    """What is open, and the newest of what is decided or came to nothing. `steward`: this wallet signs acts."""

    open: list[ActView]
    past: list[ActView]
    stewards: int
    needed: int
    steward: bool


class ActPreviewView(TypedDict):
    """What an act would do, in words; nothing was signed. `alone`: it needs no other steward."""

    words: list[str]
    alone: bool
    locked: bool


class InviteView(TypedDict):
    """An invite. Whoever has `invite`, `link` or `file` (the content of one) can ask to join. `only_here`: its address
    is reached on this computer only."""

    invite: str
    link: str
    file: str
    uses: int
    limit: str
    unit: str
    expires: int
    addresses: list[str]
    only_here: bool


class RequestView(TypedDict):
    """Somebody who asks to be admitted. `invited_by` is a handle, or null for an invite of a steward; `alike` are
    members whom the name could be taken for; `limit` is the credit limit that the invite says."""

    id: str
    handle: str
    greeting: str
    invited_by: str | None
    own: bool
    uses: int
    limit: str
    expires: int
    alike: list[str]


class RequestsView(TypedDict):
    """All that wait for a steward."""

    unit: str
    requests: list[RequestView]


class DeclinedView(TypedDict):
    """A request that is shown here no longer."""

    id: str
    handle: str
    declined: bool


class StewardView(TypedDict):
    """A steward; `handle` is null while nobody said whose the key is."""

    handle: str | None
    key: str
    own: bool


class StewardsView(TypedDict):
    """The stewards in force, how many of them sign, and the handles of others who would serve."""

    stewards: list[StewardView]
    needed: int
    willing: list[str]


class CharterView(TypedDict):
    """The charter in force. Empty `ceiling`: none; `levy` is a percentage such as "2 %"."""

    least_send: str
    ceiling: str | None
    levy: str
    commons_limit: str


class CommunityView(TypedDict):
    """The community: its charter, also in `words`, who decides, and what its witnesses tolerate."""

    id: str
    name: str
    unit: str
    decimals: int
    members: int
    height: int
    charter: CharterView
    stewards: int
    stewards_needed: int
    witnesses: int
    quorum: int
    may_lie: int
    may_be_away: int
    tolerance: str
    words: list[str]
